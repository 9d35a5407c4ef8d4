"""Images beside their reconstructions: structural similarity, and noise in decibels."""

import numpy as np
from scipy.ndimage import correlate1d

from gaussflow._common.checks import Number, check_image_shape, check_integer
from gaussflow.metrics._rows import blocks, check_paired, check_two


def ssim(
    A,
    B,
    image_shape,
    *,
    data_range=None,
    window_size=11,
    sigma=1.5,
    k1=0.01,
    k2=0.03,
):
    """Return the structural similarity of each image to its counterpart.

    The mean over windows of how alike means, variances and the correlation of two
    images are, windows being weighted by a Gaussian and taken only where they lie
    fully inside the image; the mean over channels for colour.

    Parameters
    ----------
    A, B : array-like of shape (n_samples, height * width * channels)
        Images and their counterparts, in the order row, column, channel.
    image_shape : tuple of 3 int
        (height, width, channels).
    data_range : float or None, default=None
        Largest minus smallest possible value. None takes 255, for bytes (uint8)
        only.
    window_size : int, default=11
        Side of the window, odd, at most the image's smaller side.
    sigma : float, default=1.5
        Standard deviation of the window's weights, in pixels.
    k1, k2 : float, default=0.01, 0.03
        Constants that keep the ratios finite where an image is flat or black.

    Returns
    -------
    similarity : ndarray of shape (n_samples,)
        At most 1, which equal images reach.

    References
    ----------
    Z. Wang, A. C. Bovik, H. R. Sheikh and E. P. Simoncelli (2004), "Image quality
    assessment: from error visibility to structural similarity", IEEE Transactions on
    Image Processing 13, eqs. 13 to 17.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.metrics import ssim
    >>> X = np.random.default_rng(0).integers(0, 256, (2, 256)).astype(np.uint8)
    >>> ssim(X, X, (16, 16, 1)).round(6).tolist()
    [1.0, 1.0]
    """
    A, B = _check_images(A, B)
    height, width, channels = check_image_shape(image_shape, "ssim", A.shape[1])
    side = min(height, width)
    way_out = f" (the image's smaller side; image_shape is {tuple(image_shape)})"
    check_integer("window_size", window_size, 1, side, way_out)
    if window_size % 2 == 0:
        raise ValueError(f"window_size must be odd, got {window_size}.")
    for name, value in (("sigma", sigma), ("k1", k1), ("k2", k2)):
        Number("(0, inf)").check(name, value)
    data_range = _check_range(data_range, A, B)
    c1, c2 = (k1 * data_range) ** 2, (k2 * data_range) ** 2
    weights = np.exp(-0.5 * ((np.arange(window_size) - window_size // 2) / sigma) ** 2)
    weights /= weights.sum()
    similarity = np.empty(len(A))
    # Five filtered images are held at once.
    for rows in blocks(len(A), 8 * A.shape[1]):
        a, b = (
            X[rows].reshape(-1, height, width, channels).astype(np.float64)
            for X in (A, B)
        )
        mean_a, mean_b = _smooth(a, weights), _smooth(b, weights)
        var_a = _smooth(a * a, weights) - mean_a * mean_a
        var_b = _smooth(b * b, weights) - mean_b * mean_b
        shared = _smooth(a * b, weights) - mean_a * mean_b
        value = (2.0 * mean_a * mean_b + c1) * (2.0 * shared + c2)
        value /= (mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)
        similarity[rows] = value.mean(axis=(1, 2, 3))
    return similarity


def psnr(A, B, *, data_range=None):
    """Return the peak signal-to-noise ratio of each image, in decibels.

    10 log10(data_range^2 / mean squared difference).

    Parameters
    ----------
    A, B : array-like of shape (n_samples, n_features)
        Images and their counterparts.
    data_range : float or None, default=None
        Largest minus smallest possible value. None takes 255, for bytes (uint8)
        only.

    Returns
    -------
    decibels : ndarray of shape (n_samples,)
        Infinite for equal images.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.metrics import psnr
    >>> A = np.zeros((1, 4))
    >>> psnr(A, A + 0.1, data_range=1.0).round(6).tolist()
    [20.0]
    """
    A, B = _check_images(A, B)
    data_range = _check_range(data_range, A, B)
    errors = np.empty(len(A))
    for rows in blocks(len(A), A.shape[1]):
        gap = A[rows].astype(np.float64) - B[rows]
        errors[rows] = np.einsum("ij,ij->i", gap, gap) / A.shape[1]
    decibels = np.full(len(A), np.inf)
    noisy = errors > 0.0
    decibels[noisy] = 20.0 * np.log10(data_range) - 10.0 * np.log10(errors[noisy])
    return decibels


def _smooth(images, weights):
    """Filter along rows and columns; keep where the window lies fully inside."""
    half = len(weights) // 2
    height, width = images.shape[1:3]
    images = correlate1d(images, weights, axis=1)[:, half : height - half]
    return correlate1d(images, weights, axis=2)[:, :, half : width - half]


def _check_images(A, B):
    A, B = check_two(A, B)
    check_paired(A, B)
    return A, B


def _check_range(data_range, A, B):
    if data_range is not None:
        Number("(0, inf)").check("data_range", data_range)
        return float(data_range)
    if A.dtype == np.uint8 and B.dtype == np.uint8:
        return 255.0
    raise ValueError(
        f"data_range must be given for images of {A.dtype} and {B.dtype}: the largest "
        f"minus the smallest possible value, such as 1.0 for pixels from 0 to 1."
    )
