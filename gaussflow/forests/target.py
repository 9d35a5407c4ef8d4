"""What the trees of a column learn: its place among bins, and their response."""

import numpy as np

from gaussflow.forests.cells import FEW_VALUES
from gaussflow.forests.linear import MODEL_ROWS, LinearScore

#: Unordered levels, and atoms by their share, that get a response of their own.
MAX_LEVELS = 12
HEAVY_ATOM = 0.1
#: Weight of such a response beside the column's rank, which has variance 1.
INDICATOR = 2.0
#: Bins of the ranks that a linear model leaves.
LINEAR_BINS = 64


class Target:
    """What the trees of a column learn: the column's own place among its bins.

    Attributes
    ----------
    low, high : ndarray of shape (n_samples,)
        Ends of each row's cell, in bins; equal to a bin's own where bins are cells.
    bins : ndarray of shape (n_samples,)
        The bin that each row is counted in.
    response : ndarray of shape (n_samples, k)
        What the trees are grown on.
    base : ndarray of shape (n_bins,)
        Probability of each bin where nothing else is known.
    alone : ndarray of shape (n_bins,), bool
        Bins that are never joined with their neighbours.
    model : LinearScore or None
        The linear model that leaves the ranks, where bins are such.
    """

    def __init__(self, low, high, bins, response, base, alone, model=None):
        self.low, self.high, self.bins = low, high, bins
        self.response, self.base, self.alone = response, base, alone
        self.model = model

    @property
    def n_bins(self):
        """Number of bins."""
        return len(self.base)

    def rule_out_missing(self):
        """Give the first bin no probability where nothing else is known."""
        self.base = np.r_[1e-12, self.base[1:]]
        self.base /= self.base.sum()


def cell_target(codes, cells, nominal):
    """Take the column's own cells as bins."""
    alone = np.zeros(cells.n_cells, dtype=bool)
    alone[: int(cells.has_missing)] = True
    alone |= nominal or cells.n_cells <= FEW_VALUES
    response = responses(codes, cells, nominal)
    return Target(codes, codes + 1, codes, response, cells.base, alone)


def linear_target(codes, cells, blocks, n_features, rows, rng):
    """Take as bins even shares of the ranks that a linear model leaves."""
    first = int(cells.has_missing)
    edges, low, high = cells.scores()
    score = low[codes] + rng.random(len(codes)) * (high[codes] - low[codes])
    filled = rows[codes[rows] >= first]
    filled = rng.permutation(filled)[:MODEL_ROWS]
    if cells.n_cells - first <= FEW_VALUES:
        model = LinearScore.fit_ordered(edges, codes, filled, blocks, n_features)
    else:
        model = LinearScore.fit(score[filled], filled, blocks, n_features)
    low, high = model.ranks(edges, codes, blocks)
    rank = low + rng.random(len(codes)) * (high - low)
    gap = codes < first
    rank[gap] = 0.5
    bins = np.minimum(
        first + (rank * LINEAR_BINS).astype(np.int64), first + LINEAR_BINS - 1
    )
    bins[gap] = 0
    base = np.full(first + LINEAR_BINS, (1.0 - first * cells.base[0]) / LINEAR_BINS)
    base[:first] = cells.base[0]
    alone = np.arange(len(base)) < first
    low, high = first + low * LINEAR_BINS, first + high * LINEAR_BINS
    low[gap], high[gap] = 0.0, 1.0
    response = responses(codes, cells, False)
    response[:, 0] = np.sqrt(12.0) * (rank - 0.5)
    return Target(low, high, bins, response, base, alone, model)


def responses(codes, cells, nominal):
    """Return what the trees of a column are grown on, of shape (n_samples, k).

    The sum of squares over these is the impurity: of ranks for numbers, Gini's for
    unordered levels, and both where a column has heavy atoms or missing values.
    """
    base = cells.base
    if nominal:
        top = np.sort(np.argsort(-base, kind="stable")[:MAX_LEVELS])
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
        for cell in np.flatnonzero(own)[:MAX_LEVELS]:
            out.append(INDICATOR * (codes == cell))
    return np.column_stack(out)


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
    score = means[:, 0]
    if response.shape[1] > 1:
        scaled = means * np.sqrt(size)[:, None]
        score = means @ np.linalg.svd(scaled, full_matrices=False)[2][0]
    ranks = np.empty(n_levels, dtype=np.int64)
    ranks[np.argsort(score, kind="stable")] = np.arange(n_levels)
    return ranks
