"""What a code carries: bits, active units, and how it answers to noise."""

import numpy as np

from gaussflow._common.checks import Number
from gaussflow._common.seeds import as_generator
from gaussflow.metrics._rows import check_paired, check_rows, check_two
from gaussflow.metrics.structure import ssim

#: A unit is active where its mean code varies by more (Burda et al. 2016).
ACTIVE_VARIANCE = 0.01


def information_rate(mean, variance, *, per_unit=False):
    """Return the bits that a code with Gaussian noise carries.

    Each unit is a Gaussian channel whose signal is the mean code and whose noise
    is the posterior's: R = sum 1/2 log2(1 + Var[mean_i] / E[variance_i]).

    Parameters
    ----------
    mean : array-like of shape (n_samples, n_units)
        Mean code of each row, q(z | x)'s.
    variance : array-like of shape (n_samples, n_units)
        Its variances.
    per_unit : bool, default=False
        Return each unit's bits.

    Returns
    -------
    rate : float or ndarray of shape (n_units,)
        In bits.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.metrics import information_rate
    >>> mean = np.array([[-1.0, 0.0], [1.0, 0.0]])
    >>> float(information_rate(mean, np.full((2, 2), 1 / 3)))
    1.0
    """
    mean, variance = _check_posterior(mean, variance)
    bits = 0.5 * np.log2(1.0 + mean.var(axis=0) / variance.mean(axis=0))
    return bits if per_unit else float(bits.sum())


def active_units(mean, *, threshold=ACTIVE_VARIANCE):
    """Return which units of a code vary with the row.

    Parameters
    ----------
    mean : array-like of shape (n_samples, n_units)
        Mean code of each row.
    threshold : float, default=0.01
        Least variance of an active unit's mean code.

    Returns
    -------
    active : ndarray of bool, shape (n_units,)

    References
    ----------
    Y. Burda, R. Grosse and R. Salakhutdinov (2016), "Importance weighted
    autoencoders".

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.metrics import active_units
    >>> active_units(np.array([[-1.0, 0.02], [1.0, 0.0]])).tolist()
    [True, False]
    """
    Number("(0, inf)").check("threshold", threshold)
    return check_rows(mean, "mean", 2).astype(np.float64).var(axis=0) > threshold


def noise_stability(function, X, scale, *, bounds=None, random_state=None):
    """Return how far noise in the rows moves what a function makes of them.

    The mean of ||f(x) - f(x + e)||^2, e ~ N(0, scale^2): of codes with
    ``model.transform``, of reconstructions with ``model.reconstruct``.

    Parameters
    ----------
    function : callable
        Takes rows and returns as many rows.
    X : array-like of shape (n_samples, n_features)
        Rows.
    scale : float
        Standard deviation of the noise.
    bounds : tuple of 2 float or None, default=None
        Noisy rows are clipped to these, such as (0, 1) for pixels.
    random_state : int, RandomState, Generator or None, default=None
        Same seed, same noise.

    Returns
    -------
    distance : float
        0 where the function does not answer to the noise.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.metrics import noise_stability
    >>> X = np.zeros((1000, 3))
    >>> noise_stability(lambda X: X, X, 0.1, random_state=0) < 0.035
    True
    """
    Number("(0, inf)").check("scale", scale)
    X = check_rows(X, "X")
    X = X if X.dtype.kind == "f" else X.astype(np.float64)
    noise = as_generator(random_state).standard_normal(X.shape)
    noisy = X + (scale * noise).astype(X.dtype)
    if bounds is not None:
        noisy = np.clip(noisy, *bounds)
    before, after = check_two(
        function(X), function(noisy), ("function(X)", "function(X + noise)")
    )
    moved = before.astype(np.float64) - after
    return float(np.mean(np.sum(moved**2, axis=1)))


def path_smoothness(path, image_shape, **params):
    """Return how alike neighbours on a path of images are.

    Parameters
    ----------
    path : array-like of shape (n_steps, height * width * channels)
        Images in order, such as ``interpolate`` returns.
    image_shape : tuple of 3 int
        (height, width, channels).
    **params : dict
        Passed to :func:`ssim`, such as ``data_range=1.0``.

    Returns
    -------
    smoothness : float
        The mean structural similarity of neighbours: 1 where nothing changes. The
        least of the steps tells jumps: take :func:`ssim` of ``path[1:]`` and
        ``path[:-1]`` yourself for these.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.metrics import path_smoothness
    >>> A, B = np.random.default_rng(0).random((2, 256))
    >>> fine, coarse = (np.linspace(A, B, n) for n in (20, 3))
    >>> params = {"image_shape": (16, 16, 1), "data_range": 1.0}
    >>> path_smoothness(fine, **params) > path_smoothness(coarse, **params)
    True
    """
    path = check_rows(path, "path", 2)
    return float(np.mean(ssim(path[1:], path[:-1], image_shape, **params)))


def label_consistency(labels, predicted):
    """Return how often a classifier sees the label that a sample was drawn by.

    Parameters
    ----------
    labels : array-like of shape (n_samples,)
        Labels that samples were drawn by.
    predicted : array-like of shape (n_samples,)
        What a classifier, trained on real rows, takes them for.

    Returns
    -------
    overall : float
        Share of the samples that agree.
    worst : float
        The least share over the labels.
    by_label : dict
        The share of each label.

    Examples
    --------
    >>> from gaussflow.metrics import label_consistency
    >>> label_consistency([0, 0, 1, 1], [0, 0, 1, 0])
    (0.75, 0.5, {0: 1.0, 1: 0.5})
    """
    labels, predicted = np.asarray(labels), np.asarray(predicted)
    if labels.ndim != 1 or labels.shape != predicted.shape or len(labels) == 0:
        raise ValueError(
            f"labels and predicted must be of one length, at least 1, got shapes "
            f"{labels.shape} and {predicted.shape}."
        )
    agree = labels == predicted
    by_label = {
        label: float(agree[labels == label].mean())
        for label in np.unique(labels).tolist()
    }
    return float(agree.mean()), min(by_label.values()), by_label


def _check_posterior(mean, variance):
    names = "mean", "variance"
    mean, variance = check_two(mean, variance, names, 2)
    check_paired(mean, variance, names)
    if variance.min() <= 0:
        raise ValueError(
            f"variance must be positive, but reaches {variance.min():.3g}. Pass "
            f"variances, not their logarithms."
        )
    return mean.astype(np.float64), variance.astype(np.float64)
