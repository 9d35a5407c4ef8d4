"""Mergeable statistics of coordinates: counts over fixed grids.

Every marginal is fitted from these counts and nothing else. Counts of chunks
of rows add up exactly, in any order, so a fit over an array, a memory map or
the parts of a distributed table is the same computation.
"""

import numpy as np

from gaussflow.kernels.histogram import add_fold_counts

#: A grid covers GRID_HALF standard deviations to both sides. What lies outside
#: is counted in the outermost bins, where the tail rule holds.
GRID_HALF = 6.0
# Bins 0.023 wide, chosen by hand: finer ones cost time in every fit.
# Odd, so that a value of exactly 0, where standardised constants and many atoms
# lie, falls in the middle of a bin and not on an edge.
N_BINS = 511
#: Outliers rule a column's moments where its standard deviation is this many
#: times that of its middle rows.
OUTLIERS_RULE = 6.0
BIN_WIDTH = 2.0 * GRID_HALF / N_BINS
EDGES = np.linspace(-GRID_HALF, GRID_HALF, N_BINS + 1)
CENTRES = 0.5 * (EDGES[1:] + EDGES[:-1])


class Grid:
    """Where each coordinate's grid lies: centre and unit per coordinate.

    Parameters
    ----------
    loc, scale : ndarray of shape (n_columns,)
    """

    def __init__(self, loc, scale):
        self.loc = loc
        self.scale = scale

    @classmethod
    def standard(cls, n_columns):
        """Return the grid of coordinates that are standardised already."""
        return cls(np.zeros(n_columns), np.ones(n_columns))

    @classmethod
    def around(cls, Y):
        """Return grids that fit a sample of the coordinates.

        Coordinates that are nearly standardised keep the standard grid, so
        that the identity stays the map that an estimate shrinks to.
        """
        loc = Y.mean(0, dtype=np.float64)
        scale = Y.std(0, dtype=np.float64)
        fine = (np.abs(loc) < 0.3) & (scale > 0.8) & (scale < 1.25)
        degenerate = scale < 1e-5
        for k in np.flatnonzero(scale >= 1.25):
            loc[k], scale[k] = bulk(Y[:, k], loc[k], scale[k])
        loc[fine] = 0.0
        scale[fine | degenerate] = 1.0
        return cls(loc, scale)

    def select(self, columns):
        """Return the grids of some of the columns."""
        return Grid(self.loc[columns], self.scale[columns])


def bulk(y, mean, std):
    """Return the centre and unit of a column, its outliers left out of account.

    These are its moments, unless a few rows rule them: where the middle 95 % of
    the rows spread over far less, bins of the moments' size could not tell these
    rows apart.
    """
    low, high = np.quantile(y, [0.025, 0.975])
    spread = (high - low) / 3.92
    if not 0.0 < spread * OUTLIERS_RULE < std:
        return mean, std
    return 0.5 * (low + high), 2.0 * spread


class Counts:
    """Counts of K coordinates over their grids.

    Parameters
    ----------
    grid : Grid
        The grids; counts add up only over the same grids.
    values : ndarray of shape (n_columns, N_BINS), int64, or None
        The counts; None starts at zero.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.marginals.counts import Counts, Grid
    >>> grid = Grid.standard(1)
    >>> left = Counts(grid).add(np.zeros((3, 1)))
    >>> (left + Counts(grid).add(np.ones((2, 1)))).n_samples
    5
    """

    def __init__(self, grid, values=None):
        self.grid = grid
        if values is None:
            values = np.zeros((len(grid.loc), N_BINS), dtype=np.int64)
        self.values = values

    @property
    def n_columns(self):
        """Number of coordinates."""
        return self.values.shape[0]

    @property
    def n_samples(self):
        """Number of rows counted."""
        return int(self.values[0].sum()) if len(self.values) else 0

    def add(self, Y):
        """Count the rows of Y, of shape (n_samples, n_columns); return self."""
        self.values += count_folds(Y, np.zeros(len(Y), np.uint8), 1, self.grid)[0]
        return self

    def __add__(self, other):
        return Counts(self.grid, self.values + other.values)

    def select(self, columns):
        """Return the counts of some of the columns."""
        return Counts(self.grid.select(columns), self.values[columns])


def count_folds(Y, folds, n_folds, grid):
    """Return an int64 array (n_folds, n_columns, N_BINS) of counts by fold."""
    values = np.zeros((n_folds, Y.shape[1], N_BINS), dtype=np.int64)
    low = grid.loc - GRID_HALF * grid.scale
    add_fold_counts(Y, folds, low, 1.0 / (BIN_WIDTH * grid.scale), values)
    return values
