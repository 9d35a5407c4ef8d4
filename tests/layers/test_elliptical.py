import numpy as np
import pytest
from scipy.stats import multivariate_normal, multivariate_t

from gaussflow import GenFlow
from gaussflow.layers import Elliptical
from gaussflow.mixtures.scatter import least_dof

SHAPE = np.array([[4.0, 1.5, 0.0], [1.5, 1.0, 0.2], [0.0, 0.2, 0.5]])
MEAN = np.array([10.0, -3.0, 0.0])


def test_a_gaussian_is_solved_in_one_layer(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    X, fresh = rng.multivariate_normal(MEAN, SHAPE, (2, 4000))
    layer = Elliptical(random_state=0).fit(X)
    exact = multivariate_normal(MEAN, SHAPE).logpdf(fresh).mean()
    # 3 means and 6 covariances from 4,000 rows.
    assert layer.score(fresh) > exact - 0.01
    np.testing.assert_allclose(np.cov(layer.transform(fresh).T), np.eye(3), atol=0.1)


@pytest.mark.parametrize("dof", [1.0, 3.0])
def test_a_heavy_tailed_law_is_solved_in_one_layer(dof, global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    law = multivariate_t(MEAN, SHAPE, df=dof, seed=rng)
    X, fresh = law.rvs(4000), law.rvs(4000)
    layer = Elliptical(random_state=0).fit(X)
    assert layer.dof_ == dof
    exact = law.logpdf(fresh).mean()
    assert exact - 0.08 < layer.score(fresh) < exact + 0.05


def test_a_ring_is_mapped_to_a_normal_distance(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    angle = rng.uniform(0, 2 * np.pi, 4000)
    radius = 1.0 + 0.05 * rng.standard_normal(4000)
    X = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    Z = Elliptical(random_state=0).fit_transform(X)
    # r^2 / 2 of a standard normal plane is exponential of mean 1.
    half_squares = 0.5 * (Z**2).sum(1)
    np.testing.assert_allclose(np.median(half_squares), np.log(2.0), rtol=0.1)


def test_outliers_do_not_bend_the_scatter(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    X = rng.multivariate_normal(MEAN, SHAPE, 2000)
    clean = Elliptical(random_state=0).fit(X)
    X[:20] += 1000.0
    spoilt = Elliptical(random_state=0).fit(X)
    fresh = rng.multivariate_normal(MEAN, SHAPE, 2000)
    assert spoilt.score(fresh) > clean.score(fresh) - 0.3


def test_few_rows_shrink_the_scatter(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    X, fresh = rng.standard_normal((2, 60, 40))
    layer = Elliptical(random_state=0).fit(X)
    assert layer.shrinkage_ > 0.05
    exact = multivariate_normal(np.zeros(40), np.eye(40)).logpdf(fresh).mean()
    assert layer.score(fresh) > exact - 8.0


def test_the_whitening_is_symmetric(global_random_seed):
    """Where the columns' deviations round to the same power of two."""
    rng = np.random.default_rng(global_random_seed)
    X = rng.standard_normal((500, 3)) @ (np.eye(3) + 0.1)
    layer = Elliptical(random_state=0).fit(X)
    np.testing.assert_allclose(layer.whitening_, layer.whitening_.T, atol=1e-12)
    np.testing.assert_allclose(
        layer.whitening_ @ layer.unwhitening_, np.eye(3), atol=1e-10
    )


def test_columns_of_any_units_count_alike():
    """Non-regression: variances beyond 1e10 apart were lifted to that ratio."""
    X = np.random.default_rng(0).multivariate_normal(MEAN, SHAPE, 1000)
    expected = Elliptical(random_state=0).fit(X).score(X)
    units = np.array([2.0**-40, 1.0, 2.0**40])
    got = Elliptical(random_state=0).fit(X * units).score(X * units)
    np.testing.assert_allclose(got, expected, rtol=1e-9)


def test_rows_beyond_the_subsample_count_too():
    """More rows than the search looks at: moments come from all of them."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60_000, 2)) * [1.0, 5.0] + [3.0, 0.0]
    layer = Elliptical(random_state=0).fit(X)
    np.testing.assert_allclose(layer.loc_, X.mean(0), atol=0.02)
    np.testing.assert_allclose(np.cov(layer.transform(X).T), np.eye(2), atol=0.05)


def test_the_centre_itself_has_a_finite_density():
    X = np.random.default_rng(0).standard_normal((500, 4))
    layer = Elliptical(random_state=0).fit(X)
    assert np.isfinite(layer.score_samples(layer.loc_[None])).all()
    assert np.isfinite(layer.inverse_transform(np.zeros((1, 4)))).all()


def test_samples_of_zeros_and_ones_stay_near_them(global_random_seed):
    """A t would take the many zeros for its centre and shrink to them.

    Its whitened ones then lie hundreds of deviations out, some along columns
    that have no such value: samples reached 20 to 50.
    """
    rng = np.random.default_rng(global_random_seed)
    X = (rng.random((1000, 6)) < 0.04).astype(float)
    X[:, 1] = np.where(rng.random(1000) < 0.2, 1 - X[:, 0], X[:, 0])
    layer = Elliptical(random_state=0).fit(X)
    assert np.abs(layer.sample(10_000, random_state=0)).max() < 5.0


def test_least_degrees_of_freedom_know_tails_from_full_places(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    heavy = multivariate_t(MEAN, SHAPE, df=1, seed=rng).rvs(2000)
    assert least_dof(heavy) <= 1.0
    constant = np.column_stack([heavy, np.zeros(2000)])
    assert least_dof(constant) <= 1.0
    # Half the rows at one place: a t of D degrees or fewer has no maximum.
    heavy[:1000] = 0.0
    assert least_dof(heavy) >= 3.0


def test_float32_rows_with_equal_columns_come_back(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    X = rng.standard_normal((1000, 2))[:, [0, 1, 0, 1]].astype(np.float32)
    flow = GenFlow([Elliptical()], dtype=np.float32, random_state=0).fit(X)
    back = flow.inverse_transform(flow.transform(X))
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, X, atol=5e-5)
