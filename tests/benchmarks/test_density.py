"""Scripts of densities, and of what theory says of layers, run."""

import numpy as np
import pytest

from benchmarks.density import convergence, gate, layers_needed, outliers, refine
from gaussflow import theory
from tests.benchmarks.scripts import results, run


def test_refinements_are_compared_with_the_greedy_fit(monkeypatch):
    monkeypatch.setattr("gaussflow.flows.refinement.train.MAX_ITER", 10)
    variants = ("greedy", "end_to_end_2")
    done = refine.evaluate("moons", "rotations", variants, 0, quick=True)
    greedy, trained = done["records"]
    gain = trained["test_log_likelihood"] - greedy["test_log_likelihood"]
    assert trained["gain"] == pytest.approx(gain)
    assert trained["n_iterations"] == 2
    assert trained["start"] == "random"


def test_detectors_see_no_row_that_they_are_judged_by(monkeypatch, tmp_path):
    rng = np.random.default_rng(0)
    y = (np.arange(3000) % 20 == 0).astype(int)
    X = rng.standard_normal((3000, 2)) + 8.0 * y[:, None]
    (tmp_path / "density").mkdir()
    np.savez(tmp_path / "density" / "cover.npz", X=X, y=y)
    monkeypatch.setenv("GAUSSFLOW_DATA", str(tmp_path))
    train, test, odd = outliers.load("cover", 0, 500, 2000)
    assert len(np.unique(np.vstack([train, test]), axis=0)) == 2500
    assert np.allclose(train.mean(axis=0), 0.0)
    assert 0.03 < odd.mean() < 0.07
    record = outliers.evaluate("cover", "gaussflow", 0, quick=True)
    assert record["roc_auc"] > 0.9


def test_missing_tables_are_named(monkeypatch, tmp_path):
    monkeypatch.setenv("GAUSSFLOW_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="Set GAUSSFLOW_DATA"):
        outliers.load("shuttle", 0)


def test_false_admissions_are_counted(tmp_path):
    out = str(tmp_path / "gate.json")
    args = ["--quick", "--sizes", "100x3", "--rotations", "pca", "bimodal"]
    gate.main([*args, "--out", out])
    records = {(r["rotation"], r["gate"]): r for r in results(tmp_path / "gate.json")}
    assert set(records) == {(r, g) for r in ("pca", "bimodal") for g in gate.GATES}
    ungated, strict = records["pca", "none"], records["pca", "2.33"]
    # 2 seeds of 8 iterations in 3 columns.
    assert ungated["candidates"] == strict["candidates"] == 48
    assert ungated["share"] == 1.0
    assert strict["share"] < 0.2
    assert ungated["nats_lost"] > strict["nats_lost"]


def test_layers_needed_are_counted_and_drawn(tmp_path):
    out = str(tmp_path / "layers_needed.json")
    layers_needed.main(["--quick", "--dimensions", "4", "--out", out])
    records = {r["method"]: r for r in results(tmp_path / "layers_needed.json")}
    assert records["pca"]["layers"] == records["triangular"]["layers"] == 1
    assert len(records["random"]["losses"]) > 2
    # The first loss is that of standardised columns: what is left between them.
    start = records["pca"]["losses"][0]
    assert records["random"]["losses"][-1] < 0.5 * start
    assert 0 < start < theory.gaussian_kl(convergence.covariance(4))
    args = ["--quick", "--dimensions", "4", "--out", str(tmp_path / "convergence.json")]
    convergence.main(args)
    layers_needed.draw(tmp_path, tmp_path / "convergence.png")
    assert (tmp_path / "convergence.png").read_bytes().startswith(b"\x89PNG")


def test_the_benchmark_of_convergence_agrees_with_theory(tmp_path):
    out = tmp_path / "convergence.json"
    run("density/convergence.py", "--dimensions", "8", "--out", out)
    (record,) = results(out)
    assert record["late_rate_ratio"] == pytest.approx(1.0, abs=0.1)
    exact = record["first_contraction_exact"]
    assert record["first_contraction"] == pytest.approx(exact, abs=0.02)
    assert record["layers"] > record["layers_theorem_1"]


def test_the_picture_is_drawn(tmp_path):
    path = tmp_path / "picture.png"
    run("density/picture.py", "--rows", 120, "--out", path)
    assert path.read_bytes().startswith(b"\x89PNG")
