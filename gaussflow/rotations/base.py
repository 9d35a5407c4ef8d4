"""The contract of a rotation: orthonormal directions, applied and undone."""

import copy
from abc import ABC, abstractmethod

import numpy as np

from gaussflow._common.checks import Integer
from gaussflow._common.docstrings import complete, complete_docstrings
from gaussflow.persistence.shapes import Array
from gaussflow.persistence.state import Persistent, check_that

#: What the arguments of a strategy are, where its docstring does not say otherwise.
ARGUMENTS = """\
Z : ndarray of shape (n_samples, n_features)
    Rows to learn from.
rng : numpy.random.Generator
    Randomness of the directions.
n_directions : int or None, default=None
    Number of directions. None takes all.
target : ndarray of shape (n_target, n_features) or None, default=None
    Rows to carry Z toward; None stands for N(0, I)."""


class Rotation(Persistent, ABC):
    """``n_directions`` orthonormal directions in R^D, drawn or learned once.

    A layer maps only the coordinates along these directions and leaves the
    rest of the space alone: x -> x + Q^T (M(Qx) - Qx), which for a complete
    basis is Q^T M(Qx). Implementations differ in what they store.

    Attributes
    ----------
    n_features : int
        D.
    n_directions : int
        K, at most D.
    seed : int or None
        What the directions are drawn from; None where they are not drawn.
    """

    n_features: int
    n_directions: int
    seed: int | None = None
    _state = {"n_features": Integer(1), "n_directions": Integer(0)}

    def __init_subclass__(cls, **options):
        """Complete the docstrings."""
        super().__init_subclass__(**options)
        complete_docstrings(cls)

    @abstractmethod
    def project(self, X):
        """Return the coordinates X Q^T, a new (n_samples, n_directions) array."""

    @abstractmethod
    def lift(self, Y):
        """Return Y Q, a new (n_samples, n_features) array: the adjoint."""

    @abstractmethod
    def select(self, rows):
        """Return the rotation restricted to some of its directions.

        ``rows`` is an array of their numbers, or a mask.
        """

    def matrix(self):
        """Return Q as a dense (n_directions, n_features) array."""
        return self.lift(np.eye(self.n_directions))


class PickedRotation(Rotation):
    """Base of rotations that keep some directions of a full basis.

    Parameters
    ----------
    n_features : int
        D.
    rows : ndarray of int or bool, or None, default=None
        Directions kept, by their number in the full basis. None keeps all.
    """

    _state = {"rows": Array("i", "n_directions", within="[0, inf)", others=(None,))}

    def __init__(self, n_features, rows=None):
        self.n_features = int(n_features)
        self._keep(_numbers(None, rows))

    def _keep(self, rows):
        self.rows = rows
        self.n_directions = self.n_features if rows is None else len(rows)

    def select(self, rows):
        picked = copy.copy(self)
        picked._keep(_numbers(self.rows, rows))
        return picked

    def _check_state(self):
        if self.rows is None:
            fit = self.n_directions == self.n_features
        else:
            different = len(np.unique(self.rows)) == len(self.rows)
            fit = different and (self.rows < self.n_features).all()
        check_that(self, fit, "rows must be directions, n_directions of them")


class SeededRotation(PickedRotation):
    """Base of rotations that are drawn again from a seed wherever they are used.

    Parameters
    ----------
    seed : int
        Non-negative integer that the directions are drawn from.
    """

    _state = {"seed": Integer(0)}

    def __init__(self, seed, n_features, rows=None):
        super().__init__(n_features, rows)
        self.seed = int(seed)


def _numbers(kept, rows):
    """Return the numbers of chosen rows among those kept, or None for all."""
    if rows is None:
        return kept
    rows = np.asarray(rows)
    rows = np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.intp)
    return rows if kept is None else kept[rows]


def strategy(*, learned):
    """Mark a function as a rotation strategy.

    A strategy is called as ``f(Z, rng, *, n_directions=None, target=None)`` and returns
    a Rotation. It leaves Z and target as they are. Where it looks at the rows it is
    given, ``learned`` is True and kept as the function's attribute: what it finds must
    be judged on other rows.
    """

    def mark(function):
        function.learned = learned
        return complete(function, {"Parameters": ARGUMENTS})

    return mark


def first(n_directions):
    """Return the numbers of the first directions; None for all of them."""
    return None if n_directions is None else np.arange(n_directions)
