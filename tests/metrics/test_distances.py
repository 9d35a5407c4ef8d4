"""Distances of two samples: Frechet, kernel and sliced Wasserstein."""

import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.stats import ortho_group, wasserstein_distance
from sklearn import config_context
from sklearn.metrics.pairwise import polynomial_kernel

from gaussflow.metrics import (
    frechet_distance,
    frechet_distance_from_moments,
    kernel_distance,
    sliced_wasserstein,
)

# -- Frechet -----------------------------------------------------------------------


def test_frechet_of_diagonal_gaussians_is_the_closed_form(rng):
    """Commuting covariances: |m1 - m2|^2 + sum of (s1 - s2)^2."""
    Q = ortho_group.rvs(6, random_state=rng)
    s, t = rng.uniform(0, 3, (2, 6))
    m, n = rng.standard_normal((2, 6))
    distance = frechet_distance_from_moments(m, Q * s**2 @ Q.T, n, Q * t**2 @ Q.T)
    assert distance == pytest.approx(((m - n) ** 2).sum() + ((s - t) ** 2).sum())


def test_frechet_of_any_covariances_agrees_with_the_matrix_root(rng):
    F, G = rng.standard_normal((2, 5, 9))
    S, T = F @ F.T, G @ G.T
    expected = np.trace(S) + np.trace(T) - 2 * np.trace(sqrtm(S @ T).real)
    zero = np.zeros(5)
    assert frechet_distance_from_moments(zero, S, zero, T) == pytest.approx(expected)


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_frechet_is_exact_for_singular_covariances(rng, scale):
    """A root of the product's eigenvalues errs by 1e-8 of the trace here."""
    F = scale * rng.standard_normal((40, 3))
    S, zero = F @ F.T, np.zeros(40)
    same = frechet_distance_from_moments(zero, S, zero, S)
    assert same <= 1e-12 * np.trace(S)
    point = frechet_distance_from_moments(zero, S, zero, np.zeros((40, 40)))
    assert point == pytest.approx(np.trace(S))


@pytest.mark.usefixtures("block_numbers")
def test_frechet_of_samples_uses_their_mean_and_covariance(rng):
    A, B = rng.standard_normal((30, 4)), 2 * rng.random((50, 4)) + 1
    expected = frechet_distance_from_moments(
        A.mean(axis=0), np.cov(A.T), B.mean(axis=0), np.cov(B.T)
    )
    assert frechet_distance(A, B) == pytest.approx(expected)
    assert frechet_distance(A, A) == pytest.approx(0, abs=1e-12)


def test_frechet_takes_more_columns_than_rows_and_one_column(rng):
    A = rng.standard_normal((5, 20))
    assert frechet_distance(A, A + 1) == pytest.approx(20)
    assert frechet_distance(A[:, :1], A[:, :1] + 2) == pytest.approx(4)
    assert frechet_distance(np.ones((3, 2)), np.zeros((4, 2))) == pytest.approx(2)


@pytest.mark.parametrize(
    ("mean", "cov", "message"),
    [
        (np.zeros(2), np.eye(3), "must have shapes"),
        (np.zeros((2, 1)), np.eye(2), "must have shapes"),
        (np.zeros(3), np.eye(3), "mean_a has 2 entries, but mean_b has 3"),
        (np.zeros(2), [[1.0, 2.0], [0.0, 1.0]], "cov_b must be symmetric"),
        (np.zeros(2), [[1.0, 2.0], [2.0, 1.0]], "cov_b must be positive semi"),
        ([0.0, np.nan], np.eye(2), "not finite"),
    ],
)
def test_frechet_refuses_what_are_no_moments(mean, cov, message):
    with pytest.raises(ValueError, match=message):
        frechet_distance_from_moments(np.zeros(2), np.eye(2), mean, cov)


# -- kernel distance ---------------------------------------------------------------


def test_one_subset_of_the_kernel_distance_is_the_u_statistic(rng):
    """Constant rows: every subset is the same, and the kernel is a number."""
    A, B = np.tile([1.0, 2.0], (10, 1)), np.tile([3.0, -1.0], (12, 1))
    aa, bb, ab = (
        (x @ y / 2 + 1) ** 3 for x, y in ((A[0], A[0]), (B[0], B[0]), (A[0], B[0]))
    )
    assert kernel_distance(A, B) == pytest.approx(aa + bb - 2 * ab)
    # All subsets together see every pair: their mean nears that over all pairs.
    A, B = rng.standard_normal((20, 3)), rng.standard_normal((20, 3)) + 0.5
    K = [polynomial_kernel(*pair, degree=3) for pair in ((A, A), (B, B), (A, B))]
    within = sum((k.sum() - np.trace(k)) / (20 * 19) for k in K[:2])
    found = kernel_distance(A, B, n_subsets=5000)
    assert found == pytest.approx(within - 2 * K[2].mean(), rel=0.05)


def test_kernel_distance_is_unbiased_and_knows_its_error(rng):
    """Its mean over equal laws is 0, where a biased one would be positive."""
    draws = [
        kernel_distance(
            *rng.standard_normal((2, 100, 3)), n_subsets=20, return_error=True
        )
        for _ in range(200)
    ]
    values, errors = np.array(draws).T
    assert abs(values.mean()) < 4 * values.std() / np.sqrt(200)
    # The bias of the V-statistic is E k(x, x) - E k(x, y) over n, here about 0.16.
    assert values.std() / np.sqrt(200) < 0.02
    assert errors.mean() > values.std()


def test_the_error_of_the_kernel_distance_is_that_of_new_samples(rng):
    draws = [
        kernel_distance(
            rng.standard_normal((80, 3)),
            rng.standard_normal((80, 3)) + 1.0,
            n_subsets=30,
            return_error=True,
        )
        for _ in range(200)
    ]
    values, errors = np.array(draws).T
    # The spread of 200 values is known within 5 %; the formula holds to leading order.
    assert np.sqrt((errors**2).mean()) == pytest.approx(values.std(), rel=0.3)


def test_seeds_decide_subsets_and_directions(rng):
    A, B = rng.standard_normal((2, 60, 3))
    for metric in (kernel_distance, sliced_wasserstein):
        one = metric(A, B, random_state=3)
        assert metric(A, B, random_state=3) == one
        assert metric(A, B, random_state=4) != one


# -- sliced Wasserstein ------------------------------------------------------------


def test_sliced_distance_of_a_shift_is_its_length_over_root_d(rng):
    """W_2(w.A, w.A + w.s) = |w.s|, and E (w.s)^2 = |s|^2 / d."""
    A, shift = rng.standard_normal((50, 8)), rng.standard_normal(8)
    found = sliced_wasserstein(A, A + shift, 20_000)
    assert found == pytest.approx(np.linalg.norm(shift) / np.sqrt(8), rel=0.03)


def test_sliced_distance_of_gaussians_is_the_closed_form(rng):
    """N(0, I) and N(s, 4 I): W_2^2 = (w.s)^2 + 1 along every direction."""
    A, B = rng.standard_normal((2, 5000, 4))
    found = sliced_wasserstein(A, 2 * B + [2, 0, 0, 0], 300)
    # The directions' (w.s)^2 has mean 1 and standard deviation 0.9: 0.05 of 300.
    assert found**2 == pytest.approx(2, abs=0.25)


@pytest.mark.parametrize(("n", "m"), [(7, 7), (4, 6), (5, 7), (1, 9), (12, 4)])
def test_sliced_distance_of_one_column_is_scipy_s(rng, n, m):
    a, b = rng.standard_normal(n), rng.standard_normal(m) + 0.3
    found = sliced_wasserstein(a[:, None], b[:, None], 3, p=1)
    assert found == pytest.approx(wasserstein_distance(a, b))
    # Order 2: repeated rows make sizes equal without changing the samples' laws.
    x, y = np.sort(np.repeat(a, m)), np.sort(np.repeat(b, n))
    found = sliced_wasserstein(a[:, None], b[:, None], 3)
    assert found == pytest.approx(np.sqrt(((x - y) ** 2).mean()))


def test_sliced_distance_does_not_depend_on_blocks(rng):
    A, B = rng.standard_normal((40, 5)), rng.standard_normal((30, 5))
    whole = sliced_wasserstein(A, B)
    with config_context(working_memory=1000 * 8 / 2**20):
        assert sliced_wasserstein(A, B) == pytest.approx(whole, rel=1e-12)
