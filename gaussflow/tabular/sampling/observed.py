"""Rows of a table as regions of a forest's cells: where each value lies."""

import numpy as np

from gaussflow.forests.regions import RegionBook, cell_line, observed_line
from gaussflow.tabular.columns.cells import to_numbers


class ObservedRows:
    """Where the cells of rows lie among the cells of a forest.

    A value owns the ranks that come back as it. A value that never comes out goes to
    the nearest number that does; a category too rare to be learned, or not seen, is
    left open, as rare ones were at fit.

    Attributes
    ----------
    missing : ndarray of shape (n_samples, n_columns), bool
        Missing cells, by the schema's columns; those of excluded columns are False.
    numbers : list of ndarray of shape (n_samples,)
        Of each learned column, NaN where missing.
    book : RegionBook
        The regions of the learned columns' filled cells; the others are free.
    """

    def __init__(self, encoder, forest_map, df):
        self.encoder, self.map = encoder, forest_map
        self.missing = encoder.missing_cells(df)
        self.numbers = []
        self.book = RegionBook(len(df), len(encoder.maps_))
        for j, i in enumerate(encoder.learned_):
            column = encoder.schema_.columns[i]
            numbers = _numbers(df[column.name], column)
            self.numbers.append(numbers)
            filled = np.flatnonzero(~np.isnan(numbers))
            values, code = np.unique(numbers[filled], return_inverse=True)
            start, stop = self._lines(j, column, values)
            known = np.full(len(values), -1, dtype=np.int64)
            for k in np.flatnonzero(~np.isnan(start)):
                known[k] = self.book.add([(start[k], stop[k])])
            self.book.of[filled, j] = known[code]

    def set_patterns(self, allowed, *, gated=True):
        """Restrict the columns that tell which cells are missing.

        Parameters
        ----------
        allowed : callable
            From the distinct rows of ``missing`` and the states of a pattern, both of
            its columns alone, to which states each row allows, of shape (n_distinct,
            n_states).
        gated : bool, default=True
            Whether a filled cell counts as not observed where its row's pattern misses
            it; False if the patterns are not to tell which cells are missing.
        """
        patterns, first = self.encoder.missing_, len(self.encoder.learned_)
        places = {i: j for j, i in enumerate(self.encoder.learned_)}
        masks, code = np.unique(self.missing, axis=0, return_inverse=True)
        for k, level_map in enumerate(patterns.maps_):
            columns, states = patterns.states(k)
            kept = level_map.order_.astype(int)
            cells = self.map.cells[first + k]
            lines = cell_line(cells, level_map.edges_[:-1], level_map.edges_[1:])
            pieces = [(float(a), float(b)) for a, b in zip(*lines, strict=True)]
            regions = np.empty(len(masks), dtype=np.int64)
            chosen = allowed(masks[:, columns], states[kept])
            for r, row in enumerate(chosen):
                regions[r] = self.book.add([pieces[s] for s in np.flatnonzero(row)])
            self.book.of[:, first + k] = regions[code.ravel()]
            free = chosen @ states[kept] & ~masks[:, columns]
            for r, c in np.argwhere(free) if gated else ():
                if columns[c] in places:
                    self.book.of[code.ravel() == r, places[columns[c]]] = -1

    def _lines(self, j, column, values):
        """Return where distinct values lie on the line of cells; NaN if open."""
        column_map, cells = self.encoder.maps_[j], self.map.cells[j]
        low, high = column_map.intervals(values)
        is_open = column_map.is_open(values)
        if column.decimals is not None:
            # A value that never comes out takes the ranks of one that does.
            nearest = column_map.values(0.5 * (low + high))
            low, high = column_map.intervals(nearest)
        start, stop = observed_line(cells, low, high)
        start[is_open] = np.nan
        return start, stop


def _numbers(cells, column):
    """Return a column's cells as numbers, or say why they are none."""
    try:
        return to_numbers(cells, column)
    except (TypeError, AttributeError, ValueError):
        # What pandas says of it would tell the cell.
        raise ValueError(
            f"Column {column.name!r} was learned as {column.kind} of dtype "
            f"{column.dtype}, but holds cells of dtype {cells.dtype} that are not. "
            "Convert it first."
        ) from None
