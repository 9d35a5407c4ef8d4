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
        m = min(_TILE, n - first)
        buffer[:] = 0
        for t in range(m):
            for j in range(d):
                buffer[j, t] = X[first + t, j]
        for r in range(order.shape[0]):
            for j in range(d):
                source = order[r, j]
                for t in range(_TILE):
                    spare[j, t] = buffer[source, t]
            for p in range(d // 2):
                c = cosine[r, p]
                s = sine[r, p]
                for t in range(_TILE):
                    a = spare[2 * p, t]
                    b = spare[2 * p + 1, t]
                    spare[2 * p, t] = c * a - s * b
                    spare[2 * p + 1, t] = s * a + c * b
            _walsh_hadamard(spare, 0, size, scale)
            if size < d:
                _walsh_hadamard(spare, d - size, size, scale)
            buffer, spare = spare, buffer
        for t in range(m):
            for j in range(d):
                out[first + t, j] = buffer[j, t]


@jit
def structured_lift(Y, order, cosine, sine, size, scale, out):
    """Undo ``structured_project``: the same steps transposed, last first.

    Arguments as there, with Y (n, d) the rotated rows.
    """
    n, d = Y.shape
    buffer = np.empty((d, _TILE), Y.dtype)
    spare = np.empty((d, _TILE), Y.dtype)
    for first in range(0, n, _TILE):
        m = min(_TILE, n - first)
        buffer[:] = 0
        for t in range(m):
            for j in range(d):
                buffer[j, t] = Y[first + t, j]
        for r in range(order.shape[0] - 1, -1, -1):
            if size < d:
                _walsh_hadamard(buffer, d - size, size, scale)
            _walsh_hadamard(buffer, 0, size, scale)
            for p in range(d // 2):
                c = cosine[r, p]
                s = sine[r, p]
                for t in range(_TILE):
                    a = buffer[2 * p, t]
                    b = buffer[2 * p + 1, t]
                    buffer[2 * p, t] = c * a + s * b
                    buffer[2 * p + 1, t] = c * b - s * a
            for j in range(d):
                source = order[r, j]
                for t in range(_TILE):
                    spare[source, t] = buffer[j, t]
            buffer, spare = spare, buffer
        for t in range(m):
            for j in range(d):
                out[first + t, j] = buffer[j, t]
