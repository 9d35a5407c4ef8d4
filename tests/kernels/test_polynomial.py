import numpy as np
import pytest
from numpy.testing import assert_allclose

from gaussflow.kernels.polynomial import (
    bernstein_basis,
    bernstein_forward,
    bernstein_inverse,
)
from tests.kernels import reference

DEGREES = [1, 2, 9, 50]


def random_polynomials(rng, n_columns, degree, steepness=1.0):
    steps = np.exp(steepness * rng.standard_normal((n_columns, degree)))
    coef = np.cumsum(np.hstack([rng.normal(size=(n_columns, 1)), steps]), axis=1)
    low = rng.normal(-3, 1, (n_columns, 1))
    support = np.hstack([low, low + rng.uniform(1, 9, (n_columns, 1))])
    return coef, support, rng.uniform(0.3, 1.0, (n_columns, 2))


def places(rng, support):
    share = np.concatenate([rng.uniform(-0.2, 1.2, 200), [0, 1, 0.5, -1e3, 1e3]])
    return support[:, 0] + share[:, None] * (support[:, 1] - support[:, 0])


@pytest.mark.parametrize("degree", DEGREES)
def test_forward_agrees_with_the_reference(degree, global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    polynomials = random_polynomials(rng, 3, degree)
    Y = places(rng, polynomials[1])
    Z, log_det = Y.copy(), np.zeros(len(Y))
    bernstein_forward(Z, *polynomials, log_det)
    expected = [
        reference.bernstein(Y[:, k], *(p[k] for p in polynomials)) for k in range(3)
    ]
    assert_allclose(Z, np.transpose([v for v, _ in expected]), rtol=1e-12, atol=1e-12)
    slopes = np.array([s for _, s in expected])
    assert_allclose(log_det, np.log(slopes).sum(0), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("degree", DEGREES)
@pytest.mark.parametrize("steepness", [0.3, 3.0])
def test_inverse_undoes_forward(degree, steepness, global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    polynomials = random_polynomials(rng, 3, degree, steepness)
    Y = places(rng, polynomials[1])
    Z, log_det = Y.copy(), np.zeros(len(Y))
    bernstein_forward(Z, *polynomials, log_det)
    latent = Z.copy()
    bernstein_inverse(Z, *polynomials, log_det)
    # Both ways: where the map is flat, y is known less well than z.
    again = Z.copy()
    bernstein_forward(again, *polynomials, np.zeros(len(Y)))
    height = polynomials[0][:, -1] - polynomials[0][:, 0]
    assert_allclose(again, latent, rtol=1e-13, atol=1e-14 * height.max())
    assert_allclose(Z, Y, rtol=1e-9, atol=1e-9)
    assert_allclose(log_det, 0.0, atol=1e-7)


@pytest.mark.parametrize("degree", DEGREES)
def test_the_basis_sums_to_one(degree):
    t = np.linspace(0.0, 1.0, 101)
    basis = bernstein_basis(t, degree)
    assert (basis >= 0).all()
    assert_allclose(basis.sum(1), 1.0, rtol=1e-13)
    # Linear precision: sum_j (j / d) B_j(t) = t.
    assert_allclose(basis @ np.linspace(0, 1, degree + 1), t, atol=1e-14)
