"""The scripts that measure what theory says run; their figures mean little here."""

import importlib
import json
from pathlib import Path

import pytest

from gaussflow import theory

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


def results(path):
    return json.loads(path.read_text())["results"]


def test_false_admissions_are_counted(script, tmp_path):
    out = str(tmp_path / "gate.json")
    args = [
        "--quick",
        "--sizes",
        "100x3",
        "--rotations",
        "pca",
        "bimodal",
        "--out",
        out,
    ]
    script("gate").main(args)
    records = {(r["rotation"], r["gate"]): r for r in results(tmp_path / "gate.json")}
    assert set(records) == {
        (r, g) for r in ("pca", "bimodal") for g in script("gate").GATES
    }
    ungated, strict = records["pca", "none"], records["pca", "2.33"]
    # 2 seeds of 8 iterations in 3 columns.
    assert ungated["candidates"] == strict["candidates"] == 48
    assert ungated["share"] == 1.0
    assert strict["share"] < 0.2
    assert ungated["nats_lost"] > strict["nats_lost"]


def test_layers_needed_are_counted_and_drawn(script, tmp_path):
    benchmark = script("layers_needed")
    out = str(tmp_path / "layers_needed.json")
    benchmark.main(["--quick", "--dimensions", "4", "--out", out])
    records = {r["method"]: r for r in results(tmp_path / "layers_needed.json")}
    assert records["pca"]["layers"] == records["triangular"]["layers"] == 1
    assert len(records["random"]["losses"]) > 2
    # The first loss is that of standardised columns: what is left between them.
    start = records["pca"]["losses"][0]
    assert records["random"]["losses"][-1] < 0.5 * start
    assert 0 < start < theory.gaussian_kl(script("convergence").covariance(4))
    args = ["--quick", "--dimensions", "4", "--out", str(tmp_path / "convergence.json")]
    script("convergence").main(args)
    benchmark.draw(tmp_path, tmp_path / "convergence.png")
    assert (tmp_path / "convergence.png").read_bytes().startswith(b"\x89PNG")
