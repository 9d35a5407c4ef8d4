"""ClusteredFlow: one flow for each cluster of the rows."""

import numbers

import numpy as np
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from gaussflow._random import as_generator, draw_seed
from gaussflow._state import Persistent, check_that
from gaussflow.conditional import ClassConditionalFlow
from gaussflow.persistence import Saved

#: Fewest rows of a cluster; smaller ones go to the next nearest centre.
LEAST_ROWS = 20


class ClusteredFlow(Saved, DensityMixin, Persistent, BaseEstimator):
    """Model rows of several kinds by one flow for each cluster.

    k-means finds the clusters among the first principal components, each gets a flow of
    its own, and p(x) = sum_k p(k) p(x | k) is their mixture: an exact density of any
    row, whichever cluster it would fall into. A flow bends one cloud of noise into
    the data; where the data are several clouds, such as ten digits, it leaves threads
    between them, and flows of one cloud each do not.

    Parameters
    ----------
    flow : GenFlow, Layer or None, default=None
        Copied and fitted to each cluster; None takes ``GenFlow()``.
    n_clusters : int, default=10
        Clusters, at most; fewer where rows are too few for so many.
    n_components : int, default=50
        Principal components that clusters are sought in.
    n_jobs : int or None, default=None
        Threads of each flow whose own ``n_jobs`` is None. Results do not depend
        on it.
    random_state : int, RandomState, Generator or None, default=None
        Same seed, same clusters and flows.

    Attributes
    ----------
    mixture_ : ClassConditionalFlow
        The flows and their shares.
    n_clusters_ : int
        Clusters found.
    n_features_in_ : int
        Columns seen at fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where X had names.

    See Also
    --------
    ClassConditionalFlow : The same with labels that are known.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from gaussflow import ClusteredFlow, GenFlow
    >>> from gaussflow.layers import Elliptical
    >>> X = load_iris().data
    >>> flow = GenFlow([Elliptical()])
    >>> model = ClusteredFlow(flow, n_clusters=2, random_state=0).fit(X)
    >>> bool(model.score(X) > flow.fit(X).score(X))
    True
    >>> model.sample(3, random_state=0).shape
    (3, 4)
    """

    def __init__(
        self,
        flow=None,
        *,
        n_clusters=10,
        n_components=50,
        n_jobs=None,
        random_state=None,
    ):
        self.flow = flow
        self.n_clusters = n_clusters
        self.n_components = n_components
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X, y=None):
        """Find clusters, and fit a flow to each.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows.
        y : None
            Ignored.

        Returns
        -------
        self : ClusteredFlow
        """
        for name in ("n_clusters", "n_components"):
            value = getattr(self, name)
            whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
            if not whole or value < 1:
                raise ValueError(
                    f"{name} must be an integer of at least 1, got {value!r}."
                )
        vars(self).pop("mixture_", None)
        X = validate_data(self, X, dtype=[np.float64, np.float32], ensure_min_samples=2)
        rng = as_generator(self.random_state)
        labels = self._clusters(X, draw_seed(rng))
        self.n_clusters_ = int(labels.max()) + 1
        self.mixture_ = ClassConditionalFlow(
            self.flow, n_jobs=self.n_jobs, random_state=draw_seed(rng)
        ).fit(X, labels)
        return self

    def score_samples(self, X):
        """Return the natural-log density of each row, in the units of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows in the units of the training data.

        Returns
        -------
        log_density : ndarray of shape (n_samples,)
            Log density in nats.
        """
        X = self._validate(X)
        return self.mixture_.score_samples(X)

    def score(self, X, y=None):
        """Return the mean log density of X, in nats a row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows in the units of the training data.
        y : None
            Ignored.

        Returns
        -------
        score : float
            Higher is better.
        """
        return float(np.mean(self.score_samples(X)))

    def predict_proba(self, X):
        """Return the probability that each row was drawn by each cluster's flow.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows in the units of the training data.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_clusters_)
        """
        X = self._validate(X)
        return self.mixture_.predict_proba(X)

    def sample(self, n_samples=1, random_state=None):
        """Draw new rows.

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows, at least 1.
        random_state : int, RandomState, Generator or None, default=None
            Randomness of this draw.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            New rows in the units of the training data.
        """
        check_is_fitted(self)
        return self.mixture_.sample(n_samples, random_state=random_state)[0]

    # -- helpers --------------------------------------------------------------

    def _clusters(self, X, seed):
        """Return the number of each row's cluster, without gaps from 0 on."""
        # Here, since their import takes as long as that of all of gaussflow.
        from sklearn.cluster import MiniBatchKMeans
        from sklearn.decomposition import PCA

        n_clusters = min(int(self.n_clusters), max(len(X) // LEAST_ROWS, 1))
        if n_clusters == 1 or (X == X[0]).all():
            return np.zeros(len(X), dtype=np.intp)
        size = np.abs(X).max()  # not 0, since some rows differ
        n_components = min(int(self.n_components), *X.shape)
        scores = PCA(n_components, svd_solver="covariance_eigh").fit_transform(
            np.asarray(X, dtype=np.float64) / size
        )
        # Equal rows give fewer clusters than asked for.
        n_clusters = min(n_clusters, len(np.unique(scores, axis=0)))
        means = MiniBatchKMeans(
            n_clusters, batch_size=4096, n_init=3, random_state=seed
        ).fit(scores)
        return _nearest(means.transform(scores), min(LEAST_ROWS, len(X)))

    def _validate(self, X):
        check_is_fitted(self)
        return validate_data(self, X, dtype=[np.float64, np.float32], reset=False)

    def __sklearn_is_fitted__(self):
        """Whether the last fit came to its end."""
        return "mixture_" in vars(self)

    def _check_state(self):
        if self.__sklearn_is_fitted__():
            mixture = self.mixture_
            fits = isinstance(mixture, ClassConditionalFlow)
            fits = fits and mixture.__sklearn_is_fitted__()
            check_that(self, fits, "its mixture is no fitted ClassConditionalFlow")
            width = vars(self).get("n_features_in_")
            check_that(self, mixture.n_features_in_ == width, "its mixture's width")


def _nearest(distances, least):
    """Return the nearest centre of each row; those of fewer rows than least drop out.

    Numbers run without gaps from 0 on.
    """
    kept = np.arange(distances.shape[1])
    while True:
        labels = distances[:, kept].argmin(axis=1)
        counts = np.bincount(labels, minlength=len(kept))
        if counts.min() >= least:
            return labels
        kept = np.delete(kept, counts.argmin())
