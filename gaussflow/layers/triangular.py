"""Triangular layers: Knothe-Rosenblatt maps, one column given those before."""

import numpy as np
from sklearn.base import clone

from gaussflow._common.checks import Choice, Integer, check_params, keep_params
from gaussflow.layers.base import Layer
from gaussflow.mixtures.fit import fit_mixture
from gaussflow.mixtures.search import FAMILIES
from gaussflow.persistence.shapes import Part, Plain


class Triangular(Layer):
    """Carry rows to a standard normal, each column given those before it.

    The conditional laws come from an averaged Gaussian mixture: a few
    mixtures of chosen kinds and sizes, picked together by held-out
    likelihood, and one broad component that weighs as much as one row. Columns
    that prove independent of the others get mixtures of their own. The
    Knothe-Rosenblatt map of that mixture is exact and so is its inverse: this
    one layer turns clusters, curves and heavy tails into noise.

    Parameters
    ----------
    n_components : int or "auto", default="auto"
        Components of each mixture; "auto" chooses by held-out likelihood.
    covariance_type : {"auto", "full", "tied", "diag", "spherical", "scaled"}, \
            default="auto"
        Covariances of the components. The first four are those of
        :class:`sklearn.mixture.GaussianMixture`, on standardised columns;
        "scaled" components share centre and shape and differ in scale, which
        is the law of elliptical data with heavy tails. "auto" chooses among
        them by held-out likelihood.
    n_estimators : int, default=6
        Number of mixtures that are averaged, at least 1.

    Attributes
    ----------
    groups_ : list of ndarray
        Columns that are mapped together. Groups that no test of pairs links
        are mapped each by its own mixtures, where that is at least as likely
        on held-out rows; often there is one group of all columns.
    weights_ : list of ndarray of shape (n_total,)
        For each group, the weights of all components of the average; the
        last one is the broad component.
    means_ : list of ndarray of shape (n_total, n_columns)
        Their means, in the units of X.
    cholesky_ : list of ndarray of shape (n_total, n_columns, n_columns)
        Lower Cholesky factors of their covariances.
    n_components_ : list of int
        Components of each mixture averaged, over all groups.
    covariance_type_ : list of str
        Kind of each mixture averaged; "shrunk" is one Gaussian with the
        Ledoit-Wolf covariance.
    validation_score_ : float
        Mean log-likelihood, in nats and in the units of X, of held-out rows
        under averages fitted without them.
    map_ : GroupedMap
        The fitted map.

    Notes
    -----
    Column j becomes z_j = Phi^-1(sum_k w_k(x_<j) Phi(u_kj)) with
    u_k = L_k^-1 (x - mu_k) and posterior weights w_k. The inverse is a
    bracketed root search per column, exact to float64; log-determinants are
    log p(x) - log N(z).

    References
    ----------
    M. Rosenblatt (1952), "Remarks on a multivariate transformation".
    P. Smyth, D. Wolpert (1999), "Linearly combining density estimators via
    stacking". R. Caruana et al. (2004), "Ensemble selection from libraries
    of models".

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from gaussflow.layers.triangular import Triangular
    >>> X, _ = make_moons(500, noise=0.1, random_state=0)
    >>> layer = Triangular(random_state=0).fit(X)
    >>> Z = layer.transform(X)
    >>> bool(abs(layer.inverse_transform(Z) - X).max() < 1e-8)
    True
    """

    _rules = {
        "n_components": Integer(1, None, "auto"),
        "covariance_type": Choice(("auto", *FAMILIES, "spherical")),
        "n_estimators": Integer(1),
    }

    _state = {
        "map_": Part("GroupedMap"),
        "search_": Plain(),
        "n_components_": Plain(),
        "covariance_type_": Plain(),
        "validation_score_": Plain(),
    }

    def __init__(
        self,
        *,
        n_components="auto",
        covariance_type="auto",
        n_estimators=6,
        n_jobs=None,
        random_state=None,
    ):
        keep_params(locals())

    def fit_forward(self, X, rng, *, monitor=None, start=None):
        check_params(self)
        self.n_features_in_ = X.shape[1]
        _, mixture_rng = rng.spawn(2)
        self.map_, report = fit_mixture(
            X,
            mixture_rng,
            start=None if start is None else start.search_,
            n_components=self.n_components,
            covariance_type=self.covariance_type,
            n_bags=self.n_estimators,
            n_jobs=self.n_jobs,
        )
        self.search_ = report
        self.n_components_ = report["n_components"]
        self.covariance_type_ = report["covariance_type"]
        self.validation_score_ = float(np.mean(report["log_density"]))
        return self.map_.forward_and_log_det(X)

    def cheap_copy(self):
        """Return an unfitted copy whose mixture is not averaged."""
        return clone(self).set_params(n_estimators=1)

    def forget_search(self):
        """Drop the candidates that only another fit could go on from."""
        self.search_ = None

    def forward_and_log_det(self, X):
        return self.map_.forward_and_log_det(X)

    def inverse_and_log_det(self, Z):
        return self.map_.inverse_and_log_det(Z)

    @property
    def groups_(self):
        """Columns of each group."""
        return self.map_.groups

    @property
    def weights_(self):
        """Weights of the components, one array for each group."""
        return [mixture.weights for mixture in self.map_.maps]

    @property
    def means_(self):
        """Means of the components, one array for each group."""
        return [np.ascontiguousarray(mixture.means.T) for mixture in self.map_.maps]

    @property
    def cholesky_(self):
        """Cholesky factors of the covariances, one array for each group."""
        return [mixture.cholesky for mixture in self.map_.maps]
