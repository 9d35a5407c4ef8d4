"""Tables as float matrices, for the scores."""

from collections import Counter
from typing import NamedTuple

import numpy as np
import pandas as pd

from gaussflow.tabular.columns.cells import to_numbers
from gaussflow.tabular.columns.inference import fits_kind

#: Columns that reach further are scored in units of their largest number: trees of
#: scikit-learn hold single floats, whose largest is 3e38.
MAX_NUMBER = 1e30


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
        largest = np.nanmax(np.abs(matrices[0][:, j]), initial=0.0)
        if largest > MAX_NUMBER:
            for matrix in matrices:
                matrix[:, j] /= largest
    return [c.name for c in kept], categorical, matrices


def _numbers(cells, column):
    """Yield the numbers of one column."""
    for one in cells:
        try:
            numbers = to_numbers(_as_kind(one, column), column)
        except (TypeError, ValueError):  # their messages may tell a cell
            raise ValueError(
                f"Column {column.name!r} is {column.kind} ({column.dtype}) in the real "
                f"table, but {one.dtype} in another, and cannot be compared. Convert "
                "it, for example with pandas.to_numeric or to_datetime."
            ) from None
        if column.decimals is None:
            # A copy in single precision is a copy.
            mantissa, exponent = np.frexp(numbers)
            numbers = np.ldexp(np.rint(np.ldexp(mantissa, 24)), exponent - 24)
        yield numbers


def _as_kind(cells, column):
    """Return cells of another dtype, such as texts, as numbers or dates."""
    if fits_kind(cells, column):
        return cells
    cells = cells.astype(object)
    if column.kind != "datetime":
        return cells.where(cells.notna(), np.nan).astype(np.float64)
    if column.dtype.startswith(("timedelta", "duration")):
        return pd.to_timedelta(cells)
    return pd.to_datetime(cells)


def _codes(cells, column):
    """Yield the codes of one column: the schema's levels first, then new ones."""
    levels = column.levels if column.levels is not None else []
    spelt = Counter(map(_spelling, levels))
    code = {}

    def code_of(level):
        same = _spelling(level)
        # Levels that are spelt apart, such as "1" and "01", stay apart.
        return code.setdefault(level if spelt[same] > 1 else same, len(code))

    for level in levels:
        code_of(level)
    for one in cells:
        out = np.full(len(one), np.nan)
        filled = one.notna().to_numpy()
        values = one[filled].astype(object)
        out[filled] = values.map({v: code_of(v) for v in values.unique()})
        yield out


def _spelling(level):
    """Return a level however a file spells it: 1, "1.0" and True are one."""
    text = str(level).strip().removesuffix(" 00:00:00")
    if text.lower() in ("true", "false"):
        return float(text.lower() == "true")
    try:
        number = float(text)
    except ValueError:
        return text
    return number if np.isfinite(number) else text
