"""How alike a synthetic table is to the real one: arrays in, a number out.

A table comes as a float matrix: numbers as they are, categories as whole codes,
missing cells as NaN; ``categorical`` marks the columns of codes. 1 is ideal.
"""

import numpy as np


def column_shapes(real, synthetic, categorical):
    """Return how alike each column's distribution is, from 0 to 1.

    Numbers: one minus the Kolmogorov-Smirnov distance of the filled cells (missing
    ones are scored by ``missing_patterns``). Categories: one minus the total
    variation, missing cells being a category.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.metrics.tables.similarity import column_shapes
    >>> X = np.array([[1.0, 0.0], [2.0, 1.0], [3.0, 1.0], [4.0, 1.0]])
    >>> column_shapes(X, X[:2], [False, True]).tolist()
    [0.5, 0.75]
    """
    scores = np.empty(real.shape[1])
    for j, is_code in enumerate(categorical):
        a, b = (
            np.sort(fill_missing(t[:, j]) if is_code else t[~np.isnan(t[:, j]), j])
            for t in (real, synthetic)
        )
        if len(a) == 0 or len(b) == 0:
            scores[j] = float(len(a) == len(b))
            continue
        points = np.unique(np.r_[a, b])
        below = np.searchsorted(a, points, "right") / len(a)
        below = below - np.searchsorted(b, points, "right") / len(b)
        if is_code:
            distance = 0.5 * np.abs(np.diff(below, prepend=0.0)).sum()
        else:
            distance = np.abs(below).max()
        scores[j] = 1.0 - distance
    return scores


def pair_trends(real, synthetic, categorical, *, cuts=None, n_bins=10):
    """Return how alike each pair of columns is distributed, from 0 to 1.

    One minus the total variation between the two-way tables; numbers are cut into
    ``n_bins`` at quantiles of the table ``cuts`` (None: ``real``), missing cells are a
    class of their own. The matrix is symmetric; its diagonal holds single columns.
    """
    cuts = real if cuts is None else cuts
    edges = [
        None if is_code else quantile_edges(cuts[:, j], n_bins)
        for j, is_code in enumerate(categorical)
    ]
    a, b = classes_of(real, edges), classes_of(synthetic, edges)
    sizes = np.maximum(a.max(axis=0), b.max(axis=0)) + 1
    scores = np.ones((len(edges), len(edges)))
    for i in range(len(edges)):
        for j in range(i, len(edges)):
            p, q = (t[:, i] * sizes[j] + t[:, j] for t in (a, b))
            scores[i, j] = scores[j, i] = _overlap(p, q, int(sizes[i] * sizes[j]))
    return scores


def missing_patterns(real, synthetic):
    """Return how alike the patterns of missing cells are, from 0 to 1.

    One minus the total variation between the shares of whole-row patterns; 1
    is ideal, and is returned where neither table misses a cell.
    """
    absent = np.isnan(np.concatenate([real, synthetic]))
    patterns, code = np.unique(absent, axis=0, return_inverse=True)
    return _overlap(*np.split(code.ravel(), [len(real)]), len(patterns))


def _overlap(a, b, n_classes):
    """Return one minus the total variation between the shares of two lists' classes."""
    p, q = (np.bincount(x, minlength=n_classes) / len(x) for x in (a, b))
    return float(1.0 - 0.5 * np.abs(p - q).sum())


def valid_rows(train, rows, categorical):
    """Return which rows hold only cells that the training rows allow.

    Numbers lie within the training range, categories occur there, and a cell is
    missing only in a column that misses some there.
    """
    valid = np.ones(len(rows), dtype=bool)
    for j, is_code in enumerate(categorical):
        known, cells = train[:, j], rows[:, j]
        absent = np.isnan(cells)
        filled = known[~np.isnan(known)]
        if is_code:
            inside = np.isin(cells, filled)
        elif len(filled):
            inside = (cells >= filled.min() - 1e-9) & (cells <= filled.max() + 1e-9)
        else:
            inside = np.zeros(len(cells), dtype=bool)
        valid &= np.where(absent, len(filled) < len(known), inside)
    return valid


def fill_missing(X):
    """Return X with missing cells as the lowest number."""
    return np.where(np.isnan(X), -np.inf, X)


def some_rows(X, n, rng):
    """Return n rows of X, drawn without replacement."""
    return X[rng.choice(len(X), n, replace=False)]


def quantile_edges(cells, n_bins=10):
    """Return the distinct inner quantiles of the filled cells."""
    cells = cells[~np.isnan(cells)]
    if len(cells) == 0:
        return np.empty(0)
    return np.unique(np.quantile(cells, np.linspace(0, 1, n_bins + 1)[1:-1]))


def classes_of(X, edges):
    """Return whole classes of the cells, 0 where missing.

    ``edges`` holds per column where numbers are cut, or None for a column of codes.
    """
    out = np.empty(X.shape, dtype=np.int64)
    for j, cuts in enumerate(edges):
        cells = np.where(np.isnan(X[:, j]), -1.0, X[:, j])
        codes = cells if cuts is None else np.searchsorted(cuts, cells, "right")
        out[:, j] = np.where(np.isnan(X[:, j]), 0, codes.astype(np.int64) + 1)
    return out
