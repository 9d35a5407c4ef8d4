"""The scripts run: their figures mean nothing here, only their shape."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
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


def test_the_table_goes_between_the_markers_and_nowhere_else(results, tmp_path):
    readme = tmp_path / "README.md"
    before = (ROOT / "README.md").read_text()
    readme.write_text(before)
    for _ in range(2):  # a second run replaces the first's table
        run("readme_table.py", "--results", results, "--readme", readme)
    after = readme.read_text()
    assert after.count("two moons |") == 1
    start, end = "<!-- results: start -->", "<!-- results: end -->"
    assert after.split(start)[0] == before.split(start)[0]
    assert after.split(end)[1] == before.split(end)[1]


def test_the_picture_is_drawn(tmp_path):
    path = tmp_path / "picture.png"
    run("picture.py", "--rows", 300, "--out", path)
    assert path.read_bytes().startswith(b"\x89PNG")
