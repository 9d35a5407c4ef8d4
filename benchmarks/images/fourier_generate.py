"""What draws images from codes: Deep Fourier Machines, and decoders to all pixels.

All have the same encoder, the same passes over the training images, and priors fitted
in the same way on their codes. FCD and reconstruction are on the test images.
"""

import time
import warnings

import numpy as np

from gaussflow import datasets
from gaussflow.baselines import (
    AutoencoderTransformer,
    FourierGenerator,
    ImageClassifier,
    VAETransformer,
)
from gaussflow.metrics import frechet_distance

SHAPE = (28, 28, 1)
SETS = {"mnist": datasets.fetch_mnist, "fashion": datasets.fetch_fashion_mnist}
N_SAMPLES = 10_000
#: Components of the mixture on the codes.
N_COMPONENTS = 30
#: Codes are searched for so many training images, and for so many test images.
N_SEARCHED, N_SEARCHED_TEST = 5_000, 1_000
SEARCH_STEPS = 10


def load(name, quick):
    """Return training images, their labels and test images, pixels in [0, 1]."""
    n = 600 if quick else None
    train, test = SETS[name]("train"), SETS[name]("test")
    X, X_test = (b.data[:n].astype(np.float32) / 255 for b in (train, test))
    return X, train.target[:n], X_test


def models(seed, n_epochs):
    """Return the generators, not fitted, by name."""
    common = {"n_epochs": n_epochs, "random_state": seed, "prior": "gaussian"}
    common["n_components"] = N_COMPONENTS
    return {
        "fourier": FourierGenerator(image_shape=SHAPE, **common),
        "fourier, thesis net": FourierGenerator.preset("mnist", **common),
        "mlp autoencoder": AutoencoderTransformer(
            55, (512, 256), loss="bernoulli", **common
        ),
        "vae": VAETransformer(55, (512, 256), **common),
    }


def generate(name, seed, quick=False, methods=("fourier", "mlp autoencoder", "vae")):
    """Fit generators on a set; yield records of what each draws by each prior.

    Parameters
    ----------
    name : {"mnist", "fashion"}
    seed : int
    quick : bool, default=False
        600 images and one pass: a smoke test.
    methods : tuple of str
        Of ``models``.

    Yields
    ------
    record : dict
    """
    warnings.simplefilter("ignore")
    X, y, X_test = load(name, quick)
    n_epochs = 1 if quick else 5
    judge = ImageClassifier(SHAPE, n_epochs=n_epochs, random_state=0).fit(X, y)
    real = judge.transform(X_test)
    n_judged = min(N_SAMPLES, len(X))
    floor = frechet_distance(judge.transform(X[:n_judged]), real)
    for method in methods:
        model = models(seed, n_epochs)[method]
        start = time.process_time()
        model.fit(X)
        record = {
            "train_rows": len(X),
            "n_epochs": n_epochs,
            "fit_cpu_seconds": time.process_time() - start,
            "fcd_floor": floor,
        }
        reconstructed = model.reconstruct(X_test)
        record["reconstruction_mse"] = float(np.mean((reconstructed - X_test) ** 2))
        record["fcd_reconstructed"] = frechet_distance(
            judge.transform(as_pixels(reconstructed)), real
        )
        for prior in ("gaussian", "gmm"):
            yield {
                "method": f"{method}, {prior}",
                **record,
                **drawn(model.set_params(prior=prior), X, seed, judge, real),
            }
        if isinstance(model, FourierGenerator):
            yield {
                "method": f"{method}, searched codes, gmm",
                **{k: v for k, v in record.items() if k != "fcd_reconstructed"},
                **searched(model, X, X_test, seed, judge, real),
            }


def drawn(model, X, seed, judge, real):
    """Fit the prior on the codes of rows, and judge what it draws."""
    start = time.process_time()
    model.fit_prior(X)
    prior_seconds = time.process_time() - start
    start = time.process_time()
    samples = model.sample(N_SAMPLES, random_state=seed)
    return {
        "prior_cpu_seconds": prior_seconds,
        "sample_cpu_seconds_10000": time.process_time() - start,
        "fcd": frechet_distance(judge.transform(as_pixels(samples)), real),
    }


def searched(model, X, X_test, seed, judge, real):
    """Judge the same decoder where each image's code is searched for."""
    model.set_params(n_search=SEARCH_STEPS)
    some = X_test[:N_SEARCHED_TEST]
    error = np.mean((model.reconstruct(some) - some) ** 2)
    return {
        "n_search": SEARCH_STEPS,
        "prior_rows": min(N_SEARCHED, len(X)),
        "reconstruction_mse": float(error),
        **drawn(model, X[:N_SEARCHED], seed, judge, real),
    }


def as_pixels(X):
    """Return what is shown of images: pixels in [0, 1]."""
    return np.clip(X, 0, 1).astype(np.float32)
