"""Numba kernels: pure functions on arrays; no validation, no randomness."""
