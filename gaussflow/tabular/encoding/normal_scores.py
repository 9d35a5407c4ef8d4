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
#: Rows on which the correlation and the levels' order are learned, a bound
#: on the time of Gibbs sweeps. Chosen by hand.
LEARNING_ROWS = 5000
#: Times that levels are ordered anew along the scores that the last order gave.
#: Chosen by hand.
ORDERINGS = 3


def learn_scores(encoder, low, high, rng, n_sweeps):
    """Order the levels of unordered columns, and return the scores' correlation.

    ``low`` and ``high`` are the cells' intervals of ranks; with no sweeps, scores are
    placed column by column. The encoder's maps are ordered in place.
    """
    rows = np.arange(len(low))
    if len(rows) > LEARNING_ROWS:
        rows = np.sort(rng.choice(len(rows), LEARNING_ROWS, replace=False))
    low, high = low[rows].copy(), high[rows].copy()
    for _ in range(ORDERINGS):
        Z, _ = _place_freely(low, high, rng, n_sweeps)
        for j in _nominal(encoder):
            _order_levels(encoder, j, Z, low, high)
    return _place_freely(low, high, rng, n_sweeps)[1]


def place_scores(low, high, correlation, rng, n_sweeps):
    """Return scores of rows within intervals of ranks, given the correlation."""
    Z = initial_scores(low, high, rng)
    gibbs_sweeps(Z, low, high, correlation, rng, n_sweeps)
    spread_evenly(Z, low, high, rng)
    return Z


def initial_scores(low, high, rng):
    """Place each value uniformly in its interval of ranks, column by column."""
    return _scores(low + (high - low) * rng.random(low.shape))


def latent_correlation(Z):
    """Return the correlation of the scores, shrunk where rows are few."""
    n_rows, n_columns = Z.shape
    if n_columns == 1:
        return np.ones((1, 1))
    # Chosen by hand; positive definite even where columns are equal.
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


def _place_freely(low, high, rng, n_sweeps):
    """Alternate between drawing the scores and their correlation; return both."""
    Z = initial_scores(low, high, rng)
    for _ in range(n_sweeps):
        gibbs_sweeps(Z, low, high, latent_correlation(Z), rng, 1)
        spread_evenly(Z, low, high, rng)
    return Z, latent_correlation(Z)


def _nominal(encoder):
    """Return the features whose levels have no order of their own, if above two."""
    columns = [encoder.schema_.columns[i] for i in encoder.learned_]
    kinds = [c.kind for c in columns]
    kinds += ["categorical"] * len(encoder.missing_.maps_)
    return [
        j
        for j, (kind, m) in enumerate(zip(kinds, encoder.maps_, strict=True))
        if kind == "categorical" and len(m.order_) > 2
    ]


def _order_levels(encoder, j, Z, low, high):
    """Order levels along the axis on which the other columns' means differ."""
    level_map = encoder.maps_[j]
    n_levels = len(level_map.order_)
    closed = (low[:, j] > 0.0) | (high[:, j] < 1.0)
    middle = 0.5 * (low[:, j] + high[:, j])
    place = np.searchsorted(level_map.edges_, middle, side="right") - 1
    place = np.clip(place, 0, n_levels - 1)
    others = np.delete(Z, j, axis=1)
    if others.shape[1] == 0:
        return
    others = others * _weights(encoder, j)
    size = np.bincount(place[closed], minlength=n_levels)
    sums = np.zeros((n_levels, others.shape[1]))
    np.add.at(sums, place[closed], others[closed])
    # Means of few rows are shrunk to the centre by five rows (chosen by hand), so
    # that noise sorts nothing.
    means = sums / (size + 5.0)[:, None]
    scaled = means * np.sqrt(size)[:, None]
    axis = np.linalg.svd(scaled, full_matrices=False)[2][0]
    axis = axis * np.sign(axis[np.argmax(np.abs(axis))])
    positions = np.argsort(means @ axis, kind="stable")
    moved = np.argsort(positions)[place]
    level_map.reorder(positions)
    low[closed, j] = level_map.edges_[moved[closed]]
    high[closed, j] = level_map.edges_[moved[closed] + 1]


def _weights(encoder, j):
    """Return the weights of the other features when levels are ordered."""
    weights = np.ones(len(encoder.maps_))
    if encoder.target is not None and encoder.target in encoder.feature_names_:
        weights[encoder.feature_names_.index(encoder.target)] = len(weights) ** 0.5
    return np.delete(weights, j)


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
