import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_moons
from sklearn.mixture import GaussianMixture

from gaussflow import persistence
from gaussflow._common.normal import log_standard_normal
from gaussflow.estimator_checks import GENERATIVE_CHECKS, check_generative_estimator
from gaussflow.layers import Transport
from gaussflow.layers.triangular import Triangular
from gaussflow.mixtures.column_groups import column_groups


def test_generative_laws(global_random_seed):
    results = check_generative_estimator(
        Triangular(n_components=3, n_estimators=2), random_state=global_random_seed
    )
    assert [r["check_name"] for r in results] == [c.__name__ for c in GENERATIVE_CHECKS]


def two_moons(n_samples, seed):
    return make_moons(n_samples, noise=0.1, random_state=seed)[0]


def test_beats_the_mixture_chosen_by_bic(global_random_seed):
    """Averages chosen by held-out likelihood lose less than one mixture.

    Exact: -1.87 on standardised moons of 5,000 rows; one mixture of 10 full
    components, the choice of BIC there, loses 0.01 to 0.03 nats more.
    """
    X, fresh = two_moons(1500, global_random_seed), two_moons(4000, 99)
    layer = Triangular(random_state=global_random_seed).fit(X)
    mixtures = [
        GaussianMixture(k, random_state=global_random_seed).fit(X) for k in (8, 10, 12)
    ]
    best = min(mixtures, key=lambda mixture: mixture.bic(X))
    assert layer.score(fresh) > best.score(fresh)
    assert abs(layer.validation_score_ - layer.score(fresh)) < 0.1


def test_latent_is_standard_normal(global_random_seed):
    X, fresh = two_moons(1500, global_random_seed), two_moons(4000, 99)
    Z = Triangular(random_state=0, n_estimators=2).fit(X).transform(fresh)
    # Standard errors: 0.016 of a mean, 0.011 of a deviation; the fit's own
    # error on 1,500 rows is about twice that.
    assert_allclose(Z.mean(axis=0), 0.0, atol=0.12)
    assert_allclose(Z.std(axis=0), 1.0, atol=0.1)
    assert abs(np.corrcoef(Z.T)[0, 1]) < 0.08


def test_heavy_tails_find_concentric_components(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    X = rng.standard_normal((1500, 6)) / np.sqrt(rng.chisquare(3, 1500) / 3)[:, None]
    layer = Triangular(random_state=0).fit(X)
    assert "scaled" in layer.covariance_type_


def test_samples_of_wide_rows_go_no_further_than_the_rows(global_random_seed):
    """One in n comes from the broad component, which once threw it out.

    Distances of 64 standardised columns are 8, give or take 0.7; the largest of
    300 rows is about 10. Twice as wide a normal has distances of 16 and more.
    """
    X = np.random.default_rng(global_random_seed).standard_normal((300, 64))
    layer = Triangular(n_components=1, n_estimators=1, random_state=0).fit(X)
    samples = layer.sample(10_000, random_state=0)
    farthest = np.linalg.norm(X, axis=1).max()
    assert np.linalg.norm(samples, axis=1).max() < 1.4 * farthest


@pytest.mark.parametrize("kind", ["full", "tied", "diag", "spherical", "scaled"])
@pytest.mark.parametrize("n_features", [1, 3])
def test_settings_of_the_user_are_kept(kind, n_features):
    X = np.random.default_rng(0).normal(size=(200, n_features))
    layer = Triangular(
        n_components=3, covariance_type=kind, n_estimators=2, random_state=0
    ).fit(X)
    assert layer.n_components_ == [3] * len(layer.n_components_)
    assert set(layer.covariance_type_) == {kind}
    weights, means, cholesky = layer.weights_[0], layer.means_[0], layer.cholesky_[0]
    assert len(weights) == 3 * len(layer.n_components_) + 1
    assert means.shape == (len(weights), n_features)
    assert cholesky.shape == (len(weights), n_features, n_features)
    assert_allclose(weights.sum(), 1.0)


def test_independent_columns_are_mapped_apart(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    X = np.column_stack([two_moons(1500, 0), rng.uniform(size=1500)])[:, [0, 2, 1]]
    layer = Triangular(random_state=0).fit(X)
    assert [group.tolist() for group in layer.groups_] == [[0, 2], [1]]
    Z = layer.transform(X[:100])
    assert_allclose(layer.inverse_transform(Z), X[:100], rtol=1e-8, atol=1e-8)
    shifted = layer.transform(X[:100] + [0.0, 0.1, 0.0])
    assert_array_equal(shifted[:, [0, 2]], Z[:, [0, 2]])


def test_dependence_that_no_pair_shows_keeps_columns_together(global_random_seed):
    """Three signs whose product is positive: each pair is independent."""
    rng = np.random.default_rng(global_random_seed)
    signs = rng.choice([-1.0, 1.0], size=(1500, 3))
    signs[:, 2] = signs[:, 0] * signs[:, 1]
    X = 3 * signs + rng.normal(size=(1500, 3))
    assert len(column_groups(X)) == 3
    assert len(Triangular(random_state=0, n_estimators=2).fit(X).groups_) == 1


def test_a_second_fit_goes_on_from_the_first(global_random_seed):
    """With ``start`` nothing is searched again; EM goes on, on all rows."""
    X = two_moons(1200, global_random_seed)
    part = Triangular(n_estimators=3)
    part.fit_forward(X[:1000].copy(), np.random.default_rng(0))
    families, sizes = part.covariance_type_, part.n_components_
    whole = Triangular(n_estimators=3)
    Z, log_det = whole.fit_forward(X.copy(), np.random.default_rng(1), start=part)
    assert whole.covariance_type_ == families
    assert whole.n_components_ == sizes
    assert whole.validation_score_ == part.validation_score_
    assert np.mean(log_standard_normal(Z) + log_det) >= part.score(X)


def test_a_fitted_layer_keeps_no_search(tmp_path):
    layer = Triangular(n_components=3, n_estimators=2)
    layer.fit_forward(NORMAL.copy(), np.random.default_rng(0))
    assert layer.search_ is not None
    layer.forget_search()
    assert layer.search_ is None
    layer = Triangular(n_components=3, n_estimators=2, random_state=0).fit(NORMAL)
    assert layer.search_ is None
    assert not any("search" in name for name in layer.get_params())
    persistence.save(layer, tmp_path / "layer")
    for copy in (
        pickle.loads(pickle.dumps(layer)),
        persistence.load(tmp_path / "layer", expected=Triangular),
    ):
        assert copy.search_ is None
        assert_array_equal(copy.transform(NORMAL), layer.transform(NORMAL))


def fit_and_use(X, **parameters):
    """Fit, map there and back, and return the log densities."""
    layer = Triangular(random_state=0, **parameters).fit(X)
    Z = layer.transform(X)
    assert np.isfinite(Z).all()
    size = np.abs(X).max(axis=0)
    size[size == 0] = 1.0
    assert_allclose(layer.inverse_transform(Z) / size, X / size, atol=1e-8)
    assert np.isfinite(layer.sample(50, random_state=0)).all()
    log_density = layer.score_samples(X)
    assert np.isfinite(log_density).all()
    return log_density


RNG = np.random.default_rng(0)
NORMAL = RNG.standard_normal((60, 3))
ODD = {
    "two rows": NORMAL[:2],
    "three rows": NORMAL[:3],
    "twenty rows": NORMAL[:20],
    "one column": NORMAL[:, :1],
    "two values": NORMAL[:2, :1],
    "constant column": NORMAL * [1, 0, 1] + [0, 3, 0],
    "column of zeros": NORMAL * [1, 0, 1],
    "duplicated column": NORMAL[:, [0, 0, 1]],
    "all rows equal": np.full((50, 3), 7.0),
    "all zeros": np.zeros((50, 3)),
    "ties": np.round(NORMAL),
    "binary": (NORMAL > 0).astype(float),
    "wide": RNG.standard_normal((30, 50)),
    "far offset": NORMAL + 1e8,
    "outlier": np.vstack([NORMAL, [1e9, 0, 0]]),
    "heavy tails": RNG.standard_cauchy((100, 2)),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_rows_are_fitted(name):
    assert fit_and_use(ODD[name]).shape == (len(ODD[name]),)


@pytest.mark.parametrize("n_components", [1, 40])
@pytest.mark.parametrize("name", ["two rows", "all rows equal", "binary"])
def test_more_components_than_rows_are_cut(name, n_components):
    log_density = fit_and_use(ODD[name], n_components=n_components)
    assert log_density.shape == (len(ODD[name]),)


@pytest.mark.parametrize("scale", [1e-200, 1e-12, 1e12, 1e140])
def test_density_follows_the_scale(scale):
    log_density = fit_and_use(NORMAL)
    scaled = fit_and_use(NORMAL * scale)
    assert_allclose(scaled, log_density - 3 * np.log(scale), rtol=1e-6)


def test_float32_and_layout_change_nothing():
    layer = Triangular(random_state=0).fit(NORMAL)
    read_only = NORMAL.copy()
    read_only.flags.writeable = False
    for rows in (read_only, np.asfortranarray(NORMAL)):
        other = Triangular(random_state=0).fit(rows)
        assert_array_equal(other.transform(rows), layer.transform(NORMAL))
    single = Triangular(random_state=0).fit(NORMAL.astype(np.float32))
    assert_allclose(single.transform(NORMAL), layer.transform(NORMAL), atol=1e-4)
    rows = NORMAL.astype(np.float32)
    Z, log_det = layer.forward_and_log_det(rows.copy())
    assert Z.dtype == np.float32
    assert log_det.dtype == np.float64
    assert_allclose(layer.inverse_and_log_det(Z)[0], rows, atol=1e-5)


def test_same_seed_same_bits_for_every_n_jobs():
    X = two_moons(400, 0)
    one = Triangular(random_state=3, n_components=4).fit(X)
    two = Triangular(random_state=3, n_components=4, n_jobs=2).fit(X)
    rows = np.tile(X, (25, 1))
    assert_array_equal(one.transform(rows), two.transform(rows))
    other = Triangular(random_state=4, n_components=4).fit(X)
    assert not np.array_equal(other.means_[0], one.means_[0])


def test_rows_far_away_have_finite_falling_density():
    X = two_moons(500, 0)
    layer = Triangular(random_state=0, n_estimators=2).fit(X)
    ray = X.mean(axis=0) + X.std(axis=0) * np.geomspace(10, 1e6, 30)[:, None]
    log_density = layer.score_samples(ray)
    assert np.isfinite(log_density).all()
    assert (np.diff(log_density) < 0).all()
    assert_allclose(layer.inverse_transform(layer.transform(ray)), ray, rtol=1e-8)


@pytest.mark.parametrize("normal_source", [True, False])
def test_generate_carries_the_source_to_the_target(normal_source, global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    target = two_moons(1000, global_random_seed)
    source = rng.standard_normal((1000, 2))
    if not normal_source:
        source = source @ [[1.0, 0.9], [0.0, 0.3]] + 2.0
    layer = Transport(Triangular(n_estimators=2))
    carried, log_det = layer.fit_between(source.copy(), target, rng)
    assert (layer.source_ is None) == normal_source
    # The carried rows are as likely under the target's density as its own.
    gaussianize = Triangular(n_estimators=2, random_state=0).fit(target)
    fresh = gaussianize.score(two_moons(1000, 99))
    assert abs(gaussianize.score(carried) - fresh) < 0.15
    back, log_det_back = layer.inverse_and_log_det(carried.copy())
    assert_allclose(back, source, rtol=1e-8, atol=1e-8)
    assert_allclose(log_det_back, -log_det, atol=1e-8)
    if normal_source:
        # Change of variables: the target's density at the carried rows.
        log_p = log_standard_normal(source) - log_det
        Z, log_det_target = layer.goal_.inverse_and_log_det(carried.copy())
        assert_allclose(log_p, log_standard_normal(Z) + log_det_target, atol=1e-8)


COMPONENTS = 'n_components must be an integer of at least 1 or "auto"'


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"n_components": 0},
            COMPONENTS,
        ),
        (
            {"n_components": 2.5},
            COMPONENTS,
        ),
        (
            {"n_components": True},
            COMPONENTS,
        ),
        ({"covariance_type": "banded"}, "covariance_type must be one of"),
        ({"n_estimators": 0}, "n_estimators must be an integer of at least 1, got 0"),
    ],
)
def test_wrong_parameters_are_named(parameters, message):
    with pytest.raises(ValueError, match=message):
        Triangular(**parameters).fit(NORMAL)


def test_clone_keeps_the_parameters():
    layer = Triangular(n_components=3, covariance_type="tied", n_estimators=1)
    assert clone(layer).get_params() == layer.get_params()
    assert not hasattr(layer, "weights_")
