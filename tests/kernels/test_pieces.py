import numpy as np
import pytest
from numpy.testing import assert_allclose

from gaussflow.kernels.spline import straight_pieces


def random_pieces(rng, n_columns, n_knots, dtype=np.float64):
    x = np.cumsum(np.exp(rng.standard_normal((n_columns, n_knots))), axis=1)
    z = np.cumsum(np.exp(2 * rng.standard_normal((n_columns, n_knots))), axis=1)
    return (x - x.mean()).astype(dtype), (z - z.mean()).astype(dtype)


def direct(y, x, z):
    """Return value and slope of one map at one place, the plain way."""
    if y <= x[0]:
        return y + z[0] - x[0], 1.0
    if y >= x[-1]:
        return y + z[-1] - x[-1], 1.0
    j = np.flatnonzero(x <= y)[-1]
    slope = (z[j + 1] - z[j]) / (x[j + 1] - x[j])
    return z[j] + slope * (y - x[j]), slope


@pytest.mark.parametrize("n_knots", [2, 3, 70])
def test_pieces_agree_with_the_plain_way(n_knots, global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    x, z = random_pieces(rng, 3, n_knots)
    inside = rng.uniform(x.min() - 1, x.max() + 1, (300, 3))
    Y = np.vstack([inside, x.T, np.full((1, 3), -1e9), np.full((1, 3), 1e9)])
    expected = np.array([[direct(row[k], x[k], z[k]) for k in range(3)] for row in Y])
    log_det = np.ones(len(Y))
    straight_pieces(Y, x, z, log_det)
    assert_allclose(Y, expected[:, :, 0], rtol=1e-12, atol=1e-12)
    assert_allclose(log_det, 1.0 + np.log(expected[:, :, 1]).sum(axis=1), atol=1e-11)


def test_pieces_are_undone_by_the_exchange_of_knots_and_values(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    x, z = random_pieces(rng, 5, 40, np.float32)
    Y = rng.uniform(-40, 40, (500, 5))
    moved, log_det = Y.copy(), np.zeros(500)
    straight_pieces(moved, x, z, log_det)
    assert not np.allclose(moved, Y)
    straight_pieces(moved, z, x, log_det)
    assert_allclose(moved, Y, rtol=1e-9, atol=1e-9)
    assert_allclose(log_det, 0.0, atol=1e-9)


def test_slopes_of_many_columns_do_not_overflow():
    x = np.tile([-1.0, 1.0], (2000, 1))
    log_det = np.zeros(1)
    straight_pieces(np.zeros((1, 2000)), x, 1e5 * x, log_det)
    assert_allclose(log_det, 2000 * np.log(1e5))
