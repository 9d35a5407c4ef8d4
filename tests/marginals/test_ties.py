"""Often repeated values: flows learn them as narrow laws, and stay sane."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits

from gaussflow import GenFlow
from gaussflow.layers import Elliptical, Linear, Radial, TreeTriangular
from gaussflow.marginals.ties import REACH, spread_ties


def mixed_rows(n):
    """Return a continuous column, two binary ones, and counts up to 3."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=n)
    often = x + rng.normal(size=n) > 0.0
    return np.c_[x, often, rng.random(n) < 0.1, rng.integers(0, 4, n)].astype(float)


def test_only_repeated_values_move():
    X = mixed_rows(2000)
    X[:200, 0] = -7.0
    X.setflags(write=False)
    spread = spread_ties(X, np.random.default_rng(0))
    distance = np.abs(spread - X)
    assert_array_equal(spread[200:, 0], X[200:, 0])
    assert (distance[:200, 0] > 0.0).all()
    assert (distance[:, 1:] > 0.0).all()
    assert (distance.max(axis=0) <= 1.01 * REACH * X.std(axis=0)).all()
    assert_array_equal(spread, spread_ties(X, np.random.default_rng(0)))


@pytest.mark.parametrize("n", [2, 50, 30_000])
def test_rows_without_ties_are_not_copied(n):
    X = np.random.default_rng(0).normal(size=(n, 2))
    assert spread_ties(X, np.random.default_rng(1)) is X
    X[:, 1] = 3.0
    assert spread_ties(X, np.random.default_rng(1)) is X


def test_trees_keep_their_atoms():
    X = mixed_rows(300)
    flow = GenFlow([TreeTriangular()], random_state=0).fit(X)
    assert set(np.unique(flow.sample(200, random_state=0)[:, 1])) == {0.0, 1.0}


@pytest.mark.parametrize("direction", ["gaussianize", "generate"])
@pytest.mark.parametrize("layers", ["auto", [Linear(n_iter=30)]], ids=str)
def test_binary_columns_neither_explode_nor_collapse(layers, direction):
    X = mixed_rows(600)
    flow = GenFlow(layers, direction=direction, random_state=0).fit(X[:300])
    samples = flow.sample(4000, random_state=0)
    np.testing.assert_allclose(samples.std(axis=0), X.std(axis=0), rtol=0.15)
    assert np.abs(samples[:, 1:]).max() < 10.0
    Z = flow.transform(X)
    np.testing.assert_allclose(flow.inverse_transform(Z), X, atol=1e-5)
    # Three atomic columns cannot be denser than their atoms' narrow laws.
    per_column = np.log(1.0 / (2.0 * REACH * X[:, 1:].std(axis=0)))
    train, test = flow.score(X[:300]), flow.score(X[300:])
    assert test < per_column.sum() + 1.0
    assert abs(train - test) < 3.0


def test_a_layer_by_itself_spreads_too():
    X = mixed_rows(600)
    layer = Linear(n_iter=50, random_state=0).fit(X)
    assert np.abs(layer.inverse_transform(layer.transform(X)) - X).max() < 1e-8
    assert layer.score(X) < 12.0


def test_rare_values_do_not_stay_far_out():
    X = np.zeros((1000, 2))
    X[:, 1] = np.random.default_rng(0).normal(size=1000)
    X[[3, 8], 0] = 1.0
    layer = Linear(n_iter=2, rotation="identity", random_state=0)
    layer.fit(spread_ties(X, np.random.default_rng(0)))
    Z = layer.transform(X)
    # Hundreds of bulk widths away in the column's own units.
    assert 4.0 < Z[3, 0] < 12.5
    assert np.abs(np.delete(Z, [3, 8], axis=0)).max() < 6.0
    assert_allclose(layer.inverse_transform(Z), X, atol=1e-9)


def test_blank_and_nearly_blank_pixels_leave_the_others_alone():
    X = load_digits().data / 16.0
    order = np.random.default_rng(2).permutation(len(X))
    train, test = X[order[:600]], X[order[1400:]]
    blank = np.flatnonzero(np.ptp(train, axis=0) == 0.0)
    assert len(blank) >= 3
    test[:, blank] = 0.0
    identity = Linear(n_iter=2, rotation="identity")
    layers = [identity, Radial(match="samples"), Elliptical(), Linear(n_iter=2)]
    flow = GenFlow(layers, random_state=0).fit(train)
    samples = flow.sample(2000, random_state=0)
    assert_allclose(samples[:, blank], 0.0, atol=1e-15)
    far = np.abs(samples - 0.5).max(axis=1)
    assert np.mean(far > 1.5) < 0.01
    assert far.max() < 6.0
    # Rounding of constants was stretched: 1e5 standard deviations.
    assert np.abs(flow.transform(test)).max() < 50.0
    assert np.median(flow.score_samples(test)) > 100.0
