"""The pixels of a Deep Fourier Machine by its definition: slow, and plainly right."""

import numpy as np

from gaussflow.baselines.fourier.net import fourier_basis


def reference_forward(net, weights, positions):
    """Return the pixels of one net in (-1, 1), of shape (n_points, channels)."""
    x = positions
    for coefficients, residual in zip(net.split(weights), net.residuals, strict=True):
        basis = fourier_basis(x)
        if net.basis == "cas":
            basis = basis.sum(axis=1, keepdims=True)
        y = np.einsum("pfk,nfk->pn", basis, coefficients)
        x = x + y if residual else y
    return np.tanh(x)
