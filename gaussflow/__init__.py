"""Generative modelling by iterative Gaussianization, as scikit-learn estimators."""

from gaussflow.conditional import ClassConditionalFlow
from gaussflow.flow import GenFlow
from gaussflow.layers import Conv, Elliptical, Layer, Linear, Radial, Triangular

__version__ = "0.1.0"

__all__ = [
    "ClassConditionalFlow",
    "Conv",
    "Elliptical",
    "GenFlow",
    "Layer",
    "Linear",
    "Radial",
    "Triangular",
]
