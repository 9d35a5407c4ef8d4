"""A rotation stored as its matrix: what learned directions need."""

import numpy as np

from gaussflow.persistence.shapes import Array
from gaussflow.persistence.state import check_that
from gaussflow.rotations.base import Rotation

#: How far from orthonormal a stored matrix may be.
TOLERANCE = 1e-6


class DenseRotation(Rotation):
    """Orthonormal directions kept as a matrix.

    Parameters
    ----------
    matrix : ndarray of shape (n_directions, n_features)
        Rows that are orthonormal already: nothing is checked or corrected.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.rotations import DenseRotation
    >>> rotation = DenseRotation(np.array([[0.6, 0.8]]))
    >>> rotation.project(np.array([[3.0, 4.0]]))
    array([[5.]])
    """

    def __init__(self, matrix):
        self.directions = np.ascontiguousarray(matrix, dtype=np.float64)
        self.n_directions, self.n_features = self.directions.shape

    _state = {"directions": Array("f", "n_directions", "n_features")}

    def _check_state(self):
        Q = self.directions
        orthonormal = np.abs(Q @ Q.T - np.eye(len(Q))).max(initial=0.0) < TOLERANCE
        check_that(self, orthonormal, "the directions must be orthonormal")

    def project(self, X):
        return X @ self.directions.T.astype(X.dtype, copy=False)

    def lift(self, Y):
        return Y @ self.directions.astype(Y.dtype, copy=False)

    def select(self, rows):
        return DenseRotation(self.directions[rows])

    def matrix(self):
        return self.directions.copy()
