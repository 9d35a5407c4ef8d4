"""Flows: lists of layers, how they are fitted, and estimators built on them."""
