import numpy as np
import pytest
from numpy.testing import assert_allclose

from gaussflow.kernels.spline import spline_forward, spline_inverse
from tests.kernels import reference


def random_splines(rng, n_columns, n_knots, steepness=1.0):
    x = np.cumsum(rng.uniform(0.05, 1.0, (n_columns, n_knots)), axis=1)
    z = np.cumsum(np.exp(steepness * rng.standard_normal((n_columns, n_knots))), axis=1)
    slope = np.exp(steepness * rng.standard_normal((n_columns, n_knots)))
    return x - x.mean(), z - z.mean(), slope, rng.uniform(0.3, 1.0, (n_columns, 2))


def places(rng, x, n=200):
    """Return values inside, on the knots, and far outside."""
    inside = rng.uniform(x.min() - 1, x.max() + 1, (n, len(x)))
    return np.vstack([inside, x.T, [np.full(len(x), v) for v in (-1e3, 1e3)]])


@pytest.mark.parametrize("n_knots", [2, 3, 30])
def test_forward_agrees_with_the_reference(n_knots, global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    splines = random_splines(rng, 3, n_knots)
    Y = places(rng, splines[0])
    Z, log_det = Y.copy(), np.zeros(len(Y))
    spline_forward(Z, *splines, log_det)
    expected = [
        [reference.spline(v, *(s[k] for s in splines)) for k, v in enumerate(row)]
        for row in Y
    ]
    values, slopes = np.moveaxis(np.array(expected), 2, 0)
    assert_allclose(Z, values, rtol=1e-12, atol=1e-12)
    assert_allclose(log_det, np.log(slopes).sum(1), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("steepness", [0.3, 2.0, 4.0])
def test_inverse_undoes_forward(steepness, global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    splines = random_splines(rng, 4, 20, steepness)
    Y = places(rng, splines[0])
    Z, log_det = Y.copy(), np.zeros(len(Y))
    spline_forward(Z, *splines, log_det)
    back = Z.copy()
    spline_inverse(back, *splines, log_det)
    again, log_det_again = back.copy(), np.zeros(len(Y))
    spline_forward(again, *splines, log_det_again)
    # Exact in z; y is known less well where the map is flat (slopes of e^-22).
    height = np.abs(splines[1]).max()
    assert_allclose(again, Z, rtol=1e-14, atol=1e-14 * height)
    if steepness <= 2.0:
        assert_allclose(back, Y, rtol=1e-9, atol=1e-9)
        assert_allclose(log_det, 0.0, atol=1e-8)


def test_many_steep_columns_do_not_overflow():
    """The product of 2,000 slopes of 1e5 is 1e10000."""
    x = np.tile([-1.0, 1.0], (2000, 1))
    slope = np.full((2000, 2), 1e5)
    log_det = np.zeros(1)
    spline_forward(np.zeros((1, 2000)), x, 1e5 * x, slope, slope, log_det)
    assert_allclose(log_det, 2000 * np.log(1e5))
