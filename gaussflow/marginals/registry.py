"""Marginals by name."""

from gaussflow.marginals.base import Marginal
from gaussflow.marginals.kde import KDEMarginal
from gaussflow.marginals.penalized import SplineMarginal
from gaussflow.marginals.selection import AutoMarginal

MARGINALS = {"auto": AutoMarginal, "spline": SplineMarginal, "kde": KDEMarginal}


def get_marginal(marginal, *, degree=9):
    if isinstance(marginal, str) and marginal in MARGINALS:
        return MARGINALS[marginal]()
    raise ValueError(marginal)
