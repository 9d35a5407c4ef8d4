"""Make what the forests draw keep every column's own shares."""

import numpy as np
from scipy.special import ndtri

from gaussflow.kernels.tree import forest_draw, leaf_visits

#: Rows drawn to compare the forests' shares with the columns' own: their standard
#: error, 0.0035 at most, bounds how well shares are kept.
DRAWN_ROWS = 20_000
#: Steps of proportional fitting, and the most that a bin may be multiplied by.
STEPS = 12
MAX_FACTOR = 10.0
#: Ranks at which drawn scores are compared with the column's own.
KNOTS = 48
#: Chosen by hand: part of the old scores that stays, so that no cell becomes empty.
KEPT = 0.02


def calibrate(forest_map, forests, rng):
    """Tilt the laws of all leaves so that each column is drawn with its own shares.

    A leaf is smoothed, and what it is conditioned on is itself drawn: together
    they bend a column's shares. Column after column, rows are drawn; the
    probability of each bin is multiplied by one factor, the same in all leaves,
    until the mean over these rows is the column's own (iterative proportional
    fitting). Trees that refine a linear model are tilted by themselves, to even
    ranks, and then the scores of the column's cells are moved as well.

    Parameters
    ----------
    forest_map : ForestMap
        Changed in place.
    forests : list of ColumnForest
        The columns' own, from which it was made.
    rng : numpy.random.Generator
        Randomness of the draws.
    """
    forest = forest_map.forest
    n_trees = forest.roots.shape[1]
    uniforms = rng.random((DRAWN_ROWS, len(forests)))
    codes = np.zeros(uniforms.shape, dtype=np.int32)
    share = np.zeros(uniforms.shape)
    for place, j in enumerate(forest.order):
        plain, places = forest.n_plain[j], (place, place + 1)
        if plain > 0:
            _rake(forest, j, (0, plain), codes, forests[j].base)
        if plain < n_trees:
            _rake(forest, j, (plain, n_trees), codes, forests[j].rank_base)
            drawn = uniforms.copy()
            drawn[:, j] = (plain + (n_trees - plain) * uniforms[:, j]) / n_trees
            forest_draw(drawn, forest, *places, codes, share)
            _move_edges(forest, j, forest_map.cells[j], codes[:, j])
        forest_draw(uniforms, forest, *places, codes, share)


def _rake(forest, j, trees, codes, base):
    """Tilt the leaves of some trees until they have these shares on the whole."""
    roots = np.append(forest.roots, len(forest.feature))
    at = j * forest.roots.shape[1]
    nodes = np.arange(roots[at + trees[0]], roots[at + trees[1]])
    first = forest.table[nodes[forest.feature[nodes] < 0][0]]
    n_leaves = int((forest.feature[nodes] < 0).sum())
    visits = np.zeros(n_leaves)
    leaf_visits(codes, j, forest, trees, visits)
    if n_leaves == 1 or visits.sum() == 0.0:
        return
    size = len(base) + 1
    cumulative = forest.cumulative[first : first + n_leaves * size]
    cumulative = cumulative.reshape(n_leaves, size)
    laws, factors = np.diff(cumulative, axis=1), np.ones(len(base))
    weight = visits / visits.sum()
    for _ in range(STEPS):
        # The mean of the tilted laws, without writing all of them down.
        drawn = factors * ((weight / (laws @ factors)) @ laws)
        factors *= base / np.maximum(drawn, np.finfo(float).tiny)
        factors = np.clip(factors, 1.0 / MAX_FACTOR, MAX_FACTOR)
    laws *= factors
    laws /= laws.sum(axis=1, keepdims=True)
    cumulative[:, 1:] = np.minimum(np.cumsum(laws, axis=1), 1.0)
    cumulative[:, -1] = 1.0


def _move_edges(forest, j, cells, drawn):
    """Move the scores of a column's cells to where they are drawn as often."""
    first, n_cells = int(cells.has_missing), cells.n_cells
    base = cells.base[first:] / cells.base[first:].sum()
    counts = np.bincount(drawn, minlength=n_cells)[first:]
    reached = np.cumsum(counts[:-1]) / max(counts.sum(), 1)
    knots = np.searchsorted(reached, (np.arange(KNOTS) + 0.5) / KNOTS)
    knots = np.unique(knots[knots < len(reached)])
    knots = knots[(reached[knots] > 0.0) & (reached[knots] < 1.0)]
    if len(knots) == 0:
        return
    at = forest.cell_start[j] + j + first + 1
    edges = forest.edges[at : at + n_cells - first - 1]
    reached, wanted = ndtri(reached[knots]), ndtri(np.cumsum(base)[:-1])
    moved = np.interp(wanted, reached, edges[knots])
    moved += np.minimum(wanted - reached[0], 0.0)
    moved += np.maximum(wanted - reached[-1], 0.0)
    edges += (1.0 - KEPT) * (moved - edges)
