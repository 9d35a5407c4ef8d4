"""Generative modelling by iterative Gaussianization, as scikit-learn estimators."""

from gaussflow.conditional import ClassConditionalFlow
from gaussflow.ensemble import BaggedGenFlow
from gaussflow.flow import GenFlow
from gaussflow.layers import Conv, Elliptical, Layer, Linear, Radial, Triangular
from gaussflow.outliers import DensityOutlierDetector

__version__ = "0.1.0"

__all__ = [
    "BaggedGenFlow",
    "ClassConditionalFlow",
    "Conv",
    "DensityOutlierDetector",
    "Elliptical",
    "GenFlow",
    "Layer",
    "Linear",
    "Radial",
    "Triangular",
]
