"""Normal scores of values that each own an interval: drawn jointly, not alone.

A value with an interval of ranks may be placed anywhere inside it. Placing
every column on its own blurs what columns have in common: two equal binary
columns would come out with correlation 2/pi. So the places are drawn from the
Gaussian copula of the whole row, given the intervals, by Gibbs sampling
(Hoff, 2007, "Extending the rank likelihood for semiparametric copula
estimation"). A cell that was not observed is drawn from its conditional.
"""

import numpy as np
from scipy.special import ndtr, ndtri

#: Ranks stay this far from 0 and 1, so that scores stay finite.
EDGE = 1e-12


def initial_scores(low, high, rng):
    """Place each value uniformly in its interval of ranks, column by column."""
    return _scores(low + (high - low) * rng.random(low.shape))


def latent_correlation(Z):
    """Return the correlation of the scores, shrunk where rows are few."""
    n_rows, n_columns = Z.shape
    if n_columns == 1:
        return np.ones((1, 1))
    shrink = 0.002 + min(0.5, 0.2 * n_columns / n_rows)
    correlation = np.corrcoef(Z, rowvar=False)
    return (1.0 - shrink) * correlation + shrink * np.eye(n_columns)


def gibbs_sweeps(Z, low, high, correlation, rng, n_sweeps):
    """Redraw every score given its row and its interval, in place.

    Parameters
    ----------
    Z : ndarray of shape (n_samples, n_columns)
        Scores; overwritten. A cell whose interval is a single rank stays.
    low, high : ndarray of shape (n_samples, n_columns)
        Intervals of ranks.
    correlation : ndarray of shape (n_columns, n_columns)
        Of the Gaussian copula, positive definite.
    rng : numpy.random.Generator
    n_sweeps : int
        Passes over the columns.
    """
    precision = np.linalg.inv(correlation)
    floor, ceiling = _scores(low), _scores(high)
    floor[low <= 0.0], ceiling[high >= 1.0] = -np.inf, np.inf
    moving = [np.flatnonzero(high[:, j] > low[:, j]) for j in range(Z.shape[1])]
    for _ in range(n_sweeps):
        for j, rows in enumerate(moving):
            if len(rows) == 0:
                continue
            spread = 1.0 / np.sqrt(precision[j, j])
            pull = Z[rows] @ precision[:, j] / precision[j, j]
            mean = Z[rows, j] - pull
            a, b = floor[rows, j], ceiling[rows, j]
            Z[rows, j] = _truncated_normal(mean, spread, a, b, rng)


def spread_evenly(Z, low, high, rng):
    """Keep the order of the scores, but fill every interval evenly, in place.

    Rows that share an interval take its ranks in the order of their scores, so
    the column's ranks are uniform whatever the copula made of them. Open
    cells keep their scores.
    """
    for j in range(Z.shape[1]):
        closed = np.flatnonzero((low[:, j] > 0.0) | (high[:, j] < 1.0))
        a, b = low[closed, j], high[closed, j]
        order = np.lexsort((Z[closed, j], a))
        start = np.flatnonzero(np.r_[True, a[order][1:] != a[order][:-1]])
        size = np.diff(np.r_[start, len(order)])
        place = np.arange(len(order)) - np.repeat(start, size)
        share = np.empty(len(order))
        share[order] = (place + rng.random(len(order))) / np.repeat(size, size)
        Z[closed, j] = _scores(a + (b - a) * np.clip(share, 1e-6, 1.0 - 1e-6))


def _truncated_normal(mean, spread, a, b, rng):
    """Draw N(mean, spread^2) within [a, b], by its CDF in the lighter tail."""
    flip = np.where(a > mean, -1.0, 1.0)
    below = np.where(flip < 0, -b, a)
    above = np.where(flip < 0, -a, b)
    centre = flip * mean
    p = ndtr((below - centre) / spread)
    q = ndtr((above - centre) / spread)
    draw = centre + spread * ndtri(p + (q - p) * rng.random(len(mean)))
    return flip * np.clip(np.clip(draw, below, above), -8.0, 8.0)


def _scores(ranks):
    return ndtri(np.clip(ranks, EDGE, 1.0 - EDGE))
