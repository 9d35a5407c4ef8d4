"""Grow bagged trees for one column, and the laws of their leaves."""

import numpy as np

from gaussflow._common.seeds import draw_seed
from gaussflow.kernels.tree import node_laws

#: Neighbouring cells of a leaf are joined until they hold so many rows, or this part
#: of the least rows of a leaf: fewer keep the rows' own places, more blur the law.
#: Chosen by hand.
SMOOTH_ROWS = 5.0
SMOOTH_PART = 0.2
#: Rows that a parent's law weighs as in its child's. Chosen by hand.
SHRINK_ROWS = 1.0
#: Most rows that the splits of one tree are searched on; all rows of its bag count
#: in its leaves.
GROWN_ROWS = 20_000
#: Most numbers in the laws of one tree, which bound how small its leaves may be.
MAX_NUMBERS = 200_000
#: Part of every leaf's law that is the column's own, so that nothing is impossible.
MIN_SHARE = 1e-4


class Tree:
    """One tree as arrays.

    Attributes
    ----------
    feature, threshold, left, right : ndarray of shape (n_nodes,)
        Where rows go; the feature is -1 in a leaf.
    counts : ndarray of shape (n_nodes, n_bins)
        Rows of each node in each bin.
    importance : ndarray of shape (n_predictors,)
        By how much the splits at each predictor lower the impurity.
    laws : ndarray of shape (n_leaves, n_bins) or None
        Probabilities of the leaves' bins, in the order of the nodes.
    """

    def __init__(self, feature, threshold, left, right, counts=None, importance=None):
        self.feature, self.threshold = feature, threshold
        self.left, self.right = left, right
        self.counts, self.importance, self.laws = counts, importance, None

    def learn_laws(self, target, min_leaf):
        """Smooth the counts of the nodes, the more the larger their leaves are."""
        parent = np.full(len(self.feature), -1, dtype=np.int64)
        inner = np.flatnonzero(self.feature >= 0)
        parent[self.left[inner]] = inner
        parent[self.right[inner]] = inner
        laws, base = np.empty_like(self.counts), target.base
        n_smooth = max(SMOOTH_ROWS, SMOOTH_PART * min_leaf)
        node_laws(self.counts, parent, base, target.alone, n_smooth, SHRINK_ROWS, laws)
        laws = laws[self.feature < 0]
        self.laws = (1.0 - MIN_SHARE) * laws + MIN_SHARE * base

    @classmethod
    def alone(cls, law):
        """Return a tree that has one leaf."""
        leaf = np.array([-1])
        tree = cls(leaf, leaf, leaf, leaf)
        tree.laws = law[None, :]
        return tree


class ColumnForest:
    """The trees of one column, and what their codes and bins mean.

    Attributes
    ----------
    trees : list of Tree
        Plain ones, whose bins are the column's cells, come first.
    n_plain : int
        How many are plain; the others refine the linear model.
    base, rank_base : ndarray
        Probability of the bins of either kind; ``rank_base`` may be empty.
    ranks : dict of int to ndarray
        What puts the levels of predictors in order.
    model : LinearScore or None
    gate : (int, ndarray) or None
        The earlier column that tells what is missing, and for which codes.
    """

    def __init__(self, trees, base, gate=None):
        self.trees, self.base, self.gate = trees, base, gate
        self.n_plain, self.rank_base, self.model = len(trees), np.zeros(0), None
        self.ranks = {}

    @property
    def n_ranks(self):
        """Number of bins of the trees that refine the linear model."""
        return len(self.rank_base)


def grow(inputs, target, rows, min_leaf, rng):
    """Grow one tree on some rows.

    Parameters
    ----------
    inputs : ndarray of shape (n_samples, n_predictors), float32
        Ordered codes of the columns before.
    target : Target
        What it learns.
    rows : ndarray of int
        The rows that count, repeated as often as they do.
    min_leaf : int
        Least rows of a leaf.
    rng : numpy.random.Generator
        Randomness among equal splits, and of the rows that splits are searched on.

    Returns
    -------
    tree : Tree
        With the counts of its nodes, not yet with their laws.
    """
    # Loads a good part of scikit-learn, which only a fit needs.
    from sklearn.tree import DecisionTreeRegressor

    n_bins, searched = target.n_bins, rows
    if len(rows) > GROWN_ROWS:
        searched = rng.choice(rows, GROWN_ROWS, replace=False)
    least = max(min_leaf, -(-len(searched) * n_bins // MAX_NUMBERS))
    model = DecisionTreeRegressor(min_samples_leaf=least, random_state=draw_seed(rng))
    model.fit(inputs[searched], target.response[searched])
    tree = model.tree_
    n_nodes, left, right = tree.node_count, tree.children_left, tree.children_right
    leaf = tree.apply(inputs[rows])
    counts = np.bincount(leaf * n_bins + target.bins[rows], minlength=n_nodes * n_bins)
    counts = counts.reshape(n_nodes, n_bins).astype(np.float64)
    for node in np.flatnonzero(left >= 0)[::-1]:  # children come after their parents
        counts[node] = counts[left[node]] + counts[right[node]]
    return Tree(
        np.where(left >= 0, tree.feature, -1),
        np.floor(tree.threshold).astype(np.int64),
        left,
        right,
        counts,
        tree.compute_feature_importances(normalize=False),
    )


def leaf_numbers(tree, codes):
    """Return the number of the leaf that each row falls in."""
    node = np.zeros(len(codes), dtype=np.int64)
    inside = tree.feature[node] >= 0
    while inside.any():
        at = node[inside]
        goes_left = codes[inside, tree.feature[at]] <= tree.threshold[at]
        node[inside] = np.where(goes_left, tree.left[at], tree.right[at])
        inside = tree.feature[node] >= 0
    return (np.cumsum(tree.feature < 0) - 1)[node]


def bag(n_rows, rng):
    """Draw the rows of one tree: as many as there are, with replacement."""
    return np.sort(rng.integers(n_rows, size=n_rows))


def probabilities(tree, inputs, target, rows):
    """Return the probability that a tree gives to the cells of some rows."""
    laws = np.cumsum(tree.laws, axis=1)
    laws = np.c_[np.zeros(len(laws)), laws]
    leaf = leaf_numbers(tree, inputs[rows])
    out = []
    for position in (target.low[rows], target.high[rows]):
        left = np.minimum(position.astype(np.int64), target.n_bins - 1)
        low, high = laws[leaf, left], laws[leaf, left + 1]
        out.append(low + (position - left) * (high - low))
    return out[1] - out[0]


def held_out_laws(inputs, targets, train, test, min_leaf, rng, n_trees=4):
    """Ask what trees of several targets make of held-out rows.

    Parameters
    ----------
    inputs : ndarray of shape (n_samples, n_predictors), float32
    targets : list of Target
    train, test : ndarray of int
        The rows to learn from, and the held-out ones.
    min_leaf : int
        Least rows of a leaf.
    rng : numpy.random.Generator
    n_trees : int
        Trees of each target, on bags that are the same for all.

    Returns
    -------
    likelihoods : ndarray of shape (len(test), n_targets)
        Mean over the trees.
    importance : ndarray of shape (n_predictors,)
        Use of the predictors, over all trees.
    """
    likelihoods, importance = np.zeros((len(test), len(targets))), 0.0
    for own in rng.spawn(n_trees):
        rows = train[bag(len(train), own)]
        for k, target in enumerate(targets):
            tree = grow(inputs, target, rows, min_leaf, own)
            tree.learn_laws(target, min_leaf)
            likelihoods[:, k] += probabilities(tree, inputs, target, test) / n_trees
            importance = importance + tree.importance
    return np.maximum(likelihoods, 1e-12), importance
