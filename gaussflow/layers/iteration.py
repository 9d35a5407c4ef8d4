"""One iteration of a Linear layer: directions, and marginal maps along them."""

import numpy as np

from gaussflow._state import Persistent


class Iteration(Persistent):
    """The map x -> x + Q^T (M(Qx) - Qx), which for a full basis is Q^T M(Qx).

    Only the admitted directions are kept: along every other direction the
    iteration is the identity, and costs nothing.

    Parameters
    ----------
    rotation : Rotation
        The admitted directions Q.
    marginal : Marginal
        The maps M along them.
    """

    def __init__(self, rotation, marginal):
        self.rotation = rotation
        self.marginal = marginal

    def forward(self, X, log_det):
        """Map X in place; add the log-determinants to log_det; return X."""
        return self._move(self.marginal.forward_and_log_det, X, log_det)

    def inverse(self, Z, log_det):
        """Undo the map in place; add the inverse's log-determinants; return Z."""
        return self._move(self.marginal.inverse_and_log_det, Z, log_det)

    def _move(self, method, X, log_det):
        before = self.rotation.project(X)
        after = method(before.copy(), log_det)
        after -= before
        X += self.rotation.lift(after)
        return X
