"""Samples under conditions: they hold in every row, and the rest follows the law."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from gaussflow.tabular import CopulaSynthesizer, Schema, TabularSynthesizer
from gaussflow.tabular.sampling import conditional as _given
from tests.tabular.frames import GaussianFlow, nasty_frame, patients


@pytest.fixture(scope="module")
def clinic():
    df = patients(800)
    return TabularSynthesizer(random_state=0).fit(df), df


MET = [
    ({"site": "north"}, lambda d: d["site"] == "north"),
    ({"smoker": True}, lambda d: d["smoker"]),
    ({"age": 50}, lambda d: d["age"] == 50),
    ({"age": (60, 80)}, lambda d: d["age"].between(60, 80)),
    ({"pressure": (None, 110)}, lambda d: d["pressure"] <= 110),
    ({"lab": (3.5, None)}, lambda d: d["lab"] >= 3.5),
    ({"lab": None}, lambda d: d["lab"].isna()),
    ({"lab": [np.nan, (4, 5)]}, lambda d: d["lab"].isna() | d["lab"].between(4, 5)),
    ({"cigs": [5, 30], "site": {"east"}}, lambda d: d["cigs"].isin([5, 30])),
    (
        {"site": ["south", "east"], "age": (30, 40), "lab": (2, 4)},
        lambda d: d["age"].between(30, 40) & d["lab"].between(2, 4),
    ),
]


@pytest.mark.parametrize(("conditions", "met"), MET)
def test_conditions_hold_and_the_rest_follows_the_law(conditions, met, clinic):
    synthesizer, df = clinic
    sample = synthesizer.sample(3000, conditions=conditions, random_state=0)
    assert met(sample).all()
    if "site" in conditions:
        wanted = conditions["site"]
        assert (
            sample["site"].isin([wanted] if isinstance(wanted, str) else wanted).all()
        )
    pd.testing.assert_series_equal(sample.dtypes, df.dtypes)
    assert sample.attrs["conditions"]["method"] == "exact"
    # The oracle: rows of plain samples that happen to meet the conditions.
    plain = synthesizer.sample(60_000, random_state=1)
    keep = met(plain)
    for column, wanted in conditions.items():
        if column == "site":
            keep &= plain["site"].isin([wanted] if isinstance(wanted, str) else wanted)
    plain = plain[keep]
    told = sample.attrs["conditions"]["probability"]
    assert_allclose(told, keep.mean(), rtol=0.15, atol=0.002)
    for column in df:
        if pd.api.types.is_numeric_dtype(df[column]):
            error = plain[column].std() * (len(plain) ** -0.5 + len(sample) ** -0.5)
            gap = abs(sample[column].mean() - plain[column].mean())
            assert gap <= 4.0 * error + 1e-9 or np.isnan(gap)
        share = sample[column].isna().mean() - plain[column].isna().mean()
        assert abs(share) < 0.06


def test_rows_chosen_by_weight_follow_the_law_too(clinic, monkeypatch):
    synthesizer, _ = clinic
    conditions = {"site": "south", "lab": (3, 5)}
    exact = synthesizer.sample(4000, conditions=conditions, random_state=0)
    monkeypatch.setattr(_given, "MAX_DRAWS", 0)
    monkeypatch.setattr(_given, "MAX_DRAWS_EACH", 25)
    monkeypatch.setattr(_given, "_enough", lambda *_: False)
    weighed = synthesizer.sample(4000, conditions=conditions, random_state=0)
    assert weighed.attrs["conditions"]["method"] == "importance"
    assert weighed["lab"].between(3, 5).all()
    assert (weighed["site"] == "south").all()
    for column in ("age", "pressure", "lab", "cigs"):
        assert abs(weighed[column].mean() - exact[column].mean()) < (
            0.08 * exact[column].std()
        )


def test_the_first_column_costs_nothing(clinic):
    """Each draw within the region is a row: none is thrown away."""
    synthesizer, _ = clinic
    report = synthesizer.sample(
        2000, conditions={"age": (20, 25)}, random_state=0
    ).attrs["conditions"]
    assert report["drawn"] <= 4000
    assert report["probability"] < 0.15


def test_rare_conditions_warn_when_rows_repeat(monkeypatch):
    df = patients(300)
    synthesizer = TabularSynthesizer(random_state=0).fit(df)
    monkeypatch.setattr(_given, "MAX_DRAWS", 1000)
    monkeypatch.setattr(_given, "MAX_DRAWS_EACH", 1)
    monkeypatch.setattr(_given, "BATCH_ROWS", (100, 500))
    conditions = {"pressure": (135, None), "lab": (7, None)}
    with pytest.warns(UserWarning, match="so some repeat"):
        sample = synthesizer.sample(500, conditions=conditions, random_state=0)
    assert (sample["lab"] >= 7).all()
    assert sample.attrs["conditions"]["effective"] < 500


def test_same_seed_same_rows(clinic):
    synthesizer, _ = clinic
    one, two = (
        synthesizer.sample(50, conditions={"age": (30, 60)}, random_state=3)
        for _ in range(2)
    )
    pd.testing.assert_frame_equal(one, two)


def test_dates_ordered_levels_and_kinds_of_missing():
    df = nasty_frame(300)
    synthesizer = TabularSynthesizer(random_state=0, min_category_count=1).fit(df)
    day = pd.Timestamp("2021-01-01")
    cases = {
        "date": ((day, None), lambda x: x >= day),
        "date_zone": (
            (None, pd.Timestamp("2020-02-01", tz="UTC")),
            lambda x: x <= pd.Timestamp("2020-02-01", tz="UTC"),
        ),
        "duration": ((pd.Timedelta("5D"), pd.Timedelta("9D")), lambda x: x.notna()),
        "ordered": (("mid", None), lambda x: x.isin(["mid", "hi"])),
        "int_category": ([1, 3], lambda x: x.isin([1, 3])),
        "boolean": (True, lambda x: x.fillna(False).astype(bool)),
        "object_bool": (pd.NA, lambda x: x.isna()),
        "constant": (7, lambda x: x == 7),
        "constant_missing": (None, lambda x: x.isna()),
        "beyond_2_53": ((2**60 + 10, 2**60 + 10**5), lambda x: x <= 2**60 + 10**5),
        "even": (df["even"].iloc[0], lambda x: x == df["even"].iloc[0]),
        "zero_or_more": (0, lambda x: x == 0),
        "two_decimals": ((-3.25, 4.5), lambda x: x.between(-3.25, 4.5)),
    }
    for column, (wanted, met) in cases.items():
        sample = synthesizer.sample(60, conditions={column: wanted}, random_state=0)
        assert met(sample[column]).all(), column
        assert len(sample) == 60


def test_other_flows_are_drawn_from_until_rows_meet_the_conditions():
    synthesizer = CopulaSynthesizer(GaussianFlow()).fit(patients())
    sample = synthesizer.sample(
        200, conditions={"site": "north", "age": (70, None)}, random_state=0
    )
    assert (sample["site"] == "north").all()
    assert (sample["age"] >= 70).all()
    assert_array_equal(sample.index, np.arange(200))


BAD = [
    ({"weight": 3}, "names the column 'weight'"),
    ({"age": (80, 60)}, "is empty: its lower end"),
    ({"age": (1, 2, 3)}, "two ends"),
    ({"age": 900}, "lies outside what was seen at fit. Choose"),
    ({"age": (300, None)}, "lies outside what was seen at fit. Choose"),
    ({"age": 50.5}, "between two values of its grid"),
    ({"age": "old"}, "holds 'old', which is not a value"),
    ({"age": None}, "none was missing at fit"),
    ({"site": "west"}, "holds 'west', which was not seen at fit, or in"),
    ({"site": ("east", "north")}, "has no order"),
    ({"site": []}, "allows no value"),
    ({"cigs": 7}, "between two values|No value that can come out of column 'cigs'"),
]


@pytest.mark.parametrize(("conditions", "message"), BAD)
def test_impossible_conditions_are_refused(conditions, message, clinic):
    with pytest.raises(ValueError, match=message):
        clinic[0].sample(10, conditions=conditions)


def test_conditions_must_be_a_dict(clinic):
    with pytest.raises(TypeError, match="conditions must be a dict"):
        clinic[0].sample(10, conditions=1)


def test_keys_and_rare_levels_cannot_be_conditions():
    df = patients(200).assign(patient_id=lambda d: np.arange(len(d)) + 50)
    df.loc[:1, "site"] = "west"
    schema = Schema.infer(df)
    synthesizer = TabularSynthesizer(schema=schema, random_state=0).fit(df)
    with pytest.raises(ValueError, match="Column 'patient_id' is not learned"):
        synthesizer.sample(5, conditions={"patient_id": 55})
    with pytest.raises(ValueError, match="in too few rows to come out"):
        synthesizer.sample(5, conditions={"site": "west"})


def test_cells_never_missing_together_are_refused():
    df = patients(300)
    df.loc[df["lab"].notna() & (df["age"] > 60), "pressure"] = np.nan
    synthesizer = TabularSynthesizer(random_state=0).fit(df)
    with pytest.raises(ValueError, match="No row was seen at fit whose cells"):
        synthesizer.sample(5, conditions={"lab": None, "pressure": None})
