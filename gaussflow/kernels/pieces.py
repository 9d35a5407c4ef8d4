"""Monotone maps of straight pieces: what sorted quantiles need, and quick.

Between two knots the map is the chord; beyond the outermost ones it is a
translation, so that no row is thrown farther out than the knots are. The
inverse is the same map with knots and values exchanged.
"""

import numpy as np

from gaussflow.kernels._jit import jit

# A product of slopes is turned into a logarithm before it can overflow.
_BIG = 1e100
_SMALL = 1e-100
# Equal cells that a column's knots are looked up in: most hold one or none.
_CELLS = 256


@jit
def straight_pieces(Y, x, z, log_det):
    """Map every column by its chords; add the log-slopes to log_det.

    Y : (n, K), overwritten ; x, z : (K, m), strictly increasing along each row,
    m >= 2 ; log_det : (n,), added to.
    """
    n, n_columns = Y.shape
    m = x.shape[1]
    unit = np.empty(n_columns)
    last = np.zeros((n_columns, _CELLS + 1), dtype=np.int32)
    slope = np.empty((n_columns, m - 1))
    for k in range(n_columns):
        start = np.float64(x[k, 0])
        unit[k] = _CELLS / (np.float64(x[k, m - 1]) - start)
        for j in range(m - 1):
            width = np.float64(x[k, j + 1]) - np.float64(x[k, j])
            slope[k, j] = (np.float64(z[k, j + 1]) - np.float64(z[k, j])) / width
            cell = int((np.float64(x[k, j]) - start) * unit[k])
            cell = min(cell, _CELLS - 1)
            last[k, cell + 1] = j
        for c in range(_CELLS):
            last[k, c + 1] = max(last[k, c + 1], last[k, c])
    for i in range(n):
        product = 1.0
        total = 0.0
        for k in range(n_columns):
            value = np.float64(Y[i, k])
            if value <= x[k, 0]:
                Y[i, k] = value + (np.float64(z[k, 0]) - np.float64(x[k, 0]))
            elif value >= x[k, m - 1]:
                Y[i, k] = value + (np.float64(z[k, m - 1]) - np.float64(x[k, m - 1]))
            else:
                cell = int((value - np.float64(x[k, 0])) * unit[k])
                cell = min(max(cell, 0), _CELLS - 1)
                lo = last[k, cell]
                hi = last[k, cell + 1] + 1
                while hi - lo > 1:
                    mid = (lo + hi) >> 1
                    if value >= x[k, mid]:
                        lo = mid
                    else:
                        hi = mid
                Y[i, k] = z[k, lo] + slope[k, lo] * (value - x[k, lo])
                product *= slope[k, lo]
            if product > _BIG or product < _SMALL:
                total += np.log(product)
                product = 1.0
        log_det[i] += total + np.log(product)
