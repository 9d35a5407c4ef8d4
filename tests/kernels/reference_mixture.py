"""The mixture's Knothe-Rosenblatt map, written to be obviously right."""

import numpy as np
from scipy.optimize import brentq
from scipy.special import log_ndtr, logsumexp, ndtri_exp
from scipy.stats import norm


def forward(X, weights, means, cholesky):
    """Map rows; every sum in logarithms, one row and one column at a time.

    weights (K,), means (K, D), cholesky (K, D, D)
    """
    Z = np.empty_like(X)
    log_p = np.zeros(len(X))
    for i, x in enumerate(X):
        log_w = np.log(weights)
        for j in range(len(x)):
            m, s = conditional(x[:j], j, means, cholesky)
            log_w = log_w - logsumexp(log_w)
            Z[i, j] = latent(x[j], log_w, m, s)
            log_w = log_w + norm.logpdf(x[j], m, s)
            log_p[i] += logsumexp(log_w)
    return Z, log_p - norm.logpdf(Z).sum(axis=1)


def inverse(Z, weights, means, cholesky):
    """Map latent rows back by scipy's bracketing root finder."""
    X = np.empty_like(Z)
    for i, z in enumerate(Z):
        log_w = np.log(weights)
        for j in range(len(z)):
            m, s = conditional(X[i, :j], j, means, cholesky)
            log_w = log_w - logsumexp(log_w)
            ends = m + s * z[j]
            low, high = ends.min() - 1e-9, ends.max() + 1e-9
            X[i, j] = brentq(
                lambda x, z=z[j], w=log_w, m=m, s=s: latent(x, w, m, s) - z,
                low,
                high,
                xtol=1e-14,
            )
            log_w = log_w + norm.logpdf(X[i, j], m, s)
    return X


def conditional(before, j, means, cholesky):
    """Return the components' mean and deviation of column j."""
    m, s = np.empty(len(means)), np.empty(len(means))
    for k, (mean, factor) in enumerate(zip(means, cholesky, strict=True)):
        scores = np.linalg.solve(factor[:j, :j], before - mean[:j])
        m[k] = mean[j] + factor[j, :j] @ scores
        s[k] = factor[j, j]
    return m, s


def latent(x, log_w, m, s):
    """Return the normal score of a univariate mixture's CDF at x."""
    u = (x - m) / s
    below, above = logsumexp(log_w + log_ndtr(u)), logsumexp(log_w + log_ndtr(-u))
    return ndtri_exp(below) if below < above else -ndtri_exp(above)
