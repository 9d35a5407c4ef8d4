"""What leaves rests on enough patients: cells, dtypes, keys, and what is left empty."""

import numpy as np
import pandas as pd
import pytest

from gaussflow.tabular import Schema, TabularSynthesizer
from gaussflow.tabular.gate import gate, new_keys_begin
from tests.tabular.frames import patients


def gated(df, min_count=5, **kinds):
    return gate(Schema.infer(df, kinds=kinds), df, min_count)[0]


def test_categories_of_too_few_rows_leave_the_dtype():
    site = ["a"] * 30 + ["b"] * 30 + ["rare"] * 4
    df = pd.DataFrame({"site": pd.Categorical(site, ["unused", "rare", "b", "a"])})
    assert gated(df)["site"].categories == ["b", "a"]
    assert gated(df, 1)["site"].categories == ["unused", "rare", "b", "a"]
    listed = gated(df, site=["a", "b", "rare"])["site"]
    assert (listed.levels, "rare" in listed.categories) == (["a", "b"], True)


@pytest.mark.parametrize(
    "cells",
    [
        ["Kuru"] * 4,
        [f"text {max(i, 1)}" for i in range(40)],
        [7.25] * 4,
        [0, 0, 0, 7.25],
        [pd.Timestamp("2020-02-03")] * 4,
        [True] * 4,
    ],
)
def test_columns_of_too_few_rows_are_left_empty(cells):
    df = pd.DataFrame({"age": np.arange(200) % 60})
    df["rare"] = pd.Series(cells).reindex(df.index)
    assert gated(df)["rare"].kind == "text"
    synthesizer = TabularSynthesizer(Schema.infer(df), random_state=0).fit(df)
    assert synthesizer.sample(300, random_state=0)["rare"].isna().all()
    assert np.isfinite(synthesizer.score_samples(df)).all()


def test_one_common_date_is_a_constant():
    day = pd.Timestamp("2020-02-03")
    df = patients(100).assign(seen=day)
    df.loc[:1, "seen"] = day + pd.to_timedelta([1, 40], unit="D")
    synthesizer = TabularSynthesizer(Schema.infer(df), random_state=0).fit(df)
    assert (synthesizer.sample(50, random_state=0)["seen"] == day).all()


def test_a_missing_cell_of_one_row_does_not_come_out():
    rng = np.random.default_rng(0)
    df = pd.DataFrame(rng.standard_normal((400, 9)), columns=list("abcdefghi"))
    df = df.mask(rng.random(df.shape) < 0.3)  # too many patterns to be one column
    df["j"] = rng.integers(0, 50, 400).astype(float)
    df.loc[7, "j"] = np.nan
    synthesizer = TabularSynthesizer(random_state=0).fit(df)
    assert not synthesizer.encoder_.missing_.joint_
    assert synthesizer.sample(5000, random_state=0)["j"].notna().all()


@pytest.mark.parametrize(
    ("keys", "start"),
    [
        (range(1, 201), 1000),
        (range(10**7, 10**7 + 300), 10**8),
        ([*range(100, 200), 123456], 10**18),  # one key is longer than the others
        ([*range(100, 200), 10**18 + 1], 0 - 10**18),
        (np.arange(50, dtype=np.float32), 100),
        ([f"P{i}" for i in range(30)], "synthetic-"),
        ([f"synthetic-{i}" for i in range(30)], "synthetic-new-"),
    ],
)
def test_new_keys_tell_nothing_of_the_real_ones(keys, start):
    assert new_keys_begin(pd.Series(keys), 5) == start


@pytest.mark.parametrize("dtype", ["uint8", "Int16", "int32", "float32", "Float32"])
def test_new_keys_differ_whatever_their_dtype_holds(dtype):
    df = (
        patients(250)
        .assign(id=np.arange(250).astype(dtype.lower()))
        .astype({"id": dtype})
    )
    synthesizer = TabularSynthesizer(Schema.infer(df), random_state=0).fit(df)
    keys = synthesizer.sample(2000, random_state=0)["id"]
    assert keys.is_unique
    assert not set(keys) & set(df["id"])


def test_rules_on_emptied_columns_go_with_them():
    df = patients(200).assign(name=[f"n{i % 100}" for i in range(200)])
    schema = Schema.infer(df)
    schema.constraints = ["name == 'n3' -> age > 0", "age >= 0"]
    assert gate(schema, df, 5)[0].constraints == ["age >= 0"]


def test_tables_that_nothing_may_leave_are_refused():
    with pytest.raises(ValueError, match="has 4 rows, but what comes out must rest"):
        TabularSynthesizer().fit(patients(4))
    df = patients(8).assign(odd=np.arange(8) % 2 == 0)
    with pytest.raises(ValueError, match="'odd': no value is held by 5 rows"):
        TabularSynthesizer(Schema.infer(df)).fit(df)
