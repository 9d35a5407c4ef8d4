"""Benchmarks of refinement and of outliers: their records have the promised shape."""

import importlib
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def scripts(monkeypatch):
    """Import benchmark scripts by name, as they import each other."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


def test_refinements_are_compared_with_the_greedy_fit(scripts, monkeypatch):
    monkeypatch.setattr("gaussflow.flows.refinement.train.MAX_ITER", 10)
    variants = ("greedy", "end_to_end_2")
    done = scripts("refine").evaluate("moons", "rotations", variants, 0, quick=True)
    greedy, trained = done["records"]
    gain = trained["test_log_likelihood"] - greedy["test_log_likelihood"]
    assert trained["gain"] == pytest.approx(gain)
    assert trained["n_iterations"] == 2
    assert trained["start"] == "random"


def test_detectors_see_no_row_that_they_are_judged_by(scripts, monkeypatch, tmp_path):
    rng = np.random.default_rng(0)
    y = (np.arange(3000) % 20 == 0).astype(int)
    X = rng.standard_normal((3000, 2)) + 8.0 * y[:, None]
    (tmp_path / "density").mkdir()
    np.savez(tmp_path / "density" / "cover.npz", X=X, y=y)
    monkeypatch.setenv("GAUSSFLOW_DATA", str(tmp_path))
    outliers = scripts("outliers")
    train, test, odd = outliers.load("cover", 0, 500, 2000)
    assert len(np.unique(np.vstack([train, test]), axis=0)) == 2500
    assert np.allclose(train.mean(axis=0), 0.0)
    assert 0.03 < odd.mean() < 0.07
    record = outliers.evaluate("cover", "gaussflow", 0, quick=True)
    assert record["roc_auc"] > 0.9


def test_missing_tables_are_named(scripts, monkeypatch, tmp_path):
    monkeypatch.setenv("GAUSSFLOW_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="Set GAUSSFLOW_DATA"):
        scripts("outliers").load("shuttle", 0)
