"""Threads of linear algebra and of scikit-learn: one, where matrices are small."""

import contextlib
import functools
import threading
from typing import Any

from threadpoolctl import ThreadpoolController

#: Columns below which products, decompositions and k-means are too small to be shared:
#: with a thread a core ``GenFlow().fit`` costs several times the CPU time of one
#: (benchmarks/speed/threads.py; wider rows were not measured).
SMALL_COLUMNS = 256

_lock = threading.Lock()
_state: dict[str, Any] = {"users": 0, "limiter": None}


@functools.cache
def _controller():
    # Looks through all loaded libraries, which takes milliseconds: done once.
    return ThreadpoolController()


@contextlib.contextmanager
def one_library_thread(n_columns=0):
    """Limit BLAS and OpenMP to one thread while rows of few columns are worked on.

    The limit is the process's, so it is counted: the first user sets it, the last
    one restores what was there, in whatever order they finish. From 256 columns on
    nothing is limited.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow._common.threads import one_library_thread
    >>> with one_library_thread(3):
    ...     float(np.ones((2, 3)) @ np.ones(3) @ np.ones(2))
    6.0
    """
    if n_columns >= SMALL_COLUMNS:
        yield
        return
    with _lock:
        if _state["users"] == 0:
            _state["limiter"] = _controller().limit(limits=1)
        _state["users"] += 1
    try:
        yield
    finally:
        with _lock:
            _state["users"] -= 1
            if _state["users"] == 0:
                _state["limiter"].restore_original_limits()
                _state["limiter"] = None
