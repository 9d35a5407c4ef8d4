"""The forests' kernels against obvious code, and the smoothing of leaves."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import ndtr

from gaussflow.forests.fit import fit_forest
from gaussflow.forests.regions import RegionBook
from gaussflow.kernels.tree import (
    forest_draw,
    forest_forward,
    forest_inverse,
    forest_particles,
    node_laws,
)


def naive_levels(codes, share, j, place, f):
    """Return the mean cumulative law at both ends of the row's cell."""
    closed = f.gate[j] >= 0 and f.closed[f.gate_start[j] + codes[f.gate[j]]]
    if closed:
        return 0.0, float(codes[j] == 0)
    mean = f.location[j]
    for k in f.order[:place]:
        if f.effect_start[j, k] >= 0:
            mean += f.effects[f.effect_start[j, k] + codes[k]]
        elif f.missing[k] and codes[k] == 0:
            mean += f.gaps[j, k]
        else:
            low, high = (a[f.cell_start[k] + codes[k]] for a in (f.low, f.high))
            inside = share[k] * (high - low) if high > low else 0.0
            mean += f.weights[j, k] * (low + inside)
    edges = f.edges[f.cell_start[j] + j :][: f.n_cells[j] + 1]
    first = int(f.missing[j])
    cell_ends = np.array([codes[j], codes[j] + 1.0])
    ranks = ndtr((edges[codes[j] : codes[j] + 2] - mean) / f.scale[j])
    at = first + ranks * (f.n_ranks[j] - first)
    rank_ends = np.where(cell_ends <= first, cell_ends, at)
    levels = np.zeros(2)
    for t, node in enumerate(f.roots[j]):
        plain = t < f.n_plain[j]
        ends = cell_ends if plain else rank_ends
        n_bins = (f.n_cells if plain else f.n_ranks)[j]
        while f.feature[node] >= 0:
            column = f.feature[node]
            code = codes[column]
            if f.rank_start[j, column] >= 0:
                code = f.ranks[f.rank_start[j, column] + code]
            node = (f.left if code <= f.threshold[node] else f.right)[node]
        law = f.cumulative[f.table[node] :][: n_bins + 1]
        levels += np.interp(ends, np.arange(n_bins + 1), law)
    return levels / len(f.roots[j])


@pytest.fixture(scope="module")
def forest_map():
    rng = np.random.default_rng(0)
    n = 500
    site = rng.integers(0, 4, n).astype(float)
    gap = rng.integers(0, 2, n).astype(float)
    a = rng.standard_normal(n) + site
    b = np.abs(a - 1.0) + 0.1 * a + 0.3 * rng.standard_normal(n)
    a[rng.random(n) < 0.1] = np.nan
    b[gap == 1] = np.nan
    X = np.column_stack([b, site, a, gap])
    nominal = np.array([False, True, False, True])
    order = [3, 1, 2, 0]
    forest_map, forests = fit_forest(X, rng, order=order, nominal=nominal)
    assert 0 < forests[0].n_plain < 10  # trees of both kinds
    assert forests[0].gate is not None
    return forest_map, X


def test_forward_matches_obvious_code(forest_map):
    forest_map, X = forest_map
    f = forest_map.forest
    codes = np.empty(X.shape, dtype=np.int32)
    share = np.empty(X.shape)
    for j, cells in enumerate(forest_map.cells):
        codes[:, j], share[:, j], _ = cells.place(X[:, j])
    share = np.where(np.isnan(share), 0.5, share)
    share = np.where(share < 0.0, 1.0 + share, share)
    below, inside, above = (np.empty(X.shape) for _ in range(3))
    forest_forward(codes, share, f, below, inside, above)
    for i in range(0, len(X), 7):
        for place, j in enumerate(f.order):
            low, high = naive_levels(codes[i], share[i], j, place, f)
            assert_allclose(below[i, j], low, atol=1e-12)
            assert_allclose(inside[i, j], high - low, atol=1e-12)
    assert_allclose(below + inside + above, 1.0, atol=1e-12)


def test_inverse_finds_the_cells_and_places(forest_map):
    forest_map, X = forest_map
    f = forest_map.forest
    U = np.random.default_rng(1).random(X.shape)
    tails, upper = np.minimum(U, 1.0 - U), U > 0.5
    codes = np.empty(X.shape, dtype=np.int32)
    share, inside = np.empty(X.shape), np.empty(X.shape)
    forest_inverse(tails, upper, f, codes, share, inside)
    share = np.where(share < 0.0, 1.0 + share, share)
    below, again, above = (np.empty(X.shape) for _ in range(3))
    forest_forward(codes, share, f, below, again, above)
    assert_allclose(again, inside, atol=1e-12)
    free = forest_map.forest.gate < 0
    assert_allclose((below + share * inside)[:, free], U[:, free], atol=1e-9)


def test_one_tree_drawn_is_that_tree_inverted():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.integers(0, 3, 200), rng.standard_normal(200)])
    f = fit_forest(X, rng, n_trees=1)[0].forest
    U = rng.random((100, 2))
    codes, again = (np.empty((100, 2), dtype=np.int32) for _ in range(2))
    share, place, inside = (np.empty((100, 2)) for _ in range(3))
    forest_draw(U, f, 0, 2, codes, share)
    forest_inverse(U, np.zeros(U.shape, dtype=bool), f, again, place, inside)
    assert_array_equal(codes, again)
    assert_allclose(share, place, atol=1e-9)


def random_regions(forest_map, rng, n_rows):
    """One or two pieces of the line of cells, a single place, or nothing at all."""
    book = RegionBook(n_rows, len(forest_map.cells))
    for i in range(n_rows):
        for j, cells in enumerate(forest_map.cells):
            ends = np.sort(rng.uniform(0.0, cells.n_cells, 4))
            pieces = [(ends[0], ends[1]), (ends[2], ends[3])][: rng.integers(3)]
            if rng.random() < 0.2:
                pieces = [(ends[0], ends[0])]
            if rng.random() < 0.7:
                book.of[i, j] = book.add(pieces)
    return book.regions()


def naive_weight(codes, share, pieces_of, f):
    """Return the weight of a drawn row: its regions' masses, column by column."""
    weight = 1.0
    for place, j in enumerate(f.order):
        if pieces_of[j] is None:
            continue
        mass = 0.0
        for low, high in pieces_of[j]:
            levels = []
            for side, end in enumerate((low, high)):
                trial = codes.copy()
                trial[j] = min(int(end), f.n_cells[j] - 1)
                ends = naive_levels(trial, share, j, place, f)
                part = side if low == high else end - trial[j]
                if f.gate[j] >= 0 and ends == (0.0, float(trial[j] == 0)):
                    ends = (0.0, 1.0) if trial[j] == 0 else (1.0, 1.0)
                levels.append(ends[0] + part * (ends[1] - ends[0]))
            mass += levels[1] - levels[0]
        weight *= mass
    return weight


def test_particles_weigh_what_their_regions_do(forest_map):
    forest_map, _ = forest_map
    f, rng = forest_map.forest, np.random.default_rng(0)
    n, m, d = 40, 3, len(f.order)
    regions = random_regions(forest_map, rng, n)
    # Columns that an earlier one closes are tested by themselves.
    regions.of[:, f.gate >= 0] = -1
    codes, share = np.zeros((n, m, d), dtype=np.int32), np.zeros((n, m, d))
    log_weights = np.empty((n, m))
    forest_particles(
        rng.random((n, m, d)),
        rng.random((n, d)),
        0.0,
        f,
        regions,
        codes,
        share,
        log_weights,
    )
    for i in range(n):
        pieces_of = [None] * d
        for j in np.flatnonzero(regions.of[i] >= 0):
            k = regions.of[i, j]
            at = slice(regions.start[k], regions.start[k + 1])
            pairs = zip(regions.low[at], regions.high[at], strict=True)
            pieces_of[j] = list(pairs)
        for p in range(m):
            weight = naive_weight(codes[i, p], share[i, p], pieces_of, f)
            assert_allclose(np.exp(log_weights[i, p]), weight, atol=1e-12)
            if weight == 0.0:
                continue
            for j, pieces in enumerate(pieces_of):
                at = codes[i, p, j] + share[i, p, j]
                near = [low - 1e-9 <= at <= high + 1e-9 for low, high in pieces or []]
                assert pieces is None or any(near)
        bound = np.prod(
            [
                forest_map.most_probable(j, pieces)
                for j, pieces in enumerate(pieces_of)
                if pieces is not None and all(low < high for low, high in pieces)
            ]
        )
        assert np.exp(log_weights[i]).max() <= bound + 1e-12


def test_a_closed_column_weighs_one_or_nothing(forest_map):
    forest_map, _ = forest_map
    gate = forest_map.forest.gate[0]
    book = RegionBook(2, 4)
    book.of[:, gate] = book.add([(1.0, 2.0)])
    book.of[0, 0] = book.add([(0.0, 1.0)])
    book.of[1, 0] = book.add([(1.0, 5.0)])
    rng = np.random.default_rng(0)
    X, log_weights = forest_map.particles(book.regions(), 5, rng)
    assert np.isnan(X[:, :, 0]).all()
    assert_allclose(np.exp(log_weights[0]), np.exp(log_weights[0, 0]))
    assert (log_weights[1] == -np.inf).all()
    X, log_weights = forest_map.particles(book.regions(), 5, rng, gated=False)
    assert not np.isnan(X[1, :, 0]).any()


def test_particles_drawn_anew_have_the_same_law(forest_map):
    forest_map, _ = forest_map
    book, rng = RegionBook(1, 4), np.random.default_rng(0)
    book.of[0, 1] = book.add([(1.0, 3.0)])
    book.of[0, 0] = book.add([(8.0, 16.0)])
    never, log_never = forest_map.particles(book.regions(), 40_000, rng)
    anew, log_anew = forest_map.particles(book.regions(), 40_000, rng, resample=1.1)
    weights = np.exp(log_never[0])
    assert_allclose(np.exp(log_anew), weights.mean(), rtol=0.05)
    for j in range(3):
        a, b = anew[0, :, j], never[0, :, j]
        known = ~np.isnan(b)
        mean = np.average(b[known], weights=weights[known])
        assert abs(np.nanmean(a) - mean) < 0.05 * np.nanstd(b)


@pytest.mark.parametrize("n_smooth", [1.0, 5.0])
def test_laws_of_nodes_are_laws(n_smooth):
    rng = np.random.default_rng(0)
    counts = rng.poisson(0.7, (3, 40)).astype(float)
    counts[0] = counts[1] + counts[2]
    counts[2] = 0.0
    base = rng.dirichlet(np.ones(40))
    alone = np.arange(40) < 2
    laws = np.empty_like(counts)
    parent = np.array([-1, 0, 0])
    node_laws(counts, parent, base, alone, n_smooth, 1.0, laws)
    assert_allclose(laws.sum(axis=1), 1.0)
    assert (laws > 0.0).all()
    # A node without rows has its parent's law; cells alone keep their counts.
    assert_allclose(laws[2], laws[0])
    total = counts[0].sum()
    expected = (counts[0, :2] + base[:2]) / (total + 1.0)
    assert_allclose(laws[0, :2], expected)


def test_a_leaf_never_shows_a_row_alone():
    """Rows of a leaf are spread over cells around them, five at a time."""
    counts = np.zeros((1, 100))
    counts[0, [40, 44, 47, 51, 55, 58, 60, 63, 66, 70]] = 1.0
    base = np.full(100, 0.01)
    laws = np.empty_like(counts)
    none = np.zeros(100, dtype=bool)
    node_laws(counts, np.array([-1]), base, none, 5.0, 0.0, laws)
    assert laws.max() < 0.04
    assert_allclose(laws[0, :36], 0.0)
    assert_allclose(laws.sum(), 1.0)
