"""Quantile marginals: a monotone spline through empirical quantiles."""

import numpy as np

from gaussflow.marginals.cdf import BinnedCDF, normal_scores
from gaussflow.marginals.density import shrunk_histogram
from gaussflow.marginals.spline_map import N_KNOTS, ROWS_OUTSIDE, TAIL_SLOPES, SplineMap

#: Knots for a thousand rows; their number grows with the cube root of the rows,
#: as the bins of a histogram do (Freedman and Diaconis, 1981).
KNOTS_AT_1000 = 16
#: Most equal steps: with the finer ones at both ends about N_KNOTS in all.
MAX_EQUAL = N_KNOTS - 25


class QuantileMarginal(SplineMap):
    """Maps through empirical quantiles (``marginal="quantile"``).

    A monotone rational-quadratic spline through the points (quantile of the
    counts, quantile of the target) at equal steps of probability, refined
    threefold toward the two ends until about one row is left outside, where
    the straight tails begin. No density is estimated: the map is quick to fit,
    an atom becomes one steep piece and a gap one flat piece. Slopes at the
    knots are the means of Fritsch and Butland (1984), so that the spline is
    monotone wherever the points are.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.marginals import QuantileMarginal
    >>> from gaussflow.marginals.counts import Counts, Grid
    >>> Y = np.random.default_rng(0).uniform(-1.7, 1.7, size=(2000, 1))
    >>> marginal = QuantileMarginal().fit(Counts(Grid.standard(1)).add(Y))
    >>> Z = marginal.forward_and_log_det(Y.copy(), np.zeros(2000))
    >>> print(round(float(np.std(Z)), 1))
    1.0
    """

    def fit(self, counts, target=None):
        n_samples = min(c.n_samples for c in (counts, target) if c is not None)
        half = probability_levels(n_samples)
        below = np.concatenate([half, 1.0 - half[::-1]])
        above = below[::-1]
        x = _quantiles(counts, below, above)
        if target is None:
            z = np.tile(normal_scores(below, above), (len(x), 1))
        else:
            z = _quantiles(target, below, above)
        slope = _monotone_slopes(x, z)
        tail = np.clip(slope[:, [0, -1]], *TAIL_SLOPES)
        target_grid = None if target is None else target.grid
        return self.set_knots(x, z, slope, tail, counts.grid, target_grid)


def probability_levels(n_samples):
    """Return the levels of the lower half of the quantiles, rising to below 1/2.

    Those of the upper half are their mirror image.
    """
    outside = min(ROWS_OUTSIDE / max(n_samples, 1), 0.25)
    # An odd number of equal steps, so that the middle one straddles 1/2.
    n_equal = int(KNOTS_AT_1000 * (n_samples / 1000.0) ** (1.0 / 3.0)) // 2 * 2 + 1
    n_equal = min(max(n_equal, 5), MAX_EQUAL)
    equal = np.arange(1, (n_equal + 1) // 2) / n_equal
    n_thin = int(np.ceil(np.log(equal[0] / outside) / np.log(3.0)))
    if n_thin < 1:
        return np.concatenate([[outside], equal[equal > 1.2 * outside]])
    thin = np.geomspace(outside, equal[0], n_thin + 1)[:-1]
    return np.concatenate([thin, equal])


def _quantiles(counts, below, above):
    cdf = BinnedCDF(shrunk_histogram(counts))
    columns = [cdf.quantiles(k, below, above) for k in range(counts.n_columns)]
    return np.stack(columns)


def _monotone_slopes(x, z):
    """Slopes at the knots: weighted harmonic means of the pieces beside them."""
    width = np.diff(x, axis=1)
    piece = np.diff(z, axis=1) / width
    left, right = width[:, :-1], width[:, 1:]
    # Fritsch and Butland (1984): the wider piece has more of a say.
    weight = (left + 2.0 * right) / (3.0 * (left + right))
    slope = np.empty_like(x)
    slope[:, 1:-1] = 1.0 / (weight / piece[:, :-1] + (1.0 - weight) / piece[:, 1:])
    slope[:, 0], slope[:, -1] = piece[:, 0], piece[:, -1]
    return slope
