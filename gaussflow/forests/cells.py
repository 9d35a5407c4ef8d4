"""Cut one column in cells: atoms, intervals between them, and "missing"."""

import numpy as np
from scipy.special import ndtri

from gaussflow._common.checks import Number
from gaussflow.persistence.shapes import Array
from gaussflow.persistence.state import Persistent, check_that

#: A column with at most so many distinct values is a list of atoms.
FEW_VALUES = 20
#: Values that more rows than n / MAX_CELLS hold are atoms; the rest of the column
#: is cut in intervals of about as many rows, at least ROWS_PER_CELL: fewer let
#: densities of small tables tell more of their members. Chosen by hand.
MAX_CELLS = 256
ROWS_PER_CELL = 10
#: Rows that lie beyond the range of the training rows, as the tails weigh.
TAIL_ROWS = 0.5
#: A place in a cell stays so far from its ends, so that scores stay finite.
EDGE = 1e-12
#: Least probability, so that logarithms and ratios are finite.
TINY = 1e-300


class ColumnCells(Persistent):
    """The values of one column as numbered cells, and places in them.

    Cells are, from the lowest to the highest: one for missing values, where
    there are any; atoms, which are single values; and intervals, in which
    values lie evenly. The outermost interval on either side goes on without end: a
    small part of its probability falls off as one over the distance (a Pareto
    tail), so that no finite value has zero density.

    A place in a cell is a share of it in (0, 1), counted from below; or, where it is
    negative, counted from above, so that far values keep their digits.

    Attributes
    ----------
    low, high : ndarray of shape (n_cells,)
        Ends of each cell: equal for an atom, NaN for missing values.
    base : ndarray of shape (n_cells,)
        Share of the training rows in each cell; positive, sums to 1.
    tails : ndarray of shape (n_cells, 2)
        Share of each cell that lies beyond its lower and upper end.
    spread : float
        The median distance into a tail.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.forests.cells import ColumnCells
    >>> cells = ColumnCells.learn(np.array([1.0, 1.0, 2.0, np.nan]))
    >>> cells.low, cells.base
    (array([nan,  1.,  2.]), array([0.25, 0.5 , 0.25]))
    >>> cells.place(np.array([2.0, np.nan]))[0]
    array([2, 0])
    """

    def __init__(self, low, high, base, tails, spread=1.0):
        self.low, self.high, self.base = low, high, base
        self.tails, self.spread = tails, spread

    _state = {
        "low": Array("f8", "n", within=None),
        "high": Array("f8", "n", within=None),
        "base": Array("f8", "n", within="(0, 1]"),
        "tails": Array("f8", "n", 2, within="[0, 1)"),
        "spread": Number("(0, inf)"),
    }

    def _check_state(self):
        check_that(self, self.n_cells > 0, "it has no cell")
        first = int(self.has_missing)  # whose ends are NaN
        ends = np.stack([self.low[first:], self.high[first:]], axis=1).ravel()
        # Not falling, and finite: so are the widths between.
        sound = (np.diff(ends) >= 0.0).all() and np.isfinite(ends[-1:] - ends[:1]).all()
        check_that(self, sound, "its cells are not in order")
        whole = (self.tails.sum(axis=1) < 1.0).all()
        check_that(self, whole, "a cell must not be all tails")

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
        atom = counts >= max(2.0, len(x) / MAX_CELLS)
        if discrete and (discrete != "auto" or len(values) <= FEW_VALUES):
            atom[:] = True
        low, high, rows = _cut(values, counts, atom, len(x))
        if len(filled) < len(x):
            low, high = np.r_[np.nan, low], np.r_[np.nan, high]
            rows = np.r_[len(x) - len(filled), rows]
        tails, spread = np.zeros((len(low), 2)), 1.0
        if len(values) and not bounded:
            for cell, side in ((int(len(filled) < len(x)), 0), (-1, 1)):
                if high[cell] > low[cell]:
                    tails[cell, side] = TAIL_ROWS / (rows[cell] + 2.0 * TAIL_ROWS)
            spread = float(values[-1] - values[0]) / np.sqrt(len(values)) or 1.0
        return cls(low, high, rows / rows.sum(), tails, spread)

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
        """Return the cell of each value, its place there, and the log of its slope.

        A value between atoms goes to the nearest; where none was missing at fit, a
        missing value goes to the middle cell. Atoms have the place NaN. The slope is
        the derivative of the place by the value, 1 for an atom.
        """
        first = int(self.has_missing)
        low, high = self.low[first:], self.high[first:]
        share, log_slope = np.full(len(x), np.nan), np.zeros(len(x))
        if len(low) == 0:
            return np.zeros(len(x), dtype=np.int64), share, log_slope
        at = np.clip(np.searchsorted(low, x, side="right") - 1, 0, len(low) - 1)
        # An interval that follows an atom starts at the atom's own value.
        before = np.maximum(at - 1, 0)
        at = np.where((low[before] == x) & (high[before] == x), before, at)
        after = np.minimum(at + 1, len(low) - 1)
        at = np.where((x > high[at]) & (low[after] - x < x - high[at]), after, at)
        at[np.isnan(x)] = -first if first else len(low) // 2
        cell = at + first
        wide = np.flatnonzero((self.high[cell] > self.low[cell]) & ~np.isnan(x))
        share[wide], log_slope[wide] = self._place_inside(x[wide], cell[wide])
        return cell, share, log_slope

    def _place_inside(self, x, cell):
        """Return the places in intervals, and the logs of their slopes."""
        low, high, tails = self.low[cell], self.high[cell], self.tails[cell]
        bulk = (1.0 - tails.sum(axis=1)) / (high - low)
        share = np.clip(tails[:, 0] + (x - low) * bulk, EDGE, 1.0 - EDGE)
        log_slope = np.log(bulk)
        for side, beyond in enumerate((low - x, x - high)):
            rows = (beyond > 0.0) & (tails[:, side] > 0.0)
            ratio = beyond[rows] / self.spread
            reached = tails[rows, side] / (1.0 + ratio)
            share[rows] = -reached if side else reached
            log_slope[rows] = np.log(tails[rows, side] / self.spread)
            log_slope[rows] -= 2.0 * np.log1p(ratio)
        return share, log_slope

    def values(self, cell, share):
        """Return the value at each place of each cell; NaN where missing."""
        low, high, tails = self.low[cell], self.high[cell], self.tails[cell]
        from_low = np.where(share < 0.0, 1.0 + share, share)
        from_high = np.where(share < 0.0, -share, 1.0 - share)
        bulk = 1.0 - tails.sum(axis=1)
        inside = np.clip((from_low - tails[:, 0]) / bulk, 0.0, 1.0)
        out = np.where(high > low, low + inside * (high - low), low)
        for side, reached in enumerate((from_low, from_high)):
            # A place that rounding moved off an end is that end.
            rows = reached < tails[:, side] * (1.0 - EDGE)
            ratio = tails[rows, side] / np.maximum(reached[rows], TINY) - 1.0
            end, sign = ((low, -1.0), (high, 1.0))[side]
            out[rows] = end[rows] + sign * self.spread * ratio
        return out

    def log_slope(self, cell, x):
        """Return the log of the slope of the places at values of known cells."""
        log_slope = np.zeros(len(x))
        wide = np.flatnonzero(self.high[cell] > self.low[cell])
        log_slope[wide] = self._place_inside(x[wide], cell[wide])[1]
        return log_slope

    def scores(self):
        """Return the normal scores of the ends of all cells, and of places in them.

        Ranks are those among the values that are not missing.

        Returns
        -------
        edges : ndarray of shape (n_cells + 1,)
        low, high : ndarray of shape (n_cells,)
            Scores at either end of an interval; an atom has one, its middle rank's.
        """
        first = int(self.has_missing)
        base = self.base.copy()
        base[:first] = 0.0
        ranks = np.r_[0.0, np.cumsum(base / max(base.sum(), TINY))]
        ranks = np.minimum(ranks, 1.0)
        middle = 0.5 * (ranks[1:] + ranks[:-1])
        edge = 0.25 * base[first:].min(initial=1.0)
        inside = ndtri(np.clip(ranks, edge, 1.0 - edge))
        centre = ndtri(np.clip(middle, edge, 1.0 - edge))
        low = np.where(self.is_atom, centre, inside[:-1])
        high = np.where(self.is_atom, centre, inside[1:])
        return ndtri(ranks), low, high


def _cut(values, counts, atom, n_rows):
    """Return the ends and the rows of the cells of sorted values."""
    per_cell = max(ROWS_PER_CELL, n_rows / MAX_CELLS)
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
