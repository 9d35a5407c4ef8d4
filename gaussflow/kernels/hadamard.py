"""Fast structured rotation of rows: permute, turn pairs, Walsh-Hadamard."""

import numpy as np

from gaussflow.kernels._jit import jit

# Rows go through the butterflies this many at a time, transposed, so that the
# innermost loop runs over contiguous rows and vectorises at every stride.
_TILE = 16


@jit
def _walsh_hadamard(buffer, start, size, scale):
    """Orthonormal Walsh-Hadamard transform of buffer[start:start + size].

    buffer : (n_features, _TILE), in place; size a power of two;
    scale : 1 / sqrt(size) in the buffer's precision. Its own inverse.
    """
    width = buffer.shape[1]
    half = 1
    while half < size:
        for block in range(start, start + size, 2 * half):
            for i in range(block, block + half):
                for t in range(width):
                    a = buffer[i, t]
                    b = buffer[i + half, t]
                    buffer[i, t] = a + b
                    buffer[i + half, t] = a - b
        half *= 2
    for i in range(start, start + size):
        for t in range(width):
            buffer[i, t] *= scale


@jit
def _turn(buffer, cosine, sine):
    """Turn each pair of a tile's coordinates by its angle, in place."""
    for p in range(buffer.shape[0] // 2):
        c = cosine[p]
        s = sine[p]
        for t in range(_TILE):
            a = buffer[2 * p, t]
            b = buffer[2 * p + 1, t]
            buffer[2 * p, t] = c * a - s * b
            buffer[2 * p + 1, t] = s * a + c * b


@jit
def _load(X, first, buffer):
    """Write rows of X, from the first one on, as the columns of a tile."""
    buffer[:] = 0
    for t in range(min(_TILE, X.shape[0] - first)):
        for j in range(X.shape[1]):
            buffer[j, t] = X[first + t, j]


@jit
def _store(buffer, first, out):
    """Write the columns of a tile as rows of out, from the first one on."""
    for t in range(min(_TILE, out.shape[0] - first)):
        for j in range(out.shape[1]):
            out[first + t, j] = buffer[j, t]


@jit
def structured_project(X, order, cosine, sine, size, scale, out):
    """Write the structured rotation of every row of X.

    X, out : (n, d), same dtype, distinct memory
    order : (n_rounds, d) permutations; cosine, sine : (n_rounds, d // 2 or
    more), angles of the pairs (0, 1), (2, 3), ...; size : the largest power of
    two <= d; scale : 1 / sqrt(size). All in the dtype of X but order, size.

    A round gathers by ``order``, turns each pair by its angle, and transforms
    the first ``size`` then the last ``size`` coordinates; where d is a power
    of two these coincide, and one transform is enough.
    """
    n, d = X.shape
    buffer = np.empty((d, _TILE), X.dtype)
    spare = np.empty((d, _TILE), X.dtype)
    for first in range(0, n, _TILE):
        _load(X, first, buffer)
        for r in range(order.shape[0]):
            for j in range(d):
                source = order[r, j]
                for t in range(_TILE):
                    spare[j, t] = buffer[source, t]
            _turn(spare, cosine[r], sine[r])
            _walsh_hadamard(spare, 0, size, scale)
            if size < d:
                _walsh_hadamard(spare, d - size, size, scale)
            buffer, spare = spare, buffer
        _store(buffer, first, out)


@jit
def structured_lift(Y, order, cosine, sine, size, scale, out):
    """Undo ``structured_project``: the same steps transposed, last first.

    Arguments as there, with Y (n, d) the rotated rows.
    """
    n, d = Y.shape
    back = -sine
    buffer = np.empty((d, _TILE), Y.dtype)
    spare = np.empty((d, _TILE), Y.dtype)
    for first in range(0, n, _TILE):
        _load(Y, first, buffer)
        for r in range(order.shape[0] - 1, -1, -1):
            if size < d:
                _walsh_hadamard(buffer, d - size, size, scale)
            _walsh_hadamard(buffer, 0, size, scale)
            _turn(buffer, cosine[r], back[r])
            for j in range(d):
                source = order[r, j]
                for t in range(_TILE):
                    spare[source, t] = buffer[j, t]
            buffer, spare = spare, buffer
        _store(buffer, first, out)
