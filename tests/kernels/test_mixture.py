import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import special
from sklearn.mixture import GaussianMixture

from gaussflow._common.normal import log_standard_normal
from gaussflow.kernels.mixture import (
    exp_minus,
    log_ndtr,
    mills,
    ndtri_log,
    ndtri_lower,
)
from gaussflow.mixtures.map import MixtureMap
from tests.kernels import reference_mixture


def random_mixture(rng, n_features, n_components, diagonal=False, broad=1e-3):
    """Clusters of deviation about 0.3 between -2 and 2, and a broad one."""
    weights = np.append(rng.dirichlet(np.ones(n_components)), broad)
    means = rng.uniform(-2, 2, (n_components + 1, n_features))
    factors = np.tril(rng.normal(0, 0.1, (n_components + 1, n_features, n_features)))
    index = np.arange(n_features)
    factors[:, index, index] = rng.uniform(0.2, 0.4, (n_components + 1, n_features))
    means[-1], factors[-1] = 0.0, 3.0 * np.eye(n_features)
    if diagonal:
        factors *= np.eye(n_features)
    return weights / weights.sum(), means, factors


def test_normal_quantiles_agree_with_scipy():
    p = np.geomspace(1e-300, 0.5, 200)[:-1]
    assert_allclose([ndtri_lower(v) for v in p], special.ndtri(p), rtol=1e-14)
    log_p = -np.geomspace(1e-6, 1e12, 200)
    assert_allclose([ndtri_log(v) for v in log_p], special.ndtri_exp(log_p), rtol=2e-12)


def test_vectorised_exponential_and_mills_ratio_agree_with_scipy():
    t = np.linspace(0.0, 700.0, 3001)
    assert_allclose([exp_minus(v) for v in t], np.exp(-t), rtol=4e-16)
    u = np.linspace(0.0, 26.0, 3001)
    ratio = 0.5 * special.erfcx(u * np.sqrt(0.5))
    assert_allclose([mills(v) for v in u], ratio, rtol=1.2e-15)


def test_log_cdf_agrees_with_scipy():
    u = np.concatenate([-np.geomspace(1e-3, 1e6, 200), np.linspace(0, 9, 40)])
    assert_allclose([log_ndtr(v) for v in u], special.log_ndtr(u), rtol=1e-13)


@pytest.mark.parametrize(
    ("n_features", "n_components"), [(1, 1), (1, 7), (2, 5), (6, 3)]
)
@pytest.mark.parametrize("diagonal", [False, True])
def test_forward_agrees_with_the_reference(
    n_features, n_components, diagonal, global_random_seed
):
    rng = np.random.default_rng(global_random_seed)
    mixture = random_mixture(rng, n_features, n_components, diagonal)
    # Rows inside, between, outside, and 1,000 deviations away.
    scale = np.array([1.0, 3.0, 30.0, 1000.0])[:, None]
    X = rng.normal(size=(40, n_features)) * np.repeat(scale, 10, axis=0)
    Z, log_det = MixtureMap(*mixture).forward_and_log_det(X.copy())
    Z_ref, log_det_ref = reference_mixture.forward(X, *mixture)
    # Far rows: log p and z^2 / 2 are near 1e6 and cancel, and the reference's
    # quantile is good to 1e-12 only.
    assert_allclose(Z, Z_ref, rtol=1e-9, atol=1e-9)
    assert_allclose(log_det[:30], log_det_ref[:30], rtol=1e-9, atol=1e-9)
    assert_allclose(log_det, log_det_ref, atol=3e-6 * n_features)


@pytest.mark.parametrize(("n_features", "n_components"), [(1, 7), (3, 5)])
def test_inverse_agrees_with_the_reference(
    n_features, n_components, global_random_seed
):
    rng = np.random.default_rng(global_random_seed)
    mixture = random_mixture(rng, n_features, n_components)
    Z = rng.normal(size=(30, n_features)) * 2.0
    X, _ = MixtureMap(*mixture).inverse_and_log_det(Z.copy())
    assert_allclose(X, reference_mixture.inverse(Z, *mixture), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(("n_features", "n_components"), [(1, 9), (2, 20), (8, 10)])
@pytest.mark.parametrize("diagonal", [False, True])
def test_inverse_undoes_forward_inside_and_far_outside(
    n_features, n_components, diagonal, global_random_seed
):
    rng = np.random.default_rng(global_random_seed)
    mixture = MixtureMap(*random_mixture(rng, n_features, n_components, diagonal))
    X, _ = mixture.inverse_and_log_det(rng.normal(size=(300, n_features)))
    for stretch in (1.0, 10.0, 1000.0):
        rows = X * stretch
        Z, log_det = mixture.forward_and_log_det(rows.copy())
        back, log_det_back = mixture.inverse_and_log_det(Z.copy())
        assert np.isfinite(Z).all()
        assert np.isfinite(log_det).all()
        assert_allclose(back, rows, rtol=1e-8, atol=1e-8 * stretch)
        assert_allclose(log_det_back, -log_det, rtol=1e-7, atol=1e-7)


def test_inverse_is_exact_at_extreme_latents():
    """z up to 1,000 falls in the tails of the outermost components."""
    rng = np.random.default_rng(0)
    mixture = MixtureMap(*random_mixture(rng, 1, 6))
    z = np.concatenate([-np.geomspace(1e-6, 1e3, 60), np.geomspace(1e-6, 1e3, 60)])
    x, _ = mixture.inverse_and_log_det(z[:, None].copy())
    assert (np.diff(x[np.argsort(z), 0]) > 0).all()
    assert_allclose(mixture.forward_and_log_det(x)[0][:, 0], z, rtol=1e-11, atol=1e-14)


def test_both_routes_agree_where_they_meet():
    """The logarithmic route takes over at tails of 1e-3."""
    rng = np.random.default_rng(1)
    mixture = MixtureMap(*random_mixture(rng, 1, 6))
    z = 3.090232306167813 * np.array([-1 - 1e-9, -1 + 1e-9, 1 - 1e-9, 1 + 1e-9])
    x, _ = mixture.inverse_and_log_det(z[:, None].copy())
    assert_allclose(mixture.forward_and_log_det(x)[0][:, 0], z, rtol=1e-12)


def test_log_det_matches_the_numeric_jacobian(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    mixture = MixtureMap(*random_mixture(rng, 3, 6))
    X = rng.uniform(-2.5, 2.5, (40, 3))
    _, log_det = mixture.forward_and_log_det(X.copy())
    step = 1e-6
    jacobian = np.empty((len(X), 3, 3))
    for j, e in enumerate(step * np.eye(3)):
        ahead, _ = mixture.forward_and_log_det(X + e)
        behind, _ = mixture.forward_and_log_det(X - e)
        jacobian[:, :, j] = (ahead - behind) / (2 * step)
    assert_allclose(np.triu(jacobian, 1), 0.0, atol=1e-6)
    numeric = np.log(np.abs(np.linalg.det(jacobian)))
    assert_allclose(log_det, numeric, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", ["full", "tied", "diag", "spherical"])
def test_density_is_that_of_scikit_learn(kind, global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    X = rng.normal(size=(200, 4)) @ rng.normal(size=(4, 4))
    gmm = GaussianMixture(3, covariance_type=kind, random_state=0, tol=0.1).fit(X)
    factors = {
        "full": lambda c: np.linalg.cholesky(c),
        "tied": lambda c: np.linalg.cholesky(np.broadcast_to(c, (3, 4, 4))),
        "diag": np.sqrt,
        "spherical": lambda c: np.sqrt(np.repeat(c[:, None], 4, axis=1)),
    }[kind](gmm.covariances_)
    mixture = MixtureMap(gmm.weights_, gmm.means_, factors)
    expected = gmm.score_samples(X)
    Z, log_det = mixture.forward_and_log_det(X.copy())
    assert_allclose(log_standard_normal(Z) + log_det, expected, atol=1e-10)
    assert_allclose(
        np.einsum("kij,klj->kil", mixture.cholesky, mixture.cholesky),
        np.array([np.diag(f**2) if f.ndim == 1 else f @ f.T for f in factors]),
        rtol=1e-12,
        atol=1e-12,
    )


def test_two_far_clusters_are_found_across_the_gap():
    """The search crosses a gap of 1,000 deviations without a slope."""
    mixture = MixtureMap(np.ones(2), np.array([[0.0], [1000.0]]), np.ones((2, 1)))
    z = np.array([[-2.0], [-1e-3], [1e-3], [2.0]])
    x, _ = mixture.inverse_and_log_det(z.copy())
    assert_allclose(mixture.forward_and_log_det(x.copy())[0], z, rtol=1e-12)
    assert (np.abs(x - [[0.0], [0.0], [1000.0], [1000.0]]) < 5).all()


def test_many_components_and_gaps_are_solved_exactly(global_random_seed):
    """Every count of components ends the vectorised loops differently.

    Non-regression: at the edge of a gap the slope changes a thousandfold
    within the last step; accepting it left 1e-9 (seed 26).
    """
    rng = np.random.default_rng(global_random_seed)
    for n_components in (1, 2, 3, 7, 16, 31, 120):
        mixture = MixtureMap(
            rng.dirichlet(np.ones(n_components)),
            rng.uniform(-50, 50, (n_components, 1)),
            np.exp(rng.uniform(-5, 2, (n_components, 1))),
        )
        Z = rng.normal(size=(200, 1))
        X, log_det = mixture.inverse_and_log_det(Z.copy())
        back, log_det_back = mixture.forward_and_log_det(X.copy())
        # Where z is steep in x, the rounding of x shows.
        steep = np.maximum(1.0, np.exp(-log_det))[:, None] * 1e-12
        assert (np.abs(back - Z) <= steep).all()
        assert_allclose(log_det_back, -log_det, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("value", [1e12, -1e12, 1e200, -1e300])
def test_absurd_rows_stay_finite(value):
    rng = np.random.default_rng(0)
    mixture = MixtureMap(*random_mixture(rng, 2, 4))
    Z, log_det = mixture.forward_and_log_det(np.array([[value, 0.0], [0.0, value]]))
    assert np.isfinite(Z).all()
    assert np.isfinite(log_det).all()


def test_float32_rows_are_mapped_in_float64():
    rng = np.random.default_rng(0)
    mixture = MixtureMap(*random_mixture(rng, 3, 4))
    X = rng.normal(size=(50, 3)).astype(np.float32)
    Z, log_det = mixture.forward_and_log_det(X.copy())
    Z64, log_det64 = mixture.forward_and_log_det(X.astype(np.float64))
    assert Z.dtype == np.float32
    assert log_det.dtype == np.float64
    assert_allclose(Z, Z64, rtol=1e-6, atol=1e-6)
    # z enters the log-determinant before it is rounded.
    assert_allclose(log_det, log_det64, rtol=1e-12)
