"""Directions along which the sliced Wasserstein distance is greatest."""

import numpy as np
from scipy.special import ndtri

from gaussflow.kernels.sliced import transport
from gaussflow.rotations._stiefel import ascend, complete
from gaussflow.rotations._subsample import subsample, whiten
from gaussflow.rotations.base import strategy
from gaussflow.rotations.dense import DenseRotation
from gaussflow.rotations.ica import fast_ica

_MAX_DIRECTIONS = 16
_MAX_ROWS = 5000
_N_STEPS = 30
_N_BINS = 512


class _SlicedDistance:
    """Half the sum over rows w of W2(w.x, reference)^2, and its gradient."""

    def __init__(self, X, target=None):
        self.X = np.ascontiguousarray(X, dtype=np.float32)
        if target is None:
            n = len(X)
            quantiles = ndtri((np.arange(n) + 0.5) / n)
            self.quantiles = quantiles.astype(np.float32)[None, :]
            self.target = None
        else:
            self.target = np.ascontiguousarray(target, dtype=np.float32)

    def gaps(self, W):
        """Return w.x minus its optimal transport, and the same for target."""
        X, T = self.X, self.target
        W = W.astype(np.float32)
        Y = W @ X.T
        moved = np.empty_like(Y)
        if T is None:
            transport(Y, self.quantiles, _N_BINS, moved)
            return Y - moved, None
        S = W @ T.T
        transport(Y, np.sort(S, axis=1), _N_BINS, moved)
        back = np.empty_like(S)
        transport(S, np.sort(Y, axis=1), _N_BINS, back)
        return Y - moved, S - back

    def distances(self, W):
        """Return W2^2 along each row of W."""
        return np.mean(self.gaps(W)[0] ** 2, axis=1, dtype=np.float64)

    def __call__(self, W):
        """Return the value and the Euclidean gradient."""
        gap, back = self.gaps(W)
        value = 0.5 * float(np.mean(gap * gap, axis=1, dtype=np.float64).sum())
        gradient = gap @ self.X / gap.shape[1]
        if back is not None:
            gradient += back @ self.target / back.shape[1]
        return value, gradient.astype(np.float64)


@strategy(learned=True)
def sliced_rotation(Z, rng, *, n_directions=None, target=None):
    """Find the directions that maximise the K-sliced Wasserstein distance.

    Climbs the sum over K orthonormal directions of the squared 1-D
    Wasserstein distance between the projections of Z and the reference, from
    the best of several starts, on at most 5,000 rows.

    Parameters
    ----------
    Z : ndarray of shape (n_samples, n_features)
        Rows to learn from.
    rng : numpy.random.Generator
        Randomness of the subsample and of the start.
    n_directions : int or None, default=None
        Number of directions K. None takes min(16, n_features).
    target : ndarray of shape (n_target, n_features) or None, default=None
        Rows to carry Z toward; None stands for N(0, I).

    Returns
    -------
    DenseRotation
        Directions by falling distance.

    References
    ----------
    B. Dai and U. Seljak (2021), "Sliced Iterative Normalizing Flows", ICML,
    eq. 10 and algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.rotations import sliced_rotation
    >>> rng = np.random.default_rng(0)
    >>> Z = rng.standard_normal((1000, 4))
    >>> Z[:, 2] = np.sign(Z[:, 2])
    >>> np.abs(sliced_rotation(Z, rng, n_directions=1).matrix()).round(1)
    array([[0., 0., 1., 0.]])
    """
    n_features = Z.shape[1]
    k = min(_MAX_DIRECTIONS if n_directions is None else n_directions, n_features)
    Z = np.asarray(subsample(Z, _MAX_ROWS, rng), dtype=np.float64)
    if target is not None:
        target = np.asarray(subsample(target, _MAX_ROWS, rng), dtype=np.float64)
    objective = _SlicedDistance(Z, target)
    starts = _starts(Z, target, k, rng)
    # The k best candidates of all starts together, greedily made orthonormal.
    order = np.argsort(-objective.distances(starts), kind="stable")
    W, _ = ascend(objective, complete(starts[order], k, rng), _N_STEPS)
    order = np.argsort(-objective.distances(W), kind="stable")
    return DenseRotation(complete(W[order], k, rng))


def _starts(Z, target, k, rng):
    """Return unit rows worth starting from: random, and tanh's components."""
    starts = [complete(np.zeros((0, Z.shape[1])), k, rng)]
    if target is not None:
        gap = Z.T @ Z / len(Z) - target.T @ target / len(target)
        values, vectors = np.linalg.eigh(gap)
        starts.append(vectors.T[np.argsort(-np.abs(values), kind="stable")[:k]])
    else:
        white, white_map = whiten(Z)
        rank = white.shape[1]
        if rank > 0:
            first = complete(np.zeros((0, rank)), min(k, rank), rng)
            W = fast_ica(white, first, 10) @ white_map
            starts.append(W / np.linalg.norm(W, axis=1, keepdims=True))
    return np.concatenate(starts)
