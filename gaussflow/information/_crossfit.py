"""Flows fitted on some rows and judged on others."""

import numpy as np
from scipy.stats import rankdata
from sklearn.base import clone

from gaussflow._checks import check_integer
from gaussflow._random import as_generator, draw_seed
from gaussflow.flow import GenFlow
from gaussflow.information._checks import check_copies
from gaussflow.information._interval import (
    check_interval_rows,
    check_summary,
    summary,
)
from gaussflow.information._scores import normal_scores
from gaussflow.layers.base import log_standard_normal

#: Least rows of a fold.
LEAST_FOLD_ROWS = 4


class CrossFit:
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
        check_summary(unit, interval)
        self.flow, self.unit, self.interval = flow, unit, interval
        self.n_folds = check_integer("n_folds", n_folds, 2)
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
        if self.interval is not None:
            check_interval_rows(n, "X")
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
        check_copies(np.hstack(ranks))
        scores = [normal_scores(r, self.tie_rng) for r in ranks]
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
        return summary(contributions, self.unit, self.interval, self.draw_rng)
