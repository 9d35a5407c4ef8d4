"""Regions of cells: what a condition, or an observed cell, allows of a column."""

import numpy as np

from gaussflow.forests.cells import ColumnCells
from gaussflow.kernels.tree import Regions


def cell_line(cells: ColumnCells, low, high):
    """Return where intervals of values lie on the line of a bounded column's cells.

    Cell k is the piece from k to k + 1 of that line. An atom counts where the
    interval holds it, its ends included; of an interval cell, the share that it
    covers. Where no cell is covered, ``stop`` is not above ``start``.

    Parameters
    ----------
    cells : ColumnCells
        Of a column without tails.
    low, high : ndarray of shape (n,)
        Ends of the intervals, low <= high.

    Returns
    -------
    start, stop : ndarray of shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.forests.cells import ColumnCells
    >>> from gaussflow.forests.regions import cell_line
    >>> cells = ColumnCells.learn(np.array([1.0, 2.0, 2.0, np.nan]), bounded=True)
    >>> cell_line(cells, np.array([1.0, 1.5]), np.array([2.0, 9.0]))
    (array([1., 2.]), array([3., 3.]))
    """
    first = int(cells.has_missing)
    lows, highs = cells.low[first:], cells.high[first:]
    if len(lows) == 0:
        return np.zeros(len(low)), np.ones(len(low))
    width = np.where(highs > lows, highs - lows, 1.0)
    last = len(lows) - 1
    at = np.minimum(np.searchsorted(highs, low, side="left"), last)
    start = at + np.clip((low - lows[at]) / width[at], 0.0, 1.0)
    start = np.where(highs[at] > lows[at], start, at)
    at = np.maximum(np.searchsorted(lows, high, side="right") - 1, 0)
    stop = at + np.clip((high - lows[at]) / width[at], 0.0, 1.0)
    stop = np.where(highs[at] > lows[at], stop, at + 1.0)
    return start + first, stop + first


def observed_line(cells: ColumnCells, low, high):
    """Return where observed values lie on the line of a bounded column's cells.

    As ``cell_line``, but never empty: a single place stays one, and a value between
    the cells takes the whole of the nearest, as ``ColumnCells.place`` does.
    """
    start, stop = cell_line(cells, low, high)
    nearest = cells.place(0.5 * (low + high))[0]
    empty = (stop <= start) & ((low < high) | cells.is_atom[nearest])
    start, stop = np.where(empty, nearest, start), np.where(empty, nearest + 1.0, stop)
    return start, np.maximum(start, stop)


class RegionBook:
    """Collect the regions of a table's cells, each written down once.

    Parameters
    ----------
    n_rows, n_features : int
        Shape of the table of regions; every cell is free at first.
    """

    def __init__(self, n_rows, n_features):
        self.of = np.full((n_rows, n_features), -1, dtype=np.int64)
        self._start, self._pieces = [0], []

    def add(self, pieces):
        """Write a region down, and return its number.

        Parameters
        ----------
        pieces : list of (float, float)
            Disjoint pieces of the line of cells, in order; none for a region
            that nothing lies in.
        """
        self._pieces += pieces
        self._start.append(len(self._pieces))
        return len(self._start) - 2

    def regions(self, rows=slice(None)):
        """Return the Regions of some rows, as the kernels take them."""
        pieces = np.array(self._pieces, dtype=np.float64).reshape(-1, 2)
        return Regions(
            of=np.ascontiguousarray(self.of[rows]),
            start=np.array(self._start, dtype=np.int64),
            low=np.ascontiguousarray(pieces[:, 0]),
            high=np.ascontiguousarray(pieces[:, 1]),
        )
