"""A random-looking rotation in O(D log D) time, stored as its seed."""

import numpy as np

from gaussflow._common.seeds import draw_seed
from gaussflow.kernels.hadamard import structured_lift, structured_project
from gaussflow.rotations.base import SeededRotation, first, strategy

# Two rounds leave visible structure (a direction is spread over pairs of
# blocks only); three make the entries of Q close to Gaussian.
_N_ROUNDS = 3


class StructuredRotation(SeededRotation):
    """A product of random permutations, plane rotations and Hadamard blocks.

    Exactly orthogonal for any number of features. Each of three rounds
    permutes the coordinates, turns neighbouring pairs by random angles, and
    applies Walsh-Hadamard transforms to the first and to the last 2^k
    coordinates, 2^k the largest power of two at most D. The random angles take
    the place of the usual random signs: signs alone would leave only a few
    rotations to draw from where D is small.

    References
    ----------
    N. Ailon and B. Chazelle (2009), "The fast Johnson-Lindenstrauss transform
    and approximate nearest neighbors", SIAM Journal on Computing 39.
    F. Yu et al. (2016), "Orthogonal random features", NeurIPS, section 4:
    three rounds of signs and Hadamard stand in for a Haar rotation.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.rotations import StructuredRotation
    >>> rotation = StructuredRotation(0, n_features=100)
    >>> X = np.random.default_rng(0).standard_normal((4, 100))
    >>> bool(np.allclose(rotation.lift(rotation.project(X)), X))
    True
    """

    def _parts(self, dtype):
        """Draw what the kernels need after their data argument."""
        d = self.n_features
        rng = np.random.default_rng(self.seed)
        order = np.stack([rng.permutation(d) for _ in range(_N_ROUNDS)])
        # One angle at least: an empty array would compile a kernel of its own
        # for nothing; with D = 1 it is not read.
        angle = rng.uniform(0.0, 2.0 * np.pi, (_N_ROUNDS, max(d // 2, 1)))
        size = 1 << (d.bit_length() - 1)
        scale = np.dtype(dtype).type(1.0 / np.sqrt(size))
        return (
            order,
            np.cos(angle).astype(dtype),
            np.sin(angle).astype(dtype),
            size,
            scale,
        )

    def project(self, X):
        X = np.ascontiguousarray(X)
        out = np.empty_like(X)
        structured_project(X, *self._parts(X.dtype), out)
        return out if self.rows is None else np.ascontiguousarray(out[:, self.rows])

    def lift(self, Y):
        if self.rows is not None:
            full = np.zeros((Y.shape[0], self.n_features), dtype=Y.dtype)
            full[:, self.rows] = Y
            Y = full
        Y = np.ascontiguousarray(Y)
        out = np.empty_like(Y)
        structured_lift(Y, *self._parts(Y.dtype), out)
        return out


@strategy(learned=False)
def structured_rotation(Z, rng, *, n_directions=None, target=None):
    """Draw directions in O(D log D); see StructuredRotation."""
    return StructuredRotation(draw_seed(rng), Z.shape[1], first(n_directions))
