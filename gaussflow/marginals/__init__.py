"""One-dimensional strictly increasing maps, fitted from counts."""

from gaussflow.marginals.base import Marginal
from gaussflow.marginals.counts import Counts, Grid
from gaussflow.marginals.kde import KDEMarginal
from gaussflow.marginals.penalized import SplineMarginal
from gaussflow.marginals.polynomial import PolynomialMarginal
from gaussflow.marginals.quantile import QuantileMarginal
from gaussflow.marginals.registry import MARGINALS, get_marginal
from gaussflow.marginals.selection import AutoMarginal

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
