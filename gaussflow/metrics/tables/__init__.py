"""Scores of synthetic tables: similarity, prediction, disclosure."""
