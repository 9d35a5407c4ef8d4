import numpy as np
import pytest

from gaussflow.kernels.histogram import add_fold_counts
from tests.kernels import reference


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_counts_agree_with_the_reference(dtype, global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    Y = (3.0 * rng.standard_normal((500, 4))).astype(dtype)
    Y[0], Y[1] = -1e30, 1e30
    folds = rng.integers(0, 3, 500).astype(np.uint8)
    low, inv_width = np.array([-6.0, -6.0, -3.0, 0.0]), np.array([8.0, 4.0, 2.0, 64.0])
    counts = np.zeros((3, 4, 96), dtype=np.int64)
    add_fold_counts(Y, folds, low, inv_width, counts)
    expected = reference.fold_counts(Y, folds, low, inv_width, 3, 96)
    np.testing.assert_array_equal(counts, expected)
    add_fold_counts(Y, folds, low, inv_width, counts)
    np.testing.assert_array_equal(counts, 2 * expected)
