"""Gaussian mixtures of several families, fitted by EM to standardised rows."""

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import logsumexp
from sklearn import config_context

from gaussflow._common.normal import LOG_2PI
from gaussflow.mixtures.scatter import REG_COVAR, robust_scatter, shrunk_covariance

#: EM iterations in the search, and when a picked mixture sees all rows: few,
#: for time. Chosen by hand.
SEARCH_ITER = 30
FINAL_ITER = 30
#: Rows' worth of pooled covariance mixed into each component's own.
PRIOR_ROWS = 2.0
#: Least and most standard deviations of the background component, in those of
#: the data.
BACKGROUND_SCALES = (1.25, 2.0)


def log_density(S, weights, means, covariances):
    """Return the log density of each row under a mixture."""
    terms = np.empty((len(weights), len(S)))
    for k, (mean, covariance) in enumerate(zip(means, covariances, strict=True)):
        D = S - mean
        if covariance.ndim == 1:
            scales = np.sqrt(covariance)
            U = D / scales
        else:
            factor = np.linalg.cholesky(covariance)
            scales = np.diag(factor)
            U = solve_triangular(factor, D.T, lower=True).T
        terms[k] = -0.5 * np.einsum("ij,ij->i", U, U) - np.log(scales).sum()
    terms += np.log(weights)[:, None] - 0.5 * S.shape[1] * LOG_2PI
    return logsumexp(terms, axis=0)


class Member:
    """One mixture of a family: fitted by EM on some rows, then on all."""

    def __init__(self, family, n_components, init, seed):
        # Imported at use, as it imports much of scikit-learn.
        from sklearn.mixture import GaussianMixture

        self.family = family
        self.n_components = n_components
        self.em = GaussianMixture(
            n_components,
            covariance_type={"scaled": "spherical", "shrunk": "full"}.get(
                family, family
            ),
            reg_covar=REG_COVAR,
            max_iter=SEARCH_ITER,
            init_params=init,
            random_state=seed,
        )

    def fit(self, S):
        """Fit by EM from a fresh start."""
        if self.family == "scaled":
            # Concentric components that share one shape: the law of heavy
            # tails (a multivariate t is such a mixture), for few parameters.
            n_components = self.n_components
            rng = np.random.default_rng(self.em.random_state)
            self.em.means_init = 0.05 * rng.standard_normal((n_components, S.shape[1]))
            spread = np.linspace(-0.7, 1.8, n_components)
            self.em.precisions_init = np.exp(-2.0 * spread)
            self.em.weights_init = np.full(n_components, 1.0 / n_components)
        return self._fit(S)

    def refit(self, S):
        """Go on with EM on more rows."""
        self.em.set_params(warm_start=True, max_iter=FINAL_ITER)
        try:
            return self._fit(S)
        except (ValueError, np.linalg.LinAlgError):
            # A component collapsed on the way: stay with the search's fit.
            return self

    def _fit(self, S):
        if self.family == "shrunk":
            self.weights = np.ones(1)
            self.means = S.mean(axis=0, keepdims=True)
            self.covariances = shrunk_covariance(S)[None]
            return self
        if self.family == "scaled":
            centre, scatter = robust_scatter(S)
            factor = np.linalg.cholesky(scatter)
            S = solve_triangular(factor, (S - centre).T, lower=True).T
        # The rows are numpy's, whatever arrays the user lets scikit-learn dispatch.
        with config_context(array_api_dispatch=False):
            em = self.em.fit(S)
        self.weights, self.means = em.weights_, em.means_
        shape = (len(em.weights_), S.shape[1])
        covariances = em.covariances_
        if self.family == "scaled":
            self.means = centre + em.means_ @ factor.T
            covariances = covariances[:, None, None] * scatter
        elif self.family == "spherical":
            covariances = np.repeat(covariances[:, None], shape[1], axis=1)
        elif self.family == "tied":
            covariances = np.broadcast_to(covariances, (*shape, shape[1]))
        else:
            pooled = np.tensordot(self.weights, covariances, axes=1)
            own = self.weights * len(S)
            own = own.reshape(-1, *[1] * (covariances.ndim - 1))
            covariances = own * covariances + PRIOR_ROWS * pooled
            covariances /= own + PRIOR_ROWS
        self.covariances = covariances
        return self

    def log_density(self, S):
        """Return the log density of each row."""
        return log_density(S, self.weights, self.means, self.covariances)


def background(S):
    """Return the (weight, mean, covariance) of one broad component.

    It weighs about as much as one row. It makes the map well conditioned
    between and beyond the clusters, where the conditional CDFs of the others
    are flat to the last bit, and bounds what an outlier can cost.

    It reaches about as far as the outermost row does, so that the one sample in
    n that it draws lies no further out: in wide tables, where all rows keep
    about the same distance, a fixed multiple of the deviations would throw it
    to where no row ever was, and layers before would throw it on.
    """
    mean, covariance = S.mean(axis=0), shrunk_covariance(S)
    factor = np.linalg.cholesky(covariance)
    U = solve_triangular(factor, (S - mean).T, lower=True)
    farthest = np.sqrt(np.max(np.einsum("ij,ij->j", U, U)) / S.shape[1])
    scale = np.clip(farthest, *BACKGROUND_SCALES)
    return 1.0 / (len(S) + 10.0), mean, scale**2 * covariance
