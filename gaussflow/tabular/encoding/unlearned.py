"""Cells of columns that no model learns: constants, new keys, empty texts."""

from dataclasses import replace

import numpy as np
import pandas as pd

from gaussflow.tabular.columns.cells import from_numbers, to_series
from gaussflow.tabular.columns.dates import DATE_NAMES


def unlearned_column(column, missing):
    """Return cells of a column that is not learned: its constant, new keys, or none."""
    n_rows = len(missing)
    if column.kind == "identifier":
        return _new_keys(column, n_rows)
    if column.kind == "text" or column.distinct == 0:
        empty = np.ones(n_rows, dtype=bool)
        values = np.full(n_rows, None, dtype=object)
        if column.dtype.startswith(DATE_NAMES):
            return pd.Series(values, name=column.name, dtype=column.dtype)
        return to_series(values, empty, column)
    if column.levels is None:
        dates = replace(column, kind="datetime")
        return from_numbers(np.where(missing, np.nan, 0.0), dates)
    return to_series(np.full(n_rows, column.levels[0], dtype=object), missing, column)


def _new_keys(column, n_rows):
    """Return fresh keys from where the gate lets them begin."""
    count = range(1, n_rows + 1)
    if isinstance(column.high, str):
        keys = [f"{column.high}{i}" for i in count]
    else:
        keys = [column.high + i for i in count]
        column = replace(column, dtype=_wide_enough(column.dtype, keys))
    return to_series(np.array(keys, object), np.zeros(n_rows, dtype=bool), column)


def _wide_enough(dtype, keys):
    """Return the dtype, or a wider one where keys would overflow or repeat."""
    short, bracket, backend = dtype.partition("[")
    name = short.lower()
    if name in ("float32", "float"):
        low, high, wide = -(2**24), 2**24, "float64" if name == "float32" else "double"
    elif name.startswith(("int", "uint")):
        low, high, wide = np.iinfo(name).min, np.iinfo(name).max, "int64"
    else:
        return dtype
    if all(low <= key <= high for key in keys[:1] + keys[-1:]):
        return dtype
    return (wide.capitalize() if short[0].isupper() else wide) + bracket + backend
