"""The inception score: images of one clear class each, of all classes together."""

import numpy as np
from scipy.special import rel_entr

from gaussflow._common.checks import check_integer
from gaussflow._common.seeds import as_generator
from gaussflow.metrics._rows import check_rows
from gaussflow.metrics.tables.intervals import Estimate


def inception_score(probabilities, *, n_splits=10, return_error=False, random_state=0):
    """Return the inception score of a classifier's class probabilities.

    exp of the mean Kullback-Leibler divergence of each row's class probabilities from
    their mean: from 1 (every row alike) to the number of classes (each row sure, all
    classes as frequent). It says nothing of variety within a class, and nothing of
    the real data: read it beside a distance. The score of another classifier than the
    Inception network is comparable with scores of that same classifier only.

    Parameters
    ----------
    probabilities : array-like of shape (n_samples, n_classes)
        Of generated images; rows sum to 1.
    n_splits : int, default=10
        Parts that the rows are dealt to at random; their scores are averaged.
    return_error : bool, default=False
        Whether to return the standard deviation of the splits' scores as well, as
        papers do.
    random_state : int, RandomState, Generator or None, default=0
        Randomness of the deal.

    Returns
    -------
    score : float or Estimate
        With ``return_error`` a pair (value, error).

    References
    ----------
    T. Salimans, I. Goodfellow, W. Zaremba, V. Cheung, A. Radford and X. Chen (2016),
    "Improved techniques for training GANs", NeurIPS, section 4.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.metrics import inception_score
    >>> round(inception_score(np.eye(5), n_splits=1), 6)
    5.0
    >>> round(inception_score(np.full((20, 5), 0.2), n_splits=1), 6)
    1.0
    """
    P = check_rows(probabilities, "probabilities").astype(np.float64)
    why = " (the number of rows)"
    check_integer("n_splits", n_splits, 1, len(P), why)
    # Probabilities of float32 add up to 1 within about 1e-6 times the classes.
    wrong = np.abs(P.sum(axis=1) - 1.0) > 1e-3
    if wrong.any() or (P < 0.0).any():
        row = int(np.argmax(wrong | (P < 0.0).any(axis=1)))
        raise ValueError(
            f"probabilities: row {row} has negative values or adds up to "
            f"{P[row].sum():.6g}, not 1. Pass class probabilities, such as "
            f"predict_proba returns them, not scores or logarithms."
        )
    P /= P.sum(axis=1, keepdims=True)
    order = as_generator(random_state).permutation(len(P))
    scores = [
        np.exp(rel_entr(part, part.mean(axis=0)).sum(axis=1).mean())
        for part in np.array_split(P[order], n_splits)
    ]
    value = float(np.mean(scores))
    return Estimate(value, float(np.std(scores))) if return_error else value
