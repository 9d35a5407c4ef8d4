"""The laws that every layer keeps, whatever its settings and its data."""

import pickle
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose

from gaussflow.estimator_checks import check_generative_estimator
from gaussflow.layers import Elliptical, Linear
from gaussflow.marginals import MARGINALS
from gaussflow.rotations import ROTATIONS

LAYERS = {
    **{f"marginal={name}": Linear(n_iter=4, marginal=name) for name in MARGINALS},
    **{f"rotation={name}": Linear(n_iter=4, rotation=name) for name in ROTATIONS},
    "gate=None": Linear(n_iter=4, gate=None),
    "elliptical": Elliptical(),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_keep_the_laws_of_a_density(name, global_random_seed):
    check_generative_estimator(LAYERS[name], random_state=global_random_seed)


def odd_inputs():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 3)) @ np.array([[1, 0, 0], [1, 1, 0], [0, 0.5, 1]])
    outliers = X.copy()
    outliers[:3] *= 1e6
    return {
        "constant column": np.column_stack([X, np.full(200, 7.0)]),
        "column of zeros": np.column_stack([X, np.zeros(200)]),
        "ties": np.round(X),
        "two values": (X > 0).astype(np.float64),
        "one column": X[:, :1],
        "two rows": X[:2],
        "three rows": X[:3],
        "seven rows": X[:7],
        "more columns than rows": rng.standard_normal((10, 30)),
        "scale 1e-12": 1e-12 * X,
        "scale 1e12": 1e12 * X,
        "mixed scales": X * [1e-12, 1.0, 1e12],
        "far from zero": X + 1e6,
        "outliers": outliers,
        "one huge outlier": np.r_[X, [[1e12, 0.0, 0.0]]],
        "duplicated columns": np.column_stack([X, X]),
        "all rows equal": np.tile(X[:1], (50, 1)),
        "all rows zero": np.zeros((50, 3)),
    }


ODD = odd_inputs()


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("name", ["linear", "elliptical"])
def test_odd_inputs_keep_the_inverse_and_finite_densities(name, kind):
    X = ODD[kind]
    layer = {"linear": Linear(n_iter=4), "elliptical": Elliptical()}[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer = layer.set_params(random_state=0).fit(X)
        Z = layer.transform(X)
        log_density = layer.score_samples(X)
        back = layer.inverse_transform(Z)
        sample = layer.sample(100, random_state=0)
        log_density_of_sample = layer.score_samples(sample)
    assert np.isfinite(Z).all()
    assert np.isfinite(log_density).all()
    assert np.isfinite(sample).all()
    assert np.isfinite(log_density_of_sample).all()
    size = np.abs(X).max(0)
    size[size == 0.0] = 1.0
    # A rotation spreads the digits that a value of 1e12 deviations lacks.
    absurd = (kind == "one huge outlier") & (np.abs(X).max(1) == 1e12)
    assert_allclose(back[~absurd] / size, X[~absurd] / size, atol=1e-8)
    assert_allclose(back[absurd], X[absurd], atol=1e-3)


@pytest.mark.parametrize("name", ["linear", "elliptical"])
def test_a_constant_column_comes_back_constant(name):
    layer = {"linear": Linear(n_iter=4), "elliptical": Elliptical()}[name]
    layer.set_params(random_state=0).fit(ODD["constant column"])
    assert_allclose(layer.sample(100, random_state=0)[:, 3], 7.0, rtol=1e-4)


@pytest.mark.parametrize("name", ["linear", "elliptical"])
def test_units_move_the_density_by_their_logarithm(name):
    X = ODD["one column"] if name == "linear" else ODD["outliers"][5:]
    layer = {"linear": Linear(n_iter=4), "elliptical": Elliptical()}[name]
    layer.set_params(random_state=0)
    expected = layer.fit(X).score_samples(X)
    for scale in (2.0**-40, 2.0**40):
        got = layer.fit(scale * X).score_samples(scale * X)
        assert_allclose(got, expected - X.shape[1] * np.log(scale), atol=1e-6)


@pytest.mark.parametrize("name", ["marginal=polynomial", "rotation=ica", "elliptical"])
def test_threads_give_the_same_bits(name):
    """More rows than a block, so that threads have something to share."""
    X = np.random.default_rng(0).gamma(2.0, size=(20_000, 4))
    one, two = (
        LAYERS[name].set_params(n_jobs=n_jobs, random_state=3).fit(X)
        and pickle.loads(pickle.dumps(LAYERS[name]))
        for n_jobs in (1, 2)
    )
    np.testing.assert_array_equal(one.transform(X), two.transform(X))
    np.testing.assert_array_equal(one.score_samples(X), two.score_samples(X))


@pytest.mark.parametrize("name", ["linear", "elliptical"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused(name, bad):
    X = np.random.default_rng(0).standard_normal((20, 2))
    layer = {"linear": Linear(n_iter=1), "elliptical": Elliptical()}[name].fit(X)
    X[3, 1] = bad
    for method in (layer.fit, layer.transform, layer.score_samples):
        with pytest.raises(ValueError, match="NaN|infinity"):
            method(X)


@pytest.mark.parametrize("name", ["linear", "elliptical"])
def test_other_widths_and_one_row_are_refused(name):
    X = np.random.default_rng(0).standard_normal((20, 2))
    layer = {"linear": Linear(n_iter=1), "elliptical": Elliptical()}[name].fit(X)
    with pytest.raises(ValueError, match="3 features"):
        layer.transform(np.zeros((4, 3)))
    with pytest.raises(ValueError, match="Z has 3 columns"):
        layer.inverse_transform(np.zeros((4, 3)))
    with pytest.raises(ValueError, match="1 sample"):
        layer.fit(X[:1])
    with pytest.raises(ValueError, match="n_samples must be an integer"):
        layer.sample(0)
