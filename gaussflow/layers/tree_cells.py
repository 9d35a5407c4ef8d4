"""Cut one column in cells: atoms, intervals between them, and "missing"."""

import numpy as np

from gaussflow._state import Persistent

#: A column with at most so many distinct values is a list of atoms.
FEW_VALUES = 20
#: Values that more rows than n / MOST_CELLS hold are atoms; the rest of the column
#: is cut in intervals of about as many rows, at least ROWS_PER_CELL.
MOST_CELLS = 256
ROWS_PER_CELL = 4
#: Rows that lie beyond the range of the training rows, as the tails weigh.
TAIL_ROWS = 0.5
#: A place in a cell stays so far from its ends, so that scores stay finite.
EDGE = 1e-12


class ColumnCells(Persistent):
    """The values of one column as numbered cells, and places in them.

    Cells are, from the lowest to the highest: one for missing values, where
    there are any; atoms, which are single values; and intervals, in which
    values lie evenly. Beyond the outermost interval, one over the distance is left
    (a Pareto tail), so that no finite value has zero density.

    Attributes
    ----------
    low, high : ndarray of shape (n_cells,)
        Ends of each cell: equal for an atom, NaN for missing values.
    base : ndarray of shape (n_cells,)
        Share of the training rows in each cell; positive, sums to 1.
    tail : float
        Probability of either tail; 0 where the column ends in atoms or has
        bounds.
    spread : float
        The median distance into a tail.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.layers.tree_cells import ColumnCells
    >>> cells = ColumnCells.learn(np.array([1.0, 1.0, 2.0, np.nan]))
    >>> cells.low, cells.base
    (array([nan,  1.,  2.]), array([0.25, 0.5 , 0.25]))
    >>> cells.place(np.array([2.0, np.nan]))[0]
    array([2, 0])
    """

    def __init__(self, low, high, base, *, tail=0.0, spread=1.0):
        self.low, self.high, self.base = low, high, base
        self.tail, self.spread = tail, spread

    @classmethod
    def learn(cls, x, *, discrete="auto", bounded=False):
        """Cut a column.

        Parameters
        ----------
        x : ndarray of shape (n_samples,)
            Values; NaN where missing.
        discrete : bool or "auto", default="auto"
            Whether every value is an atom; "auto" makes atoms of the values that
            many rows hold, and of all where they are few.
        bounded : bool, default=False
            Whether nothing lies beyond the range of x.

        Returns
        -------
        cells : ColumnCells
        """
        filled = x[~np.isnan(x)]
        values, counts = np.unique(filled, return_counts=True)
        atom = counts >= max(2.0, len(x) / MOST_CELLS)
        if discrete is True or (discrete == "auto" and len(values) <= FEW_VALUES):
            atom[:] = True
        low, high, rows = _cut(values, counts, atom, len(x))
        if len(filled) < len(x):
            low, high = np.r_[np.nan, low], np.r_[np.nan, high]
            rows = np.r_[len(x) - len(filled), rows]
        tail, spread = 0.0, 1.0
        if len(values) and not bounded and not atom.all():
            tail = TAIL_ROWS / (len(x) + 1.0)
            spread = float(high[-1] - values[0]) / np.sqrt(len(values)) or 1.0
        return cls(low, high, rows / rows.sum(), tail=tail, spread=spread)

    @property
    def n_cells(self):
        """Number of cells."""
        return len(self.low)

    @property
    def has_missing(self):
        """Whether the first cell is that of missing values."""
        return bool(np.isnan(self.low[0]))

    @property
    def is_atom(self):
        """Which cells are single values or missing, of shape (n_cells,)."""
        return ~(self.high > self.low)

    def place(self, x):
        """Return the cell of each value and its place there, in [0, 1].

        A value between atoms goes to the nearest; where none was missing at fit, a
        missing value goes to the middle cell. Atoms have the place NaN.
        """
        first = int(self.has_missing)
        low, high = self.low[first:], self.high[first:]
        if len(low) == 0:
            return np.zeros(len(x), dtype=np.int64), np.full(len(x), np.nan)
        at = np.clip(np.searchsorted(low, x, side="right") - 1, 0, len(low) - 1)
        after = np.minimum(at + 1, len(low) - 1)
        at = np.where((x > high[at]) & (low[after] - x < x - high[at]), after, at)
        width = high[at] - low[at]
        share = (x - low[at]) / np.where(width > 0.0, width, np.nan)
        missing = np.isnan(x)
        at[missing] = -first if first else len(low) // 2
        share[missing] = np.nan
        return at + first, np.clip(share, EDGE, 1.0 - EDGE)

    def values(self, cell, share):
        """Return the value at each place of each cell; NaN where missing."""
        low, high = self.low[cell], self.high[cell]
        return np.where(high > low, low + share * (high - low), low)

    def log_width(self, cell):
        """Return the log of each cell's width, 0 for atoms."""
        width = self.high[cell] - self.low[cell]
        return np.log(np.where(width > 0.0, width, 1.0))


def _cut(values, counts, atom, n_rows):
    """Return the ends and the rows of the cells of sorted values."""
    per_cell = max(ROWS_PER_CELL, n_rows / MOST_CELLS)
    low, high, rows = [], [], []
    # Runs of values that are not atoms, each cut at its own quantiles.
    starts = np.flatnonzero(np.r_[True, atom[1:] | atom[:-1]])
    for start, stop in zip(starts, np.r_[starts[1:], len(values)], strict=True):
        if start == len(values):
            break
        ends = values[start], values[stop - 1]
        if not atom[start]:
            # A run reaches to the atoms on either side: no value is between cells.
            ends = (
                values[start - 1] if start > 0 else ends[0],
                values[stop] if stop < len(values) else ends[1],
            )
        if atom[start] or not ends[1] > ends[0]:
            low.append([ends[0]])
            high.append([ends[1]])
            rows.append([counts[start:stop].sum()])
            continue
        mass = np.cumsum(counts[start:stop])
        n_cells = max(1, int(mass[-1] / per_cell))
        wanted = mass[-1] * np.arange(1, n_cells) / n_cells
        # Cuts lie between two values: no training value is an end of a cell.
        after = np.clip(np.searchsorted(mass, wanted), 0, stop - start - 2)
        run = values[start:stop]
        cuts = np.unique(0.5 * (run[after] + run[after + 1]))
        cuts = cuts[(cuts > ends[0]) & (cuts < ends[1])]
        edges = np.r_[ends[0], cuts, ends[1]]
        cell = np.clip(np.searchsorted(edges, run, "right") - 1, 0, len(edges) - 2)
        low.append(edges[:-1])
        high.append(edges[1:])
        rows.append(np.bincount(cell, counts[start:stop], len(edges) - 1))
    rows = np.concatenate([*rows, []])
    # A cell that came out empty keeps half a row, so that its density is positive.
    low, high = np.concatenate([*low, []]), np.concatenate([*high, []])
    return low, high, np.maximum(rows, 0.5)
