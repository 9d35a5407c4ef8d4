"""Draws with conditions and rules, densities and imputation."""
