"""How tests run the scripts, and import them."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
BENCHMARKS = ROOT / "benchmarks"


def run(script, *args):
    """Run a script from the repository's root; return what it prints."""
    done = subprocess.run(
        [sys.executable, f"benchmarks/{script}", *map(str, args)],
        check=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | {"MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1"},
    )
    return done.stdout


def results(path):
    """Return the records of a file of results."""
    return json.loads(path.read_text())["results"]
