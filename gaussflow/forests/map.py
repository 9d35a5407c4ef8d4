"""The Knothe-Rosenblatt map of bagged trees, as arrays and three passes."""

import numpy as np
from scipy.special import ndtr, ndtri

from gaussflow._common.normal import log_standard_normal
from gaussflow.forests.arrays import ARRAYS, check_forest, forest_arrays
from gaussflow.forests.cells import TINY
from gaussflow.kernels.tree import (
    Forest,
    forest_draw,
    forest_forward,
    forest_inverse,
    forest_particles,
)
from gaussflow.persistence.shapes import Items, Part, Table
from gaussflow.persistence.state import Persistent

#: Numbers that a block of draws holds at a time.
BLOCK_NUMBERS = 2_000_000
#: Rows that are drawn at a time: few enough to stay in the cache.
DRAW_ROWS = 8192
#: Means of a linear model that are looked at, one by one, for a bound.
MAX_MEANS = 64


class ForestMap(Persistent):
    """Carry rows to a standard normal, each column by the mean law of its trees.

    Column j becomes z_j = Phi^-1(F(x_j | x_<j)), where F is the average over the
    trees of the leaves' cumulative laws. Within an atom's step, the
    place is that of ``places``; within an interval it is the value's own.

    Parameters
    ----------
    cells : list of ColumnCells
        One per column.
    order : ndarray of shape (n_features,)
        Columns in the order in which they are conditioned.
    forests : list of ColumnForest
        For each column its trees, equally many, plain ones first, and its linear
        model.
    """

    def __init__(self, cells, order, forests):
        self.cells = cells
        self.arrays = forest_arrays(cells, order, forests)

    _state = {"cells": Items(Part("ColumnCells"), "d"), "arrays": Table(ARRAYS)}

    def _check_state(self):
        check_forest(self, self.arrays, self.cells)

    @property
    def n_features(self):
        """Number of columns."""
        return len(self.cells)

    @property
    def forest(self):
        """The arrays, as the kernels take them."""
        return Forest(**self.arrays)

    def forward_and_log_det(self, X, places):
        """Return (Z, log |det dZ/dX|) with atoms placed at ``places``.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            Rows; NaN where missing.
        places : ndarray of shape (n_samples, n_features)
            Where in an atom's step a row lies, in (0, 1).
        """
        codes = np.empty(X.shape, dtype=np.int32)
        share, log_density = np.empty(X.shape), np.zeros(len(X))
        for j, cells in enumerate(self.cells):
            codes[:, j], share[:, j], log_slope = cells.place(X[:, j])
            log_density += log_slope
        share = np.where(np.isnan(share), places, share)
        from_low = np.where(share < 0.0, 1.0 + share, share)
        from_high = np.where(share < 0.0, -share, 1.0 - share)
        below, inside, above = np.empty(X.shape), np.empty(X.shape), np.empty(X.shape)
        forest_forward(codes, from_low, self.forest, below, inside, above)
        lower = below + from_low * inside
        upper = above + from_high * inside
        Z = ndtri(np.maximum(np.minimum(lower, upper), TINY))
        Z[lower > upper] *= -1.0
        log_density += np.log(np.maximum(inside, TINY)).sum(axis=1)
        return Z, log_density - log_standard_normal(Z)

    def inverse_and_log_det(self, Z):
        """Return (X, log |det dX/dZ|)."""
        codes = np.empty(Z.shape, dtype=np.int32)
        share, inside = np.empty(Z.shape), np.empty(Z.shape)
        tails, upper = ndtr(-np.abs(Z)), Z > 0.0
        forest_inverse(tails, upper, self.forest, codes, share, inside)
        log_density = np.log(np.maximum(inside, TINY)).sum(axis=1)
        X = self._values(codes, share)
        for j, cells in enumerate(self.cells):
            log_density += cells.log_slope(codes[:, j], X[:, j])
        return X, log_standard_normal(Z) - log_density

    def draw(self, n_samples, rng):
        """Draw rows of the map's own law: the inverse of noise, but quicker."""
        shape = (n_samples, len(self.cells))
        codes, share = np.empty(shape, dtype=np.int32), np.empty(shape)
        uniforms, forest = rng.random(shape), self.forest
        for start in range(0, n_samples, DRAW_ROWS):
            rows = slice(start, start + DRAW_ROWS)
            forest_draw(uniforms[rows], forest, 0, shape[1], codes[rows], share[rows])
        return self._values(codes, share)

    def particles(self, regions, n_particles, rng, *, resample=0.0, gated=True):
        """Draw weighted rows whose cells lie in regions.

        Parameters
        ----------
        regions : Regions
            For each of n rows and each column where its cell must lie.
        n_particles : int
            Draws for each row.
        rng : numpy.random.Generator
            Randomness of the draws.
        resample : float, default=0.0
            A row's particles are drawn anew, by their weights, where they count
            as fewer than this share of them. 0 for never.
        gated : bool, default=True
            Whether a column is missing where an earlier one says so. Without, cells
            may be drawn that a pattern of missing cells rules out.

        Returns
        -------
        X : ndarray of shape (n, n_particles, n_features)
            The draws.
        log_weights : ndarray of shape (n, n_particles)
            Their mean weight is an unbiased estimate of the probability of the
            row's regions; -inf where one was out of reach.
        """
        shape = (len(regions.of), n_particles, len(self.cells))
        codes, share = np.empty(shape, dtype=np.int32), np.empty(shape)
        log_weights = np.empty(shape[:2])
        uniforms, offsets = rng.random(shape), rng.random((shape[0], shape[2]))
        forest_particles(
            uniforms,
            offsets,
            resample,
            self.forest if gated else self._ungated(),
            regions,
            codes,
            share,
            log_weights,
        )
        X = self._values(codes.reshape(-1, shape[2]), share.reshape(-1, shape[2]))
        return X.reshape(shape), log_weights

    def log_probability(self, regions, uniforms):
        """Return the log probability of each row's regions, of shape (n,).

        Parameters
        ----------
        regions : Regions
            Of n rows; the probability is a density at single places.
        uniforms : ndarray of shape (n_particles, n_features)
            Where in its region each cell is taken to lie. The same for all rows,
            so that the probabilities of all that there is sum to 1.
        """
        n_rows, (n_particles, n_features) = len(regions.of), uniforms.shape
        out = np.empty(n_rows)
        step = max(1, BLOCK_NUMBERS // uniforms.size)
        for start in range(0, n_rows, step):
            of = regions.of[start : start + step]
            shape = (len(of), n_particles, n_features)
            codes, share = np.empty(shape, dtype=np.int32), np.empty(shape)
            log_weights = np.empty(shape[:2])
            forest_particles(
                np.ascontiguousarray(np.broadcast_to(uniforms, shape)),
                np.zeros((len(of), n_features)),
                0.0,
                self.forest,
                regions._replace(of=of),
                codes,
                share,
                log_weights,
            )
            mean = np.logaddexp.reduce(log_weights, axis=1) - np.log(n_particles)
            out[start : start + step] = mean
        return out

    def most_probable(self, column, pieces):
        """Return an upper bound of what a region of a column ever weighs.

        Parameters
        ----------
        column : int
        pieces : list of (float, float)
            The region, as pieces of the line of the column's cells.
        """
        arrays = self.arrays
        if arrays["gate"][column] >= 0 and any(low < 1.0 for low, _ in pieces):
            return 1.0
        means = self._means(column)
        if means is None:
            return 1.0
        roots = np.r_[arrays["roots"].ravel(), len(arrays["feature"])]
        n_trees = arrays["roots"].shape[1]
        most = np.zeros(len(means))
        for tree in range(n_trees):
            at = column * n_trees + tree
            nodes = np.arange(roots[at], roots[at + 1])
            nodes = nodes[arrays["feature"][nodes] < 0]
            plain = tree < arrays["n_plain"][column]
            bins = np.arange(arrays["n_cells" if plain else "n_ranks"][column] + 1)
            laws = arrays["cumulative"][arrays["table"][nodes][:, None] + bins]
            mass = np.zeros((len(means), len(nodes)))
            for low, high in pieces:
                mass += self._levels(column, high, means, laws, plain)
                mass -= self._levels(column, low, means, laws, plain)
            most += mass.max(axis=1) / n_trees
        return min(1.0, float(most.max()))

    # -- helpers ------------------------------------------------------------

    def _means(self, column):
        """Return all means of a column's linear model where they are few, or None."""
        arrays = self.arrays
        if arrays["n_plain"][column] == arrays["roots"].shape[1]:
            return np.zeros(1)
        if arrays["weights"][column].any() or arrays["gaps"][column].any():
            return None
        means = arrays["location"][[column]]
        for k, start in enumerate(arrays["effect_start"][column]):
            if start >= 0:
                effects = arrays["effects"][start : start + arrays["n_cells"][k]]
                means = np.unique(means[:, None] + effects)
            if len(means) > MAX_MEANS:
                return None
        return means

    def _levels(self, column, line, means, laws, plain):
        """Return leaves' cumulative laws at a point of the line, for each mean."""
        arrays, n_bins = self.arrays, laws.shape[1] - 1
        cell = min(int(line), int(arrays["n_cells"][column]) - 1)
        ends = np.array([cell, cell + 1.0])
        if not plain:
            first = int(arrays["missing"][column])
            edges = arrays["edges"][arrays["cell_start"][column] + column :]
            score = (edges[cell : cell + 2] - means[:, None]) / arrays["scale"][column]
            at = first + ndtr(score) * (n_bins - first)
            ends = np.where(ends <= first, ends, at)
        ends = np.broadcast_to(ends, (len(means), 2))
        left = np.minimum(ends.astype(int), n_bins - 1)
        levels = laws.T[left] + (ends - left)[:, :, None] * (
            laws.T[left + 1] - laws.T[left]
        )
        return levels[:, 0] + (line - cell) * (levels[:, 1] - levels[:, 0])

    def _ungated(self):
        return self.forest._replace(gate=np.full(len(self.cells), -1, dtype=np.int64))

    def _values(self, codes, share):
        X = np.empty(codes.shape)
        for j, cells in enumerate(self.cells):
            X[:, j] = cells.values(codes[:, j], share[:, j])
        return X
