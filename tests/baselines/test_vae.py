"""The variational autoencoder: bounds, gradients, samples, files, bad input."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import load_digits
from sklearn.utils.estimator_checks import parametrize_with_checks

from gaussflow.baselines import VAETransformer

torch = pytest.importorskip("torch")


@parametrize_with_checks(
    [
        VAETransformer(1, (4,), likelihood="gaussian", n_epochs=2, random_state=0),
        VAETransformer(
            1,
            (),
            likelihood="gaussian",
            regularizer="mmd",
            prior="gmm",
            early_stopping=True,
            n_epochs=2,
        ),
    ]
)
def test_it_keeps_scikit_learn_s_rules(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def digits():
    return load_digits().data / 16


@pytest.fixture(scope="module")
def fitted(digits):
    return VAETransformer(6, (64,), n_epochs=60, random_state=0).fit(digits[:1500])


def test_reconstructions_come_close_and_losses_fall(fitted, digits):
    held_out = digits[1500:]
    error = np.mean((fitted.reconstruct(held_out) - held_out) ** 2)
    assert error < 0.6 * np.mean((digits[:1500].mean(axis=0) - held_out) ** 2)
    losses = [record["loss"] for record in fitted.loss_curve_]
    assert len(losses) == 60
    assert losses[-1] < 0.8 * losses[0]


def test_a_saved_model_gives_the_same_bits(fitted, digits, tmp_path):
    fitted.save(tmp_path / "vae.gaussflow")
    again = VAETransformer.load(tmp_path / "vae.gaussflow")
    assert_array_equal(again.transform(digits), fitted.transform(digits))
    assert_array_equal(
        again.sample(5, random_state=1), fitted.sample(5, random_state=1)
    )
    assert again.loss_curve_ == fitted.loss_curve_


@pytest.mark.parametrize("prior", ["standard", "gaussian", "gmm", "gaussianization"])
def test_the_bounds_are_ordered_for_every_prior(fitted, digits, prior):
    model = fitted
    model.set_params(prior=prior, n_components=5).fit_prior(digits[:1500])
    X = digits[1500:1550]
    elbo = model.score_samples(X, n_importance=50)
    iwae = model.score_samples(X, "iwae", n_importance=50)
    assert (elbo <= iwae + 1.0).all()
    assert elbo.mean() < iwae.mean()
    model.set_params(prior="standard").fit_prior(digits[:1500])
