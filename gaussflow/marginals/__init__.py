"""One-dimensional strictly increasing maps, fitted from counts."""

from gaussflow.marginals.base import Marginal
from gaussflow.marginals.kde import KDEMarginal
from gaussflow.marginals.penalized import SplineMarginal
from gaussflow.marginals.registry import MARGINALS, get_marginal
from gaussflow.marginals.selection import AutoMarginal

__all__ = ["MARGINALS", "AutoMarginal", "KDEMarginal", "Marginal", "SplineMarginal", "get_marginal"]
