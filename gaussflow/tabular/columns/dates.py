"""Dates and durations, of numpy or of Arrow, as whole ticks of a column's unit."""

import numpy as np
import pandas as pd

#: How the names of dtypes of dates and durations begin.
DATE_NAMES = ("datetime", "timedelta", "timestamp", "date", "duration")


def is_date(dtype):
    """Return whether a dtype holds dates or durations."""
    return getattr(dtype, "kind", "O") in "mM"


def plain_dates(series):
    """Return dates and durations of Arrow as those of numpy; others as they are."""
    dtype = str(series.dtype)
    if not is_date(series.dtype) or not dtype.endswith("[pyarrow]"):
        return series
    if dtype.startswith("date"):
        series = series.astype("timestamp[ms][pyarrow]")
    plain = series.array.__arrow_array__().to_pandas()
    return pd.Series(plain.array, index=series.index, name=series.name)


def date_ticks(series, dtype=None):
    """Return dates or durations as whole ticks, int64.

    Parameters
    ----------
    series : pandas.Series
        Filled cells.
    dtype : str or None, default=None
        The dtype that says the unit; None takes that of the series.
    """
    series = plain_dates(series)
    if getattr(series.dtype, "tz", None) is not None:
        series = series.dt.tz_convert("UTC").dt.tz_localize(None)
    own = series.to_numpy()
    ticks = own.astype(np.int64)
    if dtype is None or not is_date(own.dtype):
        return ticks
    mine, wanted = (_nanoseconds(d) for d in (own.dtype, _numpy_dtype(dtype)[0]))
    if mine < wanted:
        return ticks // (wanted // mine)
    ratio = mine // wanted
    most = np.iinfo(np.int64).max // ratio  # beyond, as far as the unit goes
    return np.clip(ticks, -most, most) * ratio


def date_tick(value, dtype):
    """Return one date or duration, or the text of one, as a whole tick."""
    base, zone = _numpy_dtype(dtype)
    if base.startswith("timedelta"):
        return date_ticks(pd.Series([pd.Timedelta(value)]), dtype)[0]
    stamp = pd.Timestamp(value)
    if stamp.tzinfo is None and zone:
        stamp = stamp.tz_localize(zone)
    return date_ticks(pd.Series([stamp]), dtype)[0]


def date_series(ticks, missing, column):
    """Return a Series of the column's dtype from whole ticks, int64."""
    base, zone = _numpy_dtype(column.dtype)
    series = pd.Series(ticks.view(base), name=column.name)
    if zone:
        series = series.dt.tz_localize("UTC").dt.tz_convert(zone)
    return series.where(~missing).astype(column.dtype)


def _numpy_dtype(name):
    """Return numpy's dtype, as text, and the time zone of the dtype of a column."""
    if name.endswith("[pyarrow]"):
        name = str(plain_dates(pd.Series([], dtype=name)).dtype)
    base, _, zone = name.partition(",")
    return base.rstrip("]") + "]", zone.strip(" ]")


def _nanoseconds(dtype):
    unit = np.datetime_data(np.dtype(dtype))[0]
    return int(np.timedelta64(1, unit) / np.timedelta64(1, "ns"))
