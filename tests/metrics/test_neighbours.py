"""Copies, precision and recall, density and coverage."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import cdist

from gaussflow.metrics import (
    density_coverage,
    nearest_distance,
    precision_recall,
)

# -- neighbours --------------------------------------------------------------------


def naive_balls(real, generated, k):
    """Return which generated row (column) lies in which real ball (row)."""
    own = np.sort(cdist(real, real), axis=1)[:, k]  # the 0th is the row itself
    return cdist(real, generated) <= own[:, None]


@pytest.mark.usefixtures("block_numbers")
@pytest.mark.parametrize("k", [1, 3])
def test_neighbourhood_scores_agree_with_all_distances(rng, k):
    A, B = rng.standard_normal((25, 3)), rng.standard_normal((40, 3)) + 0.7
    balls = naive_balls(A, B, k)
    precision, recall = precision_recall(A, B, k=k)
    assert precision == balls.any(axis=0).mean()
    assert recall == naive_balls(B, A, k).any(axis=0).mean()
    density, coverage = density_coverage(A, B, k=k)
    assert density == pytest.approx(balls.sum() / (k * 40))
    assert coverage == balls.any(axis=1).mean()


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_neighbourhood_scores_of_equal_and_of_far_samples(rng, offset):
    X = rng.standard_normal((60, 10)) + offset
    assert precision_recall(X, X) == (1, 1)
    assert density_coverage(X, X).coverage == 1
    assert precision_recall(X, X + 100) == (0, 0)
    assert density_coverage(X, X + 100) == (0, 0)


def test_repeated_rows_lie_in_their_own_empty_balls():
    """Balls of radius 0: rounding of distances must not push rows out."""
    X = np.repeat(np.random.default_rng(0).random((5, 50)), 6, axis=0)
    assert precision_recall(X, X) == (1, 1)
    assert density_coverage(X, X[::2], k=3).coverage == 1


def test_density_and_coverage_expect_what_their_authors_derive(rng):
    """Naeem et al., lemma 1 and 2: density 1; coverage 1 - prod (n - i)/(n + m - i)."""
    n, m, k = 60, 40, 3
    draws = [
        density_coverage(rng.standard_normal((n, 2)), rng.standard_normal((m, 2)), k=k)
        for _ in range(300)
    ]
    expected = 1 - np.prod([(n - i) / (n + m - i) for i in range(1, k + 1)])
    density, coverage = np.array(draws).T
    assert density.mean() == pytest.approx(1, abs=4 * density.std() / np.sqrt(300))
    assert coverage.mean() == pytest.approx(
        expected, abs=4 * coverage.std() / np.sqrt(300)
    )
    assert coverage.std() / np.sqrt(300) < 0.01


@pytest.mark.usefixtures("block_numbers")
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint8])
def test_nearest_distances_agree_with_all_distances(rng, dtype):
    Q, R = ((50 * rng.random((n, 6))).astype(dtype) for n in (30, 45))
    distances, index = nearest_distance(Q, R, return_index=True)
    full = cdist(Q.astype(float), R.astype(float))
    assert_allclose(distances, full.min(axis=1), rtol=1e-12)
    assert_allclose(full[np.arange(30), index], full.min(axis=1), rtol=1e-12)
    assert_array_equal(nearest_distance(Q, R), distances)


@pytest.mark.parametrize("offset", [0.0, 1e8])
def test_copies_are_at_distance_zero_exactly(rng, offset):
    """Also far from the origin, where a matrix product would leave 1e-6 or more."""
    R = rng.standard_normal((300, 784)) + offset
    distances, index = nearest_distance(R[::-1], R, return_index=True)
    assert_array_equal(distances, 0)
    assert_array_equal(index, np.arange(300)[::-1])


def test_a_copy_is_told_from_a_row_that_is_almost_one(rng):
    """Their squared distances, 0 and 1e-18, are the same to a matrix product."""
    X = rng.standard_normal((100, 50))
    R = np.concatenate([X + 1e-10 * rng.standard_normal(X.shape), X])
    distances, index = nearest_distance(X, R, return_index=True)
    assert_array_equal(distances, 0)
    assert_array_equal(index, 100 + np.arange(100))


@pytest.mark.parametrize("metric", [precision_recall, density_coverage])
def test_neighbours_beyond_the_sample_are_refused(metric):
    X = np.random.default_rng(0).random((4, 2))
    with pytest.raises(ValueError, match="k must be an integer from 1 to 3"):
        metric(X, X, k=4)
    with pytest.raises(ValueError, match="k must be an integer"):
        metric(X, X, k=0)
    with pytest.raises(ValueError, match="neighbours need at least 2"):
        metric(X[:1], X)
