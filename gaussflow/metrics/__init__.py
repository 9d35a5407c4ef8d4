"""Scores: arrays in, a number out."""
