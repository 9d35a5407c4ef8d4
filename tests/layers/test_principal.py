import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.utils.estimator_checks import parametrize_with_checks

from gaussflow import GenFlow
from gaussflow.estimator_checks import check_generative_estimator
from gaussflow.layers import Elliptical, Linear, Principal, ScaleMixture
from gaussflow.mixtures.normality import looks_standard_normal


@parametrize_with_checks([Principal(Elliptical(), 2)])
def test_principal_keeps_scikit_learn_s_rules(estimator, check):
    check(estimator)


@pytest.mark.parametrize("n_components", [1, 2, 9])
def test_principal_keeps_the_laws_of_a_density(n_components, global_random_seed):
    layer = Principal(Linear(n_iter=3), n_components)
    check_generative_estimator(layer, random_state=global_random_seed)


def clusters(rng, n, d=12):
    """Two clusters of a correlated Gaussian, apart along the first column."""
    X = rng.standard_normal((n, d)) * np.geomspace(1.0, 0.05, d)
    X[:, 0] += np.where(rng.random(n) < 0.3, 6.0, -3.0)
    return X


def test_a_gaussian_gets_its_exact_density(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    X = rng.standard_normal((4000, 3)) @ np.diag([5.0, 1.0, 0.2]) + 7.0
    layer = Principal(Linear(n_iter=0), 1).fit(X)
    centred = X - X.mean(axis=0)
    covariance = centred.T @ centred / len(X)
    squares = np.einsum("ij,jk,ik->i", centred, np.linalg.inv(covariance), centred)
    log_det = np.linalg.slogdet(2 * np.pi * covariance)[1]
    assert_allclose(layer.score_samples(X), -0.5 * (squares + log_det), atol=0.02)


def test_the_scores_hold_what_the_layer_sees(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    train, test = clusters(rng, 2000), clusters(rng, 2000)
    layer = Principal(ScaleMixture(2, 1), 2, random_state=0).fit(train)
    plain = Principal(Linear(n_iter=0), 2).fit(train)
    assert layer.score(test) > plain.score(test) + 0.5


def test_generated_clusters_are_apart(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    X = clusters(rng, 2000)
    flow = GenFlow(
        [Principal(ScaleMixture(2, 1), 2)], direction="generate", random_state=0
    ).fit(X)
    samples = flow.sample(4000, random_state=1)
    assert np.mean(np.abs(samples[:, 0] - 1.5) < 1.0) < 0.02
    assert_allclose(np.mean(samples[:, 0] > 1.5), 0.3, atol=0.04)
    assert flow.layers_[0].source_ is None
    assert_allclose(flow.inverse_transform(flow.transform(X)), X, atol=1e-6)


def test_moments_tell_noise_from_what_is_not(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    for shape in ((2, 3), (100, 40), (5000, 2)):
        assert looks_standard_normal(rng.standard_normal(shape))
    Z = rng.standard_normal((5000, 4))
    assert not looks_standard_normal(Z + 0.2)
    assert not looks_standard_normal(Z * 1.2)
    assert not looks_standard_normal(Z[:, [0, 0, 1, 2]])
    assert not looks_standard_normal(rng.laplace(size=(5000, 4)) / np.sqrt(2))
    assert not looks_standard_normal(np.sign(Z) * np.abs(Z[:, :1]))


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"n_components": 0}, ValueError, "n_components must be an integer"),
        ({"n_components": 1.5}, ValueError, "got 1.5"),
        ({"layer": "pca"}, TypeError, "takes a layer such as"),
    ],
)
def test_bad_parameters_are_named(params, error, message):
    layer = Principal(Elliptical(), 2).set_params(**params)
    with pytest.raises(error, match=message):
        layer.fit(np.random.default_rng(0).random((20, 3)))
