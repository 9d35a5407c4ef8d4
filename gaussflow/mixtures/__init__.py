"""Gaussian mixtures, their search and their triangular map."""
