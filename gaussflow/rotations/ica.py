"""Independent components: directions that look least Gaussian to tanh."""

import numpy as np

from gaussflow.rotations._stiefel import ascend, complete, polar
from gaussflow.rotations._subsample import search_rows, whiten
from gaussflow.rotations.base import strategy
from gaussflow.rotations.dense import DenseRotation

# Directions, rows and steps bound the cost of a search; chosen by hand.
_MAX_DIRECTIONS = 16
_MAX_ROWS = 5000
_MAX_STEPS = 50


def fast_ica(X, W, n_steps):
    """Run the symmetric fixed-point iteration on white rows.

    w <- E[x tanh(w.x)] - E[1 - tanh(w.x)^2] w for every row, then symmetric
    orthogonalisation (Hyvarinen 1999, eqs. 20 and 26 of the paper cited in
    ``ica_rotation``), from W on and for ``n_steps`` at most: it stops when no direction
    moves any more.
    """
    for _ in range(n_steps):
        T = np.tanh(W @ X.T)
        slope = 1.0 - np.mean(T * T, axis=1)
        update = polar(T @ X / len(X) - slope[:, None] * W)
        still = np.abs(np.einsum("kd,kd->k", update, W)).min()
        W = update
        if still > 1.0 - 1e-4:
            break
    return W


def components(Z, k, rng, n_steps):
    """Return unit rows along at most k components of Z, which is whitened inside."""
    white, white_map = whiten(Z)
    rank = white.shape[1]
    if rank == 0:
        return white_map
    start = complete(np.zeros((0, rank)), min(k, rank), rng)
    W = fast_ica(white, start, n_steps) @ white_map
    return W / np.linalg.norm(W, axis=1, keepdims=True)


def log_cosh_gap(X, target):
    """Return the objective whose ascent finds where X and target differ.

    Half the sum of (E log cosh(w.x) - E log cosh(w.t))^2 over the rows w: the
    contrast of FastICA with the target's expectation in the Gaussian's place.
    """

    def value_and_gradient(W):
        def log_cosh(Y):
            size = np.abs(Y)
            return np.mean(size + np.log1p(np.exp(-2.0 * size)), axis=1)

        Y, T = W @ X.T, W @ target.T
        gap = log_cosh(Y) - log_cosh(T)
        slope = np.tanh(Y) @ X / len(X) - np.tanh(T) @ target / len(target)
        return 0.5 * float(gap @ gap), gap[:, None] * slope

    return value_and_gradient


@strategy(learned=True)
def ica_rotation(Z, rng, *, n_directions=None, target=None):
    """Find directions of independent components, or where Z leaves target.

    At most 5,000 rows and 50 iterations are used. Z need not be white: it is
    whitened inside, and the directions found are made orthonormal again in
    the space of Z.

    Parameters
    ----------
    rng : numpy.random.Generator
        Randomness of the subsample and of the start.
    n_directions : int or None, default=None
        Number of directions. None takes min(16, n_features).
    target : ndarray of shape (n_target, n_features) or None, default=None
        Rows to carry Z toward; None stands for N(0, I). With it the
        directions are those where the mean log cosh of Z and target differ.

    Returns
    -------
    DenseRotation

    References
    ----------
    A. Hyvarinen (1999), "Fast and robust fixed-point algorithms for
    independent component analysis", IEEE Transactions on Neural Networks 10.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.rotations import ica_rotation
    >>> rng = np.random.default_rng(0)
    >>> Z = rng.uniform(-1.0, 1.0, (2000, 2)) @ [[0.6, 0.8], [-0.8, 0.6]]
    >>> np.abs(ica_rotation(Z, rng).matrix()).round(1).max(axis=1)
    array([0.8, 0.8])
    """
    n_features = Z.shape[1]
    k = min(_MAX_DIRECTIONS if n_directions is None else n_directions, n_features)
    Z, target = search_rows(Z, target, _MAX_ROWS, rng)
    if target is not None:
        start = complete(np.zeros((0, n_features)), k, rng)
        W, _ = ascend(log_cosh_gap(Z, target), start, _MAX_STEPS)
        return DenseRotation(complete(W, k, rng))
    W = components(Z, k, rng, _MAX_STEPS)
    return DenseRotation(complete(polar(W) if len(W) else W, k, rng))
