"""The coordinate axes as directions."""

import numpy as np

from gaussflow.rotations.base import PickedRotation, first, strategy


class IdentityRotation(PickedRotation):
    """The coordinate axes themselves, or some of them.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.rotations import IdentityRotation
    >>> IdentityRotation(3, rows=[2]).project(np.array([[1.0, 2.0, 3.0]]))
    array([[3.]])
    """

    def project(self, X):
        return np.array(X if self.rows is None else X[:, self.rows], order="C")

    def lift(self, Y):
        if self.rows is None:
            return np.array(Y, order="C")
        out = np.zeros((Y.shape[0], self.n_features), dtype=Y.dtype)
        out[:, self.rows] = Y
        return out


@strategy(learned=False)
def identity_rotation(Z, rng, *, n_directions=None, target=None):
    """Take the coordinate axes; see IdentityRotation."""
    return IdentityRotation(Z.shape[1], first(n_directions))
