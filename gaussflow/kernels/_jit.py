"""The one set of Numba options that every kernel is compiled with.

``nogil`` lets blocks of rows run in threads; ``error_model="numpy"`` turns a
division by zero into inf as numpy does; there is no ``parallel`` (it breaks
programs that fork or thread) and no ``fastmath`` (it breaks ``isnan``).
"""

from numba import njit

jit = njit(cache=True, nogil=True, error_model="numpy")
