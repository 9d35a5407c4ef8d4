import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import kstest, multivariate_t

from gaussflow import GenFlow
from gaussflow.estimator_checks import check_generative_estimator
from gaussflow.layers import Linear, Radial


@pytest.fixture
def rng(global_random_seed):
    return np.random.default_rng(global_random_seed)


@pytest.mark.parametrize("n_features", [2, 5, 40])
def test_a_spherical_law_is_solved_in_one_layer(n_features, rng):
    law = multivariate_t(np.zeros(n_features), np.eye(n_features), df=3, seed=rng)
    X, fresh = law.rvs(3000), law.rvs(3000)
    layer = Radial(random_state=0).fit(X)
    assert layer.score(fresh) > law.logpdf(fresh).mean() - 0.05
    squares = (layer.transform(fresh) ** 2).sum(axis=1)
    assert kstest(squares, "chi2", args=(n_features,)).statistic < 0.05


def test_directions_stay_as_they_are(rng):
    X = rng.standard_normal((1000, 4)) ** 3
    layer = Radial(random_state=0).fit(X)
    Z = layer.transform(X)
    assert layer.map_ is not None
    unit = np.linalg.norm(X, axis=1, keepdims=True)
    assert_allclose(Z / np.linalg.norm(Z, axis=1, keepdims=True), X / unit, rtol=1e-9)


def test_the_map_of_the_distance_increases(rng):
    X = rng.standard_normal((1000, 3)) ** 3
    layer = Radial(random_state=0).fit(X)
    ray = np.array([[1.0, -1.0, 0.5]]) * np.geomspace(1e-6, 1e6, 400)[:, None]
    distance = np.linalg.norm(layer.transform(ray), axis=1)
    assert (np.diff(distance) > 0.0).all()


def test_samples_beyond_bounded_rows_stay_near_them(rng):
    """Rows near the centre and a shell of radius 1 to 2, where they end.

    Log-distances spread widely over both, and a tail rule in units of that
    spread made the distances of samples the eighth power of a normal's.
    """
    X = rng.standard_normal((1000, 3))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    share = rng.random((1000, 1))
    X *= np.where(rng.random((1000, 1)) < 0.6, 0.01 * share, 1.0 + share)
    layer = Radial(random_state=0).fit(X)
    samples = layer.sample(10_000, random_state=0)
    assert np.linalg.norm(samples, axis=1).max() < 4.0


@pytest.mark.parametrize("n_features", [2, 10])
def test_a_normal_is_left_alone(n_features, rng):
    X = rng.standard_normal((1000, n_features))
    layer = Radial(gate=4.0, random_state=0).fit(X)
    assert layer.map_ is None
    assert_array_equal(layer.transform(X), X)
    assert_array_equal(layer.inverse_transform(X), X)


def test_one_column_is_the_marginals_affair(rng):
    X = rng.standard_normal((500, 1)) ** 3
    layer = Radial(random_state=0).fit(X)
    assert layer.map_ is None
    assert_array_equal(layer.transform(X), X)


def test_a_gate_that_nothing_passes_leaves_the_identity(rng):
    X = rng.standard_normal((1000, 3)) ** 3
    assert Radial(gate=1e9, random_state=0).fit(X).map_ is None


@pytest.mark.parametrize("n_features", [1, 3])
def test_the_laws_of_a_density_hold(n_features, global_random_seed):
    """After a standardisation: alone, the layer's density sits at the origin."""
    check_generative_estimator(
        GenFlow([Linear(n_iter=0), Radial(gate=0.0)]),
        n_features=n_features,
        random_state=global_random_seed,
    )


# -- match="samples" -------------------------------------------------------------


def test_alone_a_finish_is_the_identity(rng):
    X = rng.standard_normal((500, 3)) ** 3
    layer = Radial(match="samples", random_state=0).fit(X)
    assert_array_equal(layer.transform(X), X)


def test_a_finish_carries_the_rows_distances_to_the_samples(rng):
    X, fresh = rng.standard_normal((2, 3000, 6))
    samples = 1.3 * rng.standard_normal((3000, 6))
    layer = Radial(match="samples", random_state=0).fit(X)
    layer.finish(X, samples, rng)
    mapped = np.linalg.norm(layer.transform(fresh), axis=1)
    goal = np.linalg.norm(samples, axis=1)
    levels = np.linspace(0.02, 0.98, 25)
    assert_allclose(np.quantile(mapped, levels), np.quantile(goal, levels), rtol=0.05)
    assert_allclose(layer.inverse_transform(layer.transform(fresh)), fresh, atol=1e-9)


def test_a_finish_that_has_nothing_to_mend_stays_the_identity(rng):
    X, samples = rng.standard_normal((2, 2000, 6))
    layer = Radial(match="samples", gate=6.0, random_state=0).fit(X)
    layer.finish(X, samples, rng)
    assert layer.map_ is None


def test_a_layer_that_matches_a_normal_ignores_the_samples(rng):
    X = rng.standard_normal((500, 3)) ** 3
    layer = Radial(random_state=0).fit(X)
    before = layer.transform(X)
    layer.finish(X, 100.0 * X, rng)
    assert_array_equal(layer.transform(X), before)


def test_a_flow_s_samples_get_the_distances_of_its_rows(rng):
    """A marginal map leaves the distances of dependent columns wrong."""
    X = rng.standard_normal((3000, 8)) * np.exp(0.7 * rng.standard_normal((3000, 1)))
    gaps = []
    for layers in ([], [Radial(match="samples")]):
        marginal = Linear(n_iter=1, rotation="identity")
        flow = GenFlow([*layers, marginal], random_state=0).fit(X)
        sample = flow.sample(3000, random_state=0)
        levels = np.linspace(0.05, 0.95, 19)
        ratio = np.quantile(np.linalg.norm(sample, axis=1), levels) / np.quantile(
            np.linalg.norm(X, axis=1), levels
        )
        gaps.append(np.abs(np.log(ratio)).max())
    assert gaps[1] < 0.1 < gaps[0]


# -- what collapses --------------------------------------------------------------


@pytest.mark.parametrize("match", ["normal", "samples"])
def test_rows_in_the_centre_are_left_there(match, rng):
    """Non-regression: a map from distance 0 to that of samples is no map."""
    X = np.zeros((100, 3))
    layer = Radial(match=match, random_state=0).fit(X)
    layer.finish(X, rng.standard_normal((100, 3)), rng)
    assert layer.map_ is None
    assert_array_equal(layer.transform(X), X)


def test_the_centre_itself_has_a_finite_density(rng):
    X = rng.standard_normal((1000, 3)) ** 3
    layer = Radial(random_state=0).fit(X)
    centre = np.zeros((1, 3))
    assert np.isfinite(layer.score_samples(centre)).all()
    assert_array_equal(layer.transform(centre), centre)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"match": "rows"}, 'match must be one of "normal", "samples"'),
        ({"match": None}, "match must be"),
        ({"gate": -1.0}, "gate must be a number of at least 0"),
    ],
)
def test_wrong_parameters_are_named(params, message):
    with pytest.raises(ValueError, match=message):
        Radial(**params).fit(np.eye(4))
