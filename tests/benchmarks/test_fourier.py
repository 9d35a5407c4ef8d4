"""The benchmark of Fourier machines runs: its figures mean nothing here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_pictures_are_measured_beside_codecs(tmp_path):
    pytest.importorskip("PIL")
    out = tmp_path / "fourier.json"
    script = ROOT / "benchmarks" / "fourier.py"
    args = ["compress", "rd", "--quick", "--seeds", "0", "--photos", "flower"]
    args += ["--side", "24", "--kodak", "--rates", "4", "--out", out]
    args += ["--fits", "w 6 d 4, 1,500 steps, thesis"]
    done = subprocess.run(
        [sys.executable, script, *map(str, args)],
        check=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    records = json.loads(out.read_text())["results"]
    assert len(done.stdout.splitlines()) == len(records) == 5
    by_method = {record["method"]: record for record in records}
    assert set(by_method) > {"fourier", "jpeg", "webp", "avif"}
    assert by_method["fourier"]["bytes"] <= 4 * 24 * 24 / 8
    assert by_method["fourier"]["versions"]["numpy"]
    assert by_method["webp"]["psnr"] > by_method["fourier"]["psnr"]
