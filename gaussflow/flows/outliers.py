"""DensityOutlierDetector: rows of low density under a flow are outliers."""

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils.validation import validate_data

from gaussflow._common.checks import Number, keep_params
from gaussflow._common.seeds import as_generator, seeded_clone
from gaussflow.flows.bagged import BaggedGenFlow
from gaussflow.flows.meta import FLOATS, MetaEstimator, log_density
from gaussflow.layers.elliptical import Elliptical
from gaussflow.persistence.shapes import COLUMNS, Part, Plain
from gaussflow.persistence.state import Persistent, check_that

#: contamination="auto": share of the rows drawn from the model itself that it would
#: call outliers, a convention, and how many are drawn: a share of 0.05 is then known
#: within 0.002.
AUTO_SHARE, AUTO_ROWS = 0.05, 10_000


class DensityOutlierDetector(MetaEstimator, OutlierMixin, Persistent, BaseEstimator):
    """Tell outliers by their density under a flow.

    A row is an outlier where the flow's log density of it lies below ``offset_``.
    With ``contamination="auto"`` the offset has a meaning that does not depend on how
    many outliers were among the training rows: 5 % of the rows that the flow itself
    draws lie below it. A number instead sets it so that this share of the training
    rows lies below.

    Parameters
    ----------
    estimator : GenFlow, BaggedGenFlow, Layer or None, default=None
        Copied and fitted; None takes :class:`~gaussflow.layers.Elliptical`, whose
        robust scatter a few outliers do not bend. Its ``random_state`` is replaced.
        A flow that can take any shape, ``GenFlow()``, is for training rows that are
        clean: among others it learns the outliers too.
    contamination : "auto" or float, default="auto"
        Share of outliers among the training rows, above 0 and at most 0.5.

    Attributes
    ----------
    estimator_ : GenFlow, BaggedGenFlow or Layer
        The fitted flow.
    offset_ : float
        Log density, in nats, below which a row is an outlier.

    Notes
    -----
    Low density is one meaning of "outlier": a small, tight cluster of odd rows has a
    high density where the training rows contain enough of it, and a model can bend
    that far. On the shuttle and cover tables, fitted with their anomalies unmarked
    among the rows, the areas under the ROC curve are 0.99 and 0.90 for Elliptical, 0.78
    and 0.57 for GenFlow (``benchmarks/density/outliers.py``).

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow import DensityOutlierDetector
    >>> X = np.random.default_rng(0).standard_normal((500, 2))
    >>> detector = DensityOutlierDetector(random_state=0).fit(X)
    >>> detector.predict([[0.0, 0.0], [6.0, -6.0]])
    array([ 1, -1])
    """

    def __init__(
        self, estimator=None, *, contamination="auto", n_jobs=None, random_state=None
    ):
        keep_params(locals())

    _fitted = "estimator_"
    _rules = {"contamination": Number("(0, 0.5]", "auto")}

    def fit(self, X, y=None):
        """Fit the flow, and set the offset.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows; some may be outliers.
        """
        self._begin_fit()
        template = self._template("estimator", Elliptical(), BaggedGenFlow)
        X = validate_data(self, X, dtype=FLOATS, ensure_min_samples=2)
        fit_rng, draw_rng = as_generator(self.random_state).spawn(2)
        estimator = seeded_clone(template, fit_rng, self.n_jobs).fit(X)
        if self.contamination == "auto":
            rows, share = estimator.sample(AUTO_ROWS, random_state=draw_rng), AUTO_SHARE
        else:
            rows, share = X, float(self.contamination)
        scores = log_density(estimator, rows)
        self.offset_ = float(np.percentile(scores, 100.0 * share))
        self.estimator_ = estimator
        return self

    def score_samples(self, X):
        """Return the log density of each row: the lower, the odder.

        Returns
        -------
        log_density : ndarray of shape (n_samples,)
            In nats; -inf where it is too small to be held.
        """
        X = self._validate(X)
        return log_density(self.estimator_, X)

    def decision_function(self, X):
        """Return by how much each row's log density exceeds the offset.

        Returns
        -------
        decision : ndarray of shape (n_samples,)
            Below 0 for outliers.
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X):
        """Return -1 for outliers and 1 for the other rows.

        Returns
        -------
        labels : ndarray of int of shape (n_samples,)
        """
        return np.where(self.decision_function(X) < 0.0, -1, 1)

    _state = {**COLUMNS, "offset_": Plain(), "estimator_": Part("Layer BaggedGenFlow")}

    def _check_state(self):
        """Refuse a saved state whose flow does not fit the rows."""
        if self.__sklearn_is_fitted__():
            self._check_flows([self.estimator_])
            number = type(self.offset_) is float and not np.isnan(self.offset_)
            check_that(self, number, "there is no offset")
