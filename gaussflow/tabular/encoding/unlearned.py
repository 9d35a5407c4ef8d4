"""Cells of columns that no model learns: constants, new keys, empty texts."""

from dataclasses import replace

import numpy as np
import pandas as pd

from gaussflow.tabular.columns.cells import from_numbers, to_series


def unlearned_column(column, missing):
    """Return cells of a column that is not learned: its constant, new keys, or none."""
    n_rows = len(missing)
    if column.kind == "identifier":
        return _new_keys(column, n_rows)
    if column.kind == "text" or column.distinct == 0:
        empty = np.ones(n_rows, dtype=bool)
        values = np.full(n_rows, None, dtype=object)
        if column.dtype.startswith(("datetime", "timedelta")):
            return pd.Series(values, name=column.name, dtype=column.dtype)
        return to_series(values, empty, column)
    if column.levels is None:
        dates = replace(column, kind="datetime")
        return from_numbers(np.where(missing, np.nan, 0.0), dates)
    return to_series(np.full(n_rows, column.levels[0], dtype=object), missing, column)


def _new_keys(column, n_rows):
    """Return fresh keys: whole numbers beyond the real ones, or short texts."""
    if column.high is not None:
        first = int(column.high) + 1
        keys = np.arange(first, first + n_rows).astype(object)
    else:
        keys = np.array([f"synthetic-{i}" for i in range(1, n_rows + 1)], dtype=object)
    return to_series(keys, np.zeros(n_rows, dtype=bool), column)
