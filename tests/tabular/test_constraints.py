import json
import pickle

import numpy as np
import pandas as pd
import pytest

from gaussflow.persistence import load, save
from gaussflow.tabular import Constraint, Schema, TabularSynthesizer
from gaussflow.tabular.constraints.parser import parse
from gaussflow.tabular.constraints.syntax import quote_name, quote_value
from gaussflow.tabular.sampling.redraw import Redraw
from tests.tabular.frames import GaussianFlow, nasty_frame, patients

# -- the language --------------------------------------------------------------


def cells():
    """One column of each kind, three rows, the second with gaps."""
    return pd.DataFrame(
        {
            "a": [1, 2, 3],
            "b": pd.array([1, None, 5], "Int64"),
            "c": [0.1, np.nan, 0.2],
            "text": ["x", None, "y"],
            "two words": ["x", "q", "z"],
            "stage": pd.Categorical(["I", None, "II"], ["I", "II"], ordered=True),
            "flag": [True, False, True],
            "ward": pd.Categorical([1, 2, 1]),
            "start": pd.to_datetime(["2020-01-01", None, "2022-01-01"]),
            "end": pd.to_datetime(["2020-01-01", "2020-01-02", "2021-01-01"]),
            "large": [2**60, 2**60 + 1, 2**60 + 2],
        }
    )


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("a <= b", [1, 1, 1]),
        ("a + 1 > b", [1, 1, 0]),
        ("2 * a - b/2 == 0.5", [0, 1, 0]),
        ("c + 0.2 == 0.3", [1, 1, 0]),  # 0.1 + 0.2 is not 0.3 in floats
        ("large - 1 >= 1152921504606846976", [0, 1, 1]),  # exact beyond 2**53
        ("1 <= a < 3", [1, 1, 0]),
        ("'x' == text", [1, 1, 0]),
        ("text != 'x'", [0, 1, 1]),
        ("text == `two words`", [1, 1, 0]),
        ("stage >= 'II'", [0, 1, 1]),
        ("flag == true", [1, 0, 1]),
        ("ward == 1", [1, 0, 1]),
        ("ward in {1, 3}", [1, 0, 1]),
        ("a not in {1, 2.0}", [0, 0, 1]),
        ("start <= end", [1, 1, 0]),
        ("start < '2021-06-01 12:00'", [1, 1, 0]),
        ("text is missing", [0, 1, 0]),
        ("text is not missing", [1, 0, 1]),
        ("text is missing -> c is missing", [1, 1, 1]),
        ("a == 1 or a == 3", [1, 0, 1]),
        ("a >= 2 and flag == true", [0, 0, 1]),
        # unknown or false is unknown, which is kept; unknown and false is false
        ("c == 0.1 or a == 7", [1, 1, 0]),
        ("c == 0.1 and a == 7", [0, 0, 0]),
        ("c == 0.1 -> a == 7", [0, 1, 1]),
        ("a == 2 -> c == 7", [1, 1, 1]),
        ("fixed: ward, flag", [1, 1, 1]),
        ("ward determines flag", [1, 1, 1]),
    ],
)
def test_rule_tells_the_rows_that_keep_it(rule, expected):
    df = cells().set_index(pd.Index(["r", "s", "t"]))
    kept = Constraint(rule).holds(df)
    assert kept.astype(int).tolist() == expected
    assert kept.index.equals(df.index)
    broken = Constraint(rule).violations(df)
    assert broken.index.tolist() == [
        i for i, k in zip("rst", expected, strict=True) if not k
    ]


def test_combinations_are_those_of_the_reference():
    df = pd.DataFrame({"city": list("ABAB"), "country": list("xyxx")})
    real = df.iloc[:2]
    assert Constraint(("city", "country")).holds(df, real).tolist() == [1, 1, 1, 0]
    rule = Constraint("city determines country")
    assert rule.holds(df, real).tolist() == [1, 1, 1, 0]
    assert not rule.holds(df).all()  # B goes with y and with x


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("a = b", r"position 3: .*found '=' \(write == for equality\)"),
        ("a >=", "position 5: expected a column"),
        ("blood pressure >= 3", "position 7: .*several words in backticks"),
        ("a ? b", "position 3: expected .* found '\\?'"),
        ("(a + b) == c", "position 1: .*no parentheses"),
        ("a * b == c", "position 5: .*not multiplied with each other"),
        ("1 < 2", "expected a column, found constants only"),
        ("fixed: a", "two or more different columns"),
        ("a == 'open", "position 6: .*close every quote"),
        ("a in {}", "position 7"),
        ("a / 0 == b", "expected a divisor, found 0"),
        ("a <= b; import os", "found ';'"),
        ("__import__('os') == 1", "no parentheses"),
        ("", "found the end of the text"),
    ],
)
def test_slip_is_told_with_its_position(rule, message):
    with pytest.raises(ValueError, match=message) as error:
        Constraint(rule)
    assert repr(rule) in str(error.value)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("aa <= b", "no column 'aa'. Did you mean 'a'"),
        ("text > 'x'", "no order"),
        ("start == 3", "holds dates"),
        ("start + 1 > end", "cannot be added"),
        ("stage > 'IX'", "no level 'IX'; its levels are 'I', 'II'"),
        ("a == 'x'", "'x' is a text. Write the number without quotes"),
        ("start < 'soonish'", "'soonish' is no date"),
        ("text <= a", "'text' holds"),
    ],
)
def test_rule_that_does_not_suit_the_columns_is_refused(rule, message):
    with pytest.raises(ValueError, match=message):
        Constraint(rule).holds(cells())


@pytest.mark.parametrize("rule", [3, None, ("a",), ("a", "a")])
def test_what_is_no_rule_is_refused(rule):
    with pytest.raises((TypeError, ValueError), match="(text such as|two or more)"):
        Constraint(rule)


@pytest.mark.parametrize("name", ["a", "a.b", "two words", "tick`tick", "in", "é", "0"])
def test_any_column_name_can_be_written(name):
    df = pd.DataFrame({name: [1, 2]})
    assert Constraint(f"{quote_name(name)} >= 2").holds(df).tolist() == [False, True]


@pytest.mark.parametrize("value", ["it's", 'a "b"', "back\\slash", True, 3, -2.5])
def test_any_level_can_be_written(value):
    assert parse(f"a in {{{quote_value(value)}}}").values == (value,)


# -- what is inferred ----------------------------------------------------------


def clinic(n=400, seed=0):
    """A table with a rule of each sort."""
    rng = np.random.default_rng(seed)
    low = rng.integers(50, 120, n)
    width = rng.integers(0, 60, n)
    fat = rng.integers(0, 300, n) / 10
    lean = rng.integers(200, 900, n) / 10
    city = rng.choice(["Rome", "Bari", "Nice"], n, p=[0.5, 0.3, 0.2])
    age = rng.integers(18, 90, n)
    smoker = np.where(rng.random(n) < 0.4, "yes", "no")
    skin = np.where(rng.random(n) < 0.3, np.nan, rng.integers(10, 60, n))
    insulin = np.where(rng.random(n) < 0.3, np.nan, rng.integers(50, 400, n))
    start = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), "D")
    stay = pd.to_timedelta(rng.integers(0, 30, n), "D")
    return pd.DataFrame(
        {
            "low": low,
            "high": low + width,
            "fat": fat,
            "lean": lean,
            "weight": np.round(fat + lean, 1),
            "city": city,
            "country": np.where(city == "Nice", "France", "Italy"),
            "age": age,
            "group": np.where(age < 40, "young", np.where(age < 65, "middle", "old")),
            "smoker": smoker,
            "cigs": np.where(smoker == "no", 0, rng.integers(1, 40, n)),
            "skin": skin,
            "insulin": np.where(np.isnan(skin), np.nan, insulin),
            "admitted": start,
            "left": start + stay,
        }
    )


RULES = [
    "fat + lean == weight",
    "city determines country",
    "age determines group",
    "low <= high",
    "admitted <= left",
    "smoker == 'no' -> cigs == 0",
    "skin is missing -> insulin is missing",
]


def test_rules_of_each_sort_are_proposed_and_no_others():
    proposed = Schema.infer(clinic()).constraints
    assert [rule for rule in RULES if rule not in proposed] == []
    # Besides, only what the table was made to keep too.
    true = {"cigs == 0 -> smoker == 'no'", "lean <= weight"}
    assert set(proposed) - set(RULES) <= true


def test_nothing_is_proposed_for_noise():
    rng = np.random.default_rng(0)
    frame = {f"x{i}": rng.integers(0, 30, 300) for i in range(12)}
    frame |= {f"c{i}": rng.choice(list("abc"), 300) for i in range(6)}
    frame |= {f"f{i}": rng.standard_normal(300) for i in range(6)}
    assert Schema.infer(pd.DataFrame(frame)).constraints == []


@pytest.mark.parametrize("rule", RULES)
def test_one_row_that_breaks_a_rule_silences_it(rule):
    df = clinic()
    broken = {
        "weight": 500.0,
        "country": "Spain",
        "group": "unborn",
        "low": 999,
        "admitted": pd.Timestamp("2030-01-01"),
        "insulin": 77.0,
        "cigs": 3,
    }
    row = np.flatnonzero((df["smoker"] == "no") & df["skin"].isna())[0]
    for column, value in broken.items():
        df.loc[row, column] = value
    assert rule not in Schema.infer(df).constraints


def test_few_rows_say_nothing():
    assert Schema.infer(clinic(40)).constraints == []


@pytest.mark.parametrize(
    ("expression", "rule"),
    [
        (lambda d: 2.5 * d["x"], "2.5 * x == z"),
        (lambda d: d["x"] / 4, "x / 4 == z"),
        (lambda d: d["x"], "x == z"),
        (lambda d: d["x"] + d["y"] - 3, "x + y - 3 == z"),
        (lambda d: 100 - d["x"] - d["y"], "-x - y + 100 == z"),
    ],
)
def test_sums_and_ratios_are_written_out(expression, rule):
    rng = np.random.default_rng(1)
    df = pd.DataFrame({"x": rng.integers(0, 90, 200), "y": rng.integers(1, 50, 200)})
    df["z"] = expression(df)
    proposed = Schema.infer(df).constraints
    assert rule in proposed
    assert Constraint(rule).holds(df).all()


def test_schema_keeps_its_rules_in_print_and_file(tmp_path):
    schema = Schema.infer(clinic())
    assert "fat + lean == weight" in str(schema)
    schema.constraints.append("age >= 18")
    schema.save(tmp_path / "schema.json")
    assert Schema.load(tmp_path / "schema.json") == schema
    assert Schema.infer(clinic(), constraints=False).constraints == []
    data = json.loads((tmp_path / "schema.json").read_text())
    data["constraints"] = ["age >> 18"]
    with pytest.raises(ValueError, match="position 6"):
        Schema.from_dict(data)


# -- what is kept --------------------------------------------------------------


def learned(df, constraints=(), schema="infer", **parameters):
    synthesizer = TabularSynthesizer(
        GaussianFlow(), schema=schema, constraints=constraints, random_state=0
    )
    return synthesizer.set_params(**parameters).fit(df)


def bare(df, constraints, **parameters):
    """Fit with the declared constraints only."""
    schema = Schema.infer(df, constraints=False)
    return learned(df, constraints, schema, **parameters)


def test_proposed_rules_hold_in_every_row_of_a_flow_that_breaks_them():
    df = clinic()
    without = bare(df, ()).sample(600, random_state=0)
    synthesizer = learned(df)
    synthetic = synthesizer.sample(600, random_state=0)
    pd.testing.assert_series_equal(synthetic.dtypes, df.dtypes)
    assert list(synthetic) == list(df)
    rules = [Constraint(rule) for rule in RULES]
    assert set(RULES) <= set(synthesizer.schema_.constraints)
    for rule in rules:
        assert rule.holds(synthetic, df).all(), rule
    broken = [rule for rule in rules if not rule.holds(without, df).all()]
    assert len(broken) >= 5  # a Gaussian copula knows no logic
    assert set(synthesizer.rules_.dropped) == {"weight", "country", "group"}


def test_trees_keep_the_rules_too():
    df = clinic()
    synthesizer = TabularSynthesizer(random_state=0).fit(df)
    synthetic = synthesizer.sample(500, random_state=1)
    for rule in synthesizer.schema_.constraints:
        assert Constraint(rule).holds(synthetic, df).all(), rule
    again = synthesizer.sample(500, random_state=1)
    pd.testing.assert_frame_equal(synthetic, again)


def kinds_frame(kind, n, rng):
    """Two columns of a kind with a <= b, and gaps where the kind allows them."""
    a = rng.integers(0, 40, n)
    b = a + rng.integers(0, 10, n) * (rng.random(n) < 0.7)
    gap_a, gap_b = rng.random(n) < 0.2, rng.random(n) < 0.2
    if kind == "int8":
        return pd.DataFrame({"a": a, "b": b}).astype("int8")
    if kind == "Int64":
        df = pd.DataFrame({"a": a, "b": b}).astype("Int64")
    elif kind == "float32":
        df = (pd.DataFrame({"a": a, "b": b}) / 10).astype("float32")
    elif kind == "decimals":
        df = pd.DataFrame({"a": a, "b": b}) / 100
    elif kind == "other grids":
        df = pd.DataFrame({"a": a / 4, "b": np.ceil(b / 4)})
    elif kind == "full precision":
        df = pd.DataFrame({"a": a + rng.random(n), "b": b + 1 + rng.random(n)})
    elif kind == "datetime":
        start = pd.Timestamp("2024-01-01", tz="Europe/Paris")
        days = (pd.to_timedelta(v, "D") for v in (a, b))
        df = pd.DataFrame({name: start + d for name, d in zip("ab", days, strict=True)})
    elif kind == "ordered":
        letters = [chr(65 + i) for i in range(50)]
        dtype = pd.CategoricalDtype(letters, ordered=True)
        df = pd.DataFrame(
            {
                k: pd.Categorical.from_codes(v, dtype=dtype)
                for k, v in (("a", a), ("b", b))
            }
        )
    return df.assign(a=df["a"].mask(gap_a), b=df["b"].mask(gap_b))


KINDS = (
    "int8,Int64,float32,decimals,other grids,full precision,datetime,ordered"
).split(",")


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", KINDS)
def test_inequality_holds_for_each_kind_after_rounding(kind, seed):
    rng = np.random.default_rng(seed)
    df = kinds_frame(kind, 150, rng)
    synthesizer = bare(df, ["a <= b"], min_category_count=1)
    synthetic = synthesizer.sample(300, random_state=seed)
    pd.testing.assert_series_equal(synthetic.dtypes, df.dtypes)
    assert Constraint("a <= b").holds(synthetic).all()
    both = synthetic.dropna()
    assert (both["a"] <= both["b"]).all()
    assert len(both) > 100
    for name in df:  # and so do the grid and the bounds
        if kind not in ("full precision", "ordered"):
            assert synthetic[name].min() >= df[name].min()
            assert synthetic[name].max() <= df[name].max()
    if kind in ("float32", "decimals"):
        digits = 1 if kind == "float32" else 2
        assert both["b"].equals(both["b"].round(digits))


def sums_frame(kind, n, rng):
    a, b = rng.integers(0, 50, n), rng.integers(0, 30, n)
    df = pd.DataFrame({"a": a, "b": b, "total": a + b})
    if kind == "decimals":
        return (df / 10).round(1)
    if kind == "Int64 with gaps":
        df = df.astype("Int64")
        df.loc[rng.random(n) < 0.2, "a"] = pd.NA
        df["total"] = df["a"] + df["b"]
    if kind == "total missing by chance":
        df = df.astype("float64")
        df.loc[rng.random(n) < 0.3, "total"] = np.nan
    if kind == "uint8":
        return df.astype("uint8")
    return df


@pytest.mark.parametrize(
    "kind", ["int", "uint8", "decimals", "Int64 with gaps", "total missing by chance"]
)
def test_sum_is_exact_and_in_bounds_for_each_kind(kind):
    df = sums_frame(kind, 200, np.random.default_rng(0))
    synthesizer = bare(df, ["a + b == total"])
    synthetic = synthesizer.sample(400, random_state=0)
    pd.testing.assert_series_equal(synthetic.dtypes, df.dtypes)
    full = synthetic.dropna()
    total = (full["a"] + full["b"]).astype("float64").round(1)
    assert (total == full["total"].astype("float64")).all()
    assert synthetic["total"].max() <= df["total"].max()
    gaps = df["total"].isna().mean()
    assert abs(synthetic["total"].isna().mean() - gaps) < 0.1
    expected = [] if kind == "total missing by chance" else ["total"]
    assert synthesizer.rules_.dropped == expected


def test_sums_of_sums_and_two_sums_with_the_same_columns():
    rng = np.random.default_rng(0)
    df = pd.DataFrame(rng.integers(0, 40, (200, 3)), columns=list("abc"))
    df = df.assign(ab=df.a + df.b, abc=df.a + df.b + df.c, less=df.a - df.b)
    rules = ["ab + c == abc", "a + b == ab", "a - b == less", "abc - c - b == a"]
    synthesizer = bare(df, rules)
    synthetic = synthesizer.sample(300, random_state=0)
    for rule in rules:
        assert Constraint(rule).holds(synthetic).all()
    assert sorted(synthesizer.rules_.dropped) == ["ab", "abc", "less"]


def test_target_is_learned_even_where_a_rule_gives_it():
    df = clinic()
    synthesizer = learned(df, target="country")
    assert "country" not in synthesizer.rules_.dropped
    synthetic = synthesizer.sample(200, random_state=0)
    assert Constraint("city determines country").holds(synthetic, df).all()


def test_fixed_combinations_without_a_leader_are_kept():
    rng = np.random.default_rng(0)
    pairs = np.array([("a", "x"), ("a", "y"), ("b", "y"), ("b", "z"), ("c", "x")])
    df = pd.DataFrame(pairs[rng.integers(0, 5, 300)], columns=["one", "two"])
    df.loc[0] = ["c", "z"]  # held by one row: suppressed, as a level would be
    df["age"] = rng.integers(20, 60, 300)
    synthetic = bare(df, [("one", "two")]).sample(500, random_state=0)
    drawn = set(synthetic[["one", "two"]].itertuples(index=False, name=None))
    assert drawn == set(map(tuple, pairs.tolist()))


def test_steps_of_a_number_change_between_values_that_were_seen():
    df = clinic()
    synthetic = learned(df).sample(1000, random_state=0)
    by_group = synthetic.groupby("group")["age"].agg(["min", "max"])
    assert by_group.loc["young", "max"] < by_group.loc["middle", "min"]
    assert by_group.loc["middle", "max"] < by_group.loc["old", "min"]


def test_implication_with_sets_dates_and_missing_cells():
    df = clinic()
    rules = [
        "city in {'Nice', 'Bari'} or age < 85 or smoker == 'no' -> cigs <= 40",
        "skin is not missing or insulin is missing",
        "admitted >= '2020-01-01' and admitted <= left",
    ]
    synthetic = bare(df, rules).sample(300, random_state=0)
    for rule in rules:
        assert Constraint(rule).holds(synthetic).all()


def test_columns_before_a_place_stay_and_the_others_are_drawn_given_them():
    df = clinic()[["smoker", "cigs", "skin", "insulin", "city", "country", "weight"]]
    synthesizer = TabularSynthesizer(
        schema=Schema.infer(df, constraints=False), random_state=0
    ).fit(df)
    redraw = Redraw(
        synthesizer.encoder_, synthesizer.flow_.map_, np.random.default_rng(0)
    )
    assert redraw.names == list(df)
    frame = synthesizer.sample(60, random_state=0)
    start = np.arange(60) % (df.shape[1] + 1)
    new = redraw(frame, start, 40)
    pd.testing.assert_series_equal(new.dtypes, df.dtypes)
    for row in range(60):
        copies = new.iloc[40 * row : 40 * (row + 1)].reset_index(drop=True)
        kept = frame.iloc[[row] * 40, : start[row]].reset_index(drop=True)
        pd.testing.assert_frame_equal(copies[kept.columns], kept)
        if start[row] < 7:
            assert copies["weight"].nunique() > 10
    given_smoker = np.repeat(start == 1, 40)
    smokes = new["smoker"][given_smoker] == "yes"
    lit = new["cigs"][given_smoker] > 0
    assert lit[smokes].mean() > 0.9 > 0.1 > lit[~smokes].mean()
    # What is missing is drawn with the row's pattern, before all columns.
    with_gap = np.repeat(frame["insulin"].isna().to_numpy(), 40)
    assert (new["insulin"].isna().to_numpy() == with_gap).all()


def test_trees_keep_the_shares_of_the_columns_before_a_rule(monkeypatch):
    rng = np.random.default_rng(0)
    a = rng.integers(0, 1000, 400)
    df = pd.DataFrame(
        {"a": a, "b": a + np.where(a < 500, 1, rng.integers(0, 900, 400))}
    )
    schema = Schema.infer(df, constraints=False)
    schema.constraints = ["a <= b"]
    synthesizer = TabularSynthesizer(schema=schema, random_state=0).fit(df)
    assert list(synthesizer.encoder_.feature_names_) == ["a", "b"]

    def low_share():
        synthetic = synthesizer.sample(20_000, random_state=0)
        assert (synthetic["a"] <= synthetic["b"]).all()
        return (synthetic["a"] < 500).mean()

    assert abs(low_share() - (a < 500).mean()) < 0.015
    # Drawing whole rows again would prefer the rows that are far from the edge.
    monkeypatch.setattr("gaussflow.tabular.synthesizer.Redraw", lambda *args: None)
    assert low_share() < (a < 500).mean() - 0.02


def test_conditional_law_is_kept_by_drawing_again():
    """Rejection leaves the learned law given the rule, which is known here."""
    rng = np.random.default_rng(0)
    df = pd.DataFrame({"a": rng.integers(0, 10, 4000), "b": rng.integers(0, 10, 4000)})
    df = df[df["a"] <= df["b"]]

    class Independent(GaussianFlow):
        def fit(self, Z, y=None):
            super().fit(Z)
            self.covariance_ = np.diag(np.diag(self.covariance_))
            return self

    free = bare(df, (), flow=Independent()).sample(40_000, random_state=1)
    kept = free[free["a"] <= free["b"]]
    ruled = bare(df, ["a <= b"], flow=Independent()).sample(20_000, random_state=2)
    for name in df:
        distance = (
            kept[name].value_counts(normalize=True)
            - ruled[name].value_counts(normalize=True)
        ).abs()
        assert distance.max() < 0.015


class Unlucky(GaussianFlow):
    """Keeps a <= b about once in ten thousand draws."""

    def sample(self, n_samples=1, random_state=None):
        rng = np.random.default_rng(random_state)
        Z = np.column_stack([np.full(n_samples, 2.5), np.full(n_samples, -2.5)])
        Z += 1e-3 * rng.standard_normal(Z.shape)
        lucky = rng.random(n_samples) < 1e-4
        Z[lucky] = [-1.0, 1.0]
        return Z


def test_rows_that_no_draw_mends_are_repaired_and_the_loop_ends(monkeypatch):
    rng = np.random.default_rng(0)
    a = rng.integers(0, 50, 300)
    df = pd.DataFrame({"a": a, "b": a + rng.integers(0, 30, 300)})
    synthesizer = bare(df, ["a <= b"])
    # The calibration of columns would mend this flow: take its draws as they are.
    monkeypatch.setattr(synthesizer, "_calibrate", lambda Z: Z)
    synthesizer.flow_ = Unlucky()
    synthetic = synthesizer.sample(2000, random_state=0)
    assert len(synthetic) == 2000
    assert (synthetic["a"] <= synthetic["b"]).all()

    class Hopeless(Unlucky):
        def sample(self, n_samples=1, random_state=None):
            return np.tile([2.5, -2.5], (n_samples, 1))

    synthesizer.flow_ = Hopeless()
    with pytest.raises(ValueError, match="keeps all of the constraints 'a <= b'"):
        synthesizer.sample(50, random_state=0)


def test_rule_that_the_table_breaks_is_refused_with_the_rows():
    df = clinic()
    df.loc[[7, 9], "high"] = 0
    with pytest.raises(ValueError) as error:
        bare(df, ["low <= high"])
    message = str(error.value)
    assert "'low <= high' is broken by 2 of the 400 rows" in message
    assert "first at index 7" in message
    assert "violations(df)" in message


@pytest.mark.parametrize(
    ("constraints", "message"),
    [
        (["smoker == 'maybe' -> cigs == 0"], "no level 'maybe'; its levels are 'no'"),
        (["mrn != 'x'"], "'mrn' is not learned .kind 'identifier'."),
        (["blood <= high"], "no column 'blood'"),
        ("low <", "position 6"),
    ],
)
def test_rule_that_cannot_be_kept_is_refused(constraints, message):
    df = clinic().assign(mrn=[f"p{i}" for i in range(400)])
    with pytest.raises(ValueError, match=message):
        bare(df, constraints)


def test_one_rule_may_be_given_alone():
    df = clinic()
    synthetic = bare(df, "low <= high").sample(100, random_state=0)
    assert (synthetic["low"] <= synthetic["high"]).all()


def test_rules_survive_file_pickle_and_clone(tmp_path):
    synthesizer = learned(clinic(), ["age >= 18"], flow="auto")
    expected = synthesizer.sample(60, random_state=3)
    save(synthesizer, tmp_path / "clinic.gaussflow")
    for again in (
        load(tmp_path / "clinic.gaussflow"),
        pickle.loads(pickle.dumps(synthesizer)),
    ):
        pd.testing.assert_frame_equal(again.sample(60, random_state=3), expected)


def test_table_of_every_kind_keeps_what_is_proposed():
    df = nasty_frame(200)
    synthesizer = learned(df)
    synthetic = synthesizer.sample(80, random_state=0)
    for rule in synthesizer.schema_.constraints:
        assert Constraint(rule).holds(synthetic, df).all(), rule


def test_known_logic_of_the_small_clinic_is_found():
    assert Schema.infer(patients()).constraints == ["cigs determines smoker"]
