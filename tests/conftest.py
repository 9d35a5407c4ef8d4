"""What every test shares: a seed that can be turned."""

import os

import pytest

# scikit-learn skips one of its common checks without it; read by scipy at import.
os.environ.setdefault("SCIPY_ARRAY_API", "1")


@pytest.fixture
def global_random_seed():
    """Return the seed of the run: GAUSSFLOW_TEST_SEED, 0 unless set."""
    return int(os.environ.get("GAUSSFLOW_TEST_SEED", "0"))
