"""Dates and durations of every dtype, unit and backend keep the same laws."""

import numpy as np
import pandas as pd
import pytest

from gaussflow.tabular import Schema, TabularSynthesizer

N = 120
DAYS = pd.to_datetime("2020-01-01") + pd.to_timedelta(np.arange(N) * 37 % 900, "D")
UNITS = ("s", "ms", "us", "ns")
DTYPES = [
    *(f"datetime64[{unit}]" for unit in UNITS),
    "datetime64[us, Europe/Berlin]",
    *(f"timedelta64[{unit}]" for unit in UNITS),
    *(f"timestamp[{unit}][pyarrow]" for unit in UNITS),
    "timestamp[us, tz=Europe/Berlin][pyarrow]",
    "date32[day][pyarrow]",
    "date64[ms][pyarrow]",
    "duration[ms][pyarrow]",
]


def frame(dtype, missing=False):
    if "[pyarrow]" in dtype:
        pytest.importorskip("pyarrow")
    cells = pd.Series(DAYS)
    if dtype.startswith(("timedelta", "duration")):
        cells = cells - pd.Timestamp("2019-01-01")
    elif "Berlin" in dtype:
        cells = cells.dt.tz_localize("UTC")
    elif dtype.startswith("date") and dtype.endswith("[pyarrow]"):
        cells = cells.dt.date
    cells = cells.astype(dtype)
    if missing:
        cells[np.arange(N) % 4 == 0] = None
    return pd.DataFrame({"x": cells, "y": np.round(np.arange(N) * 37 % 900 / 9.0, 1)})


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
def test_dates_come_back_in_their_dtype_and_range(dtype, missing):
    df = frame(dtype, missing)
    synthesizer = TabularSynthesizer(random_state=0).fit(df)
    assert synthesizer.schema_["x"].kind == "datetime"
    some = df["x"].dropna().iloc[0]
    for table in (
        synthesizer.sample(50, random_state=0),
        synthesizer.sample(9, conditions={"x": (some, None)}, random_state=0),
        synthesizer.impute(df, random_state=0),
    ):
        assert table["x"].dtype == df["x"].dtype
        assert table["x"].dropna().between(df["x"].min(), df["x"].max()).all()
    assert np.isfinite(synthesizer.score_samples(df)).all()
    again = Schema.from_dict(synthesizer.schema_.to_dict())
    assert pd.Series([some], dtype=again["x"].dtype).dtype == df["x"].dtype


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("own", UNITS)
def test_unit_and_backend_of_other_rows_do_not_matter(own, unit):
    pytest.importorskip("pyarrow")
    df = frame(f"datetime64[{own}]")
    synthesizer = TabularSynthesizer(random_state=0).fit(df)
    scores = synthesizer.score_samples(df)
    for dtype in (f"datetime64[{unit}]", f"timestamp[{unit}][pyarrow]"):
        other = df.astype({"x": dtype})
        np.testing.assert_array_equal(synthesizer.score_samples(other), scores)


def test_a_moment_beyond_the_unit_is_no_other_moment():
    """9999 in nanoseconds would wrap around into the range that was seen."""
    df = frame("datetime64[ns]")
    synthesizer = TabularSynthesizer(random_state=0).fit(df)
    other = df.astype({"x": "datetime64[us]"})
    other.loc[0, "x"] = pd.Timestamp("9999-12-31").as_unit("us")
    scores, plain = synthesizer.score_samples(other), synthesizer.score_samples(df)
    assert scores[0] < plain[0]
    np.testing.assert_array_equal(scores[1:], plain[1:])


def test_rules_between_dates_of_arrow_hold():
    df = frame("date32[day][pyarrow]").drop(columns="y")
    stop = DAYS + pd.to_timedelta(np.arange(N) % 11, "D")
    df["stop"] = pd.Series(stop.date).astype("date32[day][pyarrow]")
    rule = "x <= stop"
    synthesizer = TabularSynthesizer(constraints=[rule], random_state=0).fit(df)
    out = synthesizer.sample(200, random_state=0)
    assert (out["x"] <= out["stop"]).all()


def test_texts_of_arrow_come_back_as_such():
    pa = pytest.importorskip("pyarrow")
    for arrow in (pa.string(), pa.large_string()):
        cells = pd.Series(list("abc") * 40, dtype=pd.ArrowDtype(arrow))
        keys = pd.Series([f"k{i}" for i in range(N)], dtype=pd.ArrowDtype(arrow))
        df = pd.DataFrame({"x": cells, "key": keys, "y": np.arange(N) % 7})
        schema = Schema.infer(df)
        out = TabularSynthesizer(schema, random_state=0).fit(df).sample(20)
        assert (out.dtypes == df.dtypes).all()
