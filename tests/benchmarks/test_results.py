"""The scripts write results, and README.md's tables come from them."""

import json

import pytest

from tests.benchmarks.scripts import ROOT, run


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    args = ["--quick", "--out", folder / "density.json", "--datasets", "moons"]
    run("density/density.py", *args, "--methods", "gaussflow", "gaussian")
    args = ["--quick", "--out", folder / "speed.json", "--tasks"]
    tasks = ("iteration", "million_rows", "ten_million_rows_on_disk")
    run("speed/speed.py", *args, *tasks)
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
        *("density/density.py", "--quick", "--out", path),
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
