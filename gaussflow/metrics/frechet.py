"""The Frechet distance: how far apart two Gaussians, fitted to rows, are."""

import numpy as np

from gaussflow.metrics._rows import blocks, check_two

#: An eigenvalue below this share of the largest, per column, is rounding.
_ROUNDING = 4.0 * np.finfo(np.float64).eps


def frechet_distance(A, B):
    """Return the squared Frechet distance between Gaussians fitted to two samples.

    |m_A - m_B|^2 + tr(S_A + S_B - 2 (S_A S_B)^(1/2)), the squared 2-Wasserstein
    distance of the two Gaussians. On the features of a classifier it tells how unlike
    two sets of images are. On those of the Inception network it is known as FID; on
    any other features, such as :class:`~gaussflow.metrics.ClassifierFeatures`, call it
    by the features' name.

    Parameters
    ----------
    A, B : array-like of shape (n, n_features), (m, n_features)
        Features of two samples, at least 2 rows each. The distance is biased upwards
        by about 1/n + 1/m: compare samples of equal sizes, and with the distance
        between two samples of real rows.

    Returns
    -------
    distance : float
        Squared distance, 0 for equal means and covariances.

    References
    ----------
    D. C. Dowson and B. V. Landau (1982), "The Frechet distance between multivariate
    normal distributions", Journal of Multivariate Analysis 12, eq. 4.

    M. Heusel, H. Ramsauer, T. Unterthiner, B. Nessler and S. Hochreiter (2017), "GANs
    trained by a two time-scale update rule converge to a local Nash equilibrium",
    NeurIPS.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.metrics import frechet_distance
    >>> A = np.random.default_rng(0).standard_normal((500, 3))
    >>> round(frechet_distance(A, A + 1.0), 6)
    3.0
    """
    A, B = check_two(A, B, min_rows=2)
    return frechet_distance_from_moments(*_moments(A), *_moments(B))


def frechet_distance_from_moments(mean_a, cov_a, mean_b, cov_b):
    """Return the squared Frechet distance between two Gaussians.

    Parameters
    ----------
    mean_a, mean_b : array-like of shape (n_features,)
        Means.
    cov_a, cov_b : array-like of shape (n_features, n_features)
        Covariances, symmetric and positive semi-definite; they may be singular.

    Returns
    -------
    distance : float
        Squared distance.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.metrics import frechet_distance_from_moments
    >>> zero, eye = np.zeros(2), np.eye(2)
    >>> round(frechet_distance_from_moments(zero, 4.0 * eye, zero, 9.0 * eye), 9)
    2.0
    """
    mean_a, cov_a = _check_moments(mean_a, cov_a, "a")
    mean_b, cov_b = _check_moments(mean_b, cov_b, "b")
    if mean_a.shape != mean_b.shape:
        raise ValueError(
            f"mean_a has {len(mean_a)} entries, but mean_b has {len(mean_b)}."
        )
    gap = mean_a - mean_b
    # tr (S_A^(1/2) S_B S_A^(1/2))^(1/2) is the sum of the singular values of
    # S_A^(1/2) S_B^(1/2). Roots of the product's eigenvalues would turn rounding of
    # size eps into errors of size sqrt(eps) wherever a covariance is singular.
    product = _factor(cov_a, "cov_a").T @ _factor(cov_b, "cov_b")
    shared = np.linalg.svd(product, compute_uv=False).sum() if product.size else 0.0
    distance = gap @ gap + np.trace(cov_a) + np.trace(cov_b) - 2.0 * shared
    return float(max(distance, 0.0))


def _moments(X):
    """Return mean and covariance of rows, in float64, by blocks."""
    n, d = X.shape
    mean = np.zeros(d)
    for rows in blocks(n, d):
        mean += X[rows].sum(axis=0, dtype=np.float64)
    mean /= n
    cov = np.zeros((d, d))
    for rows in blocks(n, d):
        centred = X[rows] - mean
        cov += centred.T @ centred
    return mean, cov / (n - 1)


def _check_moments(mean, cov, letter):
    mean, cov = np.asarray(mean, np.float64), np.asarray(cov, np.float64)
    if mean.ndim != 1 or cov.shape != (len(mean), len(mean)):
        raise ValueError(
            f"mean_{letter} and cov_{letter} must have shapes (n_features,) and "
            f"(n_features, n_features), got {mean.shape} and {cov.shape}."
        )
    if not (np.isfinite(mean).all() and np.isfinite(cov).all()):
        raise ValueError(f"mean_{letter} or cov_{letter} has values not finite.")
    if not np.allclose(cov, cov.T, rtol=1e-6, atol=1e-8 * np.abs(cov).max(initial=0)):
        raise ValueError(f"cov_{letter} must be symmetric.")
    return mean, cov


def _factor(cov, name):
    """Return F of full column rank with F F^T = cov."""
    values, vectors = np.linalg.eigh(0.5 * (cov + cov.T))
    largest = np.abs(values).max(initial=0.0)
    if (values < -1e-6 * largest).any():
        raise ValueError(
            f"{name} must be positive semi-definite, but has the eigenvalue "
            f"{values[0]:.3g}."
        )
    kept = values > _ROUNDING * len(values) * largest
    return vectors[:, kept] * np.sqrt(values[kept])
