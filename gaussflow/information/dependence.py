"""Dependence of columns: total correlation and mutual information."""

from gaussflow.information._checks import check_rows, check_same_rows
from gaussflow.information._crossfit import CrossFit


def total_correlation(
    X, *, flow=None, unit="nats", interval=None, n_folds=5, random_state=None
):
    """Return the total correlation of the columns, 0 where they are independent.

    KL of the rows' law from the product of its columns' laws. Its bias is downward,
    by what flows cannot express of the law; near independence it may come out a
    little below 0.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Rows of at least 2 columns, continuous or discrete.
    flow, unit, interval, n_folds, random_state
        As in :func:`entropy`.

    Returns
    -------
    total_correlation : float or Interval
        As in :func:`entropy`.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow import GenFlow
    >>> from gaussflow.information import total_correlation
    >>> from gaussflow.layers import Elliptical
    >>> flow = GenFlow([Elliptical()])  # enough for Gaussian dependence, and fast
    >>> rng = np.random.default_rng(0)
    >>> X = rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], size=2000)
    >>> round(total_correlation(np.exp(X), flow=flow, random_state=0), 1)  # exact: 0.51
    0.5
    """
    run = CrossFit(flow, unit, interval, n_folds, random_state)
    X = check_rows(X, "X")
    if X.shape[1] < 2:
        raise ValueError("total_correlation needs at least 2 columns, but X has 1.")
    return run.summary(run.dependence([X], [(1, 0)]))


def mutual_information(
    X, Y, *, flow=None, unit="nats", interval=None, n_folds=5, random_state=None
):
    """Return the mutual information between two sets of columns of the same rows.

    The total correlation of all columns less that within each set, from flows
    fitted and judged on the same folds, whose errors partly cancel. Near
    independence it may come out a little below 0.

    Parameters
    ----------
    X, Y : array-like of shape (n_samples, n_features) or (n_samples,)
        The two sets, continuous or discrete.
    flow, unit, interval, n_folds, random_state
        As in :func:`entropy`.

    Returns
    -------
    information : float or Interval
        As in :func:`entropy`.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow import GenFlow
    >>> from gaussflow.information import mutual_information
    >>> from gaussflow.layers import Elliptical
    >>> flow = GenFlow([Elliptical()])  # enough for Gaussian dependence, and fast
    >>> rng = np.random.default_rng(0)
    >>> x = rng.standard_normal((2000, 2))
    >>> y = x.sum(axis=1) + rng.standard_normal(2000)
    >>> round(mutual_information(x, y, flow=flow, random_state=0), 1)  # exact: 0.55
    0.5
    """
    run = CrossFit(flow, unit, interval, n_folds, random_state)
    X, Y = check_same_rows(X=X, Y=Y)
    return run.summary(run.dependence([X, Y], [(1, 0, 1), (-1, 0), (-1, 1)]))


def conditional_mutual_information(
    X, Y, Z, *, flow=None, unit="nats", interval=None, n_folds=5, random_state=None
):
    """Return the mutual information of X and Y that is left where Z is known.

    Parameters
    ----------
    X, Y, Z : array-like of shape (n_samples, n_features) or (n_samples,)
        Columns of the same rows, continuous or discrete.
    flow, unit, interval, n_folds, random_state
        As in :func:`entropy`.

    Returns
    -------
    information : float or Interval
        As in :func:`entropy`.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow import GenFlow
    >>> from gaussflow.information import conditional_mutual_information
    >>> from gaussflow.layers import Elliptical
    >>> flow = GenFlow([Elliptical()])  # enough for Gaussian dependence, and fast
    >>> rng = np.random.default_rng(0)
    >>> z = rng.standard_normal(2000)
    >>> x, y = z + rng.standard_normal((2, 2000))
    >>> left = conditional_mutual_information(x, y, z, flow=flow, random_state=0)
    >>> bool(abs(left) < 0.02)  # exact: 0
    True
    """
    run = CrossFit(flow, unit, interval, n_folds, random_state)
    parts = check_same_rows(X=X, Y=Y, Z=Z)
    terms = [(1, 0, 1, 2), (-1, 0, 2), (-1, 1, 2), (1, 2)]
    return run.summary(run.dependence(parts, terms))
