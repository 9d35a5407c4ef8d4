"""Marginals by name."""

import copy

from gaussflow.marginals.auto import AutoMarginal
from gaussflow.marginals.base import Marginal
from gaussflow.marginals.kde import KDEMarginal
from gaussflow.marginals.polynomial import PolynomialMarginal
from gaussflow.marginals.quantile import QuantileMarginal
from gaussflow.marginals.spline import SplineMarginal

#: Marginals by the name that ``marginal=`` takes.
MARGINALS = {
    "auto": AutoMarginal,
    "spline": SplineMarginal,
    "kde": KDEMarginal,
    "quantile": QuantileMarginal,
    "polynomial": PolynomialMarginal,
}


def get_marginal(marginal, *, degree=9):
    """Return a fresh marginal of a name, a class, or like an instance.

    Parameters
    ----------
    marginal : str, Marginal or subclass of Marginal
        A name in ``MARGINALS``; an instance, which is copied and stays as it
        is; or a class that is made without arguments.
    degree : int, default=9
        Degree of polynomials that are asked for by name or class.

    Returns
    -------
    Marginal
        A marginal of its own for every call.

    Raises
    ------
    ValueError
        If it is none of these.

    Examples
    --------
    >>> from gaussflow.marginals import PolynomialMarginal, get_marginal
    >>> get_marginal("polynomial", degree=3).degree
    3
    >>> get_marginal(PolynomialMarginal(5)).degree
    5
    """
    if isinstance(marginal, Marginal):
        return copy.deepcopy(marginal)
    cls = MARGINALS.get(marginal, marginal) if isinstance(marginal, str) else marginal
    if not (isinstance(cls, type) and issubclass(cls, Marginal)):
        names = ", ".join(repr(name) for name in MARGINALS)
        raise ValueError(
            f"marginal must be one of {names}, or a Marginal; got {marginal!r}."
        )
    if issubclass(cls, PolynomialMarginal):
        return cls(degree=degree)
    return cls()
