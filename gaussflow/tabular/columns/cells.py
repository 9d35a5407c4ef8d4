"""Cells of a column to plain numbers (grid coordinates or codes) and back."""

import numpy as np
import pandas as pd

from gaussflow.tabular.columns.dates import date_series, date_tick, date_ticks


def to_numbers(series, column):
    """Return one float per cell, NaN where missing.

    Grid columns give the whole number k of ``(origin + step * k) /
    10**decimals``; columns without a grid their values; discrete columns the
    index of the level in ``column.levels``, -1 for a value that is none of them.
    """
    out = np.full(len(series), np.nan)
    filled = series.notna().to_numpy()
    cells = series[filled]
    if len(cells) == 0:
        return out
    if column.is_number:
        out[filled] = _coordinates(cells, column)
    else:
        out[filled] = _codes(cells, column)
    return out


def to_number(value, column):
    """Return one number or date as ``to_numbers`` does, but between grid places too.

    What is no number raises a TypeError, or a ValueError.
    """
    if column.kind == "datetime":
        return float(date_tick(value, column.dtype) - column.origin) / column.step
    if isinstance(value, (str, bytes)):
        raise TypeError("a text where a number is expected")
    if column.decimals is None:
        return float(value)
    if column.decimals == 0 and isinstance(value, (int, np.integer)):
        return (int(value) - column.origin) / column.step
    return (float(value) * 10.0**column.decimals - column.origin) / column.step


def is_single(column):
    """Return whether a column's cells are in single precision."""
    return column.dtype.lower().startswith(("float32", "float["))


def same_numbers(numbers, others, column):
    """Return which numbers of ``to_numbers`` are the same, to the dtype's rounding."""
    rounding = 1e-6 if is_single(column) else 1e-9
    origin = 0.0 if column.decimals is None else abs(column.origin / column.step)
    return np.abs(numbers - others) <= rounding * (1.0 + origin + np.abs(others))


def from_numbers(numbers, column):
    """Return the Series of the column's dtype for what ``to_numbers`` gave."""
    if column.is_number:
        return _from_coordinates(numbers, column)
    missing = ~(numbers >= 0)
    levels = np.array([*column.levels, None], dtype=object)
    codes = np.where(missing, len(column.levels), numbers).astype(np.int64)
    return to_series(levels[codes], missing, column)


def to_series(values, missing, column):
    """Build a Series of the column's dtype from objects and a missing mask."""
    if column.dtype in ("category", "ordered category"):
        index = pd.Index(column.categories, dtype=column.categories_dtype)
        dtype = pd.CategoricalDtype(index, ordered=column.dtype != "category")
        return pd.Series(
            pd.Categorical(np.where(missing, None, values), dtype=dtype),
            name=column.name,
        )
    values = np.array(values, dtype=object)
    if column.dtype == "object":
        values[missing] = None if column.missing_marker == "None" else np.nan
        return pd.Series(values, name=column.name, dtype=object)
    if column.dtype == "bool":
        return pd.Series(values.astype(bool), name=column.name)
    values[missing] = pd.NA if missing.any() and _is_nullable(column.dtype) else np.nan
    return pd.Series(values, name=column.name, dtype=column.dtype)


def _is_nullable(dtype):
    return dtype[:1].isupper() or dtype.startswith(("boolean", "string"))


def _coordinates(cells, column):
    if column.kind == "datetime":
        return (date_ticks(cells, column.dtype) - column.origin) / column.step
    if column.decimals is None:
        return cells.to_numpy(dtype=np.float64)
    if column.decimals == 0 and _holds_integers(column):
        whole = np.array([int(v) - column.origin for v in cells.to_numpy()])
    else:
        values = cells.to_numpy(dtype=np.float64)
        whole = np.rint(values * 10.0**column.decimals) - column.origin
    return np.asarray(whole / column.step, dtype=np.float64)


def _codes(cells, column):
    index = {level: code for code, level in enumerate(column.levels)}
    codes = cells.astype(object).map(index).to_numpy(dtype=np.float64)
    return np.where(np.isnan(codes), -1.0, codes)


def _from_coordinates(numbers, column):
    missing = np.isnan(numbers)
    if column.decimals is None:
        return _float_series(numbers, missing, column)
    whole = np.rint(np.where(missing, 0, numbers)).astype(np.int64)
    if column.kind == "datetime":
        return date_series(column.origin + column.step * whole, missing, column)
    if column.decimals == 0 and _holds_integers(column):
        return _integer_series(whole, missing, column)
    values = (column.origin + column.step * whole) / 10.0**column.decimals
    return _float_series(np.where(missing, np.nan, values), missing, column)


def _integer_series(whole, missing, column):
    if column.dtype.startswith("u") and column.high >= 2**63:
        values = np.array([column.origin + column.step * int(k) for k in whole], object)
    else:
        values = column.origin + column.step * whole
    if column.dtype == "object":
        return to_series(values.astype(object), missing, column)
    if not missing.any():
        return pd.Series(values, name=column.name).astype(column.dtype)
    values = values.astype(object)
    values[missing] = pd.NA
    return pd.Series(values, name=column.name, dtype=column.dtype)


def _float_series(values, missing, column):
    if column.dtype == "object":
        return to_series(values.astype(object), missing, column)
    series = pd.Series(values, name=column.name)
    if _is_nullable(column.dtype) and missing.any():
        return series.astype(object).where(~missing, pd.NA).astype(column.dtype)
    return series.astype(column.dtype)


def _holds_integers(column):
    if column.dtype == "object":
        return column.kind == "integer"
    return column.dtype.lower().startswith(("int", "uint"))
