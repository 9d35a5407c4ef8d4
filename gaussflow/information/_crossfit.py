"""Flows fitted on some rows and judged on others."""

import numpy as np
from scipy.stats import rankdata

from gaussflow._common.checks import check_integer
from gaussflow._common.seeds import as_generator, seeded_clone
from gaussflow.flows.genflow import GenFlow
from gaussflow.information._checks import check_copies
from gaussflow.information._gaussian import Gaussian
from gaussflow.information._interval import check_interval_rows, check_summary, summary
from gaussflow.information._scores import (
    choose_degrees,
    log_product,
    pass_for_gaussian,
    scores,
    spread_ranks,
)
from gaussflow.layers.base import Layer

#: Least rows of a fold: fewer leave no standard deviation to speak of. By hand.
MIN_FOLD_ROWS = 4


class CrossFit:
    """The options that all measures share, and what is computed with them.

    What rows contribute has shape (2, n_samples): by the flow that did not see the
    row, and, in the mean, by those that did.
    """

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
        if n < MIN_FOLD_ROWS * self.n_folds:
            raise ValueError(
                f"X has {n} rows, but n_folds={self.n_folds} needs at least "
                f"{MIN_FOLD_ROWS * self.n_folds}. Pass more rows or fewer folds."
            )
        if self.interval is not None:
            check_interval_rows(n, "X")
        return self.fold_rng.permutation(n) % self.n_folds

    def fitted(self, X, template=None):
        """Return a copy of the flow, fitted on rows."""
        template = self.flow if template is None else template
        return seeded_clone(template, self.fit_rng).fit(X)

    def log_density(self, X, folds):
        """Return the log density of each row by flows, of shape (2, n_samples)."""
        template = self.flow

        def fit(train):
            nonlocal template
            flow = self.fitted(train, template)
            template = with_layers_of(template, flow)
            return flow.score_samples

        return judge(X, folds, fit)

    def dependence(self, parts, terms):
        """Return each row's signed sum of dependences, of shape (2, n_samples).

        ``parts`` are sets of columns; ``terms`` are tuples of a sign and the parts
        between all of whose columns the total correlation is taken.
        """
        ranks = [rankdata(part, axis=0) for part in parts]
        check_copies(np.hstack(ranks))
        folds = self.folds(parts[0])
        if pass_for_gaussian(np.hstack(parts)):
            products = [_gaussian_product(part, folds) for part in parts]
        else:
            levels = [spread_ranks(r, self.tie_rng) for r in ranks]
            degrees = choose_degrees(np.hstack(levels), self.tie_rng)
            parts = [scores(part, degrees) for part in levels]
            products = [log_product(part, degrees) for part in parts]
        total = np.zeros((2, len(folds)))
        for sign, *chosen in terms:
            Z = np.hstack([parts[i] for i in chosen])
            # One column has no dependence, and needs no flow to say so.
            if Z.shape[1] > 1:
                product = sum(products[i] for i in chosen)
                total += sign * (self.log_density(Z, folds) - product)
        return total

    def summary(self, contributions, influence=None):
        """Return the mean of the rows' contributions, with an interval if asked."""
        return summary(
            contributions, self.unit, self.interval, self.draw_rng, influence
        )


def judge(X, folds, fit):
    """Return each row's value by the fit that left its fold out, and by the others.

    ``fit`` takes rows and returns a function of rows; the values of the fits that
    saw a row are averaged.
    """
    values = np.zeros((2, len(X)))
    names = np.unique(folds)
    for fold in names:
        unseen = folds == fold
        value = fit(X[~unseen])(X)
        values[0, unseen] = value[unseen]
        values[1, ~unseen] += value[~unseen] / (len(names) - 1)
    return values


def _gaussian_product(X, folds):
    """Return the log density of rows of independent Gaussians, judged as flows are."""
    return sum(
        judge(column[:, None], folds, lambda train: Gaussian(train).log_density)
        for column in X.T
    )


def with_layers_of(template, flow):
    """Return a flow that takes what another, fitted, chose as given."""
    return flow.as_chosen() if isinstance(flow, Layer) else template
