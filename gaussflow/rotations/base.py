"""The contract of a rotation: orthonormal directions, applied and undone."""

from abc import ABC, abstractmethod

import numpy as np

from gaussflow.persistence.state import Persistent, check_that


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


def check_rows(rotation, *, seeded):
    """Raise ValueError unless numbers, rows and seed of a rotation make sense."""
    n_features, rows = rotation.n_features, rotation.rows
    check_that(rotation, type(n_features) is int and n_features >= 1, "n_features")
    n_directions = n_features
    if rows is not None:
        plain = isinstance(rows, np.ndarray) and rows.ndim == 1
        check_that(rotation, plain and rows.dtype.kind == "i", "rows must be integers")
        inside = ((rows >= 0) & (rows < n_features)).all()
        different = len(np.unique(rows)) == len(rows)
        check_that(rotation, inside and different, "rows must be directions")
        n_directions = len(rows)
    check_that(rotation, rotation.n_directions == n_directions, "n_directions")
    if seeded:
        valid = type(rotation.seed) is int and rotation.seed >= 0
        check_that(rotation, valid, "the seed must be an integer of at least 0")


def restrict(kept, rows):
    """Return the numbers of the directions that are left, or None for all.

    Parameters
    ----------
    kept : ndarray of int or None
        Directions of the full basis that a rotation has; None for all.
    rows : array-like of int or bool, or None
        Choice among these, as an index array or a mask; None for all.
    """
    if rows is None:
        return kept
    rows = np.asarray(rows)
    rows = np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.intp)
    return rows if kept is None else kept[rows]


def strategy(*, learned):
    """Mark a function as a rotation strategy.

    A strategy is called as ``f(Z, rng, *, n_directions=None, target=None)``
    and returns a Rotation. It leaves Z and target as they are.

    Parameters
    ----------
    learned : bool
        Whether it looks at the rows it is given. If so, what it finds must be
        judged on other rows: kept as the function's attribute ``learned``.
    """

    def mark(function):
        function.learned = learned
        return function

    return mark


def first(n_directions):
    """Return the numbers of the first directions; None for all of them."""
    return None if n_directions is None else np.arange(n_directions)
