"""Entropy, dependence and divergence of rows, by flows judged on rows they never saw.

Every measure is a mean of log-density ratios. They are cross-fitted: the rows are
cut in folds, flows are fitted on all folds but one, and evaluated on that one, so
that no row is judged by a flow that saw it. In-sample means would count what a
flow learned by heart as information.

Dependence (:func:`total_correlation` and both kinds of mutual information) does not
change when a column is mapped monotonically, so it is measured between the columns'
normal scores: the marginals are then exact, cost no fit, and heavy tails or skewness
do not matter. Ties are broken at random, which leaves the dependence of discrete
columns as it is and gives them a density.
"""

import numbers
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata
from sklearn.base import clone
from sklearn.utils import check_array

from gaussflow._random import as_generator, draw_seed
from gaussflow.flow import GenFlow
from gaussflow.layers.base import log_standard_normal
from gaussflow.layers.ties import spread_ties

UNITS = {"nats": 1.0, "bits": 1.0 / float(np.log(2.0))}
#: Least rows of a fold, and least rows that an interval is given for.
LEAST_FOLD_ROWS, LEAST_INTERVAL_ROWS = 4, 50
#: Bootstrap samples of an interval.
N_DRAWS = 1000


class Interval(NamedTuple):
    """A measure, and the bootstrap interval around it."""

    value: float
    low: float
    high: float


def entropy(X, *, flow=None, unit="nats", interval=None, n_folds=5, random_state=None):
    """Return the differential entropy of the rows' law.

    Its bias is upward, by what the flow misses of the law.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features) or (n_samples,)
        Rows.
    flow : estimator or None, default=None
        What is fitted, as a copy, on every part: any estimator with ``fit`` and
        ``score_samples``; None takes ``GenFlow()``.
    unit : {"nats", "bits"}, default="nats"
        Unit of the result.
    interval : float or None, default=None
        Level, such as 0.95, of an interval to return with the value. It bootstraps
        the rows' contributions: the noise of the rows, not of the fits.
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
    run = _Run(flow, unit, interval, n_folds, random_state)
    X = _check_density(X, "X", "entropy")
    return run.summary(-run.log_density(X, run.folds(X)))


def total_correlation(
    X, *, flow=None, unit="nats", interval=None, n_folds=5, random_state=None
):
    """Return the total correlation of the columns, 0 where they are independent.

    KL of the rows' law from the product of its columns' laws. Its bias is downward,
    by what the flow misses of the law; near independence it may come out a little
    below 0.

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
    run = _Run(flow, unit, interval, n_folds, random_state)
    X = _check_rows(X, "X")
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
    run = _Run(flow, unit, interval, n_folds, random_state)
    X, Y = _check_same_rows(X=X, Y=Y)
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
    run = _Run(flow, unit, interval, n_folds, random_state)
    parts = _check_same_rows(X=X, Y=Y, Z=Z)
    terms = [(1, 0, 1, 2), (-1, 0, 2), (-1, 1, 2), (1, 2)]
    return run.summary(run.dependence(parts, terms))


def kl_divergence(
    X, Y, *, flow=None, unit="nats", interval=None, n_folds=5, random_state=None
):
    """Return the divergence KL(law of X || law of Y) of two independent samples.

    A flow of X, cross-fitted, and one of all rows of Y are compared on the rows
    of X. It is only as good as the flow of Y is where X lies: where rows of X lie
    far outside Y, it rests on the flow's tails.

    Parameters
    ----------
    X, Y : array-like of shape (n_samples, n_features) and (m_samples, n_features)
        Two samples of the same columns, drawn independently.
    flow, unit, interval, n_folds, random_state
        As in :func:`entropy`; an interval holds the noise of X only.

    Returns
    -------
    divergence : float or Interval
        As in :func:`entropy`.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.information import kl_divergence
    >>> rng = np.random.default_rng(0)
    >>> X, Y = rng.normal(1, 1, (2000, 1)), rng.normal(0, 1, (2000, 1))
    >>> round(kl_divergence(X, Y, random_state=0), 1)  # exact: 0.5
    0.5
    """
    run = _Run(flow, unit, interval, n_folds, random_state)
    X = _check_density(X, "X", "kl_divergence")
    Y = _check_density(Y, "Y", "kl_divergence")
    if X.shape[1] != Y.shape[1]:
        raise ValueError(
            f"X has {X.shape[1]} columns and Y has {Y.shape[1]}: kl_divergence "
            f"compares two samples of the same columns. For columns of the same rows "
            f"use mutual_information."
        )
    log_p = run.log_density(X, run.folds(X))
    return run.summary(log_p - run.fitted(Y).score_samples(X))


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
    run = _Run(flow, unit, interval, n_folds, random_state)
    X = _check_density(X, "X", "negentropy")
    folds = run.folds(X)
    log_p = run.log_density(X, folds)
    for fold in np.unique(folds):
        train = X[folds != fold]
        log_p[folds == fold] -= _log_gaussian(X[folds == fold], train)
    return run.summary(log_p)


class _Run:
    """The options that all measures share, and what is computed with them."""

    def __init__(self, flow, unit, interval, n_folds, random_state):
        if flow is None:
            flow = GenFlow()
        able = hasattr(flow, "fit") and hasattr(flow, "score_samples")
        if isinstance(flow, type) or not able:
            raise TypeError(
                f"flow must be an estimator with fit and score_samples, such as "
                f"GenFlow(), got {flow!r}."
            )
        if unit not in UNITS:
            raise ValueError(f'unit must be "nats" or "bits", got {unit!r}.')
        if interval is not None and not (
            isinstance(interval, numbers.Real) and 0.0 < float(interval) < 1.0
        ):
            raise ValueError(
                f"interval must be None or a level between 0 and 1, such as 0.95, got "
                f"{interval!r}."
            )
        if (
            not isinstance(n_folds, numbers.Integral)
            or isinstance(n_folds, bool)
            or n_folds < 2
        ):
            raise ValueError(
                f"n_folds must be an integer of at least 2, got {n_folds!r}."
            )
        self.flow, self.unit, self.interval = flow, unit, interval
        self.n_folds = int(n_folds)
        streams = as_generator(random_state).spawn(4)
        self.fold_rng, self.fit_rng, self.tie_rng, self.draw_rng = streams

    def folds(self, X):
        """Return the fold of each row."""
        n = len(X)
        if n < LEAST_FOLD_ROWS * self.n_folds:
            raise ValueError(
                f"X has {n} rows, but n_folds={self.n_folds} needs at least "
                f"{LEAST_FOLD_ROWS * self.n_folds}. Pass more rows or fewer folds."
            )
        if self.interval is not None and n < LEAST_INTERVAL_ROWS:
            raise ValueError(
                f"X has {n} rows, too few for an interval: at least "
                f"{LEAST_INTERVAL_ROWS} are needed. Leave interval=None."
            )
        return self.fold_rng.permutation(n) % self.n_folds

    def fitted(self, X):
        """Return a copy of the flow, fitted on rows."""
        flow = clone(self.flow)
        if "random_state" in flow.get_params(deep=False):
            flow.set_params(random_state=draw_seed(self.fit_rng))
        return flow.fit(X)

    def log_density(self, X, folds):
        """Return the log density of each row by a flow of the other folds."""
        log_p = np.empty(len(X))
        for fold in range(self.n_folds):
            flow = self.fitted(X[folds != fold])
            log_p[folds == fold] = flow.score_samples(X[folds == fold])
        return log_p

    def dependence(self, parts, terms):
        """Return each row's signed sum of dependences.

        ``parts`` are sets of columns; ``terms`` are tuples of a sign and the parts
        between all of whose columns the total correlation is taken.
        """
        ranks = [rankdata(part, axis=0) for part in parts]
        _check_copies(np.hstack(ranks))
        scores = [_normal_scores(r, self.tie_rng) for r in ranks]
        folds = self.folds(parts[0])
        total = np.zeros(len(folds))
        for sign, *chosen in terms:
            Z = np.hstack([scores[i] for i in chosen])
            # One column has no dependence, and needs no flow to say so.
            if Z.shape[1] > 1:
                total += sign * (self.log_density(Z, folds) - log_standard_normal(Z))
        return total

    def summary(self, contributions):
        """Return the mean of the rows' contributions, with an interval if asked."""
        contributions = contributions * UNITS[self.unit]
        value = float(contributions.mean())
        if self.interval is None:
            return value
        n, tail = len(contributions), 50.0 * (1.0 - float(self.interval))
        means = [
            contributions[self.draw_rng.integers(0, n, n)].mean()
            for _ in range(N_DRAWS)
        ]
        low, high = np.percentile(means, [tail, 100.0 - tail])
        return Interval(value, float(low), float(high))


def _normal_scores(ranks, rng):
    """Return the normal scores of average ranks, ties in random order."""
    n = len(ranks)
    order = np.argsort(rng.random(ranks.shape), axis=0)
    shuffled = np.take_along_axis(ranks, order, axis=0)
    places = np.argsort(shuffled, axis=0, kind="stable")
    rows = np.take_along_axis(order, places, axis=0)
    scores = np.empty(ranks.shape)
    levels = ndtri((np.arange(n) + 0.5) / n)[:, None]
    np.put_along_axis(scores, rows, np.broadcast_to(levels, ranks.shape), axis=0)
    return scores


def _log_gaussian(X, train):
    """Return the log density of rows under the Gaussian of training rows."""
    shift, scale = train.mean(axis=0), train.std(axis=0)
    covariance = np.atleast_2d(np.cov((train - shift) / scale, rowvar=False))
    try:
        L = np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError as exc:
        raise ValueError(
            "The columns of X are linearly dependent: no Gaussian has a density "
            "there. Drop columns that are sums of others, or pass more rows."
        ) from exc
    Z = np.linalg.solve(L, ((X - shift) / scale).T).T
    log_det = np.log(np.diag(L)).sum() + np.log(scale).sum()
    return log_standard_normal(Z) - log_det


def _check_rows(X, name):
    X = np.asarray(X)
    if X.ndim == 1:
        X = X[:, None]
    return check_array(X, dtype=np.float64, input_name=name)


def _check_same_rows(**parts):
    """Return sets of columns of the same rows, validated."""
    checked = {name: _check_rows(part, name) for name, part in parts.items()}
    sizes = {name: len(part) for name, part in checked.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(
            f"All must be columns of the same rows, but have different lengths: "
            f"{sizes}. For two samples use kl_divergence."
        )
    return list(checked.values())


def _check_density(X, name, caller):
    """Return validated rows, if every column can have a density."""
    X = _check_rows(X, name)
    # Spread ties are how flows give a density to what has none.
    spread = (spread_ties(X, as_generator(0)) != X).any(axis=0)
    spread |= X.min(axis=0) == X.max(axis=0)
    if spread.any():
        raise ValueError(
            f"Column {int(np.argmax(spread))} of {name} holds one value in a large "
            f"share of its rows: it has no density, and {caller} is not defined. "
            f"Drop the column; the dependence of discrete columns is measured by "
            f"total_correlation and mutual_information."
        )
    return X


def _check_copies(ranks):
    """Refuse continuous columns that are monotone maps of one another."""
    n = len(ranks)
    seen = {}
    for column, rank in enumerate(ranks.T):
        if len(np.unique(rank)) <= n // 2:
            continue  # discrete: what it shares with its copy is finite
        first = seen.setdefault(rank.tobytes(), column)
        seen.setdefault((n + 1.0 - rank).tobytes(), column)
        if first != column:
            raise ValueError(
                f"Columns {first} and {column}, counted over all arguments in order, "
                f"are monotone maps of one another: their dependence is infinite. "
                f"Drop one of them."
            )
