"""Check the arrays of a forest before a kernel, which trusts them, sees them."""

import numpy as np

from gaussflow.forests.cells import ColumnCells
from gaussflow.kernels.tree import Forest
from gaussflow.persistence.state import check_that

#: Arrays of whole numbers, and of truth values; the others hold floats.
WHOLE = (
    "order n_cells n_ranks n_plain gate gate_start roots feature threshold left right "
    "table rank_start ranks effect_start cell_start"
).split()
TRUTHS = "missing", "closed"


def check_forest(owner, arrays, cells):
    """Raise ValueError unless the arrays lead kernels to places that there are.

    Parameters
    ----------
    owner : ForestMap
        For the message.
    arrays : dict of str to ndarray
        See ``Forest``.
    cells : list of ColumnCells
    """
    sound = isinstance(arrays, dict) and sorted(arrays) == sorted(Forest._fields)
    check_that(owner, sound, "its arrays are not those of a forest")
    for name, array in arrays.items():
        kind = "i" if name in WHOLE else "b" if name in TRUTHS else "f"
        fits = isinstance(array, np.ndarray) and array.dtype.kind == kind
        fits = fits and (kind != "f" or name == "edges" or np.isfinite(array).all())
        check_that(owner, fits, f"{name} holds other values")
    sound = all(isinstance(c, ColumnCells) for c in cells) and len(cells) > 0
    check_that(owner, sound, "a column has no cells")
    f, d = Forest(**arrays), len(cells)
    check_that(owner, f.roots.shape[:1] == (d,) and f.roots.ndim == 2, "roots")
    by_column = f.order, f.n_cells, f.n_ranks, f.n_plain, f.missing, f.gate
    by_column += f.gate_start, f.cell_start, f.location, f.scale
    sound = all(a.shape == (d,) for a in by_column)
    pairs = f.rank_start, f.weights, f.gaps, f.effect_start
    sound &= all(a.shape == (d, d) for a in pairs)
    flat = f.closed, f.feature, f.table, f.cumulative, f.ranks, f.effects, f.edges
    sound &= all(a.ndim == 1 for a in (*flat, f.threshold, f.left, f.right))
    check_that(owner, sound, "arrays have other shapes")
    check_that(owner, (np.sort(f.order) == np.arange(d)).all(), "order")
    own = [(c.n_cells, c.has_missing) for c in cells]
    sound = own == list(zip(f.n_cells.tolist(), f.missing.tolist(), strict=True))
    sound &= (f.cell_start == np.cumsum(f.n_cells) - f.n_cells).all()
    n = int(f.n_cells.sum())
    sound &= f.low.shape == f.high.shape == (n,) and f.edges.shape == (n + d,)
    check_that(owner, sound, "cells and their scores do not go together")
    check_that(owner, (f.scale > 0.0).all(), "scale must be positive")
    place = np.argsort(f.order)
    _check_tables(owner, f, place)
    _check_trees(owner, f, place)


def _check_tables(owner, f, place):
    """Check where the tables of predictors and of gates start."""
    for starts, table in ((f.rank_start, f.ranks), (f.effect_start, f.effects)):
        last = np.where(starts >= 0, starts + f.n_cells, 0)
        fits = (starts >= -1).all() and (last <= len(table)).all()
        check_that(owner, fits, "a table of levels reaches beyond its end")
    for j in np.flatnonzero(f.gate != -1):
        fits = 0 <= f.gate[j] < len(f.gate) and place[f.gate[j]] < place[j]
        fits = fits and f.gate_start[j] >= 0
        fits = fits and f.gate_start[j] + f.n_cells[f.gate[j]] <= len(f.closed)
        check_that(owner, fits and f.missing[j], "a gate leads astray")


def _check_trees(owner, f, place):
    """Check that every walk down a tree ends at a leaf that has its law."""
    (d, n_trees), n_nodes = f.roots.shape, len(f.feature)
    same = len(f.threshold) == len(f.left) == len(f.right) == len(f.table) == n_nodes
    ends = np.append(f.roots.ravel(), n_nodes)
    sound = same and n_trees > 0 and ends[0] == 0 and (np.diff(ends) > 0).all()
    sound = sound and ((f.n_plain >= 0) & (f.n_plain <= n_trees)).all()
    linear = f.n_plain < n_trees
    sound = sound and (f.n_ranks[linear] > f.missing[linear]).all()
    check_that(owner, sound, "its trees do not follow each other")
    tree = np.repeat(np.arange(d * n_trees), np.diff(ends))
    column, node = tree // n_trees, np.arange(n_nodes)
    leaf = f.feature == -1
    inner = ~leaf
    asked = f.feature[inner]
    sound = (asked >= 0).all() and (asked < d).all()
    sound = sound and (place[asked] < place[column[inner]]).all()
    for child in (f.left[inner], f.right[inner]):
        # Later in the same tree: so no walk goes in circles.
        sound = sound and (child > node[inner]).all()
        sound = sound and (child < ends[tree[inner] + 1]).all()
    check_that(owner, sound, "a walk down a tree would go astray")
    plain = tree % n_trees < f.n_plain[column]
    n_bins = np.where(plain, f.n_cells[column], f.n_ranks[column])[leaf]
    start = f.table[leaf]
    fits = (start >= 0).all() and (start + n_bins < len(f.cumulative)).all()
    check_that(owner, fits, "a leaf's law lies elsewhere")
    inside = (f.cumulative >= 0.0).all() and (f.cumulative <= 1.0).all()
    check_that(owner, inside, "probabilities must lie between 0 and 1")
