"""Tables as float matrices, for the scores."""

from typing import NamedTuple

import numpy as np

from gaussflow.tabular.columns.cells import to_numbers


class Coded(NamedTuple):
    """The tables of a report as matrices, and which columns hold codes."""

    train: np.ndarray
    holdout: np.ndarray
    synthetic: np.ndarray
    categorical: np.ndarray

    def misses(self):
        """Return whether a table misses a cell."""
        return any(np.isnan(table).any() for table in self[:3])


def code_tables(schema, *tables):
    """Return tables as float matrices with shared codes.

    Numbers and dates become their place on the column's grid, categories whole
    codes, missing cells NaN. Keys, text and empty columns are left out.

    Parameters
    ----------
    schema : Schema
        What the columns are.
    *tables : pandas.DataFrame
        Tables with these columns, the training rows first.

    Returns
    -------
    names : list
        The columns kept.
    categorical : ndarray of shape (n_kept,), bool
        Which of them hold codes.
    matrices : list of ndarray of shape (n_rows, n_kept)
    """
    kept = [c for c in schema if c.is_learned or (c.kind == "constant" and c.distinct)]
    if not kept:
        raise ValueError(
            "The table has no column to score: all are keys, text or empty. Set the "
            "kind of one in the schema, for example schema['site'].kind."
        )
    for table in tables:
        absent = [c.name for c in kept if c.name not in table.columns]
        if absent:
            raise ValueError(
                f"A table to score lacks the column(s) {', '.join(map(repr, absent))}. "
                "Real, unseen and synthetic rows need the same columns."
            )
    categorical = np.array([not c.is_number for c in kept], dtype=bool)
    matrices = [np.empty((len(t), len(kept))) for t in tables]
    for j, column in enumerate(kept):
        cells = [table[column.name] for table in tables]
        code = _numbers if column.is_number else _codes
        for matrix, values in zip(matrices, code(cells, column), strict=True):
            matrix[:, j] = values
    return [c.name for c in kept], categorical, matrices


def _numbers(cells, column):
    """Yield the numbers of one column."""
    for one in cells:
        try:
            yield to_numbers(one, column)
        except (TypeError, ValueError) as exc:
            raise ValueError(
                f"Column {column.name!r} is {column.kind} ({column.dtype}) in the real "
                f"table, but {one.dtype} in another, and cannot be compared ({exc}). "
                "Convert it, for example with pandas.to_numeric or to_datetime."
            ) from exc


def _codes(cells, column):
    """Return the codes of one column: the schema's levels first, then new ones."""
    levels = column.levels if column.levels is not None else []
    code = {level: k for k, level in enumerate(levels)}
    for one in cells:
        out = np.full(len(one), np.nan)
        filled = one.notna().to_numpy()
        out[filled] = [code.setdefault(v, len(code)) for v in one[filled].tolist()]
        yield out
