import numpy as np
import pytest
from sklearn import config_context


@pytest.fixture
def rng(global_random_seed):
    return np.random.default_rng(global_random_seed)


@pytest.fixture(params=[None, 40], ids=["one_block", "many_blocks"])
def block_numbers(request):
    """Run once with blocks of a few rows, which must not change any result."""
    limit = None if request.param is None else request.param * 8 / 2**20
    with config_context(working_memory=limit):
        yield
