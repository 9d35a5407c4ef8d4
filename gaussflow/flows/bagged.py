"""BaggedGenFlow: the mean density of flows fitted with other seeds and rows."""

import numpy as np
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from gaussflow._common.blocks import run_threads
from gaussflow._common.checks import Integer, Number, keep_params
from gaussflow._common.seeds import as_generator, seeded_clone
from gaussflow.flows.genflow import GenFlow
from gaussflow.flows.meta import FLOATS, MetaEstimator, log_density, sample_mixture
from gaussflow.persistence.shapes import COLUMNS, Items, Part
from gaussflow.persistence.state import Persistent, check_that


class BaggedGenFlow(MetaEstimator, DensityMixin, Persistent, BaseEstimator):
    """Average the densities of several flows, each with a seed and rows of its own.

    What a flow makes of few rows depends on the rotations it happens to draw and on
    the rows it happens to see. The mean of several densities is a density again, and
    by Jensen's inequality its log-likelihood is at least the flows' mean, on any rows:
    how much more is what their disagreement costs a single flow.

    Parameters
    ----------
    estimator : GenFlow, Layer or None, default=None
        Copied for each member; None takes ``GenFlow()``. Its ``random_state`` is
        replaced by a seed of each member's own.
    n_estimators : int, default=8
        Number of flows.
    max_samples : float, default=1.0
        Share of the rows that each member sees, above 0 and at most 1, drawn without
        replacement.
    n_jobs : int or None, default=None
        Threads over the members. Results do not depend on it.

    Attributes
    ----------
    estimators_ : list of GenFlow or Layer
        The fitted members.

    Notes
    -----
    On breast cancer (five folds of 455 training rows, 30 columns) eight flows reach 6.9
    nats a row where a single one has 6.1. Members that see all rows and differ by their
    seeds did best there: on one fold 8.3 nats, from 7.3 of its members, against 7.8
    with shares of 0.9 or 0.8. Rows are not drawn with replacement, as bagging does it:
    members fell to -44 nats and their mean to -26, because rows drawn twice pass for
    atoms.

    A mean of densities has no map to noise, so there is no ``transform``: the members
    in ``estimators_`` have one each.

    References
    ----------
    L. Breiman (1996), "Bagging predictors". P. Smyth, D. Wolpert (1999), "Linearly
    combining density estimators via stacking".

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from gaussflow import BaggedGenFlow, GenFlow
    >>> from gaussflow.layers import Linear
    >>> X = load_iris().data
    >>> flow = GenFlow([Linear(n_iter=5)])
    >>> bag = BaggedGenFlow(flow, n_estimators=3, random_state=0).fit(X[::2])
    >>> each = [member.score(X[1::2]) for member in bag.estimators_]
    >>> bag.score(X[1::2]) > sum(each) / 3
    True
    >>> bag.sample(2, random_state=0).shape
    (2, 4)
    """

    def __init__(
        self,
        estimator=None,
        n_estimators=8,
        *,
        max_samples=1.0,
        n_jobs=None,
        random_state=None,
    ):
        keep_params(locals())

    _fitted = "estimators_"
    _rules = {"n_estimators": Integer(1), "max_samples": Number("(0, 1]")}

    def fit(self, X, y=None):
        """Fit every member to its rows."""
        self._begin_fit()
        template = self._template("estimator", GenFlow())
        X = validate_data(self, X, dtype=FLOATS, ensure_min_samples=2)
        n_rows = max(round(float(self.max_samples) * len(X)), 2)

        def fit_one(rng):
            rows_rng, seed_rng = rng.spawn(2)
            member = seeded_clone(template, seed_rng)
            # Never with replacement: a row drawn twice looks like an atom of the
            # data, and in the held-out part of a split like evidence for it.
            chosen = rows_rng.permutation(len(X))[:n_rows]
            return member.fit(X[np.sort(chosen)])

        rngs = as_generator(self.random_state).spawn(int(self.n_estimators))
        self.estimators_ = run_threads(fit_one, rngs, self.n_jobs)
        return self

    def score_samples(self, X):
        """Return the natural log of the members' mean density at each row."""
        X = self._validate(X)
        parts = run_threads(
            lambda member: log_density(member, X), self.estimators_, self.n_jobs
        )
        return np.logaddexp.reduce(parts, axis=0) - np.log(len(parts))

    def score(self, X, y=None):
        """Return the mean log density of X, in nats a row."""
        return float(np.mean(self.score_samples(X)))

    def sample(self, n_samples=1, *, random_state=None):
        """Draw new rows, each from a member drawn at random."""
        check_is_fitted(self)
        Integer(1).check("n_samples", n_samples)
        member_rng, *rngs = as_generator(random_state).spawn(1 + len(self.estimators_))
        drawn = member_rng.integers(len(self.estimators_), size=n_samples)
        return sample_mixture(self.estimators_, drawn, rngs, self.n_jobs)

    _state = {**COLUMNS, "estimators_": Items(Part("Layer"))}

    def _check_state(self):
        if self.__sklearn_is_fitted__():
            check_that(self, self.estimators_, "there are no members")
            self._check_flows(self.estimators_)
