"""Conditional laws of table columns by bagged trees."""
