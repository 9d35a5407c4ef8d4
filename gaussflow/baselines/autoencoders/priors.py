"""Distributions of codes, from which a fitted autoencoder draws new ones."""

import warnings

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import logsumexp
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from gaussflow._common.normal import LOG_2PI
from gaussflow._common.seeds import draw_seed
from gaussflow.persistence.shapes import Array, Items, Part
from gaussflow.persistence.state import Persistent, check_that

PRIORS = ("standard", "gaussian", "gmm", "gaussianization")

#: Codes that a prior is fitted on at most: more change it little.
MAX_ROWS = 20_000
#: Added to the variances of the codes' Gaussians, as a share of the largest.
RIDGE = 1e-6


class MixturePrior(Persistent):
    """A mixture of Gaussians; of one component, also a plain Gaussian.

    ``factors``, (n_components, n_features, n_features), are the covariances' lower
    Cholesky factors.
    """

    _state = {
        "weights": Array("f", "components", within="[0, 1]"),
        "means": Array("f", "components", "codes"),
        "factors": Array("f", "components", "codes", "codes"),
    }

    def _check_state(self):
        whole = np.isclose(self.weights.sum(), 1.0)
        diagonals = np.diagonal(self.factors, axis1=1, axis2=2)
        check_that(self, whole and (diagonals > 0.0).all(), "it is no density")

    def __init__(self, weights, means, factors):
        self.weights = weights
        self.means = means
        self.factors = factors

    def sample(self, n_samples, rng):
        """Return codes drawn by the Generator."""
        chosen = rng.choice(len(self.weights), size=n_samples, p=self.weights)
        noise = rng.standard_normal((n_samples, self.means.shape[1]))
        Z = np.empty_like(noise)
        for k in np.unique(chosen):
            rows = chosen == k
            Z[rows] = self.means[k] + noise[rows] @ self.factors[k].T
        return Z

    def score_samples(self, Z):
        """Return the log density of each code, in nats."""
        Z = np.asarray(Z, dtype=np.float64)
        logs = np.empty((len(self.weights), len(Z)))
        parts = zip(self.weights, self.means, self.factors, strict=True)
        for k, (weight, mean, factor) in enumerate(parts):
            white = solve_triangular(factor, (Z - mean).T, lower=True)
            logs[k] = np.log(weight) - np.log(np.diag(factor)).sum()
            logs[k] -= 0.5 * ((white**2).sum(axis=0) + Z.shape[1] * LOG_2PI)
        return logsumexp(logs, axis=0)


class ModelPrior(Persistent):
    """A fitted density estimator of the codes, such as a GenFlow.

    It has ``sample(n_samples, random_state)`` and ``score_samples``.
    """

    _state = {"model": Part("Layer BaggedGenFlow")}

    def __init__(self, model):
        self.model = model

    def sample(self, n_samples, rng):
        """Return codes drawn by the Generator."""
        return self.model.sample(n_samples, random_state=rng)

    def score_samples(self, Z):
        """Return the log density of each code, in nats."""
        return self.model.score_samples(np.asarray(Z, dtype=np.float64))


class LabelledPrior(Persistent):
    """A MixturePrior or ModelPrior for each label, by its number."""

    _state = {"priors": Items(Part("MixturePrior ModelPrior"))}

    def __init__(self, priors):
        self.priors = priors

    def sample(self, labels, rng):
        """Return a code for each label number, drawn by the Generator."""
        labels = np.asarray(labels)
        drawn = {
            c: self.priors[c].sample(np.sum(labels == c), rng)
            for c in np.unique(labels)
        }
        Z = np.empty((len(labels), next(iter(drawn.values())).shape[1]))
        for c, codes in drawn.items():
            Z[labels == c] = codes
        return Z

    def score_samples(self, Z, labels):
        """Return the log density of each code given its label number, in nats."""
        out = np.empty(len(Z))
        for c in np.unique(labels):
            out[labels == c] = self.priors[c].score_samples(Z[labels == c])
        return out


def standard_prior(n_features):
    """Return N(0, I)."""
    return MixturePrior(
        np.ones(1), np.zeros((1, n_features)), np.eye(n_features)[np.newaxis]
    )


def fit_prior(prior, Z, n_components, rng):
    """Fit a prior on codes, drawn from the posteriors of the training rows.

    ``prior`` is one of ``PRIORS`` but "standard", or an unfitted density estimator,
    which is cloned. A mixture has at most one component for every 10 codes.
    """
    Z = np.asarray(Z, dtype=np.float64)
    if len(Z) > MAX_ROWS:
        Z = Z[np.sort(rng.choice(len(Z), MAX_ROWS, replace=False))]
    if not isinstance(prior, str):
        return ModelPrior(clone(prior).fit(Z))
    if prior == "gaussianization":
        from gaussflow.flows.genflow import GenFlow

        return ModelPrior(GenFlow(random_state=draw_seed(rng)).fit(Z))
    if prior == "gaussian" or len(Z) < 20:
        return _gaussian(Z)
    return _mixture(Z, min(n_components, len(Z) // 10), rng)


def _gaussian(Z):
    covariance = np.atleast_2d(np.cov(Z.T, bias=True))
    ridge = RIDGE * max(np.diag(covariance).max(), RIDGE)
    factor = np.linalg.cholesky(covariance + ridge * np.eye(Z.shape[1]))
    return MixturePrior(np.ones(1), Z.mean(axis=0)[np.newaxis], factor[np.newaxis])


def _mixture(Z, n_components, rng):
    from sklearn.mixture import GaussianMixture

    ridge = RIDGE * max(Z.var(axis=0).max(), RIDGE)
    mixture = GaussianMixture(
        n_components, reg_covar=ridge, max_iter=100, random_state=draw_seed(rng)
    )
    # Codes are numpy arrays, whatever the user's rows are.
    with warnings.catch_warnings(), config_context(array_api_dispatch=False):
        # A likelihood that still climbs a little makes no worse a prior.
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture.fit(Z)
    factors = np.linalg.cholesky(mixture.covariances_)
    return MixturePrior(mixture.weights_, mixture.means_, factors)
