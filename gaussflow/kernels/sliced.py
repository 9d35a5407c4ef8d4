"""One-dimensional transports of many projections at once, by counting."""

import numpy as np

from gaussflow.kernels._jit import jit


@jit
def transport(Y, quantiles, n_bins, out):
    """Carry each row of Y onto a reference distribution, rank by rank.

    Y, out : (k, n), n >= 1, distinct memory
    quantiles : (k, m), m >= 1, each row the reference's sorted values; or
    (1, m), one reference for all

    Ranks come from counts over ``n_bins`` bins that span the trimmed mean plus
    or minus 5 standard deviations, interpolated inside a bin; values beyond
    fall in the end bins. A search of directions needs no finer ranks, and
    counting is several times faster than sorting.
    """
    k, n = Y.shape
    m = quantiles.shape[1]
    below = np.empty(n_bins + 1, np.float64)
    for i in range(k):
        row = min(i, quantiles.shape[0] - 1)
        # Twice more without what lies beyond 3 deviations, so that a few far
        # outliers do not push all other values into one bin.
        mean = float(Y[i, 0])
        spread = np.inf
        for _ in range(3):
            reach = 3.0 * spread
            count = 0
            total = 0.0
            squares = 0.0
            for j in range(n):
                shifted = Y[i, j] - mean
                if abs(shifted) <= reach:
                    count += 1
                    total += shifted
                    squares += shifted * shifted
            if count == 0:
                break
            shift = total / count
            mean += shift
            spread = np.sqrt(max(squares / count - shift * shift, 0.0))
        low = mean - 5.0 * spread
        # A constant projection falls in one bin, at its middle.
        per_unit = n_bins / (10.0 * spread) if spread > 0.0 else 0.0
        start = 0.0 if spread > 0.0 else 0.5 * n_bins

        below[:] = 0.0
        for j in range(n):
            position = (Y[i, j] - low) * per_unit + start
            b = int(min(max(position, 0.0), n_bins - 1.0))
            below[b + 1] += 1.0
        for b in range(n_bins):
            below[b + 1] += below[b]
        for j in range(n):
            position = (Y[i, j] - low) * per_unit + start
            position = min(max(position, 0.0), float(n_bins))
            b = min(int(position), n_bins - 1)
            rank = below[b] + (position - b) * (below[b + 1] - below[b])
            # The rank of n values becomes a place among the m quantiles, which
            # stand at (1/2, 3/2, ...) / m.
            place = min(max(rank * m / n - 0.5, 0.0), m - 1.0)
            q = int(place)
            value = quantiles[row, q]
            if q + 1 < m:
                value += (place - q) * (quantiles[row, q + 1] - value)
            out[i, j] = value
