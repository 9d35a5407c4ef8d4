"""How sure a score is: standard errors, analytic or by bootstrap."""

from typing import NamedTuple

import numpy as np
from sklearn.metrics import roc_auc_score

from gaussflow._common.seeds import as_generator


class Estimate(NamedTuple):
    """A score and its standard error."""

    value: float
    error: float


class Attack(NamedTuple):
    """How well an attack's scores tell members from outsiders.

    ``auc`` is 0.5 for a blind guess; ``tpr`` is the share of members found where
    10 % of the outsiders are taken for members, 0.1 for a blind guess.
    """

    auc: float
    auc_error: float
    tpr: float
    tpr_error: float


def auc_standard_error(auc, n_real, n_synthetic):
    """Return the standard error of an area under the ROC curve.

    Hanley and McNeil, 1982, "The meaning and use of the area under a ROC curve".
    """
    q1, q2 = auc / (2.0 - auc), 2.0 * auc**2 / (1.0 + auc)
    variance = auc * (1.0 - auc)
    variance += (n_real - 1) * (q1 - auc**2) + (n_synthetic - 1) * (q2 - auc**2)
    return float(np.sqrt(max(variance, 0.0) / (n_real * n_synthetic)))


def attack_power(members, outsiders, false_positives=0.1):
    """Return how well scores tell members from outsiders, as an Attack.

    The attack's score of a row is higher for supposed members, and may be infinite;
    ``false_positives`` is the share of outsiders taken for members at the threshold of
    ``tpr``.

    Examples
    --------
    >>> from gaussflow.metrics.tables.intervals import attack_power
    >>> attack_power([3.0, 4.0], [1.0, 2.0]).auc
    1.0
    """
    members, outsiders = np.asarray(members, float), np.asarray(outsiders, float)
    n, m = len(members), len(outsiders)
    scores = np.concatenate([members, outsiders])
    # The curve depends on ranks only, and infinite scores are refused there.
    ranks = np.unique(scores, return_inverse=True)[1].ravel()
    auc = float(roc_auc_score(np.repeat([1, 0], [n, m]), ranks))
    threshold = np.quantile(ranks[n:], 1.0 - false_positives)
    tpr = float(np.mean(ranks[:n] > threshold))
    error = np.sqrt(tpr * (1 - tpr) / n + false_positives * (1 - false_positives) / m)
    return Attack(auc, auc_standard_error(auc, n, m), tpr, float(error))


def mean_attack(attacks):
    """Return the mean of attacks on the same rows; their errors do not shrink."""
    return Attack(*(float(v) for v in np.mean(attacks, axis=0)))


def bootstrap_error(statistic, n, *, n_draws=200, rng=0):
    """Return the standard error of a statistic over rows drawn with replacement.

    The statistic takes the indices of the rows drawn, ``n`` of them, and returns a
    float.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.metrics.tables.intervals import bootstrap_error
    >>> x = np.random.default_rng(0).standard_normal(400)
    >>> round(bootstrap_error(lambda rows: x[rows].mean(), 400), 2)
    0.05
    """
    rng = as_generator(rng)
    values = [statistic(rng.integers(0, n, n)) for _ in range(n_draws)]
    return float(np.nanstd(values))


def jackknife_error(statistic, *sizes, n_groups=10, rng=0):
    """Return the standard error of a statistic by leaving out groups of rows.

    Cheaper than a bootstrap, and without its repeated rows, which bend distances
    between samples. Of samples of some ``sizes``, one group of ``n_groups`` is left out
    at a time; the statistic takes the indices kept of each and returns a float.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.metrics.tables.intervals import jackknife_error
    >>> x = np.random.default_rng(0).standard_normal(400)
    >>> round(jackknife_error(lambda rows: x[rows].mean(), 400, n_groups=50), 2)
    0.05
    """
    rng = as_generator(rng)
    groups = [rng.permutation(n) % n_groups for n in sizes]
    values = [
        statistic(*(np.flatnonzero(g != left_out) for g in groups))
        for left_out in range(n_groups)
    ]
    return float(np.sqrt((n_groups - 1) * np.nanvar(values)))
