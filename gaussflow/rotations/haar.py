"""A uniformly random rotation, stored as the integer it is drawn from."""

from collections import OrderedDict
from threading import Lock

import numpy as np

from gaussflow._common.seeds import draw_seed
from gaussflow.rotations.base import SeededRotation, first, strategy


def draw_haar(seed, n_features, n_rows):
    """Return the first rows of the Haar-distributed matrix of a seed.

    The QR decomposition of a Gaussian matrix is Haar-distributed once the
    diagonal of R is made positive (Mezzadri, "How to generate random matrices
    from the classical compact groups", 2007, section 5). Its first columns
    depend on the first Gaussian columns only, so no more are drawn.
    """
    gaussian = np.random.default_rng(seed).standard_normal((n_rows, n_features))
    q, r = np.linalg.qr(gaussian.T)
    return np.ascontiguousarray((q * np.where(np.diag(r) < 0, -1.0, 1.0)).T)


class MatrixCache:
    """The matrices drawn last, up to so many bytes; threads may share it."""

    def __init__(self, max_bytes):
        self.max_bytes, self._lock = max_bytes, Lock()
        self._kept: OrderedDict[tuple[int, int, int], np.ndarray] = OrderedDict()

    def __len__(self):
        return len(self._kept)

    def get(self, seed, n_features, n_rows):
        """Return the matrix of a seed, from memory where it is still there."""
        key = (seed, n_features, n_rows)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        # Drawn outside the lock: two threads may draw the same matrix, and get
        # the same bits.
        matrix = draw_haar(*key)
        matrix.setflags(write=False)
        with self._lock:
            self._kept[key] = matrix
            total = sum(kept.nbytes for kept in self._kept.values())
            while total > self.max_bytes:
                total -= self._kept.popitem(last=False)[1].nbytes
        return matrix


#: Shared by every rotation of the process. 50 rotations of 784 features, a whole
#: layer, take 234 MiB.
CACHE = MatrixCache(256 * 2**20)


class HaarRotation(SeededRotation):
    """A rotation drawn uniformly from the orthogonal group.

    Only the seed is stored; the matrix is drawn again when it is needed, so
    that a model of hundreds of features stays small.

    References
    ----------
    F. Mezzadri (2007), "How to generate random matrices from the classical
    compact groups", Notices of the AMS 54, section 5.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.rotations import HaarRotation
    >>> rotation = HaarRotation(0, n_features=5, rows=[1, 3])
    >>> Q = rotation.matrix()
    >>> Q.shape, bool(np.allclose(Q @ Q.T, np.eye(2)))
    ((2, 5), True)
    """

    def _directions(self, dtype):
        if self.rows is None:
            matrix = CACHE.get(self.seed, self.n_features, self.n_features)
        elif len(self.rows) == 0:
            matrix = np.empty((0, self.n_features))
        else:
            drawn = int(self.rows.max()) + 1
            matrix = CACHE.get(self.seed, self.n_features, drawn)[self.rows]
        return matrix.astype(dtype, copy=False)

    def project(self, X):
        return X @ self._directions(X.dtype).T

    def lift(self, Y):
        return Y @ self._directions(Y.dtype)

    def matrix(self):
        return np.array(self._directions(np.float64))


@strategy(learned=False)
def random_rotation(Z, rng, *, n_directions=None, target=None):
    """Draw directions uniformly; see HaarRotation."""
    return HaarRotation(draw_seed(rng), Z.shape[1], first(n_directions))
