"""Entropy, and distance from a Gaussian."""

from gaussflow.information._checks import check_density
from gaussflow.information._crossfit import CrossFit, judge
from gaussflow.information._gaussian import Gaussian


def entropy(X, *, flow=None, unit="nats", interval=None, n_folds=5, random_state=None):
    """Return the differential entropy of the rows' law.

    Its bias is upward, by what flows cannot express of the law.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features) or (n_samples,)
        Rows.
    flow : estimator or None, default=None
        What is fitted, as a copy, on every part: any estimator with ``fit`` and
        ``score_samples``; None takes ``GenFlow()``. The layers that a flow with
        ``layers="auto"`` chooses for the first part are taken for all.
    unit : {"nats", "bits"}, default="nats"
        Unit of the result.
    interval : float or None, default=None
        Level, such as 0.95, of an interval to return with the value: from the
        lower bootstrap quantile of what flows say of rows that they did not see to
        the upper one of what they say of rows that they saw.
    n_folds : int, default=5
        Folds of the cross-fitting: each costs a fit for each law involved.
    random_state : int, RandomState, Generator or None, default=None
        Randomness of folds, fits, ties and bootstrap.

    Returns
    -------
    entropy : float or Interval
        ``Interval(value, low, high)`` where an interval is asked for.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.information import entropy
    >>> X = np.random.default_rng(0).standard_normal((2000, 1))
    >>> round(entropy(X, random_state=0), 1)  # exact: 1.42
    1.4
    """
    run = CrossFit(flow, unit, interval, n_folds, random_state)
    X = check_density(X, "X", "entropy")
    return run.summary(-run.log_density(X, run.folds(X)))


def negentropy(
    X, *, flow=None, unit="nats", interval=None, n_folds=5, random_state=None
):
    """Return how far the rows' law is from the Gaussian of its mean and covariance.

    The flow and the Gaussian are fitted and judged on the same folds, so that on
    Gaussian rows their errors cancel.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features) or (n_samples,)
        Rows.
    flow, unit, interval, n_folds, random_state
        As in :func:`entropy`.

    Returns
    -------
    negentropy : float or Interval
        As in :func:`entropy`.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.information import negentropy
    >>> X = np.random.default_rng(0).uniform(size=(2000, 1))
    >>> round(negentropy(X, random_state=0), 1)  # exact: 0.18
    0.2
    """
    run = CrossFit(flow, unit, interval, n_folds, random_state)
    X = check_density(X, "X", "negentropy")
    folds = run.folds(X)
    log_gaussian = judge(X, folds, lambda train: Gaussian(train).log_density)
    return run.summary(run.log_density(X, folds) - log_gaussian)
