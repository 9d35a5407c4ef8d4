"""Counts of values in equal bins, for many coordinates at once."""

import numpy as np

from gaussflow.kernels._jit import jit


@jit
def add_fold_counts(Y, folds, low, inv_width, counts):
    """Add each column's values to the counts of the row's fold.

    Y : (n, K) ; folds : (n,) uint8 ; counts : (F, K, B) int64, in place.
    """
    n, n_columns = Y.shape
    last = counts.shape[2] - 1
    for i in range(n):
        f = np.int64(folds[i])
        for k in range(n_columns):
            position = (Y[i, k] - low[k]) * inv_width[k]
            if position <= 0.0:
                b = 0
            elif position >= last:
                b = last
            else:
                b = int(position)
            counts[f, k, b] += 1
