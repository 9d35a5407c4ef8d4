"""Normal scores of columns, in which dependence is measured."""

import numpy as np
from scipy.special import ndtri


def normal_scores(ranks, rng):
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
