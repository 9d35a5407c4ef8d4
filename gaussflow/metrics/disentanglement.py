"""Scores of whether the units of a code stand for the factors behind the data.

There is no single answer: papers define disentanglement in ways that disagree,
so two of the best known are offered, and neither is "the" score.
"""

import numpy as np

from gaussflow._common.checks import check_integer
from gaussflow._common.seeds import as_generator, draw_seed
from gaussflow.metrics._rows import check_paired, check_rows

#: A factor of at most so many values is discrete: as many as the default bins of a
#: code, chosen by hand.
MAX_LEVELS = 20


def mutual_information_gap(codes, factors, *, n_bins=20, per_factor=False):
    """Return the mutual information gap (MIG).

    For each factor: how much more of it the unit that knows most of it knows than
    the runner-up, as a share of the factor's entropy; the mean over the factors.
    Codes, and factors of more than 20 values, are cut in bins of equal width.

    Parameters
    ----------
    codes : array-like of shape (n_samples, n_units)
        Mean codes.
    factors : array-like of shape (n_samples, n_factors)
        What generated the rows.
    n_bins : int, default=20
        Bins of a continuous column.
    per_factor : bool, default=False
        Return each factor's gap.

    Returns
    -------
    gap : float or ndarray of shape (n_factors,)
        From 0 to 1; 1 where each factor is known by one unit alone, and wholly.

    References
    ----------
    R. Chen, X. Li, R. Grosse and D. Duvenaud (2018), "Isolating sources of
    disentanglement in variational autoencoders", eq. 6.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.metrics import mutual_information_gap
    >>> factors = np.random.default_rng(0).integers(3, size=(1000, 2))
    >>> round(mutual_information_gap(factors.astype(float), factors), 1)
    1.0
    """
    codes, factors = _check(codes, factors, 2)
    check_integer("n_bins", n_bins, 2)
    binned = [_bins(column, n_bins) for column in codes.T]
    gaps = []
    for column in factors.T:
        factor = _levels(column, n_bins)
        known = sorted(_mutual_information(unit, factor) for unit in binned)
        gaps.append((known[-1] - known[-2]) / _entropy(np.bincount(factor)))
    return np.array(gaps) if per_factor else float(np.mean(gaps))


def dci(codes, factors, *, n_estimators=50, random_state=None):
    """Return disentanglement, completeness and informativeness (DCI).

    A random forest predicts each factor from the codes; its importances say
    which unit is used for which factor. A unit is disentangled where it serves
    one factor, a factor complete where one unit serves it, and informativeness
    is how well held-out factors are predicted.

    Parameters
    ----------
    codes : array-like of shape (n_samples, n_units)
        Mean codes.
    factors : array-like of shape (n_samples, n_factors)
        What generated the rows; of at most 20 values a factor is discrete.
    n_estimators : int, default=50
        Trees of each forest.
    random_state : int, RandomState, Generator or None, default=None
        Same seed, same scores.

    Returns
    -------
    scores : dict of str to float
        "disentanglement" and "completeness" from 0 to 1, weighted by importance;
        "informativeness": the mean accuracy, or R^2 where a factor is continuous,
        on a quarter of the rows.

    References
    ----------
    C. Eastwood and C. K. I. Williams (2018), "A framework for the quantitative
    evaluation of disentangled representations".

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.metrics import dci
    >>> factors = np.random.default_rng(0).random((400, 2))
    >>> scores = dci(factors, factors, random_state=0)
    >>> min(scores.values()) > 0.95
    True
    """
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from sklearn.model_selection import train_test_split

    codes, factors = _check(codes, factors, 8)
    check_integer("n_estimators", n_estimators, 1)
    rng = as_generator(random_state)
    rows, held_out = train_test_split(
        np.arange(len(codes)), test_size=0.25, random_state=draw_seed(rng)
    )
    importances, scores = [], []
    for column in factors.T:
        discrete = len(np.unique(column)) <= MAX_LEVELS
        cls = RandomForestClassifier if discrete else RandomForestRegressor
        # All columns at each split: else chance gives useless units some importance.
        forest = cls(
            n_estimators,
            max_features=None,
            min_samples_leaf=3,
            random_state=draw_seed(rng),
        )
        forest.fit(codes[rows], column[rows])
        importances.append(forest.feature_importances_)
        scores.append(forest.score(codes[held_out], column[held_out]))
    R = np.transpose(importances)  # (n_units, n_factors)
    return {
        "disentanglement": _weighted_focus(R),
        "completeness": _weighted_focus(R.T),
        "informativeness": float(np.mean(scores)),
    }


def _weighted_focus(R):
    """Return 1 - normalised entropy of the rows, weighted by their sums."""
    if R.shape[1] == 1:
        return 1.0
    totals = R.sum(axis=1)
    used = totals > 0
    P = R[used] / totals[used, np.newaxis]
    entropies = np.array([_entropy(p) for p in P]) / np.log(R.shape[1])
    return float(np.average(1.0 - entropies, weights=totals[used]))


def _entropy(counts):
    p = counts[counts > 0] / counts.sum()
    return -float(np.sum(p * np.log(p)))


def _mutual_information(a, b):
    joint = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(joint, (a, b), 1.0)
    marginals = _entropy(joint.sum(axis=1)) + _entropy(joint.sum(axis=0))
    return marginals - _entropy(joint.ravel())


def _levels(column, n_bins):
    values, numbers = np.unique(column, return_inverse=True)
    return numbers if len(values) <= MAX_LEVELS else _bins(column, n_bins)


def _bins(column, n_bins):
    low, high = column.min(), column.max()
    if low == high:
        return np.zeros(len(column), dtype=int)
    share = (column - low) / (high - low)
    return np.minimum((share * n_bins).astype(int), n_bins - 1)


def _check(codes, factors, min_rows):
    codes = check_rows(codes, "codes", min_rows).astype(np.float64)
    factors = check_rows(factors, "factors", min_rows).astype(np.float64)
    check_paired(codes, factors, ("codes", "factors"))
    if codes.shape[1] < 2:
        raise ValueError("codes has one column: a gap needs at least two units.")
    constant = np.ptp(factors, axis=0) == 0
    if constant.any():
        raise ValueError(
            f"Column {int(np.argmax(constant))} of factors is constant: nothing can be "
            f"known of it. Drop it."
        )
    return codes, factors
