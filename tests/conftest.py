"""What every test shares: a seed that can be turned, and no display."""

import os

import pytest

os.environ.setdefault("MPLBACKEND", "Agg")
# scikit-learn skips one of its common checks without it; read by scipy at import.
os.environ.setdefault("SCIPY_ARRAY_API", "1")


@pytest.fixture
def global_random_seed():
    """Return the seed of the run: GAUSSFLOW_TEST_SEED, 0 unless set."""
    return int(os.environ.get("GAUSSFLOW_TEST_SEED", "0"))
