"""Rows of numbers: checks, and blocks that bound what is held in memory."""

import numpy as np
from sklearn import get_config
from sklearn.utils import check_array

#: Numbers of float64 held at a time, 64 MB: beyond a few MB blocks gain no speed.
BLOCK_NUMBERS = 8_000_000

#: Largest value: a sixth power of it, the cubic kernel's, is finite.
MAX_MAGNITUDE = 1e50

# Kept as they come, and made float64 by blocks; all else is made float64 at once.
KEPT = [np.float64, np.float32, np.uint8, np.int32, np.int64]


def check_rows(X, name, min_rows=1):
    """Return rows of finite numbers, or raise an error that names them."""
    X = check_array(X, dtype=KEPT, input_name=name, ensure_min_samples=min_rows)
    check_magnitude(X, name)
    return X


def check_magnitude(X, name):
    """Raise ValueError if powers of the values would overflow."""
    largest = max(float(X.max()), -float(X.min()))
    if largest > MAX_MAGNITUDE:
        raise ValueError(
            f"{name} reaches {largest:.3g}: powers of values beyond {MAX_MAGNITUDE:g} "
            f"overflow. Divide by a power of ten."
        )


def check_paired(A, B, names=("A", "B")):
    """Raise ValueError unless two sets of rows are as many."""
    if len(A) != len(B):
        raise ValueError(
            f"{names[0]} has {len(A)} rows, but {names[1]} has {len(B)}. Each row of "
            f"one goes with the same row of the other."
        )


def check_two(A, B, names=("A", "B"), min_rows=1):
    """Return two sets of rows of equal width, or raise an error that names them."""
    A, B = (
        check_rows(X, name, min_rows) for X, name in zip((A, B), names, strict=True)
    )
    if A.shape[1] != B.shape[1]:
        raise ValueError(
            f"{names[0]} has {A.shape[1]} columns, but {names[1]} has {B.shape[1]}. "
            f"Both must hold the same features."
        )
    return A, B


def blocks(n_rows, width):
    """Yield slices of rows that hold at most 64 MB together, as float64.

    scikit-learn's ``working_memory``, in MiB, makes them smaller.
    """
    allowed = min(BLOCK_NUMBERS, int(get_config()["working_memory"] * 2**20) // 8)
    size = max(1, allowed // max(1, width))
    for start in range(0, n_rows, size):
        yield slice(start, min(start + size, n_rows))
