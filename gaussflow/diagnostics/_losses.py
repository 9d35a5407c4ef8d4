"""Cross-fitted log-ratios of rows to N(0, I): of each column, and of what is left."""

import numpy as np

from gaussflow._common.normal import log_standard_normal
from gaussflow._common.seeds import draw_seed
from gaussflow.layers.linear import Linear
from gaussflow.marginals import get_marginal
from gaussflow.marginals.counts import Counts, Grid

#: Folds of the cross-fitting: time against the rows that each density is fitted to.
N_FOLDS = 4
#: Share of N(0, I) in every estimate: it bounds what a row far outside can cost, to
#: 4.6 nats more than N(0, I) has it. Chosen by hand.
NORMAL_SHARE = 0.01
#: Iterations that look for what a flow has left: time against what is overlooked.
#: Chosen by hand.
SEARCH_ITERATIONS = 20


def fold_of_rows(n_rows, rng, n_folds=N_FOLDS):
    """Return a random fold for each row, all of about one size."""
    return rng.permutation(n_rows) % n_folds


def marginal_ratios(Z, folds):
    """Return log q_k(z) - log N(z) of every row and column, cross-fitted.

    The densities q_k are those of ``marginal="auto"``, fitted to the other folds.
    Their mean is each column's loss, too low by what the estimate misses: next to
    nothing where the column is normal already.
    """
    Z = np.asarray(Z, dtype=np.float64)
    ratios = np.empty(Z.shape)
    for fold in np.unique(folds):
        chosen = folds == fold
        train = Z[~chosen]
        counts = Counts(Grid.around(train)).add(train)
        maps = get_marginal("auto").fit(counts)
        Y = np.ascontiguousarray(Z[chosen])
        for k in range(Z.shape[1]):
            before = Y[:, [k]]
            log_slope = np.zeros(len(Y))
            after = maps.select([k]).forward_and_log_det(before.copy(), log_slope)
            moved = log_standard_normal(after) + log_slope
            ratios[chosen, k] = moved - log_standard_normal(before)
    return _shrunk(ratios)


class _Search(Linear):
    """Gated iterations alone: what is about standard stays in its units."""

    def _enter(self, X, log_det, rng):
        return None


def remaining_ratios(Z, rng):
    """Return the log-ratios to N(0, I) that gated iterations still find, cross-fitted.

    Two halves: rotations and maps are fitted to one and judged on the other.
    Their mean is a lower bound of the loss that is left, apart from noise.
    """
    folds = fold_of_rows(len(Z), rng, 2)
    ratios = np.empty(len(Z))
    for fold in range(2):
        chosen = folds == fold
        search = _Search(SEARCH_ITERATIONS, random_state=draw_seed(rng))
        search.fit(Z[~chosen])
        ratios[chosen] = search.score_samples(Z[chosen])
    return _shrunk(ratios - log_standard_normal(Z))


def _shrunk(ratios):
    """Return the log-ratios of estimates that are mixed with N(0, I)."""
    return np.logaddexp(ratios + np.log1p(-NORMAL_SHARE), np.log(NORMAL_SHARE))
