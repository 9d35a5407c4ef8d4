"""Inference of one column's kind, grid, levels and missing cells."""

import math
import re

import numpy as np
import pandas as pd
from pandas.api import types

from gaussflow.tabular.columns.dates import (
    DATE_NAMES,
    date_ticks,
    is_date,
    plain_dates,
)

#: Most decimals that count as a grid; beyond, a column is in full precision, as a
#: float64 has 15 to 17 digits in all.
MAX_DECIMALS = 12
NUMBER_KINDS = ("continuous", "integer", "datetime")
LEVEL_KINDS = ("boolean", "categorical", "ordinal")
#: Whole numbers up to here are exact in float64.
EXACT = 2**53
#: All-distinct columns with fewer filled cells than this are not taken for keys, nor
#: are columns with the name of a key, half of whose values differ.
MIN_KEYS, MIN_NAMED_KEYS = 10, 50
#: -log of the probability that measurements all differ, where they are keys.
KEY_EVIDENCE = 9.0
#: Words in the names of keys, and of the keys of persons, who may have several rows.
KEY_WORDS = {"id", "key", "nbr", "number", "uuid", "rownames", "index", "record"}
PERSON_WORDS = {"mrn", "patient", "subject", "participant", "person", "pid", "subjid"}
PERSON_WORDS |= {"usubjid", "ptid", "seqn", "ssn", "nhs"}
#: Dates of other years are most likely markers of something unknown. Chosen by hand.
YEARS = (1800, 2200)
#: What to do with values that a column cannot hold, by pandas' name for them.
CONVERSIONS = {
    "date": "pandas.to_datetime({0})",
    "datetime": "pandas.to_datetime({0}, errors='coerce'), which turns dates that "
    "are out of range into missing cells",
    "decimal": "{0}.astype(float)",
    "bytes": "{0}.str.decode('utf-8')",
    "period": "{0}.dt.to_timestamp()",
    "time": "{0}.astype(str)",
    "mixed": "{0}.astype(str), or pandas.to_datetime({0}, errors='coerce') for dates",
}


def describe_column(series, name):
    """Return the fields of a ``Column`` (all but the name) for one series."""
    filled = series[series.notna()]
    found = {
        "dtype": dtype_name(series.dtype),
        "missing": int(series.isna().sum()),
        "missing_marker": _missing_marker(series),
    }
    if len(filled) == 0:
        note = "every cell is missing; not learned"
        return {**found, "kind": "constant", "levels": [], "note": note} | _categories(
            series, name
        )
    counts = _value_counts(filled, name)
    found["distinct"] = len(counts)
    found["repeated"] = round(float(counts[counts > 1].sum() / len(filled)), 6)
    found |= _describe_values(series, filled, counts, name)
    found |= _categories(series, name)
    if found["distinct"] == 1 and found["kind"] != "identifier":
        found |= {"kind": "constant", "note": "one value only; not learned"}
        dated = found["dtype"].startswith(DATE_NAMES)
        found["levels"] = None if dated else plain_levels(list(counts.index), name)
    return found


def describe_kind(series, name, kind):
    """Return the fields of a ``Column`` of a kind that the user chose.

    Parameters
    ----------
    series : pandas.Series
        The column.
    name : str
        Its name.
    kind : str or list
        The kind; a list holds the levels of an ordinal column, in order.
    """
    found = describe_column(series, name)
    levels = kind if isinstance(kind, (list, tuple)) else None
    kind = kind if levels is None else "ordinal"
    known = [*NUMBER_KINDS, *LEVEL_KINDS, "identifier", "text"]
    if kind not in known:
        raise ValueError(
            f"kinds gives column {name!r} the kind {kind!r}; choose one of "
            f"{', '.join(known)}, or a list of its levels in order."
        )
    if kind == found["kind"] and levels is None:
        return found
    filled = series[series.notna()]
    found |= {"levels": None, "note": ""}
    if kind in ("identifier", "text"):
        made = "made anew" if kind == "identifier" else "left empty"
        return found | {"note": f"not learned by your choice, {made}"} | {"kind": kind}
    if kind in ("categorical", "ordinal"):
        return found | _chosen_levels(filled, name, kind, levels)
    found |= _chosen_numbers(filled, name, kind)
    return found | {"kind": kind}


def _chosen_levels(filled, name, kind, levels):
    present = plain_levels(list(_value_counts(filled, name).index), name)
    declared = levels is not None
    if not declared:
        try:
            levels = sorted(present)
        except TypeError as exc:
            raise ValueError(
                f"Column {name!r} mixes text and numbers, so its levels have no order. "
                f"Convert it first, for example with df[{name!r}].astype(str)."
            ) from exc
    unlisted = [v for v in present if v not in levels]
    if unlisted:
        raise ValueError(
            f"kinds lists the levels of column {name!r}, but the table also holds "
            f"{len(unlisted)} other(s). List every level, in order."
        )
    kept = [v for v in levels if v in present]
    found = {"kind": kind, "levels": kept, "declared": declared}
    return found | {"decimals": None, "low": None, "high": None}


def _chosen_numbers(filled, name, kind):
    dtype = filled.dtype
    if kind == "datetime" and is_date(dtype):
        return _describe_dates(filled)
    numeric = types.is_numeric_dtype(dtype) and not types.is_bool_dtype(dtype)
    if kind == "boolean" or kind == "datetime" or not numeric:
        way = "pandas.to_datetime" if kind == "datetime" else "pandas.to_numeric"
        way = f"df[{name!r}].astype(bool)" if kind == "boolean" else way
        raise ValueError(
            f"kinds makes column {name!r} {kind}, but it holds {dtype} values. Convert "
            f"it first with {way}, or choose 'categorical'."
        )
    if len(filled) == 0:
        raise ValueError(f"Column {name!r} has no filled cell; it cannot be {kind}.")
    if types.is_integer_dtype(dtype):
        values = [int(v) for v in filled.to_numpy()]
        low = min(values)
        step = _common_step([v - low for v in values])
        found = {"decimals": 0, "low": low, "high": max(values)}
        return found | {"origin": low, "step": step}
    found = _describe_floats(filled, dtype, name)
    if kind == "integer" and found["decimals"] != 0:
        raise ValueError(
            f"kinds makes column {name!r} integer, but it holds fractions. Round it, "
            "or choose 'continuous'."
        )
    return found


def fits_kind(series, column):
    """Return whether a column's cells can be read as its schema says."""
    dtype = series.dtype
    if column.kind == "datetime":
        return is_date(dtype)
    if column.is_number and not types.is_numeric_dtype(dtype):
        cells = series[series.notna()]
        return types.infer_dtype(cells) in ("integer", "floating", "boolean", "empty")
    return True


def _describe_values(series, filled, counts, name):
    """Choose the kind by dtype and return what that kind records."""
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        kind = "ordinal" if dtype.ordered else "categorical"
        levels = [c for c in dtype.categories if c in counts.index]
        return {"kind": kind, "levels": plain_levels(levels, name)}
    if types.is_bool_dtype(dtype):
        return {"kind": "boolean", "levels": [False, True]}
    if is_date(dtype):
        return _describe_dates(filled)
    if types.is_complex_dtype(dtype):
        raise ValueError(
            f"Column {name!r} holds complex numbers, which a table cannot keep. "
            "Split it in a real and an imaginary column."
        )
    if types.is_integer_dtype(dtype):
        return _describe_integers(filled, counts, name)
    if types.is_float_dtype(dtype):
        return _describe_floats(filled, dtype, name)
    return _describe_objects(filled, counts, name)


def _describe_objects(filled, counts, name):
    """Strings, or Python objects of one type in an object column."""
    inferred = types.infer_dtype(filled, skipna=True)
    if inferred == "boolean":
        return {"kind": "boolean", "levels": [False, True]}
    if inferred == "integer":
        return _describe_integers(filled.astype("int64"), counts, name)
    if inferred == "floating":
        found = _describe_floats(filled.astype("float64"), np.dtype("float64"), name)
        return found | {"kind": "continuous"}
    if inferred != "string":
        way = CONVERSIONS.get(inferred, "{0}.astype(str) or pandas.to_datetime({0})")
        raise ValueError(
            f"Column {name!r} mixes types or holds values that are neither numbers, "
            f"text, dates nor booleans (found: {inferred}). Convert it first, for "
            f"example with {way.format(f'df[{name!r}]')}."
        )
    levels = sorted(counts.index.tolist())
    if len(levels) == len(filled) >= MIN_KEYS:
        note = "all values differ; not learned, made anew"
        return {"kind": "identifier", "note": note}
    key = _key(name, len(filled), len(levels)) if _words(name) & PERSON_WORDS else {}
    if key:
        return key
    if len(filled) >= MIN_KEYS and len(levels) > 0.5 * len(filled):
        note = "mostly distinct text; not learned, left empty"
        return {"kind": "text", "note": note}
    return {"kind": "categorical", "levels": levels}


def _describe_integers(filled, counts, name):
    values = np.array([int(v) for v in filled.to_numpy()], dtype=object)
    low, high = int(min(values)), int(max(values))
    found = {"kind": "integer", "decimals": 0, "low": low, "high": high}
    key = _key(name, len(values), len(counts), high - low)
    if key:
        return found | key
    step = _common_step([int(v) - low for v in counts.index])
    return found | {"origin": low, "step": step}


def _describe_floats(filled, dtype, name):
    values = filled.to_numpy(dtype=np.float64)
    n_infinite = int(np.isinf(values).sum())
    if n_infinite:
        raise ValueError(
            f"Column {name!r} has {n_infinite} infinite values. Replace them by "
            f"numbers, or by missing cells: df.replace([inf, -inf], nan)."
        )
    single = str(dtype).lower().startswith("float32")
    decimals = _decimals(values, np.float32 if single else np.float64)
    found = {
        "kind": "integer" if decimals == 0 else "continuous",
        "low": float(values.min()),
        "high": float(values.max()),
        "decimals": decimals,
    }
    if decimals is not None:
        whole = np.unique(np.rint(values * 10.0**decimals)).astype(np.int64)
        key = _key(name, len(values), len(whole), values.max() - values.min())
        if decimals == 0 and key:
            return found | key
        found["origin"] = int(whole[0])
        found["step"] = _common_step((whole - whole[0]).tolist())
    return found


def _key(name, n_filled, n_distinct, spread=np.inf):
    """Return kind and note of a column of keys, or nothing.

    Measurements would hardly all differ within a narrow ``spread``: of n drawn evenly
    from m values this has probability exp(-n**2 / (2 m)), and less if unevenly.
    """
    words, note = _words(name), ""
    if n_filled >= MIN_KEYS and n_distinct == n_filled:
        narrow = spread == n_filled - 1 or n_filled**2 > 2 * KEY_EVIDENCE * (spread + 1)
        if words & {*KEY_WORDS, *PERSON_WORDS} or narrow or EXACT <= spread < np.inf:
            note = "all values differ; not learned, made anew"
    elif n_filled >= MIN_NAMED_KEYS:
        share = 0.1 if words & PERSON_WORDS else 0.5 if words & KEY_WORDS else 1.0
        if n_distinct > max(share * n_filled, MIN_KEYS):
            note = "a key by its name, most values differ; not learned, made anew"
            if share < 0.5:
                note = "a key by its name; not learned, made anew"
    return {"kind": "identifier", "note": note} if note else {}


def _describe_dates(filled):
    filled = plain_dates(filled)
    ticks = np.unique(date_ticks(filled))
    note = ""
    if types.is_datetime64_any_dtype(filled.dtype):
        odd = ~filled.dt.year.between(*YEARS)
        if odd.any():
            note = (
                f"{odd.sum()} dates before {YEARS[0]} or after {YEARS[1]}: if these "
                "are markers, make them missing cells"
            )
    return {
        "note": note,
        "kind": "datetime",
        "decimals": 0,
        "origin": int(ticks[0]),
        "step": _common_step((ticks - ticks[0]).tolist()),
        "low": str(filled.min()),
        "high": str(filled.max()),
    }


def _decimals(values, dtype):
    """Return how many decimals write all values exactly, or None."""
    largest = float(np.max(np.abs(values)))
    stored = values.astype(dtype)
    for decimals in range(MAX_DECIMALS + 1):
        if largest * 10.0**decimals >= EXACT:
            return None
        rounded = np.rint(values * 10.0**decimals) / 10.0**decimals
        if np.array_equal(rounded.astype(dtype), stored):
            return decimals
    return None


def _common_step(offsets):
    """Return the greatest common divisor of whole offsets from the minimum."""
    return max(1, math.gcd(*offsets)) if offsets else 1


def _words(name):
    """Return the words of a column's name, in lower case: patientID has two."""
    found = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", str(name))
    return {word.lower() for word in found}


def _missing_marker(series):
    if series.dtype != object or not series.isna().any():
        return "nan"
    return "None" if series[series.isna()].iloc[0] is None else "nan"


def _value_counts(filled, name):
    try:
        counts = filled.value_counts()
        return counts[counts > 0]  # without unused categories
    except TypeError as exc:
        raise ValueError(
            f"Column {name!r} holds lists or other values that cannot be counted. "
            "Split it in one column a value, or drop it."
        ) from exc


def _categories(series, name):
    if not isinstance(series.dtype, pd.CategoricalDtype):
        return {}
    categories = series.dtype.categories
    return {
        "categories": plain_levels(list(categories), name),
        "categories_dtype": dtype_name(categories.dtype),
    }


def plain_levels(levels, name):
    """Return levels as Python scalars that JSON can hold."""
    plain = [v.item() if isinstance(v, np.generic) else v for v in levels]
    for value in plain:
        if not isinstance(value, (str, int, float, bool)):
            raise ValueError(
                f"Column {name!r} has categories of type {type(value).__name__}. "
                "Use text, numbers or booleans as categories, for example with "
                f"df[{name!r}].astype(str)."
            )
    return plain


def dtype_name(dtype):
    """Return a string from which pandas builds the same dtype again."""
    if isinstance(dtype, pd.CategoricalDtype):
        return "ordered category" if dtype.ordered else "category"
    if isinstance(dtype, pd.StringDtype) and dtype.na_value is pd.NA:
        return f"string[{dtype.storage}]"
    # By Arrow's other name, as pandas takes this one for its own dtype.
    arrow = isinstance(dtype, pd.ArrowDtype) and str(dtype) == "string[pyarrow]"
    return "utf8[pyarrow]" if arrow else str(dtype)
