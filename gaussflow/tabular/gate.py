"""The gate: what leaves a table rests on enough patients, or was declared.

Models are fitted to a schema that went through here, and cells, dtypes, keys and
messages follow that schema: what it does not hold cannot come out.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from gaussflow.tabular.columns.cells import from_numbers, to_numbers
from gaussflow.tabular.columns.inference import plain_levels
from gaussflow.tabular.columns.value_maps import FEW_VALUES
from gaussflow.tabular.constraints.constraint import Constraint

#: New keys begin at a power of ten up to this one: float64 is exact below 9e15, int64
#: below 9.2e18, and a trillion keys fit behind each.
LAST_START = {True: 10**15, False: 10**18}
#: What a column tells of no number.
NO_BOUNDS = {"low": None, "high": None, "origin": 0, "step": 1}
#: Dtypes whose cells cannot be left empty.
ALWAYS_FILLED = ("bool", "int", "uint")


def gate(schema, df, min_count):
    """Return the schema without what fewer than ``min_count`` rows hold.

    Levels and categories of fewer rows go, unless the levels were declared. A column
    that keeps one level becomes a constant; one that keeps none, or has fewer filled
    cells, becomes text, which is left empty. Keys keep nothing but a number at which
    new ones begin. Proposed constraints on emptied columns go with them.

    Parameters
    ----------
    schema : Schema
        What the columns are.
    df : pandas.DataFrame
        The table.
    min_count : int
        Rows that whatever leaves must rest on.

    Returns
    -------
    schema : Schema
        For this table; the gate lets it through unchanged.
    held_back : dict
        Of each column whose rare levels were held back, their number ("levels") and
        that of their "rows".
    """
    if len(df) < min_count:
        raise ValueError(
            f"The table has {len(df)} rows, but what comes out must rest on at least "
            f"{min_count}. Give more rows, or lower min_category_count if no row needs "
            "protection."
        )
    columns, held_back = [], {}
    for column in schema:
        cells = df[column.name].dropna()
        column = replace(column, missing=len(df) - len(cells))
        through, rare = _through(column, cells, min_count)
        columns.append(through)
        if len(rare):
            held_back[str(column.name)] = {"levels": len(rare), "rows": int(rare.sum())}
    emptied = {
        str(new.name)
        for old, new in zip(schema, columns, strict=True)
        if new.kind == "text" and old.kind != "text"
    }
    rules = [c for c in schema.constraints if not emptied & set(Constraint(c).columns)]
    return replace(schema, columns=columns, constraints=rules), held_back


def public(schema, df, min_count):
    """Return the schema as it may be shown; see ``Schema.public``."""
    schema, _ = gate(schema, df, min_count)
    columns = []
    for column in schema:
        changed = {"repeated": 0.0}
        if column.missing < min_count:
            changed["missing"] = 0
        if column.is_number:
            changed |= NO_BOUNDS
        if column.levels is not None:
            changed["distinct"] = len(column.levels)
        columns.append(replace(column, **changed))
    return replace(schema, columns=columns)


def _through(column, cells, min_count):
    """Return what passes of one column, and the counts of the levels that do not."""
    none = cells.iloc[:0]
    if column.kind == "identifier":
        return replace(column, low=None, high=new_keys_begin(cells, min_count)), none
    if column.kind == "text" or len(cells) < min_count:
        note = column.note or f"fewer than {min_count} filled cells; left empty"
        return _emptied(column, note, min_count), none
    if column.is_number:
        return _numbers_through(column, cells, min_count)
    if column.levels is None:  # a constant date
        return column, none
    counts = cells.astype(object).value_counts()
    common = counts[counts >= min_count].index
    unlisted = [v for v in common if v not in column.levels]
    if unlisted and column.kind != "constant":
        raise ValueError(
            f"Column {column.name!r} holds {len(unlisted)} level(s) that the schema "
            "does not list. Infer a new schema from this table, or replace them."
        )
    levels = [v for v in column.levels if v in common]
    if not levels:
        note = f"every level has fewer than {min_count} rows; left empty"
        return _emptied(column, note, min_count), none
    rare = counts[~counts.index.isin(levels)]
    return _cut(column, levels, min_count), rare


def _cut(column, levels, min_count):
    """Return a column of some levels, in its dtype's categories too."""
    changed = {"levels": levels}
    if column.categories is not None and min_count > 1 and not column.declared:
        changed["categories"] = [v for v in column.categories if v in levels]
    if len(levels) == 1 and column.kind != "constant":
        note = f"one level only has {min_count} rows or more"
        changed |= {"kind": "constant", "distinct": 1, "note": note}
    return replace(column, **changed)


def _emptied(column, note, min_count):
    """Return a column of text, which is left empty."""
    if column.distinct and column.dtype.startswith(ALWAYS_FILLED):
        if column.dtype != "boolean":
            raise ValueError(
                f"Column {column.name!r}: no value is held by {min_count} rows or "
                f"more, and {column.dtype} has no missing cells to leave it empty. "
                "Choose another kind in the schema, convert it to a dtype with some, "
                "or lower min_category_count."
            )
    kind = "text" if column.distinct else column.kind
    column = replace(column, kind=kind, note=note, **NO_BOUNDS)
    return _cut(column, [], min_count) if column.levels is not None else column


def _numbers_through(column, cells, min_count):
    """Return a column of numbers, and the counts of the values that do not pass.

    It is a constant if one value alone is common.
    """
    values, counts = np.unique(to_numbers(cells, column), return_counts=True)
    kept = values[counts >= min_count]
    if len(values) > FEW_VALUES or len(kept) != 1:
        return column, counts[:0]
    note = f"one level only has {min_count} rows or more"
    changed = {**NO_BOUNDS, "kind": "constant", "distinct": 1, "note": note}
    if column.kind == "datetime":
        changed["origin"] = int(column.origin + column.step * kept[0])
    else:
        level = from_numbers(kept, column).iloc[0]
        changed["levels"] = plain_levels([level], column.name)
    return replace(column, **changed), counts[counts < min_count]


def new_keys_begin(cells, min_count):
    """Return where new keys begin: far from the real ones, of which it tells nothing.

    Whole numbers begin at the power of ten beyond the real keys, if ``min_count`` of
    these are as long as the longest; else at one that does not depend on them. Texts
    begin with a word that no real key begins with.

    Parameters
    ----------
    cells : pandas.Series
        The real keys, none of them missing.
    min_count : int
        Keys that the length must rest on.

    Returns
    -------
    start : int or str
        The first key is ``start + 1``, or ``start`` and the number 1.
    """
    if len(cells) and isinstance(cells.iloc[0], str):
        word = "synthetic-"
        while cells.str.startswith(word).any():
            word += "new-"
        return word
    keys = sorted(int(v) for v in cells)
    last = LAST_START[pd.api.types.is_float_dtype(cells.dtype)]
    start = 10 ** len(str(abs(keys[-1]))) if keys else last
    if sum(10 * key >= start for key in keys) < min_count:
        start = last
    for place in (start, last, 0, -last):
        if place <= last and not any(place < k <= place + last // 1000 for k in keys):
            return place
    raise ValueError(
        f"Column {cells.name!r} holds keys everywhere, so that no new ones can be "
        "made. Convert it to text, or choose the kind 'text' to leave it empty."
    )
