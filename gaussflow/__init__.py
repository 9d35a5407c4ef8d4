"""Generative modelling by iterative Gaussianization, as scikit-learn estimators."""

__version__ = "0.1.0"
