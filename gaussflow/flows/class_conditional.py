"""ClassConditionalFlow: one flow per class, to draw by label and to classify."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from gaussflow._common.checks import Integer, keep_params
from gaussflow._common.labels import label_codes
from gaussflow._common.normal import log_standard_normal
from gaussflow._common.seeds import as_generator, seeded_clone
from gaussflow.flows.genflow import GenFlow
from gaussflow.flows.meta import FLOATS, MetaEstimator, sample_mixture
from gaussflow.marginals.ties import spread_ties
from gaussflow.persistence.shapes import COLUMNS, Array, Items, Part
from gaussflow.persistence.state import Persistent, check_that


class ClassConditionalFlow(MetaEstimator, ClassifierMixin, Persistent, BaseEstimator):
    """Model the rows of each class by a flow: draw by label, classify by Bayes' rule.

    Every class k has a density p(x | k) of its own, an exact one, and a share
    p(k). Rows are drawn by label from the first; Bayes' rule on both, p(k | x)
    proportional to p(k) p(x | k), classifies rows, and their sum over the classes
    is the density of a row whose label is unknown.

    Parameters
    ----------
    flow : GenFlow, Layer or None, default=None
        Copied and fitted to each class; None takes ``GenFlow()``. Its
        ``random_state`` is replaced by a seed of each class's own.
        ``GenFlow([Elliptical()])`` is cheap, and near to quadratic discriminant
        analysis.
    shared : GenFlow, Layer or None, default=None
        Fitted once to the rows of all classes, whose flows then see what it makes
        of the rows: p(x | k) = p(shared(x) | k) |det shared'(x)|. For images
        :class:`~gaussflow.layers.Dequantize`, or a GenFlow that begins with it.
    priors : array-like of shape (n_classes,) or None, default=None
        Shares p(k), in the order of ``classes_``; None takes those in y.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    class_prior_ : ndarray of shape (n_classes,)
        p(k).
    flows_ : list of GenFlow or Layer
        The fitted flow of each class.
    shared_ : GenFlow, Layer or None
        The fitted shared part.

    Notes
    -----
    Densities of different classes are compared, so they must be taken in the same
    units. A value that many rows share, such as a 0, has no density; it is spread a
    little before any flow sees it, as wide in every class. Images and counts are
    served better by a first layer :class:`~gaussflow.layers.Dequantize`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from gaussflow import ClassConditionalFlow, GenFlow
    >>> from gaussflow.layers import Elliptical
    >>> X, y = load_iris(return_X_y=True)
    >>> flow = GenFlow([Elliptical()])
    >>> model = ClassConditionalFlow(flow, random_state=0).fit(X[::2], y[::2])
    >>> model.score(X[1::2], y[1::2]) > 0.9
    True
    >>> rows, labels = model.sample(3, labels=[0, 2, 2], random_state=0)
    >>> rows.shape, labels
    ((3, 4), array([0, 2, 2]))
    """

    def __init__(
        self, flow=None, *, shared=None, priors=None, n_jobs=None, random_state=None
    ):
        keep_params(locals())

    _fitted = "flows_"

    def fit(self, X, y):
        """Fit a flow to the rows of each class.

        Parameters
        ----------
        y : array-like of shape (n_samples,)
            Their labels, of any type that can be sorted: at least 2 rows of each.
        """
        self._begin_fit()
        flow = self._template("flow", GenFlow())
        template = self._template("shared", None)
        # What a flow would refuse when fitted is refused before work begins.
        for one in (flow, template):
            if one is not None:
                one.check_settings()
        X, y = validate_data(self, X, y, dtype=FLOATS, ensure_min_samples=2)
        classes, codes = _classes_of(y)
        prior = self._check_prior(classes, codes)
        rng = as_generator(self.random_state)
        ties_rng, shared_rng, *rngs = rng.spawn(2 + len(classes))
        if (flow if template is None else template).spreads_ties:
            X = spread_ties(X, ties_rng)
        shared = None
        if template is not None:
            shared = seeded_clone(template, shared_rng, self.n_jobs).fit(X)
            X = shared.transform(X)
        flows = [
            seeded_clone(flow, one, self.n_jobs).fit(X[codes == code])
            for code, one in enumerate(rngs)
        ]
        self.classes_, self.class_prior_ = classes, prior
        self.shared_, self.flows_ = shared, flows
        return self

    def score_samples(self, X, y=None):
        """Return the natural-log density of each row, in the units of X.

        Parameters
        ----------
        y : array-like of shape (n_samples,), or one label, or None, default=None
            With labels the density is log p(x | y); None sums over the classes by
            their shares: log p(x).
        """
        if y is None:
            return np.logaddexp.reduce(self.predict_joint_log_proba(X), axis=1)
        X = self._validate(X)
        codes = label_codes(y, self.classes_, len(X), name="y")
        Z, log_density = self._share(X)
        for code in np.unique(codes):
            rows = codes == code
            log_density[rows] += _log_density(self.flows_[code], Z[rows])
        return log_density

    def sample(self, n_samples=1, *, labels=None, random_state=None):
        """Draw new rows, of given labels or of labels drawn by their shares.

        Parameters
        ----------
        labels : array-like of shape (n_samples,), or one label, or None, default=None
            Labels of the rows; one stands for all. None draws them by
            ``class_prior_``.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            New rows in the units of the training data.
        y : ndarray of shape (n_samples,)
            Their labels.
        """
        check_is_fitted(self)
        Integer(1).check("n_samples", n_samples)
        label_rng, *rngs = as_generator(random_state).spawn(1 + len(self.classes_))
        if labels is None:
            codes = label_rng.choice(len(self.classes_), n_samples, p=self.class_prior_)
        else:
            codes = label_codes(labels, self.classes_, n_samples)
        X = sample_mixture(self.flows_, codes, rngs)
        if self.shared_ is not None:
            X = self.shared_.inverse_transform(X)
        return X, self.classes_[codes]

    def predict_joint_log_proba(self, X):
        """Return log p(x, y) = log p(y) + log p(x | y) of each row and class.

        Returns
        -------
        joint : ndarray of shape (n_samples, n_classes)
            In nats, in the order of ``classes_``.
        """
        Z, log_det = self._share(self._validate(X))
        joint = np.column_stack([_log_density(flow, Z) for flow in self.flows_])
        return joint + log_det[:, None] + self._log_prior

    def predict_log_proba(self, X):
        """Return the logarithm of the probability of each class.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        joint = self.predict_joint_log_proba(X)
        total = np.logaddexp.reduce(joint, axis=1)
        # So far out that all densities are below the smallest number: the row
        # tells nothing that can be compared, and the shares remain.
        lost = np.isneginf(total)
        joint[lost], total[lost] = self._log_prior, 0.0
        return joint - total[:, None]

    def predict_proba(self, X):
        """Return the probability of each class, by Bayes' rule.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        return np.exp(self.predict_log_proba(X))

    def predict(self, X):
        """Return the likeliest class of each row.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
        """
        codes = self.predict_log_proba(X).argmax(axis=1)
        return self.classes_[codes]

    def _check_prior(self, classes, codes):
        counts = np.bincount(codes)
        if counts.min() < 2:
            label = classes.tolist()[int(counts.argmin())]
            raise ValueError(
                f"y holds the class {label!r} in one row only, and the flow of a class "
                f"needs at least 2. Drop that row, or merge the class with another."
            )
        if self.priors is None:
            return counts / len(codes)
        try:
            prior = np.array(self.priors, dtype=np.float64)
        except (TypeError, ValueError) as exc:
            raise ValueError(
                f"priors must be None or an array of numbers, in the order of the "
                f"classes {classes}, got {self.priors!r}."
            ) from exc
        if prior.shape != counts.shape:
            raise ValueError(
                f"priors has shape {prior.shape}, but y holds {len(classes)} classes: "
                f"{classes}. Pass one share for each, in this order."
            )
        if not (prior >= 0.0).all() or not np.isclose(prior.sum(), 1.0):
            raise ValueError(
                f"priors must be shares of at least 0 that sum to 1, got "
                f"{self.priors!r}."
            )
        return prior / prior.sum()

    def _validate(self, X):
        X = super()._validate(X)
        first = self.flows_[0] if self.shared_ is None else self.shared_
        first._check_magnitudes(X, fitting=False)
        return X

    def _share(self, X):
        """Return what the flows see of validated rows, and its log-determinant."""
        if self.shared_ is None:
            return X, np.zeros(len(X))
        Z, log_det = _forward(self.shared_, X)
        lost = ~(np.isfinite(log_det) & np.isfinite(Z).all(axis=1))
        Z[lost], log_det[lost] = 0.0, -np.inf
        return Z, log_det

    @property
    def _log_prior(self):
        with np.errstate(divide="ignore"):  # a share of 0
            return np.log(self.class_prior_)

    _state = {
        **COLUMNS,
        "classes_": Array("biufUSOMm", "classes", within=None),
        "class_prior_": Array("f", "classes", within="[0, 1]"),
        "shared_": Part("Layer", None),
        "flows_": Items(Part("Layer"), "classes"),
    }

    def _check_state(self):
        """Refuse a saved state whose parts do not fit each other."""
        if self.__sklearn_is_fitted__():
            check_that(self, self.flows_, "there are no flows")
            whole = np.isclose(self.class_prior_.sum(), 1.0)
            check_that(self, whole, "the shares must sum to 1")
            shared = [] if self.shared_ is None else [self.shared_]
            self._check_flows([*self.flows_, *shared])


def _classes_of(y):
    """Return the sorted classes, and the number of each row's class."""
    try:
        check_classification_targets(y)
        return np.unique(y, return_inverse=True)
    except TypeError as exc:
        kinds = sorted({type(label).__name__ for label in y})
        raise ValueError(
            f"y mixes labels of the types {', '.join(kinds)}, which cannot be sorted. "
            f"Make them all of one type."
        ) from exc


def _log_density(flow, X):
    """Return log p(x) of each row, -inf where it is too small to be held."""
    Z, log_det = _forward(flow, X)
    log_density = log_standard_normal(Z) + log_det
    return np.where(np.isnan(log_density), -np.inf, log_density)


def _forward(layer, X):
    """Return latent rows and log-determinants; not finite where they overflow.

    Only rows that are absurdly far out do: their density is 0 in floating point.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return layer._run_blocks(layer.forward_and_log_det, X)
