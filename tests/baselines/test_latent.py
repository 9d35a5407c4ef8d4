"""What the autoencoders share: rules, samples, seeds, early stopping, bad input."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits
from sklearn.utils.estimator_checks import parametrize_with_checks

from gaussflow.baselines import (
    AutoencoderTransformer,
    ConditionalVAETransformer,
    VAETransformer,
)

torch = pytest.importorskip("torch")

MODELS = [AutoencoderTransformer, VAETransformer, ConditionalVAETransformer]


NEEDS_LABELS = {
    "check_array_api_input": "it decodes without the labels that decoding needs"
}


@parametrize_with_checks(
    [
        AutoencoderTransformer(1, (4,), n_epochs=2, random_state=0),
        ConditionalVAETransformer(
            1, (4,), likelihood="gaussian", n_epochs=2, random_state=0
        ),
    ],
    expected_failed_checks=lambda model: (
        NEEDS_LABELS if "Conditional" in repr(model) else {}
    ),
)
def test_they_keep_scikit_learn_s_rules(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:600] / 16, y[:600]


def make(cls, **params):
    default = {"latent_dim": 3, "hidden_sizes": (16,), "n_epochs": 2, "random_state": 0}
    return cls(**default | params)


@pytest.mark.parametrize("cls", MODELS)
def test_the_face(cls, digits):
    X, y = digits
    model = make(cls).fit(X, y)
    assert model.transform(X).shape == (600, 3)
    assert model.get_feature_names_out()[0] == cls.__name__.lower() + "0"
    assert model.sample(4, random_state=0).shape == (4, 64)
    assert_array_equal(model.sample(4, random_state=0), model.sample(4, random_state=0))
    assert not np.array_equal(model.sample(4), model.sample(4))
    path = model.interpolate(X[0], X[1], 5)
    assert_allclose(path[[0, -1]], model.reconstruct(X[:2]), atol=1e-9)
    values = [-1.0, model.transform(X[:1])[0, 2], 1.0]
    along = model.traverse(X[0], 2, values)
    assert_allclose(along[1], path[0], atol=1e-9)
    assert abs(along[0] - along[2]).max() > 0
    assert isinstance(model.score(X[:5]), float)
    if cls is AutoencoderTransformer:
        scores = -model.reconstruction_error(X[:5])
    else:
        scores = model.score_samples(X[:5])
    assert_allclose(model.score(X[:5]), scores.mean())
    assert model.transform(X.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("cls", MODELS)
def test_the_same_seed_gives_the_same_bits_and_leaves_torch_alone(cls, digits):
    X, y = digits
    before = torch.get_rng_state()
    one, two, other = (make(cls, random_state=s).fit(X, y) for s in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), before)
    for a, b in zip(one.decoder_.weights, two.decoder_.weights, strict=True):
        assert_array_equal(a, b)
    assert not np.array_equal(one.decoder_.weights[0], other.decoder_.weights[0])


@pytest.mark.parametrize("cls", MODELS)
def test_a_warm_start_goes_on(cls, digits):
    X, y = digits
    model = make(cls, warm_start=True).fit(X, y)
    model.fit(X, y)
    assert len(model.loss_curve_) == 4
    assert model.loss_curve_[2]["loss"] < model.loss_curve_[0]["loss"]
    with pytest.raises(ValueError, match="warm_start=True keeps"):
        model.fit(X[:, :40], y)


def test_early_stopping_keeps_the_best_weights(digits):
    X, _ = digits
    params = {"learning_rate": 0.05, "n_epochs": 100, "patience": 3}
    model = make(AutoencoderTransformer, early_stopping=True, **params)
    model.set_params(hidden_sizes=(64,), latent_dim=10).fit(X)
    losses = [record["validation_loss"] for record in model.loss_curve_]
    assert np.argmin(losses) == len(losses) - 4 < 96


def test_a_table_s_samples_have_its_units():
    rng = np.random.default_rng(0)
    Z = rng.standard_normal((2000, 2))
    X = np.column_stack(
        [1000 + 50 * Z[:, 0], 0.01 * Z[:, 0] + 0.001 * Z[:, 1], Z[:, 1]]
    )
    params = {"likelihood": "gaussian", "prior": "gaussian", "n_epochs": 30}
    vae = VAETransformer(2, (32,), random_state=0, **params).fit(X)
    S = vae.sample(4000, random_state=0)
    assert (abs(S.mean(axis=0) - X.mean(axis=0)) < 0.1 * X.std(axis=0)).all()
    assert_allclose(S.std(axis=0), X.std(axis=0), rtol=0.15)
    assert np.corrcoef(S.T)[0, 1] > 0.9
    # A log density in the units of X moves with them.
    score = vae.score(X[:100])
    wide = VAETransformer(2, (32,), random_state=0, **params)
    assert_allclose(
        wide.fit(10 * X).score(10 * X[:100]), score - 3 * np.log(10), atol=1e-3
    )


def test_a_wasserstein_autoencoder_brings_its_codes_to_the_prior(digits):
    X, _ = digits
    params = {"regularizer": "mmd", "n_epochs": 40, "hidden_sizes": (64,)}
    near = make(VAETransformer, beta=1.0, **params).fit(X)
    free = make(VAETransformer, beta=0.0, **params).fit(X)
    regularization = [m.loss_curve_[-1]["regularization"] for m in (near, free)]
    assert regularization[0] < 0.2 * regularization[1]


def test_labels_steer_what_a_conditional_model_draws(digits):
    X, y = digits
    model = ConditionalVAETransformer(
        4, (64,), n_epochs=80, learning_rate=3e-3, random_state=0
    ).fit(X, y)
    means = np.stack([X[y == c].mean(axis=0) for c in range(10)])
    labels = np.repeat(np.arange(10), 20)
    S = model.sample(200, labels=labels, random_state=0)
    nearest = ((S[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)
    assert np.mean(nearest == labels) > 0.8
    assert np.mean(model.infer_labels(X) == y) > 0.8
    told = model.score_samples(X[:50], n_importance=5, labels=y[:50])
    untold = model.score_samples(X[:50], n_importance=5)
    # log sum_c p(c) p(x | c) lies between the told one's term and the best term.
    assert (untold >= told + np.log(model.class_prior_[y[:50]]) - 1e-9).all()
    shares = np.bincount(
        model.infer_labels(model.sample(500, random_state=0)).astype(int), minlength=10
    )
    assert (shares > 10).all()


def test_labels_of_any_kind_and_priors_by_label(digits):
    X, y = digits
    names = np.array(["zero", "one"])[y % 2]
    model = make(ConditionalVAETransformer, prior="gmm", n_components=3).fit(X, names)
    assert model.sample(3, labels="one", random_state=0).shape == (3, 64)
    assert len(model.prior_.priors) == 2
    assert np.isfinite(model.score_samples(X[:5], "iwae", 5)).all()
    model.set_params(prior="gaussian").fit_prior(X, names)
    assert len(model.prior_.priors[0].weights) == 1


def test_a_prior_of_one_s_own(digits):
    from gaussflow import GenFlow
    from gaussflow.layers import Elliptical

    X, _ = digits
    model = make(VAETransformer, prior=GenFlow([Elliptical()])).fit(X)
    assert isinstance(model.prior_.model, GenFlow)
    assert model.sample(5, random_state=0).shape == (5, 64)


BAD = [
    (VAETransformer, {"latent_dim": 65}, "larger than the number of features"),
    (VAETransformer, {"beta": -1}, "beta must be a number of at least 0"),
    (VAETransformer, {"likelihood": "poisson"}, "likelihood must be one of"),
    (VAETransformer, {"regularizer": "l2"}, "regularizer must be one of"),
    (VAETransformer, {"noise": "pink"}, "noise must be one of"),
    (VAETransformer, {"prior": "flat"}, "prior must be one of"),
    (VAETransformer, {"prior": 3}, "prior must be one of"),
    (VAETransformer, {"hidden_sizes": (0,)}, "every size in hidden_sizes"),
    (VAETransformer, {"hidden_sizes": 5}, "hidden_sizes must be a tuple"),
    (VAETransformer, {"image_shape": (9, 8, 1)}, "needs 72 features, but X has 64"),
    (VAETransformer, {"batch_size": 601}, "larger than the 600 rows"),
    (VAETransformer, {"n_epochs": 0}, "n_epochs must be an integer of at least 1"),
    (VAETransformer, {"learning_rate": 0}, "learning_rate must be a number above 0"),
    (VAETransformer, {"validation_fraction": 1.0}, "validation_fraction"),
    (VAETransformer, {"device": "gpu"}, "device must be"),
    (AutoencoderTransformer, {"loss": "l1"}, "loss must be one of"),
    (AutoencoderTransformer, {"regularization": -1.0}, "regularization must be"),
    (ConditionalVAETransformer, {"label_injection": ()}, "at least one of"),
    (ConditionalVAETransformer, {"label_injection": ("top",)}, "label_injection"),
]


@pytest.mark.parametrize(("cls", "params", "message"), BAD)
def test_bad_parameters_are_named(cls, params, message, digits):
    with pytest.raises(ValueError, match=message):
        make(cls, **params).fit(*digits)


def test_cuda_asked_for_and_absent(digits):
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(ValueError, match='device="cuda" asks for a GPU'):
        make(VAETransformer, device="cuda").fit(digits[0])


@pytest.mark.parametrize("cls", [VAETransformer, ConditionalVAETransformer])
def test_pixels_outside_the_unit_interval_are_refused(cls, digits):
    X, y = digits
    with pytest.raises(ValueError, match=r"\[0, 1\]. Divide"):
        make(cls).fit(16 * X, y)
    model = make(cls).fit(X, y)
    with pytest.raises(ValueError, match=r"\[0, 1\]. Divide"):
        model.transform(X - 1)


def test_bad_calls_are_named(digits):
    X, y = digits
    vae = make(VAETransformer).fit(X)
    cvae = make(ConditionalVAETransformer).fit(X, y)
    with pytest.raises(ValueError, match="fitted without labels"):
        vae.sample(2, labels=[0, 1])
    with pytest.raises(ValueError, match="not seen at fit"):
        cvae.sample(2, labels=[0, 10])
    with pytest.raises(ValueError, match="labels has 3 entries for 2 rows"):
        cvae.sample(2, labels=[0, 1, 2])
    with pytest.raises(ValueError, match="labels are missing"):
        cvae.inverse_transform(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="Z has 4 columns"):
        vae.inverse_transform(np.zeros((2, 4)))
    with pytest.raises(ValueError, match="dim must be an integer from 0 to 2"):
        vae.traverse(X[0], 3, [0.0])
    with pytest.raises(ValueError, match="rows of one width"):
        vae.interpolate(X[0], X[1, :5])
    with pytest.raises(ValueError, match="method must be one of"):
        vae.score_samples(X, "exact")
    with pytest.raises(ValueError, match="n_samples must be an integer"):
        vae.sample(0)


def test_training_that_diverges_stops_and_says_why(digits):
    model = make(AutoencoderTransformer, learning_rate=1e30)
    with pytest.raises(FloatingPointError, match="diverged in epoch 0.*learning_rate"):
        model.fit(digits[0])
    assert not hasattr(model, "encoder_")
