"""The contract of a rotation: orthonormal directions, applied and undone."""

from abc import ABC, abstractmethod

import numpy as np

from gaussflow._state import Persistent


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
    """

    n_features: int
    n_directions: int

    @abstractmethod
    def project(self, X):
        """Return the coordinates X Q^T, a new (n_samples, n_directions) array."""

    @abstractmethod
    def lift(self, Y):
        """Return Y Q, a new (n_samples, n_features) array: the adjoint."""

    @abstractmethod
    def select(self, rows):
        """Return the rotation restricted to some of its directions."""

    def matrix(self):
        """Return Q as a dense (n_directions, n_features) array."""
        return self.lift(np.eye(self.n_directions))
