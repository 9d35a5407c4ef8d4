"""Threads of the linear algebra library: one of them, where matrices are small."""

import contextlib
import functools
import threading
from typing import Any

from threadpoolctl import ThreadpoolController

#: Columns below which products and decompositions are too small to be shared. With a
#: thread a core, ``GenFlow().fit`` cost 1.7 to 2.4 times the CPU time and 1.1 to 1.4
#: times the time of one thread from 3 to 100 columns (benchmarks/speed/threads.py).
SMALL_COLUMNS = 256

_lock = threading.Lock()
_state: dict[str, Any] = {"users": 0, "limiter": None}


@functools.cache
def _controller():
    # Looks through all loaded libraries, which takes milliseconds: done once.
    return ThreadpoolController()


@contextlib.contextmanager
def one_blas_thread(n_columns=0):
    """Limit linear algebra to one thread while rows of few columns are worked on.

    The limit is the process's, so it is counted: the first user sets it, the last
    one restores what was there, in whatever order they finish.

    Parameters
    ----------
    n_columns : int, default=0
        Columns of the rows; from 256 on nothing is limited.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow._common.threads import one_blas_thread
    >>> with one_blas_thread(3):
    ...     float(np.ones((2, 3)) @ np.ones(3) @ np.ones(2))
    6.0
    """
    if n_columns >= SMALL_COLUMNS:
        yield
        return
    with _lock:
        if _state["users"] == 0:
            _state["limiter"] = _controller().limit(limits=1, user_api="blas")
        _state["users"] += 1
    try:
        yield
    finally:
        with _lock:
            _state["users"] -= 1
            if _state["users"] == 0:
                _state["limiter"].restore_original_limits()
                _state["limiter"] = None
