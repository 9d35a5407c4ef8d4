"""Chaotic noise: normal margins, a known exponent, and no independence."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import kstest

from gaussflow.baselines import VAETransformer
from gaussflow.baselines.noise import (
    logistic_map_noise,
    logistic_orbit,
    lyapunov_exponent,
)


@pytest.fixture
def rng(global_random_seed):
    return np.random.default_rng(global_random_seed)


def test_an_orbit_is_the_closed_form(rng):
    """x_t = sin^2(2^t theta) for x_0 = sin^2(theta)."""
    theta = rng.uniform(0, np.pi / 2, 50)
    orbit = logistic_orbit(12, np.sin(theta) ** 2)
    exact = np.sin(theta[:, np.newaxis] * 2.0 ** np.arange(12)) ** 2
    assert_allclose(orbit, exact, atol=1e-10)


def test_the_exponent_is_log_2(rng):
    start = np.sin(0.5 * np.pi * rng.random(200)) ** 2
    assert_allclose(lyapunov_exponent(logistic_orbit(500, start)), np.log(2), atol=0.01)
    fixed_point = logistic_orbit(5, [0.75])  # f'(3/4) = -2
    assert_allclose(lyapunov_exponent(fixed_point), np.log(2))


def test_margins_are_normal_and_neighbours_uncorrelated_but_not_independent(rng):
    noise = logistic_map_noise((20_000, 6), rng)
    assert np.isfinite(noise).all()
    for column in noise.T:
        assert kstest(column, "norm").pvalue > 1e-4
    assert abs(np.corrcoef(noise.T) - np.eye(6)).max() < 0.04
    # Each is a function of the one before it: z' falls with |z|.
    assert np.corrcoef(abs(noise[:, 0]), noise[:, 1])[0, 1] < -0.9


def test_a_vae_trains_on_it_and_repeats_with_its_seed(rng):
    pytest.importorskip("torch")
    X = rng.random((100, 6))
    params = {"noise": "logistic-map", "n_epochs": 2, "random_state": 0}
    one, two = (VAETransformer(3, (8,), **params).fit(X) for _ in range(2))
    assert_array_equal(one.transform(X), two.transform(X))
    other = VAETransformer(3, (8,), n_epochs=2, random_state=0).fit(X)
    assert not np.array_equal(one.transform(X), other.transform(X))
