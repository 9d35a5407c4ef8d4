"""Comparisons of a table's columns with each other and with constants.

Each returns where it holds and where it does not; with a missing cell it is neither.
"""

import math
import operator

import numpy as np
import pandas as pd
from pandas.api import types

from gaussflow.tabular.columns.dates import is_date, plain_dates

#: Whole numbers up to here are added exactly: two of them still fit in an int64.
MAX_EXACT = 2**62
#: Rounding errors of a sum that are forgiven, in units of its last place.
ULPS = 16.0
#: Orders of the language.
ORDERS = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    ">": operator.gt,
}


def compare_sums(left, order, right, frame):
    """Compare two sums of columns of ``frame`` in all rows."""
    lone = [plain_dates(frame[s.single]) for s in (left, right) if s.single]
    special = [cells for cells in lone if not _is_number(cells)]
    if special and not left.terms:
        left, right, order = right, left, mirrored(order)
    if special and left.single and not right.terms:
        return compare_with(lone[0], order, plain(right.constant))
    if len(special) == 2:
        return _two_columns(*lone, order)
    return _linear(left.minus(right), order, frame)


def compare_with(cells, order, value):
    """Compare one column's cells with a text, a truth value or a level."""
    filled = cells.notna().to_numpy()
    dtype = cells.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        levels = list(dtype.categories)
        at = levels.index(value) if value in levels else None
        if at is None and order not in ("==", "!="):
            raise ValueError(
                f"column {cells.name!r} has no level {value!r} among its {len(levels)}."
            )
        if dtype.ordered or order in ("==", "!="):
            codes = cells.cat.codes.to_numpy()
            return _ordered(codes, order, -2 if at is None else at, filled)
    if isinstance(value, str) and is_date(cells.dtype):
        return _ordered(cells, order, _moment(cells, value), filled)
    if isinstance(value, str) and _is_number(cells):
        raise ValueError(
            f"column {cells.name!r} holds {dtype} values, and {value!r} is a text. "
            "Write the number without quotes, true or false."
        )
    if not isinstance(value, str) and is_date(cells.dtype):
        raise ValueError(
            f"column {cells.name!r} holds dates; compare it with a text such as "
            "'2020-01-31', or a duration such as '3 days'."
        )
    if order not in ("==", "!="):
        raise ValueError(
            f"column {cells.name!r} has no order, so {order} means nothing. Use == , "
            "!= or 'in {...}', or make it an ordered category."
        )
    same = (cells == value).to_numpy(dtype=bool, na_value=False)
    return _known(same if order == "==" else ~same, filled)


def _two_columns(a, b, order):
    """Compare the cells of two columns that hold no numbers."""
    filled = (a.notna() & b.notna()).to_numpy()
    if is_date(a.dtype) and is_date(b.dtype):
        return _ordered(a, order, b, filled)
    ordered = getattr(a.dtype, "ordered", False) and a.dtype == b.dtype
    if ordered:
        codes = (s.cat.codes.to_numpy() for s in (a, b))
        return _ordered(next(codes), order, next(codes), filled)
    if order not in ("==", "!=") or is_date(a.dtype) or is_date(b.dtype):
        raise ValueError(
            f"columns {a.name!r} ({a.dtype}) and {b.name!r} ({b.dtype}) cannot be "
            f"compared by {order}. Numbers, dates and ordered categories with the same "
            "levels can."
        )
    same = np.zeros(len(a), dtype=bool)
    pairs = zip(a[filled].tolist(), b[filled].tolist(), strict=True)
    same[filled] = [x == y for x, y in pairs]
    return _known(same if order == "==" else ~same, filled)


def _known(yes, filled):
    return yes & filled, ~yes & filled


def _ordered(a, order, b, filled):
    """Compare values that have an order of their own."""
    try:
        yes = np.asarray(ORDERS[order](a, b), dtype=bool)
    except TypeError:
        raise ValueError(
            f"dates of column {a.name!r} cannot be compared. Give both a time zone, or "
            "neither."
        ) from None
    return _known(yes, filled)


def _linear(difference, order, frame):
    """Compare a sum of columns with zero, up to rounding in its last place."""
    columns = [frame[name] for name, _ in difference.terms]
    for cells in columns:
        if not _is_number(cells):
            raise ValueError(
                f"column {cells.name!r} holds {cells.dtype} values, which cannot be "
                "added or compared with a number. Dates can be compared with dates."
            )
    filled = frame[[n for n, _ in difference.terms]].notna().all(axis=1).to_numpy()
    value, slack = _whole_sum(difference, columns, filled)
    if value is None:
        value, slack = _float_sum(difference, columns, filled)
    yes = {
        "<": value < -slack,
        "<=": value <= slack,
        "==": np.abs(value) <= slack,
        "!=": np.abs(value) > slack,
        ">=": value >= -slack,
        ">": value > slack,
    }[order]
    return _known(yes, filled)


def _whole_sum(difference, columns, filled):
    """Return the exact sum of whole columns as int64, or None."""
    if not all(types.is_integer_dtype(c.dtype) for c in columns):
        return None, None
    factors = [factor for _, factor in difference.terms]
    scale = math.lcm(*(f.denominator for f in (*factors, difference.constant)))
    constant = int(difference.constant * scale)
    total = np.full(len(filled), constant, dtype=np.int64)
    size = abs(constant)
    for cells, factor in zip(columns, factors, strict=True):
        whole = cells.where(filled, 0).to_numpy()
        ends = (whole.min(), whole.max()) if len(whole) else (0, 0)
        largest = max(abs(int(end)) for end in ends)
        size += abs(int(factor * scale)) * largest
        if size >= MAX_EXACT:
            return None, None
        total += int(factor * scale) * whole.astype(np.int64)
    return total, 0


def _float_sum(difference, columns, filled):
    total = np.full(len(filled), float(difference.constant))
    size, eps = np.abs(total), np.finfo(np.float64).eps
    for cells, (_, factor) in zip(columns, difference.terms, strict=True):
        values = np.zeros(len(filled))
        values[filled] = cells[filled].to_numpy(dtype=np.float64)
        values *= float(factor)
        total, size = total + values, size + np.abs(values)
        if str(cells.dtype).lower() == "float32":
            eps = np.finfo(np.float32).eps
    return total, ULPS * eps * size


def _moment(cells, text):
    read = pd.Timedelta if types.is_timedelta64_dtype(cells.dtype) else pd.Timestamp
    try:
        moment = read(text)
    except ValueError as exc:
        raise ValueError(
            f"{text!r} is no date that column {cells.name!r} can be compared with "
            f"({exc}). Write it like '2020-01-31' or '2020-01-31 14:30'."
        ) from exc
    zone = getattr(cells.dtype, "tz", None)
    if zone is not None and moment.tzinfo is None:
        return moment.tz_localize(zone)
    return moment


def _is_number(cells):
    if types.is_numeric_dtype(cells.dtype):  # booleans too: false is 0
        return True
    if cells.dtype != object:
        return False
    return types.infer_dtype(cells, skipna=True) in ("integer", "floating", "boolean")


def mirrored(order):
    """Return the order that holds from right to left."""
    return order.translate(str.maketrans("<>", "><"))


def plain(fraction):
    """Return a fraction as an int where it is whole, else as a float."""
    return int(fraction) if fraction.denominator == 1 else float(fraction)
