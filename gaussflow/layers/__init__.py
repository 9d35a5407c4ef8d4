"""Invertible layers, one file each."""
