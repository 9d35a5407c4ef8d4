"""Compiled code is kept where a folder can be written, and done without elsewhere."""

import subprocess
import sys

PROGRAM = """
import numba.core.caching as caching
# What a read-only installation without a home looks like to Numba: no locator.
for kind in vars(caching).values():
    if isinstance(kind, type) and hasattr(kind, "_locator_classes"):
        kind._locator_classes = []
import numpy as np
from gaussflow.kernels.hadamard import _walsh_hadamard
rows = np.ones((2, 1))
_walsh_hadamard(rows, 0, 2, 0.5)
print(rows.ravel().tolist())
"""


def test_without_a_folder_to_write_kernels_run_with_one_warning():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[1.0, 0.0]"
    assert done.stderr.count("NUMBA_CACHE_DIR") == 1
