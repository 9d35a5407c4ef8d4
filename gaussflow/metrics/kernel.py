"""The kernel distance: whether two samples differ in moments up to the third."""

import numpy as np

from gaussflow._common.checks import check_integer
from gaussflow._common.seeds import as_generator
from gaussflow.metrics._rows import check_two
from gaussflow.metrics.tables.intervals import Estimate


def kernel_distance(
    A, B, *, n_subsets=100, subset_size=1000, return_error=False, random_state=0
):
    """Return the squared maximum mean discrepancy under a cubic kernel.

    The kernel is (x.y / n_features + 1)^3. On the features of the Inception network
    the distance is known as KID. Other than the Frechet distance it is unbiased: its
    expectation is 0 for samples of the same law, so values below 0 occur.

    Parameters
    ----------
    A, B : array-like of shape (n, n_features), (m, n_features)
        Features of two samples, at least 4 rows each.
    n_subsets : int, default=100
        How many pairs of subsets are averaged.
    subset_size : int, default=1000
        Rows of each subset, drawn without replacement; at most half of the rows of
        the smaller sample are taken.
    return_error : bool, default=False
        Whether to return the standard error as well.
    random_state : int, RandomState, Generator or None, default=0
        Randomness of the subsets.

    Returns
    -------
    distance : float or Estimate
        The mean over subsets; with ``return_error`` a pair (value, error). The error
        is that of other samples of these sizes, not of other subsets only; it is too
        large for samples of the same law, whose subsets vary more than they do.

    References
    ----------
    M. Binkowski, D. J. Sutherland, M. Arbel and A. Gretton (2018), "Demystifying MMD
    GANs", ICLR, section 4.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.metrics import kernel_distance
    >>> rng = np.random.default_rng(0)
    >>> A, B = rng.standard_normal((2, 500, 4))
    >>> abs(kernel_distance(A, B)) < 0.1, round(kernel_distance(A, B + 1.0))
    (True, 10)
    """
    A, B = check_two(A, B, min_rows=4)
    check_integer("n_subsets", n_subsets, 2 if return_error else 1)
    check_integer("subset_size", subset_size, 2)
    n = min(len(A), len(B))
    size = min(int(subset_size), n // 2)
    rng = as_generator(random_state)
    values = np.empty(n_subsets)
    for k in range(n_subsets):
        some, others = (
            X[rng.choice(len(X), size, replace=False)].astype(np.float64)
            for X in (A, B)
        )
        values[k] = _unbiased_mmd(some, others)
    value = float(values.mean())
    if not return_error:
        return value
    # The estimate on s rows has variance c / s to leading order. Subsets of n rows
    # show c / s - c / n of it; the mean over many still has c / n.
    share = size / n
    factor = 1.0 / n_subsets + share / (1.0 - share)
    return Estimate(value, float(values.std(ddof=1) * np.sqrt(factor)))


def _unbiased_mmd(X, Y):
    """Return the U-statistic of the squared discrepancy; rows as many in both."""
    n = len(X)
    within = 0.0
    for Z in (X, Y):
        K = _cubic(Z, Z)
        within += (K.sum() - np.trace(K)) / (n * (n - 1))
    return within - 2.0 * _cubic(X, Y).mean()


def _cubic(X, Y):
    K = X @ Y.T
    K /= X.shape[1]
    K += 1.0
    return K * K * K
