"""The arrays of a forest: laid out from fitted trees, and checked when loaded.

A kernel trusts them, so no forged file may reach it.
"""

import numpy as np

from gaussflow.kernels.tree import Forest
from gaussflow.persistence.shapes import Array
from gaussflow.persistence.state import check_that

#: Scores, and what weighs them, so moderate that their products and sums are finite.
MODERATE = "[-1e100, 1e100]"

_WHOLE = Array("i8", "d", within="[0, inf]")
_TREES = Array("i4", "nodes")
_STARTS = Array("i8", "d", "d", within="[-1, inf]")
_PAIRS = Array("f8", "d", "d", within=MODERATE)
#: What each array of ``Forest`` is, for d columns.
ARRAYS = {
    "order": _WHOLE,
    "n_cells": Array("i8", "d", within="[1, inf]"),
    "n_ranks": _WHOLE,
    "n_plain": _WHOLE,
    "missing": Array("b", "d"),
    "gate": Array("i8", "d", within="[-1, inf]"),
    "gate_start": _WHOLE,
    "closed": Array("b", None),
    "roots": Array("i4", "d", "trees", within="[0, inf]"),
    "feature": _TREES,
    "threshold": _TREES,
    "left": _TREES,
    "right": _TREES,
    "table": Array("i8", "nodes", within="[0, inf]"),
    "cumulative": Array("f8", None, within="[0, 1]"),
    "rank_start": _STARTS,
    "ranks": Array("i4", None),
    "location": Array("f8", "d", within=MODERATE),
    "scale": Array("f8", "d", within="(0, inf)"),
    "weights": _PAIRS,
    "gaps": _PAIRS,
    "effect_start": _STARTS,
    "effects": Array("f8", None, within=MODERATE),
    "cell_start": _WHOLE,
    "edges": Array("f8", None, within="[-inf, inf]"),
    "low": Array("f8", None, within=MODERATE),
    "high": Array("f8", None, within=MODERATE),
}


def forest_arrays(cells, order, forests):
    """Return the arrays of ``Forest`` by name.

    Parameters
    ----------
    cells : list of ColumnCells
        One per column.
    order : array-like of int
        Columns in the order in which they are conditioned.
    forests : list of ColumnForest
        One per column, with equally many trees, plain ones first.
    """
    n_cells = np.array([c.n_cells for c in cells], dtype=np.int64)
    scores = [c.scores() for c in cells]
    edges, low, high = (np.concatenate(part) for part in zip(*scores, strict=True))
    rank_start, ranks = _lay_tables([f.ranks for f in forests], np.int32)
    return {
        "order": np.asarray(order, dtype=np.int64),
        "n_cells": n_cells,
        "n_ranks": np.array([f.n_ranks for f in forests], dtype=np.int64),
        "n_plain": np.array([f.n_plain for f in forests], dtype=np.int64),
        "missing": np.array([c.has_missing for c in cells]),
        "cell_start": np.cumsum(n_cells) - n_cells,
        "edges": edges,
        "low": low,
        "high": high,
        **_lay_trees(forests),
        **_lay_gates([f.gate for f in forests]),
        "rank_start": rank_start,
        "ranks": ranks,
        **_lay_models([f.model for f in forests]),
    }


def _lay_trees(forests):
    """Put all trees end to end, and their leaves' laws."""
    names = ("feature", "threshold", "left", "right", "table", "cumulative")
    parts = {name: [] for name in names}
    roots = np.empty((len(forests), len(forests[0].trees)), dtype=np.int32)
    n_nodes = n_values = 0
    for column, forest in enumerate(forests):
        for t, tree in enumerate(forest.trees):
            roots[column, t] = n_nodes
            leaf = tree.feature < 0
            starts = np.zeros(len(leaf), dtype=np.int64)
            size = tree.laws.shape[1] + 1
            starts[leaf] = n_values + size * np.arange(leaf.sum())
            laws = np.cumsum(tree.laws, axis=1)
            laws = np.c_[np.zeros(len(laws)), laws[:, :-1], np.ones(len(laws))]
            parts["cumulative"].append(np.minimum(laws, 1.0).ravel())
            parts["feature"].append(tree.feature.astype(np.int32))
            parts["threshold"].append(tree.threshold.astype(np.int32))
            parts["left"].append((tree.left + n_nodes).astype(np.int32))
            parts["right"].append((tree.right + n_nodes).astype(np.int32))
            parts["table"].append(starts)
            n_nodes += len(leaf)
            n_values += laws.size
    return {"roots": roots} | {k: np.concatenate(v) for k, v in parts.items()}


def _lay_gates(gates):
    """Put what tells each column's missing values end to end."""
    gate = np.full(len(gates), -1, dtype=np.int64)
    start, closed, size = np.zeros_like(gate), [np.zeros(0, dtype=bool)], 0
    for column, own in enumerate(gates):
        if own is not None:
            gate[column], start[column] = own[0], size
            closed.append(own[1])
            size += len(own[1])
    return {"gate": gate, "gate_start": start, "closed": np.concatenate(closed)}


def _lay_tables(tables, dtype):
    """Put tables by (column, predictor) end to end; return their starts too."""
    starts = np.full((len(tables), len(tables)), -1, dtype=np.int64)
    flat, size = [np.zeros(1, dtype=dtype)], 1
    for column, own in enumerate(tables):
        for predictor, table in own.items():
            starts[column, predictor] = size
            flat.append(table.astype(dtype))
            size += len(table)
    return starts, np.concatenate(flat)


def _lay_models(models):
    """Put the linear models in arrays by (column, predictor)."""
    n_features = len(models)
    location, scale = np.zeros(n_features), np.ones(n_features)
    weights, gaps = (np.zeros((n_features, n_features)) for _ in range(2))
    for column, model in enumerate(models):
        if model is not None:
            location[column], scale[column] = model.location, model.scale
            weights[column], gaps[column] = model.weights, model.gaps
    tables = [{} if m is None else m.effects for m in models]
    starts, effects = _lay_tables(tables, np.float64)
    return {
        "location": location,
        "scale": scale,
        "weights": weights,
        "gaps": gaps,
        "effect_start": starts,
        "effects": effects,
    }


def check_forest(owner, arrays, cells):
    """Raise ValueError unless the arrays lead kernels to places that there are.

    Parameters
    ----------
    owner : ForestMap
        For the message.
    arrays : dict of str to ndarray
        They keep the rules of ``ARRAYS``, and agree on the lengths named there.
    cells : list of ColumnCells
    """
    f, d = Forest(**arrays), len(cells)
    check_that(owner, (np.sort(f.order) == np.arange(d)).all(), "order")
    own = [(c.n_cells, c.has_missing) for c in cells]
    sound = own == list(zip(f.n_cells.tolist(), f.missing.tolist(), strict=True))
    check_that(owner, sound, "cells and their numbers do not go together")
    sound = (f.cell_start == np.cumsum(f.n_cells) - f.n_cells).all()
    n = int(f.n_cells.sum())
    sound &= f.low.shape == f.high.shape == (n,) and f.edges.shape == (n + d,)
    check_that(owner, sound, "cells and their scores do not go together")
    place = np.argsort(f.order)
    _check_tables(owner, f, place)
    _check_trees(owner, f, place)


def _check_tables(owner, f, place):
    """Check where the tables of predictors and of gates start."""
    # Subtracted, not added: a forged start may be so large that a sum would wrap.
    for starts, table in ((f.rank_start, f.ranks), (f.effect_start, f.effects)):
        fits = (starts < 0) | (starts <= len(table) - f.n_cells)
        check_that(owner, fits.all(), "a table of levels reaches beyond its end")
    for j in np.flatnonzero(f.gate != -1):
        fits = f.gate[j] < len(f.gate) and place[f.gate[j]] < place[j]
        fits = fits and f.gate_start[j] <= len(f.closed) - f.n_cells[f.gate[j]]
        check_that(owner, fits and f.missing[j], "a gate leads astray")


def _check_trees(owner, f, place):
    """Check that every walk down a tree ends at a leaf that has its law."""
    (d, n_trees), n_nodes = f.roots.shape, len(f.feature)
    ends = np.append(f.roots.ravel(), n_nodes).astype(np.int64)
    sound = n_trees > 0 and ends[0] == 0 and (np.diff(ends) > 0).all()
    sound = sound and (f.n_plain <= n_trees).all()
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
    start, levels = f.table[leaf], f.cumulative
    fits = (n_bins > 0).all() and (start < len(levels) - n_bins).all()
    check_that(owner, fits, "a leaf's law lies elsewhere")
    falls = np.cumsum(np.append(False, np.diff(levels) < 0.0))
    rising = (falls[start] == falls[start + n_bins]).all()
    whole = (levels[start] == 0.0).all() and (levels[start + n_bins] == 1.0).all()
    check_that(owner, rising and whole, "a leaf's law must rise from 0 to 1")
