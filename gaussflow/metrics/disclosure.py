"""What a synthetic table gives away of its training rows: arrays in, a number out.

Tables are float matrices as in ``gaussflow.metrics.tabular``.
"""

import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

from gaussflow._random import as_generator
from gaussflow.metrics.tabular import fill_missing, some_rows


def closest_distances(rows, reference):
    """Return each row's L1 distance to the closest reference row.

    Parameters
    ----------
    rows, reference : ndarray of shape (n, n_embedded), (m, n_embedded)
        Tables embedded by ``gower_embedding``.

    Returns
    -------
    distances : ndarray of shape (n,)
        Gower distances: the mean over columns of |a - b| / range for numbers,
        0 or 1 for categories and for a cell missing on one side only.
    """
    finder = NearestNeighbors(n_neighbors=1, metric="manhattan").fit(reference)
    return finder.kneighbors(rows)[0][:, 0]


def gower_embedding(tables, categorical):
    """Embed tables so that the L1 distance of two rows is their Gower distance.

    Parameters
    ----------
    tables : list of ndarray of shape (n, n_columns)
        The first one sets the range of the numbers.
    categorical : ndarray of shape (n_columns,), bool
        Which columns hold codes.

    Returns
    -------
    embedded : list of ndarray
    """
    parts = [[] for _ in tables]
    for j, is_code in enumerate(categorical):
        cells = [t[:, j] for t in tables]
        missing = [np.isnan(c) for c in cells]
        filled = cells[0][~missing[0]]
        if is_code:
            codes = np.unique(np.concatenate(cells))
            codes = codes[~np.isnan(codes)]
            columns = [0.5 * (c[:, None] == codes) for c in cells]
        else:
            low = filled.min() if len(filled) else 0.0
            width = (filled.max() - low) if len(filled) else 0.0
            width = width if width > 0 else 1.0
            columns = [np.clip((c - low) / width, -0.5, 1.5)[:, None] for c in cells]
            middle = np.median((filled - low) / width) if len(filled) else 0.0
            columns = [np.where(np.isnan(c), middle, c) for c in columns]
        for part, column, absent in zip(parts, columns, missing, strict=True):
            part.append(column)
            if any(m.any() for m in missing):
                part.append(0.5 * absent[:, None])
    return [np.concatenate(part, axis=1) / len(categorical) for part in parts]


def dcr_share(train, holdout, synthetic, categorical, *, max_rows=5000, rng=0):
    """Return the share of synthetic rows closer to training than to unseen rows.

    Both real tables are cut to the same size first. 0.5 is ideal: having been
    seen makes no difference; 1 means copies. It misses much of what an
    attack finds: a good value is necessary, not sufficient.

    Parameters
    ----------
    train, holdout, synthetic : ndarray of shape (n, n_columns)
        Rows that were learned from, real rows that were not, synthetic rows.
    categorical : ndarray of shape (n_columns,), bool
        Which columns hold codes.
    max_rows : int, default=5000
        Rows used of each table.
    rng : int, RandomState or Generator, default=0
        Randomness of the cut.

    Returns
    -------
    share : float
    """
    rng = as_generator(rng)
    n = min(len(train), len(holdout), max_rows)
    T, H, S = gower_embedding([train, holdout, synthetic], categorical)
    S = some_rows(S, min(len(S), max_rows), rng)
    to_holdout = closest_distances(S, some_rows(H, n, rng))
    shares = []
    for _ in range(3):
        to_train = closest_distances(S, some_rows(T, n, rng))
        shares.append(
            np.mean(to_train < to_holdout) + 0.5 * np.mean(to_train == to_holdout)
        )
    return float(np.mean(shares))


def exact_copies(reference, rows):
    """Return the share of ``rows`` that equal a reference row in every cell."""
    known = {row.tobytes() for row in fill_missing(reference) + 0.0}
    return float(np.mean([row.tobytes() in known for row in fill_missing(rows) + 0.0]))


def membership_auc(train, holdout, synthetic, categorical, *, max_rows=3000, rng=0):
    """Return how well an attacker tells training rows from unseen ones.

    The attacker holds the synthetic table and half of the holdout as a sample of
    the population, and calls a row a member when the synthetic rows lie closer to
    it than that sample (after van Breugel et al., 2023). Area under the ROC curve:
    0.5 is ideal, 1 means that every member is found.

    Parameters
    ----------
    train, holdout, synthetic : ndarray of shape (n, n_columns)
        Rows that were learned from, real rows that were not, synthetic rows.
    categorical : ndarray of shape (n_columns,), bool
        Which columns hold codes.
    max_rows : int, default=3000
        Rows used of each table.
    rng : int, RandomState or Generator, default=0
        Randomness of the draws.

    Returns
    -------
    auc : float
    """
    rng = as_generator(rng)
    T, H, S = gower_embedding([train, holdout, synthetic], categorical)
    S = some_rows(S, min(len(S), max_rows), rng)
    aucs = []
    for _ in range(4):
        n = min(len(H) // 2, len(T), max_rows)
        if n < 1:
            return float("nan")
        mixed = some_rows(H, 2 * n, rng)
        members, outsiders, sample = some_rows(T, n, rng), mixed[:n], mixed[n:]
        rows = np.concatenate([members, outsiders])
        smallest = 1e-3 / T.shape[1]
        gap = np.log(closest_distances(rows, sample) + smallest)
        gap -= np.log(closest_distances(rows, S) + smallest)
        aucs.append(roc_auc_score(np.repeat([1, 0], n), gap))
    return float(np.mean(aucs))
