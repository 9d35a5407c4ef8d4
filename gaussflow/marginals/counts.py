"""Mergeable statistics of coordinates: counts over one fixed grid.

Every marginal is fitted from these counts and nothing else. Counts of chunks
of rows add up exactly, in any order, so a fit over an array, a memory map or
the parts of a distributed table is the same computation.
"""

import numpy as np

from gaussflow.kernels.histogram import add_counts, add_fold_counts

#: The grid covers [-GRID_HALF, GRID_HALF] of a standardised coordinate. What
#: lies outside is counted in the outermost bins, where the tail rule holds.
GRID_HALF = 6.0
N_BINS = 512
BIN_WIDTH = 2.0 * GRID_HALF / N_BINS
EDGES = np.linspace(-GRID_HALF, GRID_HALF, N_BINS + 1)
CENTRES = 0.5 * (EDGES[1:] + EDGES[:-1])


class Counts:
    """Counts of K standardised coordinates over the grid.

    Parameters
    ----------
    n_columns : int
        K.

    Attributes
    ----------
    values : ndarray of shape (n_columns, N_BINS), int64

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.marginals.counts import Counts
    >>> left, right = Counts(1).add(np.zeros((3, 1))), Counts(1).add(np.ones((2, 1)))
    >>> (left + right).n_samples
    5
    """

    def __init__(self, n_columns):
        self.values = np.zeros((n_columns, N_BINS), dtype=np.int64)

    @classmethod
    def of(cls, values):
        """Wrap an array of counts of shape (n_columns, N_BINS)."""
        self = cls.__new__(cls)
        self.values = values
        return self

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
        low = np.full(self.n_columns, -GRID_HALF)
        inv_width = np.full(self.n_columns, 1.0 / BIN_WIDTH)
        add_counts(Y, low, inv_width, self.values)
        return self

    def __add__(self, other):
        return Counts.of(self.values + other.values)

    def select(self, columns):
        """Return the counts of some of the columns."""
        return Counts.of(self.values[columns])


def count_folds(Y, folds, n_folds):
    """Return an int64 array (n_folds, n_columns, N_BINS) of counts by fold."""
    n_columns = Y.shape[1]
    values = np.zeros((n_folds, n_columns, N_BINS), dtype=np.int64)
    low = np.full(n_columns, -GRID_HALF)
    inv_width = np.full(n_columns, 1.0 / BIN_WIDTH)
    add_fold_counts(Y, folds, low, inv_width, values)
    return values
