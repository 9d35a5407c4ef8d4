"""Gated iterations: directions, and maps along them."""
