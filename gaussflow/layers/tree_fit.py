"""Fit the forests of all columns, one after the other."""

import numpy as np

from gaussflow._random import draw_seed
from gaussflow.layers.base import run_threads
from gaussflow.layers.tree_cells import FEW_VALUES, ColumnCells
from gaussflow.layers.tree_forest import (
    SHRINK_ROWS,
    Tree,
    bag,
    grow,
    held_out_scores,
    level_ranks,
    responses,
)
from gaussflow.layers.tree_map import ForestMap


def fit_forest(
    X,
    rng,
    *,
    order=None,
    nominal=None,
    discrete="auto",
    bounded=False,
    n_trees=10,
    min_leaf=50,
    n_jobs=None,
):
    """Fit a ForestMap and return it.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Rows; NaN where missing. Unordered levels are whole codes.
    rng : numpy.random.Generator
        Randomness of bags, splits and ties.
    order : array-like of int or None
        Columns in the order in which they are conditioned; None keeps it.
    nominal : array-like of bool or None
        Which columns hold unordered codes.
    discrete, bounded : see ColumnCells.learn
    n_trees : int
        Trees of each column.
    min_leaf : int or sequence of int
        Least rows of a leaf; of several, each column gets the one that makes
        held-out rows most likely.
    n_jobs : int or None
        Threads over columns.
    """
    n_rows, n_features = X.shape
    order = np.arange(n_features) if order is None else np.asarray(order)
    nominal = np.zeros(n_features, dtype=bool) if nominal is None else nominal
    cells = [
        ColumnCells.learn(X[:, j], discrete=nominal[j] or discrete, bounded=bounded)
        for j in range(n_features)
    ]
    codes = np.empty(X.shape, dtype=np.int64)
    for j in range(n_features):
        codes[:, j] = cells[j].place(X[:, j])[0]
    rngs = rng.spawn(n_features)

    def work(place):
        column, before = order[place], order[:place]
        return _fit_column(
            codes, column, before, cells, nominal, n_trees, min_leaf, rngs[place]
        )

    fitted = run_threads(work, list(range(n_features)), n_jobs)
    trees, ranks, leaves = [None] * n_features, {}, {}
    for column, (forest, own_ranks, leaf) in zip(order, fitted, strict=True):
        trees[column] = forest
        leaves[int(column)] = leaf
        ranks.update({(int(column), k): table for k, table in own_ranks.items()})
    return ForestMap(cells, order, trees, ranks), leaves


def _fit_column(codes, column, before, cells, nominal, n_trees, min_leaf, rng):
    """Return the trees of one column, its predictors' ranks, and its leaf size."""
    own = cells[column]
    if len(before) == 0 or own.n_cells == 1:
        leaf = np.array([-1])
        tree = Tree(leaf, leaf, leaf, leaf, own.base[None, :])
        return [tree] * n_trees, {}, None
    y = responses(codes[:, column], own, nominal[column]), codes[:, column]
    inputs = np.empty((len(codes), len(before)), dtype=np.float32)
    ranks = {}
    for k, predictor in enumerate(before):
        inputs[:, k] = codes[:, predictor]
        if nominal[predictor] and cells[predictor].n_cells > 2:
            table = level_ranks(codes[:, predictor], y[0], cells[predictor].n_cells)
            ranks[int(predictor)] = table
            inputs[:, k] = table[codes[:, predictor]]
    alone = np.zeros(own.n_cells, dtype=bool)
    alone[: int(own.has_missing)] = True
    alone |= nominal[column] or own.n_cells <= FEW_VALUES
    shrink = SHRINK_ROWS
    if not np.isscalar(min_leaf):
        candidates = [(m, s) for m in min_leaf for s in (SHRINK_ROWS,)]
        scores = held_out_scores(inputs, y, own, alone, candidates, rng)
        gain = scores - scores[-1]
        error = gain.std(axis=1) / np.sqrt(gain.shape[1])
        min_leaf, shrink = candidates[int(np.argmax(gain.mean(axis=1) - error))]
    trees = []
    for _ in range(n_trees):
        rows = bag(len(codes), rng)
        tree = grow(inputs, y, own, alone, rows, min_leaf, draw_seed(rng), shrink)
        tree.feature = np.where(tree.feature >= 0, before[tree.feature], -1)
        trees.append(tree)
    return trees, ranks, min_leaf
