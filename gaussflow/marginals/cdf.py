"""Distribution functions of densities on the grid, exact in both tails."""

import numpy as np
from scipy.special import ndtri

from gaussflow.marginals.counts import EDGES


class BinnedCDF:
    """Distribution functions of K densities that are constant within each bin.

    Probabilities come as pairs, below and above a place, so that a small tail
    keeps its digits on either side: ``lower`` and ``upper``, (K, N_BINS + 1), are those
    of the edges. ``density`` is (K, N_BINS), positive, of any total.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.marginals.cdf import BinnedCDF
    >>> from gaussflow.marginals.counts import N_BINS
    >>> cdf = BinnedCDF(np.ones((1, N_BINS)))
    >>> [p.round(9).tolist() for p in cdf.tails(0, np.array([-3.0, 3.0]))]
    [[0.25, 0.75], [0.75, 0.25]]
    >>> cdf.quantiles(0, np.array([0.25]), np.array([0.75])).round(9).tolist()
    [-3.0]
    """

    def __init__(self, density):
        mass = density / density.sum(1, keepdims=True)
        zero = np.zeros((len(mass), 1))
        self.lower = np.concatenate([zero, np.cumsum(mass, axis=1)], axis=1)
        above = np.cumsum(mass[:, ::-1], axis=1)[:, ::-1]
        self.upper = np.concatenate([above, zero], axis=1)

    def tails(self, column, places):
        """Return the probability below and above each place."""
        below = np.interp(places, EDGES, self.lower[column])
        return below, np.interp(places, EDGES, self.upper[column])

    def quantiles(self, column, below, above):
        """Return the places with these probabilities below and above."""
        from_below = np.interp(below, self.lower[column], EDGES)
        from_above = np.interp(-above, -self.upper[column], EDGES)
        return np.where(below < 0.5, from_below, from_above)


def normal_scores(below, above):
    """Return the quantiles of N(0, 1) with these probabilities at both sides."""
    return np.where(below < 0.5, ndtri(below), -ndtri(above))
