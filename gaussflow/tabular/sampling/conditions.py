"""Conditions on columns: read what the user wrote, as allowed values and ranks."""

import numpy as np
import pandas as pd

from gaussflow.tabular.columns.cells import to_number

#: A number so near to a place of the column's grid lies on it: well above float64's
#: rounding, far below a step.
ON_GRID = 1e-6
#: Most names that a message lists.
LISTED = 12


class Condition:
    """What one column may hold.

    Attributes
    ----------
    column : Column
    missing : bool
        Whether a missing cell will do.
    ranges : list of (float, float)
        Closed ranges of what ``to_numbers`` gives: grid places, or codes.
    """

    def __init__(self, column, missing, ranges):
        self.column, self.missing, self.ranges = column, missing, ranges

    def holds(self, numbers):
        """Return where numbers (NaN where missing) meet the condition."""
        out = np.isnan(numbers) & self.missing
        for low, high in self.ranges:
            out |= (numbers >= low) & (numbers <= high)
        return out


def read_conditions(conditions, schema):
    """Return the conditions that a dict of column names writes down.

    Parameters
    ----------
    conditions : dict
        Of each column a value, a list or set of such, or a range: a tuple of
        its two ends, either of which may be None for no end. None, NaN and
        ``pandas.NA`` stand for a missing cell.
    schema : Schema
        The table's columns.

    Returns
    -------
    conditions : list of Condition
    """
    if not isinstance(conditions, dict):
        raise TypeError(
            f"conditions must be a dict of column names, got "
            f'{type(conditions).__name__}. For example {{"age": (60, 80)}}.'
        )
    return [_read(name, wanted, schema) for name, wanted in conditions.items()]


def _read(name, wanted, schema):
    if name not in schema.names:
        raise ValueError(
            f"conditions names the column {name!r}, which the table does not have. "
            f"Columns: {_listed(schema.names)}."
        )
    column = schema[name]
    if column.kind in ("identifier", "text"):
        raise ValueError(
            f"Column {name!r} is not learned ({column.kind}: {column.note}), so it "
            "cannot be a condition. Drop it from conditions."
        )
    choices = [wanted]
    if isinstance(wanted, (list, set, frozenset, np.ndarray, pd.Index, pd.Series)):
        choices = list(wanted)
    if not choices:
        raise ValueError(
            f"The condition on column {name!r} allows no value. Name at least one."
        )
    missing, ranges = False, []
    for choice in choices:
        if isinstance(choice, tuple):
            ranges.append(_range(choice, column))
        elif pd.api.types.is_scalar(choice) and pd.isna(choice):
            missing = True
        else:
            place = _place(choice, column)
            ranges.append((place, place))
    if missing and not column.missing:
        raise ValueError(
            f"The condition on column {name!r} asks for a missing cell, but none was "
            "missing at fit. Leave it out."
        )
    return Condition(column, missing, ranges)


def _range(ends, column):
    """Return the ends of a range, as numbers of the column."""
    if len(ends) != 2:
        raise ValueError(
            f"A range is a tuple of two ends, but the condition on column "
            f"{column.name!r} is {ends!r}. Pass a list for a set of values."
        )
    if not column.is_number and column.kind != "ordinal":
        raise ValueError(
            f"Column {column.name!r} has no order, so {ends!r} is no range of it. "
            "Pass a list for a set of values."
        )
    low, high = (
        default if end is None or pd.isna(end) else _place(end, column, on_grid=False)
        for end, default in zip(ends, (-np.inf, np.inf), strict=True)
    )
    if low > high:
        raise ValueError(
            f"The range {ends!r} of column {column.name!r} is empty: its lower end "
            "is above its upper end. Swap them."
        )
    if column.is_number:
        lowest, highest = (
            _place(end, column, on_grid=False) for end in (column.low, column.high)
        )
        if high < lowest - ON_GRID or low > highest + ON_GRID:
            raise ValueError(
                f"The range {ends!r} of column {column.name!r} lies outside what was "
                "seen at fit. Choose one inside."
            )
    return low - _slack(low, column), high + _slack(high, column)


def _slack(place, column):
    """Return by how much a place of a grid may miss a number that means it."""
    return ON_GRID if column.decimals is not None and np.isfinite(place) else 0.0


def _place(value, column, on_grid=True):
    """Return a value as a number of the column: a place on its grid, or a code."""
    if not column.is_number:
        return float(_code(value, column))
    try:
        place = to_number(value, column)
    except (TypeError, ValueError, OverflowError) as exc:
        raise ValueError(
            f"The condition on column {column.name!r} holds {value!r}, which is not "
            f"a value of a column of dtype {column.dtype} ({exc})."
        ) from exc
    if not on_grid:
        return place
    lowest, highest = (to_number(end, column) for end in (column.low, column.high))
    if not lowest - ON_GRID <= place <= highest + ON_GRID:
        raise ValueError(
            f"The condition {value!r} of column {column.name!r} lies outside what was "
            "seen at fit. Choose one inside."
        )
    if column.decimals is not None:
        if abs(place - np.rint(place)) > ON_GRID:
            raise ValueError(
                f"The condition {value!r} of column {column.name!r} is between two "
                "values of its grid, so no row meets it. Pass a range as a tuple."
            )
        place = float(np.rint(place))
    return place


def _code(value, column):
    if column.levels is None:
        raise ValueError(
            f"Column {column.name!r} is constant, so it cannot be a condition. Drop it "
            "from conditions."
        )
    for code, level in enumerate(column.levels):
        if level == value and isinstance(level, str) == isinstance(value, str):
            return code
    raise ValueError(
        f"The condition on column {column.name!r} holds {value!r}, which was not seen "
        "at fit, or in too few rows to come out. Values: "
        f"{_listed(column.levels)}."
    )


def _listed(names):
    """Return names for a message, a dozen at most."""
    text = ", ".join(map(str, list(names)[:LISTED]))
    return text + (", ..." if len(names) > LISTED else "")
