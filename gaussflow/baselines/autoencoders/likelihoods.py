"""Log-likelihoods of rows given a decoder's output, in nats."""

import numpy as np

from gaussflow._common.normal import LOG_2PI


def bernoulli_log_likelihood(X, logits):
    """Return the log probability of each row of X; logits are overwritten.

    For values between 0 and 1 it is the cross-entropy with the sign turned.
    """
    total = np.einsum("ij,ij->i", X, logits)
    # log(1 + exp(l)) = max(l, 0) + log(1 + exp(-|l|))
    total -= np.maximum(logits, 0).sum(axis=1)
    np.abs(logits, out=logits)
    np.negative(logits, out=logits)
    np.exp(logits, out=logits)
    np.log1p(logits, out=logits)
    return total - logits.sum(axis=1)


def gaussian_log_likelihood(X, mean, log_variance):
    """Return the log density of each row of X, column j of variance exp(.)_j."""
    log_variance = np.broadcast_to(log_variance, X.shape[1:]).astype(X.dtype)
    squares = np.einsum("ij,j->i", (X - mean) ** 2, np.exp(-log_variance))
    return -0.5 * (squares + log_variance.sum() + X.shape[1] * LOG_2PI)


def expit(x):
    """Return 1 / (1 + exp(-x)) in the precision of x."""
    return (0.5 * (1.0 + np.tanh(0.5 * x))).astype(x.dtype, copy=False)
