"""Generative modelling by iterative Gaussianization, as scikit-learn estimators."""

from gaussflow._version import __version__
from gaussflow.flows.bagged import BaggedGenFlow
from gaussflow.flows.class_conditional import ClassConditionalFlow
from gaussflow.flows.genflow import GenFlow
from gaussflow.flows.outliers import DensityOutlierDetector
from gaussflow.layers import Conv, Elliptical, Layer, Linear, Radial, Triangular

__all__ = [
    "__version__",
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
