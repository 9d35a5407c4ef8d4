"""Work over blocks of rows, in threads where asked for."""

import numpy as np
from joblib import Parallel, delayed

#: Rows handled at a time. Fixed, so that results never depend on ``n_jobs``.
BLOCK_ROWS = 8192


def row_blocks(n_samples, size=BLOCK_ROWS):
    """Return the slices that cut ``n_samples`` rows in blocks of fixed size."""
    return [slice(i, i + size) for i in range(0, n_samples, size)]


def run_threads(work, blocks, n_jobs):
    """Return [work(block) for block in blocks], in threads where asked for."""
    if n_jobs in (None, 1) or len(blocks) == 1:
        return [work(block) for block in blocks]
    return Parallel(n_jobs=n_jobs, prefer="threads")(
        delayed(work)(block) for block in blocks
    )


def some_rows(X, most, rng):
    """Return X, or so many of its rows, drawn at random and left in order."""
    if len(X) <= most:
        return X
    return X[np.sort(rng.choice(len(X), most, replace=False))]
