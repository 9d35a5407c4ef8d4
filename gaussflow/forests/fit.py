"""Fit the forests of all columns, one after the other."""

import numpy as np

from gaussflow._common.blocks import run_threads
from gaussflow.forests.calibration import calibrate
from gaussflow.forests.cells import ColumnCells
from gaussflow.forests.linear import design_blocks
from gaussflow.forests.map import ForestMap
from gaussflow.forests.stacking import stack_weights
from gaussflow.forests.target import cell_target, level_ranks, linear_target
from gaussflow.forests.tree import ColumnForest, Tree, bag, grow, held_out_laws

#: With fewer rows nothing is chosen on held-out ones; of more, so many are used.
MIN_ROWS = 40
CHOOSING_ROWS = 4000
#: Least filled cells that a linear model is fitted on.
MIN_MODEL_ROWS = 20
#: Most columns before a column that its trees may ask for: those that trees on the
#: choosing rows use most.
MAX_PREDICTORS = 16


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
    min_leaf : int
        Least rows of a leaf.
    n_jobs : int or None
        Threads over columns.
    """
    n_rows, n_features = X.shape
    order = np.arange(n_features) if order is None else np.asarray(order)
    nominal = np.zeros(n_features, dtype=bool) if nominal is None else nominal
    cells = [
        ColumnCells.learn(
            X[:, j], discrete=bool(nominal[j]) or discrete, bounded=bounded
        )
        for j in range(n_features)
    ]
    codes, share = np.empty(X.shape, dtype=np.int64), np.empty(X.shape)
    for j in range(n_features):
        codes[:, j], share[:, j], _ = cells[j].place(X[:, j])
    share = np.where(share < 0.0, 1.0 + share, share)
    rngs = rng.spawn(n_features)
    columns = _Columns(codes, share, cells, nominal)

    def work(place):
        column, before = int(order[place]), order[:place]
        return _fit_column(columns, column, before, n_trees, min_leaf, rngs[place])

    fitted = run_threads(work, list(range(n_features)), n_jobs)
    forests = [None] * n_features
    for column, forest in zip(order, fitted, strict=True):
        forests[column] = forest
    forest_map = ForestMap(cells, order, forests)
    calibrate(forest_map, forests, rng)
    return forest_map, forests


class _Columns:
    """What all columns' fits read."""

    def __init__(self, codes, share, cells, nominal):
        self.codes, self.share = codes, share
        self.cells, self.nominal = cells, nominal


def _fit_column(columns, column, before, n_trees, min_leaf, rng):
    """Return the ColumnForest of one column."""
    own, codes = columns.cells[column], columns.codes[:, column]
    if len(before) == 0 or own.n_cells == 1:
        return ColumnForest([Tree.alone(own.base)] * n_trees, own.base)
    gate = _gate(columns, column, before)
    # Where an earlier column tells what is missing, trees see the other rows only.
    rows = np.arange(len(codes)) if gate is None else np.flatnonzero(codes > 0)
    plain = cell_target(codes, own, columns.nominal[column])
    inputs, ranks = _inputs(columns, before, plain.response)
    refine = _refinement(columns, column, before)
    n_linear, used = _share_linear(
        columns, column, rows, inputs, plain, refine, n_trees, min_leaf, rng
    )
    targets = [plain] * (n_trees - n_linear)
    if n_linear:
        targets += [refine(rows, rng)] * n_linear
    if gate is not None:
        for target in targets:
            target.rule_out_missing()
    trees = _grow_all(inputs, targets, rows, min_leaf, before, used, rng)
    forest = ColumnForest(trees, plain.base, gate)
    forest.ranks, forest.n_plain = ranks, n_trees - n_linear
    if n_linear:
        forest.model, forest.rank_base = targets[-1].model, targets[-1].base
    return forest


def _refinement(columns, column, before):
    """Return a fit of a linear target to some rows; None without ordered levels."""
    own, codes = columns.cells[column], columns.codes
    n_levels = own.n_cells - int(own.has_missing)
    if n_levels == 1 or (columns.nominal[column] and n_levels > 2):
        return None
    blocks = design_blocks(codes, columns.share, columns.cells, columns.nominal, before)

    def refine(rows, rng):
        return linear_target(codes[:, column], own, blocks, codes.shape[1], rows, rng)

    return refine


def _share_linear(columns, column, rows, inputs, plain, refine, n_trees, min_leaf, rng):
    """Let held-out rows choose the trees that refine the linear model.

    Returns
    -------
    n_linear : int
        How many of the trees do.
    used : ndarray of int
        The predictors that trees may ask for.
    """
    if len(rows) < MIN_ROWS:
        return 0, np.arange(inputs.shape[1])
    split = rng.permutation(rows)[:CHOOSING_ROWS]
    train, test = split[len(split) // 3 :], split[: len(split) // 3]
    first = int(columns.cells[column].has_missing)
    n_filled = (columns.codes[train, column] >= first).sum()
    targets = [plain]
    if refine is not None and n_filled >= MIN_MODEL_ROWS:
        targets.append(refine(train, rng))
    elif inputs.shape[1] <= MAX_PREDICTORS:
        return 0, np.arange(inputs.shape[1])
    likelihoods, importance = held_out_laws(inputs, targets, train, test, min_leaf, rng)
    plain_part = stack_weights(likelihoods)[0]
    used = np.argsort(-importance, kind="stable")[:MAX_PREDICTORS]
    return n_trees - int(np.rint(plain_part * n_trees)), np.sort(used)


def _grow_all(inputs, targets, rows, min_leaf, before, used, rng):
    """Grow the trees of a column, each on a bag of its own, and learn their laws."""
    inputs, trees = np.ascontiguousarray(inputs[:, used]), []
    for target in targets:
        tree = grow(inputs, target, rows[bag(len(rows), rng)], min_leaf, rng)
        tree.learn_laws(target, min_leaf)
        tree.counts = None  # as large as the laws of all nodes
        tree.feature = np.where(tree.feature >= 0, before[used][tree.feature], -1)
        trees.append(tree)
    return trees


def _gate(columns, column, before):
    """Return the earlier column that tells what is missing here, and where.

    Such is a column of unordered codes, each of which stands for missing cells
    alone or for none.
    """
    if not columns.cells[column].has_missing or columns.cells[column].n_cells == 1:
        return None
    gap = columns.codes[:, column] == 0
    for k in map(int, before):
        if not columns.nominal[k]:
            continue
        n_levels = columns.cells[k].n_cells
        size = np.bincount(columns.codes[:, k], minlength=n_levels)
        gaps = np.bincount(columns.codes[gap, k], minlength=n_levels)
        if ((gaps == 0) | (gaps == size)).all():
            return k, gaps > 0
    return None


def _inputs(columns, before, response):
    """Return the predictors' codes, and the ranks that put levels in order."""
    codes = columns.codes
    inputs, ranks = np.empty((len(codes), len(before)), dtype=np.float32), {}
    for k, predictor in enumerate(map(int, before)):
        inputs[:, k] = codes[:, predictor]
        n_levels = columns.cells[predictor].n_cells
        if columns.nominal[predictor] and n_levels > 2:
            ranks[predictor] = level_ranks(codes[:, predictor], response, n_levels)
            inputs[:, k] = ranks[predictor][codes[:, predictor]]
    return inputs, ranks
