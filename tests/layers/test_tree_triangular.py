"""The laws of the Triangular layer of trees, on mixed and odd tables."""

import pickle
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.utils.estimator_checks import parametrize_with_checks

from gaussflow import GenFlow
from gaussflow.layers import Linear
from gaussflow.layers.tree_triangular import TreeTriangular
from gaussflow.persistence import PersistenceError, load, save
from tests.layers.test_layer_laws import ODD


@parametrize_with_checks([TreeTriangular(n_estimators=3)])
def test_the_layer_keeps_scikit_learn_s_rules(estimator, check):
    check(estimator)


def clinic(n=600, seed=0):
    rng = np.random.default_rng(seed)
    smoker = rng.integers(0, 2, n)
    cigs = smoker * 5 * rng.integers(1, 7, n)
    age = rng.integers(20, 90, n)
    pressure = 90 + 0.6 * age + 8 * rng.standard_normal(n)
    lab = np.exp(0.02 * pressure + 0.3 * rng.standard_normal(n))
    lab[rng.random(n) < 0.2] = np.nan
    site = np.where(age > 55, 3, rng.integers(0, 3, n))
    X = np.column_stack([smoker, cigs, age, pressure, lab, site]).astype(float)
    return X, np.arange(6) == 5


@pytest.fixture(scope="module")
def fitted():
    X, nominal = clinic()
    return TreeTriangular(nominal=nominal, random_state=0).fit(X), X


def test_rows_come_back(fitted):
    layer, X = fitted
    back = layer.inverse_transform(layer.transform(X))
    discrete = [0, 1, 5]
    assert_array_equal(back[:, discrete], X[:, discrete])
    assert_allclose(back, X, rtol=1e-7)


def test_far_rows_come_back(fitted):
    layer, X = fitted
    far = X[:50].copy()
    far[::2, 3] = 1e9
    far[1::2, 4] = 1e9
    back = layer.inverse_transform(layer.transform(far))
    assert_allclose(back, far, rtol=1e-6)
    assert np.isfinite(layer.score_samples(far)).all()


def test_log_determinants_of_both_directions_cancel(fitted):
    layer, X = fitted
    Z, there = layer.forward_and_log_det(X.copy())
    _, back = layer.inverse_and_log_det(Z.copy())
    assert_allclose(there, -back, atol=1e-5)


def test_latent_rows_are_standard_normal():
    X, nominal = clinic(4000)
    layer = TreeTriangular(nominal=nominal, random_state=0).fit(X)
    Z = layer.transform(clinic(4000, seed=1)[0])
    assert_allclose(Z.mean(axis=0), 0.0, atol=0.1)
    assert_allclose(Z.std(axis=0), 1.0, atol=0.1)
    assert_allclose(np.corrcoef(Z, rowvar=False), np.eye(6), atol=0.08)


def test_probabilities_of_discrete_rows_sum_to_one():
    rng = np.random.default_rng(0)
    a = rng.integers(0, 3, 300)
    b = (a + rng.integers(0, 2, 300)) % 3
    X = np.column_stack([a, b]).astype(float)
    X[:30, 1] = np.nan
    layer = TreeTriangular(nominal=[True, False], random_state=0).fit(X)
    states = [[i, j] for i in range(3) for j in (0.0, 1.0, 2.0, np.nan)]
    assert_allclose(np.exp(layer.score_samples(states)).sum(), 1.0, atol=1e-6)


@pytest.mark.parametrize("atoms", [False, True])
def test_density_and_atoms_integrate_to_one(atoms):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, 400).astype(float)
    y = rng.standard_normal(400) + 2 * x
    if atoms:
        y[rng.random(400) < 0.3] = 0.0
    layer = TreeTriangular(random_state=0).fit(np.column_stack([x, y]))
    grid = np.linspace(-60.0, 60.0, 400_001)
    grid = grid[np.abs(grid) > 1e-9]  # the atom is counted by itself
    total = 0.0
    for state in (0.0, 1.0):
        rows = np.column_stack([np.full(len(grid), state), grid])
        total += np.trapezoid(np.exp(layer.score_samples(rows)), grid)
        if atoms:
            total += np.exp(layer.score_samples([[state, 0.0]])[0])
    assert_allclose(total, 1.0, atol=0.005)


def test_samples_follow_the_map_read_backwards(fitted):
    layer, _ = fitted
    n = 20_000
    quick = layer.sample(n, random_state=0)
    Z = np.random.default_rng(1).standard_normal((n, 6))
    slow = layer.inverse_transform(Z)
    for j in range(6):
        a, b = quick[:, j], slow[:, j]
        assert abs(np.isnan(a).mean() - np.isnan(b).mean()) < 0.02
        levels = np.linspace(0.05, 0.95, 19)
        spread = np.nanstd(b)
        gap = np.nanquantile(a, levels) - np.nanquantile(b, levels)
        assert np.abs(gap).max() < (0.1 * spread if j > 1 else 6.0)
    assert (quick[quick[:, 0] == 0, 1] > 0).mean() < 0.01


def test_same_seed_and_any_threads_give_the_same_bits():
    X, nominal = clinic()
    one, two = (
        TreeTriangular(nominal=nominal, n_jobs=n_jobs, random_state=3).fit(X)
        for n_jobs in (1, 2)
    )
    assert_array_equal(one.transform(X), two.transform(X))
    assert_array_equal(one.score_samples(X), two.score_samples(X))
    again = pickle.loads(pickle.dumps(one))
    assert_array_equal(one.sample(50, random_state=0), again.sample(50, random_state=0))


def test_saved_and_loaded_is_the_same(tmp_path, fitted):
    layer, X = fitted
    save(layer, tmp_path / "layer.gaussflow")
    again = load(tmp_path / "layer.gaussflow")
    assert_array_equal(layer.transform(X), again.transform(X))


@pytest.mark.parametrize("kind", ODD)
def test_odd_inputs_keep_the_inverse_and_finite_densities(kind):
    X = ODD[kind]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer = TreeTriangular(random_state=0).fit(X)
        Z = layer.transform(X)
        log_density = layer.score_samples(X)
        back = layer.inverse_transform(Z)
        sample = layer.sample(100, random_state=0)
    assert np.isfinite(Z).all()
    assert np.isfinite(log_density).all()
    assert np.isfinite(sample).all()
    size = np.abs(X).max(axis=0)
    size[size == 0.0] = 1.0
    assert_allclose(back / size, X / size, atol=1e-6)


def test_an_all_missing_column_stays_missing():
    X = np.column_stack([np.full(30, np.nan), np.arange(30.0)])
    layer = TreeTriangular(random_state=0).fit(X)
    assert np.isnan(layer.sample(20, random_state=0)[:, 0]).all()
    assert np.isfinite(layer.score_samples(X)).all()


def test_missing_cells_follow_their_pattern_exactly():
    rng = np.random.default_rng(0)
    pattern = rng.integers(0, 3, 400).astype(float)
    x, y = rng.standard_normal((2, 400))
    x[pattern == 1] = np.nan
    y[pattern >= 1] = np.nan
    layer = TreeTriangular(nominal=[True, False, False], random_state=0)
    rows = layer.fit(np.column_stack([pattern, x, y])).sample(2000, random_state=0)
    assert_array_equal(np.isnan(rows[:, 1]), rows[:, 0] == 1)
    assert_array_equal(np.isnan(rows[:, 2]), rows[:, 0] >= 1)


def test_an_unseen_code_is_refused(fitted):
    layer, X = fitted
    X = X[:3].copy()
    X[1, 5] = 9.0
    with pytest.raises(ValueError, match="Column 5 holds the code 9"):
        layer.transform(X)


def test_an_unseen_number_between_atoms_stays_finite(fitted):
    layer, X = fitted
    X = X[:3].copy()
    X[1, 1] = 7.5
    assert np.isfinite(layer.score_samples(X)).all()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_estimators": 0}, "n_estimators must be"),
        ({"min_leaf": "big"}, "min_leaf must be"),
        ({"discrete": "some"}, "discrete must be"),
        ({"order": [0, 0]}, "order must hold each"),
        ({"nominal": [True]}, "nominal must say"),
    ],
)
def test_bad_parameters_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        TreeTriangular(**parameters).fit(np.zeros((5, 2)))


@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("n_rows", [300, 1500])
def test_columns_are_drawn_with_their_own_shares(n_rows, linear):
    """Smoothed leaves and drawn predictors together bend shares by 0.03 to 0.04.

    A cell of 10 rows is a thirtieth of 300: there, shares are asked for at the ends
    of cells, between which values lie evenly.
    """
    rng = np.random.default_rng(0)
    X = rng.exponential(size=(n_rows, 6)) * rng.exponential(size=(n_rows, 6))
    X[rng.random(X.shape) < 0.3] = 0.0
    if linear:
        X = np.exp(np.cumsum(0.4 * rng.standard_normal((n_rows, 6)), axis=1))
    layer = TreeTriangular(bounded=True, random_state=0).fit(X)
    assert layer.linear_.any() or not linear
    drawn = layer.sample(50_000, random_state=0)
    for j in range(6):
        levels = np.quantile(X[:, j], np.linspace(0.05, 0.95, 19))
        if n_rows == 300:
            levels = layer.map_.cells[j].high
        gap = [np.mean(drawn[:, j] <= v) - np.mean(X[:, j] <= v) for v in levels]
        assert np.abs(gap).max() < 0.015


def test_many_unordered_levels_are_each_drawn_with_their_share():
    rng = np.random.default_rng(0)
    levels = rng.permutation(np.repeat(np.arange(80.0), rng.integers(5, 60, 80)))
    X = np.column_stack([rng.integers(0, 2, len(levels)), levels])
    layer = TreeTriangular(nominal=[True, True], random_state=0).fit(X)
    assert layer.map_.cells[1].is_atom.all()
    drawn = layer.sample(100_000, random_state=0)[:, 1]
    gap = [np.mean(drawn == v) - np.mean(levels == v) for v in range(80)]
    assert np.abs(gap).sum() < 0.03


@pytest.mark.parametrize("n_filled", [1, 2, 3, 30])
def test_columns_with_hardly_a_filled_cell_are_fitted(n_filled):
    rng = np.random.default_rng(0)
    sparse = np.full(20_000, np.nan)
    sparse[rng.choice(20_000, n_filled, replace=False)] = np.arange(n_filled) + 0.5
    X = np.column_stack([rng.standard_normal(20_000), sparse])
    layer = TreeTriangular(n_estimators=3, random_state=0).fit(X)
    Z = layer.transform(X)
    assert np.isfinite(Z).all()
    assert_allclose(layer.inverse_transform(Z), X, atol=1e-9)


FORGED = {
    "feature": lambda a: np.where(a >= 0, 99, a),
    "left": lambda a: a * 0,
    "right": lambda a: a + 10**6,
    "table": lambda a: a + 10**9,
    "roots": lambda a: a[:, ::-1].copy(),
    "cumulative": lambda a: a * 2.0,
    "order": lambda a: a * 0,
    "n_cells": lambda a: a + 1000,
    "n_plain": lambda a: a - 100,
    "cell_start": lambda a: a + 5,
    "edges": lambda a: a[:-1],
    "rank_start": lambda a: a * 0 + 10**6,
    "effect_start": lambda a: a * 0 + 10**6,
    "gate": lambda a: a * 0 + 70,
    "scale": lambda a: a * 0.0,
    "weights": lambda a: a[:1],
    "low": lambda a: a.astype(str),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_file_whose_trees_lead_astray_is_refused(name, tmp_path):
    layer = TreeTriangular(n_estimators=2, random_state=0).fit(clinic(200)[0])
    layer.map_.arrays[name] = FORGED[name](layer.map_.arrays[name])
    save(layer, tmp_path / "forged")
    with pytest.raises(PersistenceError, match="damaged"):
        load(tmp_path / "forged")


def test_trees_stand_anywhere_in_a_flow():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 3, 400).astype(float)
    X = np.column_stack([x, x + rng.standard_normal(400)])
    trees = TreeTriangular()
    flow = GenFlow([trees, Linear(n_iter=3)], random_state=0).fit(X)
    assert_allclose(flow.inverse_transform(flow.transform(X)), X, atol=1e-6)
    assert np.isin(flow.sample(200, random_state=0)[:, 0], [0.0, 1.0, 2.0]).all()
