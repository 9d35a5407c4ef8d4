"""Whether the rows of a table keep a constraint: true, false or unknown.

Logic has three values, as in databases: a comparison with a missing cell is
unknown, and a row breaks a constraint only where it is certainly false.
"""

import math
import operator
from fractions import Fraction

import numpy as np
import pandas as pd
from pandas.api import types

from gaussflow.tabular.constraints.syntax import (
    All,
    Any,
    Compare,
    Determines,
    Fixed,
    Implies,
    Literal,
    Member,
    Missing,
    Sum,
)

#: Whole numbers up to here are added exactly: two of them still fit in an int64.
MAX_EXACT = 2**62
#: Rounding errors of a sum that are forgiven, in units of its last place.
ULPS = 16.0


def truth(node, frame, reference=None):
    """Return where a claim holds and where it does not; unknown is neither.

    Parameters
    ----------
    node : node of a constraint's tree
        The claim, bound to the labels of ``frame`` (see ``Constraint.bind``).
    frame : pandas.DataFrame
        The rows.
    reference : pandas.DataFrame or None, default=None
        The table whose combinations of values "fixed" and "determines" keep;
        None takes the rows themselves.

    Returns
    -------
    yes, no : ndarray of shape (n_rows,), bool
    """
    if isinstance(node, (All, Any)):
        parts = [truth(part, frame, reference) for part in node.parts]
        yes, no = (np.array(side) for side in zip(*parts, strict=True))
        if isinstance(node, All):
            return yes.all(axis=0), no.any(axis=0)
        return yes.any(axis=0), no.all(axis=0)
    if isinstance(node, Implies):
        met, unmet = truth(node.condition, frame, reference)
        yes, no = truth(node.conclusion, frame, reference)
        return unmet | yes, met & no
    if isinstance(node, Missing):
        missing = frame[node.name].isna().to_numpy()
        yes = ~missing if node.negated else missing
        return yes, ~yes
    if isinstance(node, Member):
        return _member(node, frame)
    if isinstance(node, (Fixed, Determines)):
        return _combination(node, frame, frame if reference is None else reference)
    return _compare(node, frame)


# -- sets and combinations -----------------------------------------------------


def _member(node, frame):
    column = Sum(((node.name, Fraction(1)),))
    yes = np.zeros(len(frame), dtype=bool)
    no = np.ones(len(frame), dtype=bool)
    for value in node.values:
        text = isinstance(value, (str, bool))
        side = Literal(value) if text else Sum((), Fraction(value))
        same, other = _compare(Compare(column, "==", side), frame)
        yes, no = yes | same, no & other
    return (no, yes) if node.negated else (yes, no)


def _combination(node, frame, reference):
    """Compare combinations with the reference's; a missing cell is unknown."""
    names = node.names if isinstance(node, Fixed) else (node.source, node.name)
    names = list(names)
    known = reference[names].dropna().drop_duplicates()
    if isinstance(node, Determines):
        counts = reference[names].dropna().value_counts(sort=False)
        known = counts.rename("n").reset_index().sort_values("n", kind="stable")
        known = known.drop_duplicates(names[0], keep="last")[names]
    filled = frame[names].notna().all(axis=1).to_numpy()
    joined = pd.concat([known.astype(object), frame.loc[filled, names].astype(object)])
    codes = joined.groupby(names, sort=False, dropna=False).ngroup().to_numpy()
    found = np.isin(codes[len(known) :], codes[: len(known)])
    yes, no = np.zeros(len(frame), dtype=bool), np.zeros(len(frame), dtype=bool)
    yes[filled], no[filled] = found, ~found
    return yes, no


# -- comparisons ---------------------------------------------------------------


def _compare(node, frame):
    left, right, order = node.left, node.right, node.order
    if isinstance(left, Literal):
        left, right, order = right, left, _mirrored(order)
    if isinstance(right, Literal):
        if isinstance(left, Literal) or left.single is None:
            raise ValueError(
                f"{right.value!r} can be compared with one column only. Compare "
                "sums with numbers."
            )
        cells = frame[left.single]
        return _with_constant(cells, order, right.value)
    plain = [frame[s.single] for s in (left, right) if s.single]
    special = [cells for cells in plain if not _is_number(cells)]
    if special and not left.terms:
        left, right, order = right, left, _mirrored(order)
    if special and left.single and not right.terms:
        return _with_constant(plain[0], order, _plain(right.constant))
    if len(special) == 2:
        return _two_columns(*plain, order)
    return _linear(left.minus(right), order, frame)


def _with_constant(cells, order, value):
    """Compare one column's cells with a text, a truth value or a level."""
    filled = cells.notna().to_numpy()
    dtype = cells.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        levels = list(dtype.categories)
        at = levels.index(value) if value in levels else None
        if at is None and order not in ("==", "!="):
            raise ValueError(
                f"column {cells.name!r} has no level {value!r}; its levels are "
                f"{', '.join(map(repr, levels[:10]))}."
            )
        if dtype.ordered or order in ("==", "!="):
            codes = cells.cat.codes.to_numpy()
            return _ordered(codes, order, -2 if at is None else at, filled)
    if isinstance(value, str) and _is_date(cells):
        return _ordered(cells, order, _moment(cells, value), filled)
    if isinstance(value, str) and _is_number(cells):
        raise ValueError(
            f"column {cells.name!r} holds {dtype} values, and {value!r} is a text. "
            "Write the number without quotes, true or false."
        )
    if not isinstance(value, str) and _is_date(cells):
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
    yes = same if order == "==" else ~same
    return yes & filled, ~yes & filled


def _two_columns(a, b, order):
    """Compare the cells of two columns that hold no numbers."""
    filled = (a.notna() & b.notna()).to_numpy()
    if _is_date(a) and _is_date(b):
        return _ordered(a, order, b, filled)
    ordered = getattr(a.dtype, "ordered", False) and a.dtype == b.dtype
    if ordered:
        codes = (s.cat.codes.to_numpy() for s in (a, b))
        return _ordered(next(codes), order, next(codes), filled)
    if order not in ("==", "!=") or _is_date(a) or _is_date(b):
        raise ValueError(
            f"columns {a.name!r} ({a.dtype}) and {b.name!r} ({b.dtype}) cannot be "
            f"compared by {order}. Numbers, dates and ordered categories with the same "
            "levels can."
        )
    same = np.zeros(len(a), dtype=bool)
    pairs = zip(a[filled].tolist(), b[filled].tolist(), strict=True)
    same[filled] = [x == y for x, y in pairs]
    yes = same if order == "==" else ~same
    return yes & filled, ~yes & filled


def _ordered(a, order, b, filled):
    """Compare values that have an order of their own."""
    operations = {
        "<": operator.lt,
        "<=": operator.le,
        "==": operator.eq,
        "!=": operator.ne,
        ">=": operator.ge,
        ">": operator.gt,
    }
    try:
        yes = np.asarray(operations[order](a, b), dtype=bool)
    except TypeError as exc:
        raise ValueError(
            f"dates of column {a.name!r} cannot be compared ({exc}). Give both a time "
            "zone, or neither."
        ) from exc
    return yes & filled, ~yes & filled


def _linear(difference, order, frame):
    """Compare a sum of columns with zero, up to rounding in its last place."""
    columns = [frame[name] for name, _ in difference.terms]
    for cells in columns:
        if not _is_number(cells):
            raise ValueError(
                f"column {cells.name!r} holds {cells.dtype} values, which cannot be "
                "added or compared with a number. Dates can be compared with dates."
            )
    filled = np.ones(len(frame), dtype=bool)
    for cells in columns:
        filled &= cells.notna().to_numpy()
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
    return yes & filled, ~yes & filled


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


def _is_date(cells):
    dtype = cells.dtype
    return types.is_datetime64_any_dtype(dtype) or types.is_timedelta64_dtype(dtype)


def _is_number(cells):
    if types.is_numeric_dtype(cells.dtype):  # booleans too: false is 0
        return True
    if cells.dtype != object:
        return False
    return types.infer_dtype(cells, skipna=True) in ("integer", "floating", "boolean")


def _mirrored(order):
    return order.translate(str.maketrans("<>", "><"))


def _plain(fraction):
    whole = fraction.denominator == 1
    return int(fraction) if whole else float(fraction)
