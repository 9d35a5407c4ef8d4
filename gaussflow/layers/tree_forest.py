"""Grow bagged trees for one column, and the laws of their leaves."""

import numpy as np
from sklearn.tree import DecisionTreeRegressor

from gaussflow._random import draw_seed
from gaussflow.kernels.tree import node_laws

#: Neighbouring cells of a leaf are joined until they hold so many rows.
SMOOTH_ROWS = 5.0
#: A parent's law weighs as so many rows in its child's.
SHRINK_ROWS = 1.0
#: Unordered levels, and atoms by their share, that get a response of their own.
MOST_LEVELS = 12
HEAVY_ATOM = 0.1
#: Weight of such a response beside the column's rank, which has variance 1.
INDICATOR = 2.0


class Tree:
    """One tree as arrays, its leaves' cumulative laws in the rows of ``laws``."""

    def __init__(self, feature, threshold, left, right, laws):
        self.feature, self.threshold = feature, threshold
        self.left, self.right = left, right
        self.laws = laws


def responses(codes, cells, nominal):
    """Return what the trees of a column are grown on, of shape (n_samples, k).

    The sum of squares over these is the impurity: of ranks for numbers, Gini's for
    unordered levels, and both where a column has heavy atoms or missing values.
    """
    base = cells.base
    if nominal:
        top = np.sort(np.argsort(-base, kind="stable")[:MOST_LEVELS])
        return (codes[:, None] == top).astype(np.float64)
    middle = np.cumsum(base) - 0.5 * base
    first = int(cells.has_missing)
    if first:
        middle = (middle - base[0]) / max(1.0 - base[0], 1e-12)
        middle[0] = 0.5
    rank = middle[codes]
    spread = rank.std()
    out = [(rank - rank.mean()) / (spread if spread > 0.0 else 1.0)]
    if cells.n_cells > 2:
        own = cells.is_atom & (base >= HEAVY_ATOM)
        own[:first] = True
        own[base > 0.98] = own[base > 0.98] & (np.flatnonzero(base > 0.98) < first)
        for cell in np.flatnonzero(own)[:MOST_LEVELS]:
            out.append(INDICATOR * (codes == cell))
    return np.column_stack(out)


def grow(codes, y, cells, alone, rows, min_leaf, seed, shrink=SHRINK_ROWS):
    """Grow one tree on some rows.

    Parameters
    ----------
    codes : ndarray of shape (n_samples, n_predictors), float32
        Ordered codes of the columns before.
    y : tuple of ndarray
        The responses, and the column's own cells, of all rows.
    cells : ColumnCells
        The column's cells.
    alone : ndarray of shape (n_cells,), bool
        Cells that are never joined with their neighbours.
    rows : ndarray of int
        The rows that count, repeated as often as they do.
    min_leaf : int
        Least rows of a leaf.
    seed : int
        Randomness among equal splits.

    Returns
    -------
    tree : Tree
    """
    response, own = y
    model = DecisionTreeRegressor(min_samples_leaf=min_leaf, random_state=seed)
    model.fit(codes[rows], response[rows])
    tree = model.tree_
    n_nodes, n_cells = tree.node_count, cells.n_cells
    leaf = tree.apply(codes[rows])
    counts = np.bincount(leaf * n_cells + own[rows], minlength=n_nodes * n_cells)
    counts = counts.reshape(n_nodes, n_cells).astype(np.float64)
    parent = np.full(n_nodes, -1, dtype=np.int64)
    inner = np.flatnonzero(tree.children_left >= 0)
    parent[tree.children_left[inner]] = inner
    parent[tree.children_right[inner]] = inner
    for node in range(n_nodes - 1, 0, -1):  # children come after their parents
        counts[parent[node]] += counts[node]
    laws = np.empty_like(counts)
    node_laws(counts, parent, cells.base, alone, SMOOTH_ROWS, shrink, laws)
    return Tree(
        np.where(tree.children_left >= 0, tree.feature, -1),
        np.floor(tree.threshold).astype(np.int64),
        tree.children_left,
        tree.children_right,
        laws,
    )


def leaf_numbers(tree, codes):
    """Return the node of the leaf that each row falls in."""
    node = np.zeros(len(codes), dtype=np.int64)
    inside = tree.feature[node] >= 0
    while inside.any():
        at = node[inside]
        goes_left = codes[inside, tree.feature[at]] <= tree.threshold[at]
        node[inside] = np.where(goes_left, tree.left[at], tree.right[at])
        inside = tree.feature[node] >= 0
    return node


def level_ranks(codes, response, n_levels):
    """Order a predictor's unordered levels for the trees of a column.

    Levels are ranked along the response's main axis between them (for two
    classes and for numbers this finds the best split of all; Breiman et al.,
    1984, theorem 4.5); means of few rows are drawn to the centre.
    """
    size = np.bincount(codes, minlength=n_levels)
    centred = response - response.mean(axis=0)
    means = np.empty((n_levels, response.shape[1]))
    for k in range(response.shape[1]):
        means[:, k] = np.bincount(codes, centred[:, k], n_levels) / (size + 5.0)
    axis = 0 if response.shape[1] == 1 else None
    score = means[:, 0]
    if axis is None:
        scaled = means * np.sqrt(size)[:, None]
        score = means @ np.linalg.svd(scaled, full_matrices=False)[2][0]
    ranks = np.empty(n_levels, dtype=np.int64)
    ranks[np.argsort(score, kind="stable")] = np.arange(n_levels)
    return ranks


def bag(n_rows, rng):
    """Draw the rows of one tree: as many as there are, with replacement."""
    return np.sort(rng.integers(n_rows, size=n_rows))


def held_out_scores(codes, y, cells, alone, candidates, rng, n_trees=4):
    """Return the log-likelihood of held-out rows, one row per leaf size."""
    n_rows = len(codes)
    split = rng.permutation(n_rows)
    train, test = split[n_rows // 3 :], split[: n_rows // 3]
    bags = [train[bag(len(train), rng)] for _ in range(n_trees)]
    seeds = [draw_seed(rng) for _ in bags]
    scores = np.empty((len(candidates), len(test)))
    for c, (min_leaf, shrink) in enumerate(candidates):
        mean = np.zeros(len(test))
        for rows, seed in zip(bags, seeds, strict=True):
            tree = grow(codes, y, cells, alone, rows, min_leaf, seed, shrink)
            mean += tree.laws[leaf_numbers(tree, codes[test]), y[1][test]]
        scores[c] = np.log(mean / n_trees)
    return scores
