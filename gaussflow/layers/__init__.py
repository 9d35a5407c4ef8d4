"""Invertible layers, one file each."""

from gaussflow.layers.base import Layer
from gaussflow.layers.conv import Conv
from gaussflow.layers.dequantize import Dequantize
from gaussflow.layers.elliptical import Elliptical
from gaussflow.layers.inverse import Inverse
from gaussflow.layers.linear import Linear
from gaussflow.layers.logit import Logit
from gaussflow.layers.patch_matching import PatchMatching
from gaussflow.layers.principal import Principal
from gaussflow.layers.radial import Radial
from gaussflow.layers.scale_mixture import ScaleMixture
from gaussflow.layers.sliced_matching import SlicedMatching
from gaussflow.layers.transport import Transport
from gaussflow.layers.tree_triangular import TreeTriangular
from gaussflow.layers.triangular import Triangular
from gaussflow.layers.two_sample import TwoSample
from gaussflow.layers.wavelet import Haar, Pyramid

__all__ = [
    "Conv",
    "Dequantize",
    "Elliptical",
    "Haar",
    "Inverse",
    "Layer",
    "Linear",
    "Logit",
    "PatchMatching",
    "Principal",
    "Pyramid",
    "Radial",
    "ScaleMixture",
    "SlicedMatching",
    "Transport",
    "TreeTriangular",
    "Triangular",
    "TwoSample",
]
