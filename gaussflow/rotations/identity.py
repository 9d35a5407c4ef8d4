"""The coordinate axes as directions."""

import numpy as np

from gaussflow.rotations.base import Rotation, check_rows, first, restrict, strategy


class IdentityRotation(Rotation):
    """The coordinate axes themselves, or some of them.

    Parameters
    ----------
    n_features : int
        D.
    rows : ndarray of int or None, default=None
        Axes kept. None keeps all.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.rotations import IdentityRotation
    >>> IdentityRotation(3, rows=[2]).project(np.array([[1.0, 2.0, 3.0]]))
    array([[3.]])
    """

    def __init__(self, n_features, rows=None):
        self.n_features = int(n_features)
        self.rows = restrict(None, rows)
        self.n_directions = self.n_features if rows is None else len(self.rows)

    def _check_state(self):
        check_rows(self, seeded=False)

    def project(self, X):
        return np.array(X if self.rows is None else X[:, self.rows], order="C")

    def lift(self, Y):
        if self.rows is None:
            return np.array(Y, order="C")
        out = np.zeros((Y.shape[0], self.n_features), dtype=Y.dtype)
        out[:, self.rows] = Y
        return out

    def select(self, rows):
        return IdentityRotation(self.n_features, restrict(self.rows, rows))


@strategy(learned=False)
def identity_rotation(Z, rng, *, n_directions=None, target=None):
    """Take the coordinate axes; see IdentityRotation."""
    return IdentityRotation(Z.shape[1], first(n_directions))
