"""Nearest neighbours: copies, and which parts of a sample another one covers."""

from typing import NamedTuple

import numpy as np

from gaussflow._common.checks import check_integer
from gaussflow.metrics._rows import blocks, check_two

#: Rounding of a squared distance from a matrix product, over the squared norms.
_ROUNDING = 16.0 * np.finfo(np.float64).eps
#: Closest rows by the product whose distances are computed again from differences.
_N_CANDIDATES = 4


class PrecisionRecall(NamedTuple):
    """How much of one sample lies within the other, both ways."""

    precision: float
    recall: float


class DensityCoverage(NamedTuple):
    """How densely the neighbourhoods of real rows are filled, and how many are."""

    density: float
    coverage: float


def nearest_distance(queries, reference, *, return_index=False):
    """Return the Euclidean distance of each row to the nearest reference row.

    Generated images that lie closer to training images than unseen real ones do are
    copies: compare the median over generated with that over test images.

    Parameters
    ----------
    queries : array-like of shape (n, n_features)
        Generated or unseen rows.
    reference : array-like of shape (m, n_features)
        Training rows.
    return_index : bool, default=False
        Whether to return the nearest reference row as well.

    Returns
    -------
    distances : ndarray of shape (n,)
        0.0 for a row that occurs among the reference rows.
    index : ndarray of shape (n,)
        Only if ``return_index``; one of the nearest where several are as near.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.metrics import nearest_distance
    >>> nearest_distance([[0.0, 0.0], [3.0, 4.0]], [[3.0, 4.0]]).tolist()
    [5.0, 0.0]
    """
    Q, R = check_two(queries, reference, ("queries", "reference"))
    k = min(_N_CANDIDATES, len(R))
    candidates = np.empty((len(Q), k), dtype=np.int64)
    for rows, squares in _squared_distances(Q, R):
        candidates[rows] = np.argpartition(squares, k - 1, axis=1)[:, :k]
    # The product leaves rounding where rows are equal; differences do not.
    squares = np.empty((len(Q), k))
    for rows in blocks(len(Q), Q.shape[1]):
        for c in range(k):
            gap = Q[rows] - R[candidates[rows, c]].astype(np.float64)
            squares[rows, c] = np.einsum("ij,ij->i", gap, gap)
    best = np.argmin(squares, axis=1)[:, None]
    distances = np.sqrt(np.take_along_axis(squares, best, axis=1)[:, 0])
    if return_index:
        return distances, np.take_along_axis(candidates, best, axis=1)[:, 0]
    return distances


def precision_recall(real, generated, *, k=3):
    """Return which share of each sample lies within the other's neighbourhoods.

    A sample's neighbourhoods are the balls around its rows that reach to the k-th
    nearest other row. Precision, the share of generated rows within the real ones,
    is fidelity; recall, the share of real rows within the generated ones, variety.

    Parameters
    ----------
    real, generated : array-like of shape (n, n_features), (m, n_features)
        Features of two samples, of more than k rows; equal sizes are usual.
    k : int, default=3
        Which neighbour a ball reaches to.

    Returns
    -------
    scores : PrecisionRecall
        A pair (precision, recall).

    References
    ----------
    T. Kynkaanniemi, T. Karras, S. Laine, J. Lehtinen and T. Aila (2019), "Improved
    precision and recall metric for assessing generative models", NeurIPS.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.metrics import precision_recall
    >>> X = np.random.default_rng(0).standard_normal((200, 2))
    >>> precision_recall(X, X[:50])
    PrecisionRecall(precision=1.0, recall=0.975)
    """
    A, B = _check_samples(real, generated, k)
    inside_real, inside_generated = _inside(A, B, k), _inside(B, A, k)
    return PrecisionRecall(
        float(np.mean(inside_real > 0)), float(np.mean(inside_generated > 0))
    )


def density_coverage(real, generated, *, k=5):
    """Return how densely, and how many, neighbourhoods of real rows are filled.

    Density is the mean number of real balls (see :func:`precision_recall`) that a
    generated row lies in, over k: 1 is expected of rows of the same law, and it may
    exceed 1. Coverage is the share of real balls that hold a generated row: about
    1 - 2^-k is expected of as many rows of the same law. A few outliers, whose balls
    are large, do not bend them as they bend precision and recall.

    Parameters
    ----------
    real, generated : array-like of shape (n, n_features), (m, n_features)
        Features of two samples; ``real`` needs more than k rows.
    k : int, default=5
        Which neighbour a ball reaches to.

    Returns
    -------
    scores : DensityCoverage
        A pair (density, coverage).

    References
    ----------
    M. F. Naeem, S. J. Oh, Y. Uh, Y. Choi and J. Yoo (2020), "Reliable fidelity and
    diversity metrics for generative models", ICML, eqs. 4 and 5.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.metrics import density_coverage
    >>> A, B = np.random.default_rng(0).standard_normal((2, 1000, 2))
    >>> [round(score, 1) for score in density_coverage(A, B)]
    [1.0, 1.0]
    """
    A, B = _check_samples(real, generated, k, both=False)
    radii = _radii(A, k)
    total, covered = 0, 0
    for rows, squares in _squared_distances(A, B, widen=True):
        within = squares <= radii[rows, None]
        total += int(within.sum())
        covered += int(within.any(axis=1).sum())
    return DensityCoverage(total / (k * len(B)), covered / len(A))


def _check_samples(real, generated, k, both=True):
    A, B = check_two(real, generated, ("real", "generated"))
    most = min(len(A), len(B)) - 1 if both else len(A) - 1
    if most < 1:
        raise ValueError(f"A sample has {most + 1} row; neighbours need at least 2.")
    check_integer("k", k, 1, most, " (the rows of a sample, less one)")
    return A, B


def _inside(centres, rows, k):
    """Return in how many balls around ``centres`` each row lies."""
    radii = _radii(centres, k)
    counts = np.empty(len(rows), dtype=np.int64)
    for some, squares in _squared_distances(rows, centres, widen=True):
        counts[some] = np.count_nonzero(squares <= radii, axis=1)
    return counts


def _radii(X, k):
    """Return each row's squared distance to its k-th nearest other row."""
    radii = np.empty(len(X))
    for rows, squares in _squared_distances(X, X):
        here = np.arange(rows.start, rows.stop)
        squares[here - rows.start, here] = np.inf
        radii[rows] = np.partition(squares, k - 1, axis=1)[:, k - 1]
    return np.maximum(radii, 0.0)


def _squared_distances(X, Y, widen=False):
    """Yield (rows of X, their squared distances to all rows of Y), by blocks.

    With ``widen`` they are lessened by what rounding may have added, so that rows
    on the rim of a ball, such as equal ones in a ball of radius 0, count as inside.
    """
    # Norms about the middle of Y: far from the origin, rounding would drown distances.
    middle = Y.mean(axis=0, dtype=np.float64)
    Y = Y - middle
    norms = np.einsum("ij,ij->i", Y, Y)
    for rows in blocks(len(X), max(len(Y), X.shape[1])):
        block = X[rows] - middle
        own = np.einsum("ij,ij->i", block, block)
        squares = (-2.0 * block) @ Y.T
        squares += own[:, None]
        squares += norms
        if widen:
            squares -= _ROUNDING * (own[:, None] + norms)
        yield rows, squares
