"""Rotation strategies by name, and users' functions in their place."""

import numpy as np

from gaussflow.rotations.auto import auto_rotation
from gaussflow.rotations.dense import DenseRotation
from gaussflow.rotations.haar import random_rotation
from gaussflow.rotations.ica import ica_rotation
from gaussflow.rotations.identity import identity_rotation
from gaussflow.rotations.pca import pca_rotation
from gaussflow.rotations.sliced import sliced_rotation
from gaussflow.rotations.structured import structured_rotation

#: Strategies by the name that ``rotation=`` takes. Each is called as
#: ``strategy(Z, rng, *, n_directions=None, target=None)``, returns a Rotation,
#: leaves Z as it is, and says in ``learned`` whether it looked at Z: if so,
#: what it found must be judged on other rows.
ROTATIONS = {
    "auto": auto_rotation,
    "random": random_rotation,
    "structured": structured_rotation,
    "identity": identity_rotation,
    "pca": pca_rotation,
    "ica": ica_rotation,
    "sliced": sliced_rotation,
}

# A user's matrix may come from float32 arithmetic; its rows are then made
# orthonormal to double precision.
_TOLERANCE = 1e-4


def get_rotation(rotation):
    """Return the strategy of a name, or wrap a user's function.

    Parameters
    ----------
    rotation : str or callable
        A name in ``ROTATIONS``; or a function ``f(Z, rng)`` that returns an
        array of shape (n_directions, n_features) with orthonormal rows.

    Returns
    -------
    callable
        ``strategy(Z, rng, *, n_directions=None, target=None) -> Rotation``
        with the attribute ``learned``.

    Raises
    ------
    ValueError
        If the name is unknown, or ``rotation`` is neither name nor callable.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.rotations import get_rotation
    >>> rng = np.random.default_rng(0)
    >>> get_rotation("random")(np.zeros((5, 3)), rng).n_directions
    3
    >>> axes = get_rotation(lambda Z, rng: np.eye(Z.shape[1])[::-1])
    >>> axes(np.zeros((5, 2)), rng).matrix()
    array([[0., 1.],
           [1., 0.]])
    """
    if isinstance(rotation, str) and rotation in ROTATIONS:
        return ROTATIONS[rotation]
    if not callable(rotation):
        names = ", ".join(repr(name) for name in ROTATIONS)
        raise ValueError(
            f"rotation must be one of {names}, or a callable f(Z, rng) that "
            f"returns an array of shape (n_directions, n_features); got "
            f"{rotation!r}."
        )
    if hasattr(rotation, "learned"):
        return rotation
    return _UserRotation(rotation)


class _UserRotation:
    """A user's function as a strategy, its answer checked at every call."""

    learned = True

    def __init__(self, function):
        self.function = function

    def __call__(self, Z, rng, *, n_directions=None, target=None):
        """Call the function on a copy of Z and check what it returns."""
        name = getattr(self.function, "__name__", repr(self.function))
        answer = self.function(Z.copy(), rng)
        try:
            Q = np.asarray(answer)
        except ValueError:  # lists of unequal lengths
            Q = np.asarray(None)
        if Q.dtype.kind not in "fiu":
            raise ValueError(
                f"The rotation {name!r} must return an array of real numbers, got "
                f"{type(answer).__name__}."
            )
        Q = Q.astype(np.float64)
        k, d = Q.shape if Q.ndim == 2 else (0, 0)
        if d != Z.shape[1] or not 1 <= k <= d:
            raise ValueError(
                f"The rotation {name!r} must return an array of shape "
                f"(n_directions, {Z.shape[1]}) with 1 to {Z.shape[1]} rows, got "
                f"shape {Q.shape}."
            )
        error = np.abs(Q @ Q.T - np.eye(k)).max()
        if not error <= _TOLERANCE:
            raise ValueError(
                f"The rotation {name!r} must return orthonormal rows, but Q Q^T "
                f"differs from the identity by {error:.3g}. For a square or wide "
                f"Q, numpy.linalg.qr(Q.T)[0].T makes its rows orthonormal."
            )
        u, _, vt = np.linalg.svd(Q, full_matrices=False)
        return DenseRotation((u @ vt)[:n_directions])
