"""Laws of the maps between a column's numbers and ranks, on odd columns."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from gaussflow.tabular.columns.value_maps import GridMap


def columns(rng):
    normal = rng.normal(size=300)
    whole = np.rint(100.0 * rng.gamma(2.0, size=500))
    heaped = np.where(rng.random(400) < 0.7, 10.0 * rng.integers(0, 9, 400), 0.0)
    heaped = heaped + np.where(rng.random(400) < 0.2, rng.integers(0, 90, 400), 0.0)
    return {
        "normal": (normal, False),
        "few rows": (rng.normal(size=31), False),
        "one far value": (np.r_[normal, 1e9], False),
        "half zeros": (
            np.where(rng.random(400) < 0.5, 0.0, rng.exponential(size=400)),
            False,
        ),
        "lone values around an atom": (
            np.r_[-1.0, np.zeros(60), 7.5, rng.normal(size=40)],
            False,
        ),
        "whole": (whole, True),
        "heaped": (heaped, True),
        "four at the end": (np.r_[np.arange(60.0), [100.0] * 4], True),
        "large": (1e9 + np.rint(50.0 * rng.random(200)), True),
    }


NAMES = list(columns(np.random.default_rng(0)))


@pytest.fixture(params=NAMES)
def column(request, global_random_seed):
    return columns(np.random.default_rng(global_random_seed))[request.param]


def learned(x, grid, min_count):
    return GridMap(*np.unique(x, return_counts=True), min_count=min_count, grid=grid)


@pytest.mark.parametrize("min_count", [1, 2, 5, 30])
def test_knots_and_ranks_rise_from_end_to_end(column, min_count):
    m = learned(*column, min_count)
    assert (np.diff(m.knots_) >= 0.0).all()
    assert (np.diff(m.ranks_) >= 0.0).all()
    assert m.ranks_[0] == 0.0
    assert m.ranks_[-1] == 1.0
    assert len(m.knots_) == len(m.ranks_) == len(m.unit_) + 1
    low, high = m.intervals(np.sort(column[0]))
    assert (low <= high).all()
    assert (np.diff(low) >= 0.0).all()


@pytest.mark.parametrize("min_count", [2, 5, 30])
def test_no_knot_is_a_number_that_few_rows_hold(column, min_count):
    x, grid = column
    m = learned(x, grid, min_count)
    values, counts = np.unique(x, return_counts=True)
    lone = values[counts < min_count]
    # On a grid a knot may lie at a whole number, as it may at any other.
    held = np.isin(lone, m.knots_).mean() if len(lone) else 0.0
    assert held <= (0.1 if grid else 0.0)


@pytest.mark.parametrize("min_count", [2, 5, 30])
def test_extremes_come_out_only_where_enough_rows_hold_them(column, min_count):
    x, grid = column
    m = learned(x, grid, min_count)
    drawn = m.values(np.linspace(0.0, 1.0, 5001))
    for values, held in ((drawn, x), (-drawn, -x)):
        end = held.max()
        holders = (held == end).sum()
        assert values.max() <= end if holders >= min_count else values.max() < end


@pytest.mark.parametrize("min_count", [2, 5])
def test_shares_are_kept(column, min_count):
    """At each decile, within half of two groups of 25 rows at most."""
    x, grid = column
    m = learned(x, grid, min_count)
    drawn = m.values((np.arange(20_000) + 0.5) / 20_000)
    for level in np.quantile(x, np.linspace(0.1, 0.9, 9)):
        tolerance = 0.5 * max(min_count, 0.5 * np.sqrt(len(x))) / len(x) + 0.01
        assert abs((drawn <= level).mean() - (x <= level).mean()) < 2.0 * tolerance


def test_atoms_keep_their_share_and_come_back(column):
    x, grid = column
    m = learned(x, grid, 5)
    values, counts = np.unique(x, return_counts=True)
    low, high = m.intervals(values)
    atom = counts >= 5
    # The outermost ones stand for the few rows beyond them too.
    beyond = (high - low - counts / len(x))[atom]
    assert_allclose(beyond[1:-1], 0.0, atol=1e-6)
    assert (beyond < 5 / len(x)).all()
    assert_array_equal(m.values(0.5 * (low + high))[atom], values[atom])


def test_with_a_count_of_one_every_value_comes_back(column):
    x, grid = column
    m = learned(x, grid, 1)
    low, high = m.intervals(np.unique(x))
    assert_array_equal(m.values(0.5 * (low + high)), np.unique(x))


def test_values_beyond_the_knots_have_any_rank_of_the_last_groups():
    x = np.random.default_rng(0).normal(size=400)
    m = learned(x, False, 5)
    low, high = m.intervals(x)
    m.spread_ends(x, low, high)
    beyond = x > m.knots_[-1]
    assert beyond.any()
    assert (low[beyond] == m.ranks_[-2]).all()
    assert (high[beyond] == 1.0).all()
