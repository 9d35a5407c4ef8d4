import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm
from sklearn.utils.estimator_checks import parametrize_with_checks

from gaussflow import GenFlow
from gaussflow.estimator_checks import check_generative_estimator
from gaussflow.layers import Elliptical, ScaleMixture, Transport
from gaussflow.persistence import load, save

SMALL = ScaleMixture(n_shapes=3, n_scales=2, max_iter=6)


@parametrize_with_checks([SMALL])
def test_it_keeps_scikit_learn_s_rules(estimator, check):
    check(estimator)


@pytest.mark.parametrize("layer", [SMALL, ScaleMixture(1, 1)], ids=["small", "one"])
def test_it_keeps_the_laws_of_a_density(layer, global_random_seed):
    check_generative_estimator(layer, random_state=global_random_seed)


def crossed(n, rng, n_features=6):
    """Rows of two shapes, each in two sizes, and their log density."""
    shapes = [np.diag(np.geomspace(1, 100, n_features)[::s]) for s in (1, -1)]
    parts = [c**2 * shape for shape in shapes for c in (0.2, 2.0)]
    chosen = rng.integers(4, size=n)
    X = np.einsum(
        "nij,nj->ni",
        np.sqrt(np.array(parts))[chosen],
        rng.standard_normal((n, n_features)),
    )

    def log_density(X):
        each = [multivariate_normal(cov=part).logpdf(X) for part in parts]
        return np.logaddexp.reduce(each, axis=0) - np.log(4)

    return X, log_density


def test_it_finds_shapes_and_sizes(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    X, log_density = crossed(20_000, rng)
    fresh, _ = crossed(5_000, rng)
    exact = log_density(fresh).mean()
    layer = ScaleMixture(n_shapes=2, n_scales=2, random_state=0).fit(X)
    assert layer.n_shapes_ == 2
    # About 50 numbers from 20,000 rows cost 50 / 40,000 nats.
    assert exact - 0.02 < layer.score(fresh) < exact + 0.01
    sample = layer.sample(5_000, random_state=0)
    assert abs(log_density(sample).mean() - exact) < 0.2


def test_one_shape_of_one_size_is_the_gaussian():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((5000, 3)) @ rng.standard_normal((3, 3)) + [1, 2, 3]
    score = ScaleMixture(1, 1, random_state=0).fit(X).score(X)
    exact = multivariate_normal(X.mean(0), np.cov(X.T)).logpdf(X).mean()
    np.testing.assert_allclose(score, exact, atol=0.01)


def test_contrast_is_told_from_shape_on_few_rows():
    rng = np.random.default_rng(0)
    X, _ = crossed(4_000, rng, 12)
    fresh, log_density = crossed(4_000, rng, 12)
    mine = ScaleMixture(n_shapes=2, n_scales=4, random_state=0).fit(X).score(fresh)
    assert mine > Elliptical(random_state=0).fit(X).score(fresh) + 1
    assert mine > log_density(fresh).mean() - 0.15


def test_shapes_are_as_many_as_the_rows_allow():
    X = np.random.default_rng(0).standard_normal((200, 4))
    assert ScaleMixture(max_iter=2).fit(X).n_shapes_ == 5
    assert ScaleMixture(max_iter=2).fit(X[:10]).n_shapes_ == 1


@pytest.mark.parametrize(
    "kind", ["constant", "outlier", "two rows", "ties", "scales", "duplicated"]
)
def test_odd_rows_keep_the_inverse_and_finite_densities(kind):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 3))
    X = {
        "constant": np.column_stack([X, np.full(300, 7.0)]),
        "outlier": np.r_[X, [[1e9, 0, 0]]],
        "two rows": X[:2],
        "ties": np.round(X),
        "scales": X * [1e-9, 1, 1e9],
        "duplicated": np.column_stack([X, X]),
    }[kind]
    layer = ScaleMixture(n_shapes=4, n_scales=3, max_iter=5, random_state=0).fit(X)
    assert np.isfinite(layer.score_samples(X)).all()
    sample = layer.sample(100, random_state=0)
    assert np.isfinite(layer.score_samples(sample)).all()
    size = np.abs(X).max(axis=0)
    back = layer.inverse_transform(layer.transform(X))
    np.testing.assert_allclose(back / size, X / size, atol=1e-7)


def test_a_target_is_reached():
    rng = np.random.default_rng(0)
    target, log_density = crossed(6_000, rng)
    layer = Transport(ScaleMixture(n_shapes=2, n_scales=2))
    X = rng.standard_normal((6_000, 6))
    carried, log_det = layer.fit_between(X.copy(), target, rng)
    got, goal = log_density(carried).mean(), log_density(target).mean()
    assert abs(got - goal) < 0.3
    back, undone = layer.inverse_and_log_det(carried.copy())
    np.testing.assert_allclose(back, X, atol=1e-7)
    np.testing.assert_allclose(undone, -log_det, atol=1e-7)
    # Its density of the target is the mixture's, whatever the source.
    density = norm.logpdf(back).sum(axis=1) - log_det
    np.testing.assert_allclose(density.mean(), got, atol=0.3)


def test_it_is_saved_in_a_flow_of_float32(tmp_path):
    X, _ = crossed(500, np.random.default_rng(0))
    flow = GenFlow([SMALL], dtype=np.float32, random_state=0).fit(X)
    save(flow, tmp_path / "flow")
    np.testing.assert_array_equal(
        load(tmp_path / "flow").score_samples(X), flow.score_samples(X)
    )


def test_threads_give_the_same_bits():
    X, _ = crossed(20_000, np.random.default_rng(0))
    one, two = (
        SMALL.set_params(n_jobs=n, random_state=0).fit(X).transform(X) for n in (1, 2)
    )
    SMALL.set_params(n_jobs=None, random_state=None)
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("name", ["n_shapes", "n_scales", "max_iter"])
@pytest.mark.parametrize("bad", [0, 2.5, True, "many"])
def test_bad_parameters_are_named(name, bad):
    layer = ScaleMixture().set_params(**{name: bad})
    with pytest.raises(ValueError, match=f"{name} must be an integer of at least 1"):
        layer.fit(np.zeros((20, 2)))
