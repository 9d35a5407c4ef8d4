"""The benchmark of autoencoders runs: its figures mean nothing here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_shapes_are_measured(tmp_path):
    pytest.importorskip("torch")
    out = tmp_path / "autoencoders.json"
    script = ROOT / "benchmarks" / "autoencoders.py"
    args = ["shapes", "--quick", "--seeds", "0", "--out", out]
    subprocess.run(
        [sys.executable, script, *args],
        check=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    records = json.loads(out.read_text())["results"]
    assert [r["method"] for r in records] == [
        "vae, beta 1",
        "vae, beta 4",
        "autoencoder",
    ]
    for record in records:
        assert "error" not in record
        assert 0 < record["nearest_mse"] < 1
    assert records[0]["information_rate_bits"] > 0
