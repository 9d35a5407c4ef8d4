import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize

from gaussflow.kernels.density import (
    kde_densities,
    penalized_densities,
    stack_densities,
)
from gaussflow.marginals.counts import BIN_WIDTH, CENTRES, GRID_HALF, N_BINS
from gaussflow.marginals.spline import BASIS, BASIS_START
from tests.kernels import reference


def skewed_counts(rng, n_samples=400):
    values = (rng.gamma(3.0, size=n_samples) - 3.0) / 2.0
    bins = np.clip((values + GRID_HALF) / BIN_WIDTH, 0, N_BINS - 1).astype(int)
    return np.bincount(bins, minlength=N_BINS).astype(np.float64)


def estimate(counts, bandwidth, reflect):
    density, left_out = np.empty((1, N_BINS)), np.zeros((1, N_BINS))
    kde_densities(
        counts,
        -GRID_HALF,
        BIN_WIDTH,
        np.array([bandwidth]),
        reflect,
        density,
        left_out,
    )
    return density[0], left_out[0]


@pytest.mark.parametrize("bandwidth", [0.05, 0.3, 0.8])
def test_folded_kernels_agree_with_the_reference(bandwidth, global_random_seed):
    counts = skewed_counts(np.random.default_rng(global_random_seed))
    occupied = np.flatnonzero(counts)
    first, last = occupied[[0, -1]]
    ends = (CENTRES[first] - BIN_WIDTH / 2, CENTRES[last] + BIN_WIDTH / 2)
    matrix = reference.kernel_matrix(CENTRES, CENTRES, bandwidth, BIN_WIDTH, ends)
    density, left_out = estimate(counts, bandwidth, True)
    # The kernel is cut off at four bandwidths.
    expected = matrix @ counts / counts.sum()
    assert_allclose(density, expected, rtol=2e-3, atol=2e-4)
    assert_allclose(density.sum() * BIN_WIDTH, 1.0, rtol=1e-12)
    rest = matrix @ counts - np.diag(matrix)
    inner = occupied[1:-1]
    expected = rest[inner] / (counts.sum() - 1)
    assert_allclose(left_out[inner], expected, rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("bandwidth", [0.1, 0.5])
def test_a_left_out_row_sees_the_density_of_the_others(bandwidth, global_random_seed):
    counts = skewed_counts(np.random.default_rng(global_random_seed), 60)
    for reflect in (False, True):
        _, left_out = estimate(counts, bandwidth, reflect)
        for b in np.flatnonzero(counts)[5:12]:
            others = counts.copy()
            others[b] -= 1
            alone, _ = estimate(others, bandwidth, reflect)
            # The others' own mean and variance move a little without the row.
            assert_allclose(left_out[b], alone[b], rtol=0.1, atol=0.01)


def test_free_kernels_keep_mean_and_variance(global_random_seed):
    counts = skewed_counts(np.random.default_rng(global_random_seed), 4000)
    mean = counts @ CENTRES / counts.sum()
    variance = counts @ (CENTRES - mean) ** 2 / counts.sum()
    for bandwidth in (0.1, 0.5, 0.8):
        density, _ = estimate(counts, bandwidth, False)
        mass = density * BIN_WIDTH
        assert_allclose(mass @ CENTRES, mean, atol=2e-3)
        assert_allclose(mass @ (CENTRES - mass @ CENTRES) ** 2, variance, rtol=0.01)


@pytest.mark.parametrize("penalty", [1e4, 1.0, 1e-2])
def test_penalised_likelihood_agrees_with_the_reference(penalty, global_random_seed):
    counts = skewed_counts(np.random.default_rng(global_random_seed))
    density, score = np.empty((1, N_BINS)), np.empty(1)
    penalized_densities(
        counts,
        -GRID_HALF,
        BIN_WIDTH,
        BASIS,
        BASIS_START,
        np.array([penalty]),
        False,
        density,
        score,
    )
    expected, expected_score = reference.penalized(
        counts, -GRID_HALF, BIN_WIDTH, BASIS, BASIS_START, penalty
    )
    # Newton's steps stop below 1e-4.
    assert_allclose(density[0], expected, rtol=1e-3, atol=1e-9)
    assert_allclose(score[0], expected_score, rtol=1e-4)


def test_stacking_finds_the_best_mixture(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    counts = rng.integers(0, 9, 60).astype(np.float64)
    left_out = rng.gamma(0.5, size=(4, 60))
    weights = np.empty(4)
    value = stack_densities(counts, left_out, 0.0, weights)

    def loss(logits):
        w = np.exp(logits - logits.max())
        return -counts @ np.log(w / w.sum() @ left_out) / counts.sum()

    best = -minimize(loss, np.zeros(4), method="BFGS").fun
    assert_allclose(weights.sum(), 1.0)
    assert (weights >= 0).all()
    assert_allclose(value, -loss(np.log(np.maximum(weights, 1e-300))), rtol=1e-6)
    assert best - 0.01 <= value <= best + 1e-6


def test_stacking_falls_back_on_the_last_density():
    left_out = np.array([[1e-9, 1e-9], [1.0, 1.0]])
    weights = np.empty(2)
    stack_densities(np.array([1.0, 1.0]), left_out, 0.5, weights)
    np.testing.assert_array_equal(weights, [0.0, 1.0])
    stack_densities(np.array([1.0, 1.0]), np.ones((5, 2)), 3.0, np.empty(5))
