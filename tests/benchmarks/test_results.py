"""The scripts run: their figures mean nothing here, only their shape."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.impute import KNNImputer

from tests.tabular.frames import patients

ROOT = Path(__file__).parents[2]
BENCHMARKS = ROOT / "benchmarks"


def run(script, *args):
    return subprocess.run(
        [sys.executable, BENCHMARKS / script, *map(str, args)],
        check=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | {"MPLBACKEND": "Agg"},
    ).stdout


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    args = ["--quick", "--out", folder / "density.json", "--datasets", "moons"]
    run("density.py", *args, "--methods", "gaussflow", "gaussian")
    args = ["--quick", "--out", folder / "speed.json", "--tasks"]
    run("speed.py", *args, "iteration", "million_rows", "ten_million_rows_on_disk")
    return folder


def test_densities_are_written_with_their_circumstances(results):
    content = json.loads((results / "density.json").read_text())
    assert content["machine"]["cores"] >= 1
    assert content["versions"]["numpy"]
    assert [r["method"] for r in content["results"]] == ["gaussflow", "gaussian"]
    for record in content["results"]:
        assert "error" not in record
        assert -10 < record["test_log_likelihood"] < 0
        assert record["fit_seconds"] > 0


def test_a_second_run_keeps_what_it_does_not_measure(results):
    path = results / "density.json"
    run(
        *("density.py", "--quick", "--out", path),
        *("--datasets", "eight_gaussians", "--methods", "gaussian"),
    )
    records = json.loads(path.read_text())["results"]
    assert {(r["dataset"], r["method"]) for r in records} == {
        ("moons", "gaussflow"),
        ("moons", "gaussian"),
        ("eight_gaussians", "gaussian"),
    }
    assert "exact" in records[-1]


def test_speeds_are_written_as_ratios(results):
    content = json.loads((results / "speed.json").read_text())
    records = {r["task"]: r for r in content["results"]}
    assert not any("error" in r for r in records.values())
    assert records["iteration"]["transform_over_product_and_ndtri"] > 0
    assert records["million_rows"]["rows"] == 500
    assert records["ten_million_rows_on_disk"]["peak_megabytes_with_python"] > 0


def test_densities_of_images_are_written(tmp_path):
    args = ["--quick", "--methods", "gaussian", "--out", tmp_path / "images.json"]
    run("images_density.py", "digits", *args)
    (record,) = json.loads((tmp_path / "images.json").read_text())["results"]
    assert "error" not in record
    assert -200 < record["test_log_likelihood"] < -50
    assert record["inverse_error"] < 1e-6


def test_the_table_goes_between_the_markers_and_nowhere_else(results, tmp_path):
    readme = tmp_path / "README.md"
    before = (ROOT / "README.md").read_text()
    readme.write_text(before)
    scores = "c2st mia_cal_auc mia_auc dcr_share util_gap pair_tv shape copy_rate"
    records = [
        {"table": table, "method": method, "seed": 0}
        | dict.fromkeys(scores.split(), value)
        for table, method, value in [
            ("pima", "cart", 0.6),
            ("pima", "gaussflow", 0.51),
            ("hcv", "gaussflow", 0.9),  # not compared: CART has no score there
        ]
    ]
    (results / "tabular.json").write_text(json.dumps({"results": records}))
    for _ in range(2):  # a second run replaces the first's table
        run("readme_table.py", "--results", results, "--readme", readme)
    after = readme.read_text()
    assert after.count("two moons |") == 1
    assert after.count("`TabularSynthesizer()` | 0.510 | 0.510") == 1
    assert "Means over 1 tables: pima." in after
    first, last = "<!-- tables: start -->", "<!-- results: end -->"
    assert after.split(first)[0] == before.split(first)[0]
    assert after.split(last)[1] == before.split(last)[1]


def test_the_picture_is_drawn(tmp_path):
    path = tmp_path / "picture.png"
    run("picture.py", "--rows", 300, "--out", path)
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.fixture
def scripts(monkeypatch):
    """Import benchmark scripts by name, as they import each other."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


@pytest.fixture
def mixed(scripts, monkeypatch):
    """Register a table of numbers and categories that go together, some missing."""
    df = patients(900)
    monkeypatch.setitem(scripts("_tables").TABLES, "any", lambda: (df.copy(), "site"))
    return df


def test_neighbours_fill_in_what_scikit_learn_does_and_hold_what_they_say(scripts):
    impute = scripts("impute")
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


def test_imputations_are_summed_up(scripts):
    impute = scripts("impute")
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
    impute.LEAST_HIDDEN, least = 1, impute.LEAST_HIDDEN
    scores = impute.score(real, hidden, filled, ["x"], {"x": 2.0})
    impute.LEAST_HIDDEN = least
    assert scores["coverage"] == scores["accuracy"] == 0.5
    assert_allclose(scores["nrmse"], np.sqrt(19**2 / 2) / 2)
    assert_allclose(scores["interval_score"], (36 + 20 * 1) / 2 / 2)


@pytest.mark.parametrize("method", ["gaussflow", "iterative_draws", "column_means"])
def test_hidden_cells_are_scored(method, mixed, scripts, monkeypatch):
    impute = scripts("impute")
    monkeypatch.setattr(impute, "N_DRAWS", 5)
    record = impute.evaluate("any", method, 0, 500)
    assert record["n_numbers"] == 4
    assert record["n_categories"] == 2
    assert 0.3 < record["nrmse"] < 1.3
    assert 0.6 < record["coverage"] <= 1


def test_rows_under_conditions_are_scored(mixed, scripts, monkeypatch):
    conditions = scripts("conditions")
    monkeypatch.setattr(conditions, "LEAST_ROWS", 100)
    wanted = [{"age": (40, None)}, {"site": ["north"], "age": (20, 21)}]
    monkeypatch.setitem(conditions.CONDITIONS, "any", wanted)
    records = conditions.evaluate("any", 0, 1000)["records"]
    assert [r["conditions"] for r in records] == [str(wanted[0])]  # few meet the other
    assert records[0]["halves"] < records[0]["ceiling"] < 1
    assert 0.8 < records[0]["shape"] < 1


def test_columns_that_differ_score_less(mixed, scripts):
    shape = scripts("conditions").shape
    df = mixed[["site", "lab"]]
    assert shape(df, df, [True, False]) == 1.0
    assert shape(df, df.assign(site="west"), [True, False]) == 0.5


def test_plain_numbers_are_read_back(mixed, scripts):
    plain = scripts("_peers").Plain(mixed)
    again = plain.table(plain.frame.to_numpy())
    pd.testing.assert_frame_equal(again, mixed, check_dtype=False)


def test_a_mixture_draws_rows_of_the_table(mixed, scripts):
    df = mixed
    drawn = scripts("_peers").mixture(df, "site", 0)
    assert drawn.shape == df.shape
    assert set(drawn["site"]) <= set(df["site"])
    assert abs(drawn["lab"].isna().mean() - df["lab"].isna().mean()) < 0.1
    assert abs(drawn["age"].mean() - df["age"].mean()) < 0.2 * df["age"].std()


def test_levels_beyond_the_most_frequent_are_others(scripts, monkeypatch):
    tables = scripts("_tables")
    codes = np.repeat(np.arange(300), np.arange(300) + 1)
    df = pd.DataFrame({"code": [f"c{k}" for k in codes], "y": codes})
    df.loc[5, "code"] = None
    monkeypatch.setitem(tables.TABLES, "any", lambda: (df.copy(), "y"))
    capped, kinds, _ = tables.load("any")
    assert capped["code"].nunique() == tables.MOST_LEVELS + 1
    assert (capped["code"] == "other").sum() == (codes < 100).sum() - 1
    assert capped["code"].isna().sum() == 1
    assert kinds == {"code": "categorical", "y": "integer"}


def test_the_frontier_is_drawn_from_tables_that_all_methods_have(scripts, tmp_path):
    frontier = scripts("frontier")
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


def test_images_are_scored_beside_what_was_measured_elsewhere(tmp_path):
    out = tmp_path / "images.json"
    earlier = {"set": "mnist", "method": "flow", "fcd": 1.0, "machine": {"cores": 64}}
    out.write_text(json.dumps({"results": [earlier]}))
    args = ["digits_3", "--rows", "300", "--out", out]
    run("images.py", *args, "--methods", "pca_mixture")
    kept, record = json.loads(out.read_text())["results"]
    assert kept == earlier
    assert (record["set"], record["method"]) == ("digits_3", "pca_mixture")
    assert record["judge_accuracy"] > 0.8
    assert record["of_the_class"] > 0.6  # most are taken for threes
    assert record["fcd_floor"] < record["fcd"]
    assert record["nearest_ratio"] > 0.5
    assert record["machine"]["cores"] >= 1
    assert (tmp_path / record["picture"]).stat().st_size < 20_000


def test_a_run_on_few_images_is_no_result():
    with pytest.raises(subprocess.CalledProcessError) as failed:
        run("images.py", "--rows", "300")
    assert "--rows needs --out" in failed.value.stderr


@pytest.mark.parametrize("name", ["mnist_12", "cifar_dog", "faces"])
def test_names_of_image_sets_are_checked(name, monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    sets = importlib.import_module("_image_sets")
    assert sets.parts("cifar") == ("cifar_ship", "cifar_cat")
    assert sets.parts("fashion_2") == ("fashion_2",)
    with pytest.raises(KeyError, match="is none of mnist, fashion"):
        sets.parts(name)
