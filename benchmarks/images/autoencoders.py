"""How good are the neural baselines, and what does the prior on their codes change?

One CPU thread, seeds 0 to 2, MNIST through GAUSSFLOW_DATA or OpenML. FCD is the
Frechet distance on the features of a small classifier trained on the training
split, of 10,000 samples against the 10,000 test images. Run
``python benchmarks/images/autoencoders.py``, with any of its tasks: vae cvae shapes
priors noise table transfer.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import time
import warnings

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.mixture import GaussianMixture

from benchmarks.common.measure import in_new_process
from benchmarks.common.results import ResultFile, arguments
from gaussflow import GenFlow, datasets
from gaussflow.baselines import (
    AutoencoderTransformer,
    ConditionalVAETransformer,
    ImageClassifier,
    TransferClassifier,
    VAETransformer,
)
from gaussflow.metrics import (
    active_units,
    dci,
    frechet_distance,
    inception_score,
    information_rate,
    label_consistency,
    mutual_information_gap,
    nearest_distance,
    noise_stability,
    path_smoothness,
    sliced_wasserstein,
)

SHAPE = (28, 28, 1)
N_SAMPLES = 10_000
PRIORS = ("standard", "gaussian", "gmm", "gaussianization")


def mnist(subset, quick, fetch=datasets.fetch_mnist):
    """Return images in [0, 1], float32, and labels."""
    bunch = fetch(subset)
    n = 600 if quick else None
    return bunch.data[:n].astype(np.float32) / 255, bunch.target[:n]


def binarised(X, seed):
    """Draw each pixel as 1 with its grey value as probability, once and for all."""
    rng = np.random.default_rng(seed)
    return (rng.random(X.shape, dtype=np.float32) < X).astype(np.float32)


def timed_fit(model, *data):
    """Fit a model; return the CPU seconds that it took."""
    start = time.process_time()
    model.fit(*data)
    return time.process_time() - start


def judge(X, y, quick):
    """Train the classifier that scores samples: always with seed 0."""
    epochs = 1 if quick else 5
    return ImageClassifier(SHAPE, n_epochs=epochs, random_state=0).fit(X, y)


def scores(judge, samples, X_test, X_train):
    """Score samples beside test images."""
    samples = samples.astype(np.float32)
    features = judge.transform(samples)
    probabilities = judge.predict_proba(samples)
    return {
        "fcd": frechet_distance(features, judge.transform(X_test)),
        "inception_score": inception_score(probabilities),
        "nearest_training_distance": float(
            np.median(nearest_distance(samples[:1000], X_train))
        ),
    }


# -- tasks: each returns records of one seed ------------------------------------


def vae(seed, quick):
    """Bounds on binarised MNIST, and time beside a bare torch loop."""
    n_epochs = 1 if quick else 20
    (X, _), (X_test, _) = mnist("train", quick), mnist("test", quick)
    X, X_test = binarised(X, 0), binarised(X_test, 1)
    deep = {"hidden_sizes": (500, 500), "latent_dim": 40, "n_epochs": n_epochs}
    nets = {"784-400-20": {"n_epochs": n_epochs}, "784-500-500-40": deep}
    for name, params in nets.items():
        if name != "784-400-20" and seed > 0:
            continue  # an aim, measured once
        model = VAETransformer(random_state=seed, **params)
        seconds = timed_fit(model, X)
        mean, variance = model.posterior(X_test)
        record = {
            "method": name,
            "fit_cpu_seconds": seconds,
            "epoch_cpu_seconds": seconds / params["n_epochs"],
            "elbo": model.score(X_test),
            "iwae_200": float(np.mean(model.score_samples(X_test, "iwae", 200))),
            "information_rate_bits": information_rate(mean, variance),
            "active_units": int(active_units(mean).sum()),
            "code_stability": noise_stability(
                model.transform, X_test, 0.1, bounds=(0, 1), random_state=0
            ),
            "reconstruction_stability": noise_stability(
                model.reconstruct, X_test, 0.1, bounds=(0, 1), random_state=0
            ),
        }
        if name == "784-400-20":
            record |= beside_bare_loop(X, seed)
        yield record


def beside_bare_loop(X, seed, n_epochs=2):
    """Return the ratio of our epoch's CPU time to a bare torch loop's."""
    pairs = []
    for _ in range(3):
        model = VAETransformer(random_state=seed, n_epochs=n_epochs)
        pairs.append((timed_fit(model, X), bare_loop(X, seed, n_epochs)))
    ours, bare = np.median(pairs, axis=0)
    return {
        "bare_epoch_cpu_seconds": float(bare / n_epochs),
        "time_over_bare": float(ours / bare),
    }


def bare_loop(X, seed, n_epochs):
    """Train the same net as one would in a notebook; return CPU seconds."""
    import torch
    from torch import nn

    torch.manual_seed(seed)
    start = time.process_time()
    encoder = nn.Sequential(nn.Linear(784, 400), nn.ReLU(), nn.Linear(400, 40))
    decoder = nn.Sequential(nn.Linear(20, 400), nn.ReLU(), nn.Linear(400, 784))
    parameters = [*encoder.parameters(), *decoder.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=1e-3)
    rows = torch.from_numpy(X)
    for _ in range(n_epochs):
        order = torch.randperm(len(rows))
        for i in range(0, len(rows), 128):
            x = rows[order[i : i + 128]]
            mean, log_variance = encoder(x).chunk(2, dim=1)
            z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
            loss = nn.functional.binary_cross_entropy_with_logits(
                decoder(z), x, reduction="sum"
            )
            terms = mean**2 + log_variance.exp() - log_variance - 1
            loss = (loss + 0.5 * terms.sum()) / len(x)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return time.process_time() - start


def priors(seed, quick):
    """Samples of autoencoders on MNIST by the prior on their codes."""
    (X, y), (X_test, _) = mnist("train", quick), mnist("test", quick)
    critic = judge(X, y, quick)
    yield {
        "method": "training images",
        **scores(critic, X[:N_SAMPLES], X_test, X[N_SAMPLES:] if not quick else X),
    }
    epochs = {"n_epochs": 1 if quick else 20, "random_state": seed}
    models = {
        "vae": VAETransformer(**epochs),
        "wae": VAETransformer(regularizer="mmd", **epochs),
        "autoencoder": AutoencoderTransformer(loss="bernoulli", **epochs),
    }
    for name, model in models.items():
        seconds = timed_fit(model, X)
        for prior in PRIORS:
            start = time.process_time()
            model.set_params(prior=prior).fit_prior(X)
            prior_seconds = time.process_time() - start
            samples = model.sample(N_SAMPLES, random_state=seed)
            path = model.interpolate(X_test[0], X_test[1], 12)
            yield {
                "method": f"{name}, {prior}",
                "fit_cpu_seconds": seconds,
                "prior_cpu_seconds": prior_seconds,
                "reconstruction_mse": float(
                    np.mean((model.reconstruct(X_test) - X_test) ** 2)
                ),
                "path_smoothness": path_smoothness(path, SHAPE, data_range=1.0),
                **scores(critic, samples, X_test, X),
            }


def cvae(seed, quick):
    """Label consistency of conditional samples, judged by a classifier."""
    (X, y), (X_test, y_test) = mnist("train", quick), mnist("test", quick)
    critic = judge(X, y, quick)
    model = ConditionalVAETransformer(
        image_shape=SHAPE, n_epochs=1 if quick else 15, random_state=seed
    )
    seconds = timed_fit(model, X, y)
    labels = np.arange(N_SAMPLES) % 10
    for prior in ("standard", "gmm"):
        model.set_params(prior=prior).fit_prior(X, y)
        samples = model.sample(N_SAMPLES, labels=labels, random_state=seed)
        predicted = critic.predict(samples.astype(np.float32))
        overall, worst, by_label = label_consistency(labels, predicted)
        yield {
            "method": f"cvae, {prior}",
            "fit_cpu_seconds": seconds,
            "classifier_accuracy": critic.score(X_test, y_test),
            "label_consistency": overall,
            "worst_label": worst,
            "by_label": {str(k): v for k, v in by_label.items()},
            "infer_labels_accuracy": float(
                np.mean(model.infer_labels(X_test[:2000]) == y_test[:2000])
            ),
            **scores(critic, samples, X_test, X),
        }


def shapes(seed, quick):
    """What eight latents make of shapes of known factors."""
    n = 600 if quick else 20_000
    train = datasets.make_shapes(n, random_state=100 + seed)
    # Samples are compared with fresh shapes, so many that one is always near.
    fresh = datasets.make_shapes(3 * n, random_state=300 + seed)
    fresh = fresh.data.astype(np.float32)
    test = datasets.make_shapes(300 if quick else 2_000, random_state=200 + seed)
    X, X_test = (b.data.astype(np.float32) for b in (train, test))
    params = {"latent_dim": 8, "hidden_sizes": (400, 200), "random_state": seed}
    params["n_epochs"] = 1 if quick else 40
    models = {f"vae, beta {b}": VAETransformer(beta=b, **params) for b in (1, 4)}
    models["autoencoder"] = AutoencoderTransformer(prior="standard", **params)
    for name, model in models.items():
        seconds = timed_fit(model, X)
        codes = model.transform(X_test)
        samples = model.sample(1_000, random_state=seed).astype(np.float32)
        nearest = nearest_distance(samples, fresh)
        record = {
            "method": name,
            "fit_cpu_seconds": seconds,
            "nearest_mse": float(np.mean(nearest**2) / X.shape[1]),
            "nearest_mse_of_shapes": float(
                np.mean(nearest_distance(X_test, fresh) ** 2) / X.shape[1]
            ),
            "mig": mutual_information_gap(codes, test.factors),
            "mig_by_factor": mutual_information_gap(
                codes, test.factors, per_factor=True
            ).tolist(),
            **dci(codes, test.factors, random_state=0),
        }
        if isinstance(model, VAETransformer):
            mean, variance = model.posterior(X_test)
            record |= {
                "active_units": int(active_units(mean).sum()),
                "information_rate_bits": information_rate(mean, variance),
                "bits_by_unit": information_rate(
                    mean, variance, per_unit=True
                ).tolist(),
                "elbo": float(np.mean(model.score_samples(X_test, n_importance=50))),
            }
        yield record


def noise(seed, quick):
    """Chaotic noise against Gaussian noise in the reparameterisation."""
    (X, _), (X_test, _) = mnist("train", quick), mnist("test", quick)
    X, X_test = binarised(X, 0), binarised(X_test, 1)
    for name in ("gaussian", "logistic-map"):
        model = VAETransformer(
            noise=name, n_epochs=1 if quick else 10, random_state=seed
        )
        seconds = timed_fit(model, X)
        yield {
            "method": name,
            "fit_cpu_seconds": seconds,
            "elbo": float(np.mean(model.score_samples(X_test, n_importance=50))),
            "iwae_50": float(np.mean(model.score_samples(X_test, "iwae", 50))),
        }


def table(seed, quick):
    """GenFlow beside the neural baselines on the bundled digits."""
    X, y = datasets.load_digits_images().data / 16.0, None
    order = np.random.default_rng(seed).permutation(len(X))
    train, test = X[order[:1400]], X[order[1400:]]
    y = datasets.load_digits_images().target[order[:1400]]
    params = {"latent_dim": 10, "hidden_sizes": (128,), "random_state": seed}
    params["n_epochs"] = 2 if quick else 150
    methods = {
        "genflow": GenFlow(random_state=seed),
        "gaussian mixture of 10": GaussianMixture(
            10, reg_covar=1e-3, random_state=seed
        ),
        "vae, standard": VAETransformer(**params),
        "vae, gmm": VAETransformer(prior="gmm", n_components=20, **params),
        "vae, gaussianization": VAETransformer(prior="gaussianization", **params),
        "wae, gmm": VAETransformer(
            regularizer="mmd", prior="gmm", n_components=20, **params
        ),
        "cvae, gmm": ConditionalVAETransformer(prior="gmm", n_components=5, **params),
        "autoencoder, gmm": AutoencoderTransformer(
            prior="gmm", n_components=20, **params
        ),
    }
    for name, model in methods.items():
        start = time.process_time()
        model.fit(train, y)
        seconds = time.process_time() - start
        if isinstance(model, GaussianMixture):
            samples = model.sample(1_400)[0]
        else:
            samples = model.sample(1_400, random_state=seed)
        yield {
            "method": name,
            "fit_cpu_seconds": seconds,
            "sliced_wasserstein": sliced_wasserstein(samples, test, random_state=0),
            "sliced_wasserstein_train": sliced_wasserstein(train, test, random_state=0),
            "nearest_test_distance": float(np.median(nearest_distance(test, samples))),
        }


def transfer(seed, quick):
    """Few labels of Fashion-MNIST: what was learned on MNIST, and from scratch."""
    (X_source, y_source), (X, y) = (
        mnist("train", quick),
        mnist("train", quick, datasets.fetch_fashion_mnist),
    )
    X_test, y_test = mnist("test", quick, datasets.fetch_fashion_mnist)
    backbone = judge(X_source, y_source, quick)
    params = {"n_epochs": 2 if quick else 50, "random_state": seed}
    order = np.random.default_rng(seed).permutation(len(X))
    for n_labels in (100,) if quick else (100, 500, 2_000):
        few = order[:n_labels]
        methods = {
            "from scratch": ImageClassifier(SHAPE, batch_size=32, **params),
            "backbone of MNIST, frozen": TransferClassifier(
                backbone=backbone, **params
            ),
            "backbone of MNIST, trained on": TransferClassifier(
                backbone=backbone, freeze=False, learning_rate=1e-3, **params
            ),
            "backbone of digits, frozen": TransferClassifier(SHAPE, **params),
            "logistic regression": LogisticRegression(max_iter=1_000),
        }
        for name, model in methods.items():
            seconds = timed_fit(model, X[few], y[few])
            yield {
                "method": f"{name}, {n_labels} labels",
                "fit_cpu_seconds": seconds,
                "accuracy": model.score(X_test, y_test),
            }


TASKS = {f.__name__: f for f in (vae, cvae, shapes, priors, noise, table, transfer)}


def run(task, seed, quick):
    """Return the records of one task and seed."""
    import torch

    torch.set_num_threads(1)
    warm_up = np.random.default_rng(0).random((20, 4))
    VAETransformer(2, n_epochs=1).fit(warm_up)  # imports outside the clock
    warnings.simplefilter("ignore")  # of the peers: convergence
    return {"records": list(TASKS[task](seed, quick))}


def main(argv=None):
    parser = arguments(__doc__, __file__, quick="600 rows")
    parser.add_argument("tasks", nargs="*", default=list(TASKS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    args = parser.parse_args(argv)
    if unknown := set(args.tasks) - set(TASKS):
        parser.error(f"unknown tasks {sorted(unknown)}; there are {list(TASKS)}")
    out = ResultFile(args.out, keys=("task", "method", "seed"))
    for task in args.tasks:
        for seed in args.seeds:
            result = in_new_process(run, task, seed, args.quick)
            for record in result.get("records", [{"method": "", **result}]):
                out.add({"task": task, "seed": seed, **record})
                print(task, seed, record, flush=True)


if __name__ == "__main__":
    main()
