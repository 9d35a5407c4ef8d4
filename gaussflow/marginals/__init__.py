"""One-dimensional strictly increasing maps, fitted from counts."""

from gaussflow.marginals.auto import AutoMarginal
from gaussflow.marginals.base import Marginal
from gaussflow.marginals.counts import Counts, Grid
from gaussflow.marginals.kde import KDEMarginal
from gaussflow.marginals.polynomial import PolynomialMarginal
from gaussflow.marginals.quantile import QuantileMarginal
from gaussflow.marginals.registry import MARGINALS, get_marginal
from gaussflow.marginals.spline import SplineMarginal

__all__ = [
    "MARGINALS",
    "AutoMarginal",
    "Counts",
    "Grid",
    "KDEMarginal",
    "Marginal",
    "PolynomialMarginal",
    "QuantileMarginal",
    "SplineMarginal",
    "get_marginal",
]
