"""The one set of Numba options that every kernel is compiled with.

``nogil`` lets blocks of rows run in threads; ``error_model="numpy"`` turns a
division by zero into inf as numpy does; there is no ``parallel`` (it breaks
programs that fork or thread) and no ``fastmath`` (it breaks ``isnan``).
"""

import warnings

from numba import njit


def _probe():
    """Stand for a kernel: whether Numba finds a place to keep compiled code."""


def _can_cache():
    try:
        njit(cache=True)(_probe)
    except RuntimeError:
        warnings.warn(
            "No folder can be written to keep compiled code in (the installation is "
            "read-only and there is no home): kernels are compiled anew in each "
            "process, which takes up to a minute. Set NUMBA_CACHE_DIR to a folder.",
            RuntimeWarning,
            stacklevel=2,
        )
        return False
    return True


#: Kept on disk wherever a folder can be written.
OPTIONS = {"cache": _can_cache(), "nogil": True, "error_model": "numpy"}

jit = njit(**OPTIONS)
