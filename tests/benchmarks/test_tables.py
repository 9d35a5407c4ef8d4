"""Scripts of tables: what they hide, fill in and score is what they say."""

import json

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.impute import KNNImputer

from benchmarks.tables import conditions, frontier, health_tables, impute, peers
from tests.tabular.frames import patients


@pytest.fixture
def mixed(monkeypatch):
    """Register a table of numbers and categories that go together, some missing."""
    df = patients(900)
    monkeypatch.setitem(health_tables.TABLES, "any", lambda: (df.copy(), "site"))
    return df


def test_neighbours_fill_in_what_scikit_learn_does_and_hold_what_they_say():
    rng = np.random.default_rng(0)
    X = rng.multivariate_normal(np.zeros(3), 0.5 + 0.5 * np.eye(3), 900)
    df = pd.DataFrame(X, columns=list("abc"))
    train, test = df[:600], df[600:].reset_index(drop=True)
    hidden = pd.DataFrame(rng.random(test.shape) < 0.2, columns=test.columns)
    filled = impute.neighbors(train, test.mask(hidden), list("abc"), 0)
    scaled = (train - train.mean()) / train.std()
    masked = (test.mask(hidden) - train.mean()) / train.std()
    expected = KNNImputer().fit(scaled).transform(masked)
    expected = expected * train.std().to_numpy() + train.mean().to_numpy()
    assert_allclose(filled["mean"][list("abc")], expected)
    scores = impute.score(test, hidden, filled, list("abc"), train.std())
    assert 0.85 < scores["coverage"] < 0.95
    assert 0.6 < scores["nrmse"] < 1.0
    assert scores["nmae"] < scores["nrmse"]


def test_imputations_are_summed_up():
    draws = [
        pd.DataFrame({"x": [float(k), 7.0], "s": ["a" if k < 15 else "b", "c"]})
        for k in range(39)
    ]
    filled = impute.from_draws(draws)
    assert filled["mean"]["s"].tolist() == ["b", "c"]
    assert filled["median"]["x"].tolist() == [19, 7]
    assert_allclose([filled["low"]["x"][0], filled["high"]["x"][0]], [1, 37])
    real = pd.DataFrame({"x": [38.0, 7.0], "s": ["b", "a"]})
    hidden = pd.DataFrame(True, index=[0, 1], columns=["x", "s"])
    scores = impute.score(real, hidden, filled, ["x"], {"x": 2.0}, min_hidden=1)
    assert scores["coverage"] == scores["accuracy"] == 0.5
    assert_allclose(scores["nrmse"], np.sqrt(19**2 / 2) / 2)
    assert_allclose(scores["interval_score"], (36 + 20 * 1) / 2 / 2)


@pytest.mark.parametrize("method", ["gaussflow", "iterative_draws", "column_means"])
def test_hidden_cells_are_scored(method, mixed, monkeypatch):
    monkeypatch.setattr(impute, "N_DRAWS", 5)
    record = impute.evaluate("any", method, 0, 500)
    assert record["n_numbers"] == 4
    assert record["n_categories"] == 2
    assert 0.3 < record["nrmse"] < 1.3
    assert 0.6 < record["coverage"] <= 1


def test_rows_under_conditions_are_scored(mixed, monkeypatch):
    monkeypatch.setattr(conditions, "MIN_ROWS", 100)
    wanted = [{"age": (40, None)}, {"site": ["north"], "age": (20, 21)}]
    monkeypatch.setitem(conditions.CONDITIONS, "any", wanted)
    records = conditions.evaluate("any", 0, 1000)["records"]
    assert [r["conditions"] for r in records] == [str(wanted[0])]  # few meet the other
    assert records[0]["halves"] < records[0]["ceiling"] < 1
    assert 0.8 < records[0]["shape"] < 1


def test_columns_that_differ_score_less(mixed):
    shape = conditions.shape
    df = mixed[["site", "lab"]]
    assert shape(df, df, [True, False]) == 1.0
    assert shape(df, df.assign(site="west"), [True, False]) == 0.5


def test_plain_numbers_are_read_back(mixed):
    plain = peers.Plain(mixed)
    again = plain.table(plain.frame.to_numpy())
    pd.testing.assert_frame_equal(again, mixed, check_dtype=False)


def test_a_mixture_draws_rows_of_the_table(mixed):
    df = mixed
    drawn = peers.mixture(df, "site", 0)
    assert drawn.shape == df.shape
    assert set(drawn["site"]) <= set(df["site"])
    assert abs(drawn["lab"].isna().mean() - df["lab"].isna().mean()) < 0.1
    assert abs(drawn["age"].mean() - df["age"].mean()) < 0.2 * df["age"].std()


def test_levels_beyond_the_most_frequent_are_others(monkeypatch):
    codes = np.repeat(np.arange(300), np.arange(300) + 1)
    df = pd.DataFrame({"code": [f"c{k}" for k in codes], "y": codes})
    df.loc[5, "code"] = None
    monkeypatch.setitem(health_tables.TABLES, "any", lambda: (df.copy(), "y"))
    capped, kinds, _ = health_tables.load("any")
    assert capped["code"].nunique() == health_tables.MAX_LEVELS + 1
    assert (capped["code"] == "other").sum() == (codes < 100).sum() - 1
    assert capped["code"].isna().sum() == 1
    assert kinds == {"code": "categorical", "y": "integer"}


def test_the_frontier_is_drawn_from_tables_that_all_methods_have(tmp_path):
    records = [
        {"method": m, "table": t, "seed": s, "c2st": 0.6 + 0.1 * s, "mia_cal_auc": 0.5}
        for m, tables in {"gaussflow": "ab", "cart": "a", "resample": "a"}.items()
        for t in tables
        for s in (0, 1)
    ]
    records.append({"method": "cart", "table": "b", "seed": 0, "error": "died"})
    means = frontier.table_means(records)
    assert set(means["table"]) == {"a"}
    assert_allclose(means["c2st"], 0.65)
    path = tmp_path / "tabular.json"
    path.write_text(json.dumps({"results": records}))
    frontier.main(["--results", str(path), "--out", str(tmp_path / "f.png")])
    assert (tmp_path / "f.png").read_bytes().startswith(b"\x89PNG")
