"""The standard normal law."""

import numpy as np

LOG_2PI = float(np.log(2.0 * np.pi))


def log_standard_normal(Z):
    """Return log N(z; 0, I) of each row, in nats, float64.

    Parameters
    ----------
    Z : array-like of shape (n_samples, n_features)

    Returns
    -------
    log_density : ndarray of shape (n_samples,)
    """
    Z = np.asarray(Z)
    return -0.5 * (np.einsum("ij,ij->i", Z, Z, dtype=np.float64) + Z.shape[1] * LOG_2PI)
