"""Bits per dimension: densities of images in the units that papers report."""

import numpy as np

from gaussflow._common.checks import check_integer


def bits_per_dimension(log_density, n_features, n_levels=256):
    """Return the bits per dimension that a density spends on discrete values.

    -mean(log_density) / (n_features log 2) + log2(n_levels). For pixels made
    continuous by uniform noise, (x + U[0, 1)) / n_levels, this is an upper bound on
    the bits that the model needs for the pixels themselves (Theis et al., eq. 3).

    Parameters
    ----------
    log_density : float or array-like of shape (n_samples,)
        Log densities of rows, in nats, in units of which one level is 1 / n_levels:
        pixels from 0 to 1. For densities in units of the levels themselves, of rows
        x + U[0, 1), pass n_levels=1.
    n_features : int
        Numbers in a row: height times width times channels.
    n_levels : int, default=256
        Levels of a pixel.

    Returns
    -------
    bits : float

    References
    ----------
    L. Theis, A. van den Oord and M. Bethge (2016), "A note on the evaluation of
    generative models", ICLR.

    Examples
    --------
    >>> from gaussflow.metrics import bits_per_dimension
    >>> bits_per_dimension(0.0, n_features=784)  # uniform noise
    8.0
    """
    check_integer("n_features", n_features, 1)
    check_integer("n_levels", n_levels, 1)
    log_density = np.asarray(log_density, dtype=np.float64)
    if log_density.size == 0 or log_density.ndim > 1:
        raise ValueError(
            f"log_density must be a number or have shape (n_samples,), got shape "
            f"{log_density.shape}."
        )
    if np.isnan(log_density).any():
        raise ValueError("log_density has values that are not numbers.")
    nats = -float(log_density.mean()) / n_features
    return float(nats / np.log(2.0) + np.log2(n_levels))
