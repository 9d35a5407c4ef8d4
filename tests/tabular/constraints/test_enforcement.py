import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri

from gaussflow.persistence import load, save
from gaussflow.tabular import (
    Constraint,
    CopulaSynthesizer,
    Schema,
    TabularSynthesizer,
)
from gaussflow.tabular.sampling.redraw import Redraw
from tests.tabular.constraints.clinic import RULES, clinic
from tests.tabular.frames import GaussianFlow, nasty_frame


def learned(df, constraints=(), schema="infer", **parameters):
    synthesizer = CopulaSynthesizer(
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


def test_rows_that_no_draw_mends_are_repaired_and_the_loop_ends():
    rng = np.random.default_rng(0)
    a = rng.integers(0, 50, 300)
    df = pd.DataFrame({"a": a, "b": a + rng.integers(0, 30, 300)})
    synthesizer = bare(df, ["a <= b"])
    # The calibration of columns would mend this flow: take its draws as they are.
    scores = ndtri((np.arange(500) + 0.5) / 500)
    synthesizer.calibration_ = np.column_stack([scores, scores])
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
    assert "violations(df)" in message
    assert "violations(df)" in message


@pytest.mark.parametrize(
    ("constraints", "message"),
    [
        (["smoker == 'maybe' -> cigs == 0"], "no common level 'maybe'; its levels are"),
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
    synthesizer = TabularSynthesizer(constraints=["age >= 18"], random_state=0)
    synthesizer.fit(clinic())
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


def rounded(x, how):
    """Write numbers with some decimals, with 15 digits, in full or single precision."""
    if how == "15 digits":
        return np.array([float(f"{v:.15g}") for v in x])
    return x if how == "full" else np.round(x, how)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("how", [1, 9, 12, "15 digits", "full"])
def test_sum_holds_to_rounding_however_it_was_written(how, dtype):
    """Such a rule is proposed, so it must be kept, in samples and in imputations."""
    rng = np.random.default_rng(0)
    a, b, c = (rounded(rng.gamma(k, 1.0, 300), how) for k in (2.0, 3.0, 1.0))
    df = pd.DataFrame({"a": a, "b": b, "c": c, "t": rounded(c + b + a, how)})
    df = df.astype(dtype)
    synthesizer = TabularSynthesizer(random_state=0).fit(df)
    rule = Constraint("a + b + c == t")
    assert rule.text in synthesizer.schema_.constraints
    assert rule.holds(synthesizer.sample(200, random_state=0), df).all()
    gaps = df.mask(np.eye(4, dtype=bool)[np.arange(300) % 4])
    filled = synthesizer.impute(gaps, random_state=0)
    assert not filled.isna().to_numpy().any()
    assert rule.holds(filled, df).all()
