"""The sinh-arcsinh kernels against the formula, written with NumPy."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from gaussflow.kernels.sinh_arcsinh import sinh_arcsinh_forward, sinh_arcsinh_inverse

LOC, SCALE = np.array([0.0, 3.0, -1e5]), np.array([1.0, 1e-6, 1e7])
SKEW, TAIL = np.array([0.0, 2.5, -1.0]), np.array([1.0, 0.3, 0.9])
ENDS = np.array([[-np.inf, np.inf], [-50.0, 1e4], [-3.0, 1e150]])


def reference(X):
    """Return values and the sum of log-slopes by the textbook's formula."""
    U = (X - LOC) / SCALE
    V = np.clip(U, *ENDS.T)
    inner = TAIL * np.arcsinh(V) - SKEW
    slope = TAIL * np.cosh(inner) / np.hypot(1.0, V)
    return np.sinh(inner) + slope * (U - V), np.log(slope / SCALE).sum(axis=1)


@pytest.fixture
def rows():
    """Return rows inside and far beyond the ends, and single huge ones."""
    U = np.random.default_rng(0).standard_t(1, size=(2000, 3))
    U[:5] = [[0.0] * 3, [1e-9] * 3, [-1e-9] * 3, [1e12] * 3, [-1e12] * 3]
    U[5, 2], U[6, 2] = 1e120, 1e160
    return LOC + SCALE * U


def test_forward_is_the_formula(rows):
    Y, log_det = rows.copy(), np.full(len(rows), 7.0)
    sinh_arcsinh_forward(Y, LOC, SCALE, SKEW, TAIL, ENDS, log_det)
    expected, log_slopes = reference(rows)
    assert_allclose(Y, expected, rtol=1e-12, atol=1e-12)
    assert_allclose(log_det - 7.0, log_slopes, rtol=1e-12, atol=1e-12)


def test_inverse_undoes_it(rows):
    Y, log_det = rows.copy(), np.zeros(len(rows))
    sinh_arcsinh_forward(Y, LOC, SCALE, SKEW, TAIL, ENDS, log_det)
    sinh_arcsinh_inverse(Y, LOC, SCALE, SKEW, TAIL, ENDS, log_det)
    scaled = (rows - LOC) / SCALE
    assert_allclose((Y - LOC) / SCALE, scaled, rtol=1e-9, atol=1e-9)
    assert_allclose(log_det, 0.0, atol=1e-9)
