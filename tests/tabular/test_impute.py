"""Missing cells are drawn from their law, and the rest of the row stays."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from gaussflow.tabular import (
    Constraint,
    CopulaSynthesizer,
    Schema,
    TabularSynthesizer,
)
from tests.tabular.frames import GaussianFlow, nasty_frame, patients


def with_holes(df, share=0.2, seed=0):
    rng = np.random.default_rng(seed)
    return df.mask(rng.random(df.shape) < share)


def sums(n=400, seed=0):
    """A total of two parts, a copy, and an order."""
    rng = np.random.default_rng(seed)
    part = rng.gamma(3.0, 20.0, (n, 2)).round()
    df = pd.DataFrame(part, columns=["rent", "food"])
    df["total"] = df["rent"] + df["food"]
    df["again"] = df["total"]
    df["paid"] = (df["total"] * rng.random(n)).round()
    return df


@pytest.fixture(scope="module")
def budget():
    df = sums()
    synthesizer = TabularSynthesizer(random_state=0).fit(df)
    rules = synthesizer.schema_.constraints
    assert any("total" in r and "rent" in r for r in rules), rules
    return synthesizer, sums(300, seed=1)


@pytest.mark.parametrize("n_imputations", [1, 4])
def test_nothing_observed_changes_and_nothing_stays_missing(n_imputations):
    df = patients(300)
    synthesizer = TabularSynthesizer(random_state=0).fit(df)
    rows = with_holes(df.astype({"age": float}))
    rows.index = np.arange(len(rows)) // 2  # labels that repeat
    tables = synthesizer.impute(rows, n_imputations, random_state=0)
    tables = [tables] if n_imputations == 1 else tables
    assert len(tables) == n_imputations
    for table in tables:
        assert table.notna().all().all()
        pd.testing.assert_frame_equal(table.where(rows.notna()), rows)


def test_every_kind_of_column_is_filled():
    df = nasty_frame(200)
    synthesizer = TabularSynthesizer(random_state=0).fit(df)
    filled = synthesizer.impute(df, random_state=0)
    pd.testing.assert_series_equal(filled.dtypes, df.dtypes)
    excluded = {c.name for c in synthesizer.schema_ if not c.is_learned}
    learned = [c for c in df if c not in excluded]
    assert filled[learned].notna().all().all()
    assert (filled["constant_missing"] == "k").all()


def test_one_gap_of_an_equality_is_computed(budget):
    synthesizer, df = budget
    for name in df.columns[:4]:
        rows = df.copy()
        rows.loc[::2, name] = np.nan
        filled = synthesizer.impute(rows, random_state=0)
        assert_allclose(filled[name], df[name], err_msg=name)


def test_two_gaps_of_an_equality_add_up(budget):
    synthesizer, df = budget
    inside = df["total"] < 150
    rows = df[inside].assign(rent=np.nan, food=np.nan)
    for filled in synthesizer.impute(rows, 3, random_state=0):
        right = filled["rent"] + filled["food"] == rows["total"]
        assert right.mean() > 0.97
        assert filled["rent"].nunique() > 30


def test_filled_rows_keep_the_rules(budget):
    synthesizer, df = budget
    for filled in synthesizer.impute(with_holes(df), 3, random_state=0):
        for rule in synthesizer.rules_.constraints:
            assert rule.holds(filled).mean() > 0.99, rule.text


def test_intervals_hold_what_they_say():
    rng = np.random.default_rng(0)
    x = rng.standard_normal(1500)
    df = pd.DataFrame({"x": x, "y": x + 0.5 * rng.standard_normal(1500)})
    synthesizer = TabularSynthesizer(random_state=0).fit(df[:1000])
    test = df[1000:].reset_index(drop=True)
    draws = synthesizer.impute(test.assign(y=np.nan), 39, random_state=0)
    drawn = np.stack([d["y"] for d in draws])
    low, high = np.quantile(drawn, [0.05, 0.95], axis=0, method="weibull")
    covered = (test["y"] >= low) & (test["y"] <= high)
    assert 0.85 < covered.mean() < 0.95
    error = np.sqrt(np.mean((drawn.mean(axis=0) - test["y"]) ** 2))
    assert error < 0.57  # 0.5 at best; 1.1 without x


def test_gaps_in_a_first_column_follow_the_later_ones():
    rng = np.random.default_rng(0)
    sick = rng.random(1000) < 0.3
    df = pd.DataFrame(
        {
            "sick": np.where(sick, "yes", "no"),
            "lab": np.where(sick, 5.0, 0.0) + rng.standard_normal(1000),
        }
    )
    synthesizer = TabularSynthesizer(random_state=0).fit(df[:700])
    test = df[700:].reset_index(drop=True)
    filled = synthesizer.impute(test.assign(sick=None), random_state=0)
    assert (filled["sick"] == test["sick"]).mean() > 0.95


def test_same_seed_same_cells(budget):
    synthesizer, df = budget
    rows = with_holes(df)
    one, two, other = (synthesizer.impute(rows, random_state=s) for s in (1, 1, 2))
    pd.testing.assert_frame_equal(one, two)
    assert not one.equals(other)


def test_without_gaps_rows_come_back(budget):
    synthesizer, df = budget
    pd.testing.assert_frame_equal(synthesizer.impute(df, random_state=0), df)
    assert synthesizer.impute(df.iloc[:0], random_state=0).shape == (0, df.shape[1])


def test_rows_that_break_a_rule_are_filled_all_the_same(budget):
    synthesizer, df = budget
    rows = df.assign(paid=df["total"] + 1)
    rows.loc[::3, "rent"] = np.nan
    filled = synthesizer.impute(rows, random_state=0)
    assert filled.notna().all().all()
    assert_allclose(filled["rent"], df["rent"])


def test_other_flows_and_bad_counts_are_refused(budget):
    with pytest.raises(ValueError, match="n_imputations must be an integer"):
        budget[0].impute(budget[1], 0)
    assert not hasattr(CopulaSynthesizer(GaussianFlow()), "impute")


def test_rules_hold_wherever_observed_cells_leave_room():
    """Draws that knew no rule missed the room of 69 of these rows."""
    rng = np.random.default_rng(4)
    a, b = (np.round(rng.lognormal(mean, 1, 600), 1) for mean in (1, 0))
    df = pd.DataFrame({"a": a, "b": b, "low": np.minimum(a, b)})
    df["high"] = np.maximum(a, b)
    rules = ["low <= a", "low <= b", "a <= high", "b <= high"]
    schema = Schema.infer(df, constraints=False)
    synthesizer = TabularSynthesizer(schema, rules, random_state=0).fit(df)
    rows = df[df["high"].between(2, 20) & (df["low"] > 0.4)].head(150).copy()
    rows["b"] = rows["high"] + 0.1  # no row is so, and yet there may be one
    rows["low"], rows["high"] = rows["a"], np.nan
    filled = synthesizer.impute(rows, random_state=0)
    for rule in rules:
        assert Constraint(rule).holds(filled).all(), rule
