"""The losses, in nats a row: sums over features, means over the batch."""

import torch
import torch.nn.functional as F

from gaussflow._common.normal import LOG_2PI


def bernoulli_loss(logits, x):
    """Return the cross-entropy of pixels in [0, 1], summed over features."""
    return F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)


def gaussian_loss(mean, x, log_variance):
    """Return -log N(x; mean, exp(log_variance)), one log-variance or one a column."""
    log_variance = log_variance.expand(x.shape[1])
    squares = ((x - mean) ** 2 * torch.exp(-log_variance)).sum() / len(x)
    return 0.5 * (squares + log_variance.sum() + x.shape[1] * LOG_2PI)


def squared_error(output, x):
    """Return half the squared error, summed over features."""
    return 0.5 * ((output - x) ** 2).sum() / len(x)


def kl_to_standard_normal(mean, log_variance):
    """Return KL(N(mean, exp(log_variance)) || N(0, I)), the mean over the batch."""
    terms = mean**2 + torch.exp(log_variance) - log_variance - 1.0
    return 0.5 * terms.sum() / len(mean)


def mmd_to(z, prior):
    """Return the unbiased squared MMD of two sets of codes of equal size.

    Inverse multiquadratic kernels sum_s C / (C + d^2), C = 2 s n_features for
    seven scales s (Tolstikhin et al. 2018).
    """
    n = len(z)
    if n < 2:
        return z.sum() * 0.0
    within = _kernel(z, z) + _kernel(prior, prior)
    off_diagonal = within.sum() - within.diagonal().sum()
    return off_diagonal / (n * (n - 1)) - 2.0 * _kernel(z, prior).mean()


def _kernel(a, b):
    squares = ((a**2).sum(1)[:, None] + (b**2).sum(1) - 2.0 * a @ b.T).clamp(min=0.0)
    total = 0.0
    for scale in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0):
        c = 2.0 * scale * a.shape[1]
        total = total + c / (c + squares)
    return total
