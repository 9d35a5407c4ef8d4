"""Marginals that estimate a density first: shrunk, then turned into a map."""

from abc import abstractmethod

import numpy as np

from gaussflow.marginals.counts import BIN_WIDTH, CENTRES
from gaussflow.marginals.spline_map import SplineMap

#: Least share of N(0, 1) in a density: it bounds the loss of any row by -log a
#: and gives the tails those of the identity.
MIN_SHARE = 0.002
NORMAL = np.exp(-0.5 * CENTRES**2)
NORMAL /= NORMAL.sum() * BIN_WIDTH


class DensityMarginal(SplineMap):
    """Shrink in density, not in the map: (1 - a) estimate + a N(0, 1)."""

    @abstractmethod
    def candidates(self, counts):
        """Return densities (n_levels, N_BINS) of one column's counts and scores.

        A score is the mean log-density of rows that the estimate has not seen,
        by leaving one out or an equivalent, in nats.
        """

    def fit(self, counts, target=None):
        density, self.scores_ = self._best(counts)
        goal = None if target is None else (self._best(target)[0], target.grid)
        n_samples = min(c.n_samples for c in (counts, target) if c is not None)
        return self.set_from_density(density, n_samples, counts.grid, goal)

    def _best(self, counts):
        densities = np.tile(NORMAL, (counts.n_columns, 1))
        scores = np.zeros(counts.n_columns)
        if counts.n_samples == 0:
            return densities, scores
        for k, column in enumerate(counts.values.astype(np.float64)):
            candidates, score = self.candidates(column)
            share = normal_share(counts.n_samples)
            best = candidates[int(np.argmax(score))]
            densities[k] = (1.0 - share) * best + share * NORMAL
            scores[k] = np.max(score) + np.log1p(-share)
        return densities, scores


def normal_share(n_samples):
    """Return the share of N(0, 1) in an estimate from so many rows.

    One row's worth of the normal at least: n rows cannot exclude it.
    """
    if n_samples == 0:
        return 1.0
    return min(max(MIN_SHARE, 1.0 / n_samples), 0.3)


def shrunk_histogram(counts):
    """Return the counts' bare densities (n_columns, N_BINS), mixed with N(0, 1)."""
    share = normal_share(counts.n_samples)
    bare = counts.values / (max(counts.n_samples, 1) * BIN_WIDTH)
    return (1.0 - share) * bare + share * NORMAL
