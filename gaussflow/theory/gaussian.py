"""Information of Gaussians in closed form, in nats."""

from typing import NamedTuple

import numpy as np

from gaussflow._common.checks import is_integer
from gaussflow._common.normal import LOG_2PI


class LossSplit(NamedTuple):
    """Divergence from N(0, I): between the columns, and of each column."""

    total: float
    dependence: float
    marginal: np.ndarray


def check_covariance(covariance, name="covariance"):
    """Return a covariance as float64, if it is symmetric and positive definite."""
    S = np.asarray(covariance, dtype=np.float64)
    if S.ndim != 2 or S.shape[0] != S.shape[1] or len(S) == 0:
        raise ValueError(
            f"{name} must be a square matrix of at least 1 row, got shape {S.shape}."
        )
    if not np.isfinite(S).all():
        raise ValueError(f"{name} has values that are not finite.")
    if not np.allclose(S, S.T, rtol=1e-8, atol=1e-8 * np.abs(S).max()):
        raise ValueError(
            f"{name} must be symmetric, but differs from its transpose by "
            f"{np.abs(S - S.T).max():.3g}. Pass (S + S.T) / 2 if that is rounding."
        )
    S = (S + S.T) / 2.0
    smallest = float(np.linalg.eigvalsh(S)[0])
    if not smallest > 0.0:
        raise ValueError(
            f"{name} must be positive definite, but its smallest eigenvalue is "
            f"{smallest:.3g}. Drop columns that are sums of others, or add a small "
            f"multiple of the identity."
        )
    return S


def check_mean(mean, n_features, name="mean"):
    """Return a mean as float64; None stands for the origin."""
    if mean is None:
        return np.zeros(n_features)
    mean = np.asarray(mean, dtype=np.float64)
    if mean.shape != (n_features,) or not np.isfinite(mean).all():
        raise ValueError(
            f"{name} must hold {n_features} finite numbers, one for each row of the "
            f"covariance, got {mean!r}."
        )
    return mean


def gaussian_entropy(covariance):
    """Return the differential entropy of a Gaussian.

    Parameters
    ----------
    covariance : array-like of shape (n_features, n_features)
        Symmetric and positive definite.

    Returns
    -------
    entropy : float
        In nats.

    Examples
    --------
    >>> from gaussflow.theory import gaussian_entropy
    >>> round(gaussian_entropy([[1.0]]), 4)
    1.4189
    """
    S = check_covariance(covariance)
    return 0.5 * float(np.linalg.slogdet(S)[1] + len(S) * (LOG_2PI + 1.0))


def gaussian_kl(covariance, mean=None, *, from_covariance=None, from_mean=None):
    """Return KL(N(mean, covariance) || N(from_mean, from_covariance)).

    Parameters
    ----------
    covariance : array-like of shape (n_features, n_features)
        Of the Gaussian that the expectation is over.
    mean : array-like of shape (n_features,) or None, default=None
        Its mean; None for the origin.
    from_covariance : array-like of shape (n_features, n_features), default=None
        Of the other Gaussian; None for the identity.
    from_mean : array-like of shape (n_features,) or None, default=None
        Its mean; None for the origin.

    Returns
    -------
    divergence : float
        In nats, at least 0.

    Examples
    --------
    >>> from gaussflow.theory import gaussian_kl
    >>> round(gaussian_kl([[4.0]], [1.0]), 4)
    1.3069
    """
    S = check_covariance(covariance)
    mean = check_mean(mean, len(S))
    R = np.eye(len(S))
    if from_covariance is not None:
        R = check_covariance(from_covariance, "from_covariance")
        if R.shape != S.shape:
            raise ValueError(
                f"covariance has shape {S.shape}, but from_covariance {R.shape}: both "
                f"Gaussians must have the same columns."
            )
    shift = mean - check_mean(from_mean, len(S), "from_mean")
    L = np.linalg.cholesky(R)
    W = np.linalg.solve(L, np.c_[S, shift])
    whitened = np.linalg.solve(L, W[:, :-1].T)
    eigenvalues = np.linalg.eigvalsh((whitened + whitened.T) / 2.0)
    # x - 1 - log(x) of each eigenvalue is exact near 1, where the sum is small.
    terms = (eigenvalues - 1.0) - np.log1p(eigenvalues - 1.0)
    return 0.5 * float(terms.sum() + W[:, -1] @ W[:, -1])


def gaussian_loss_split(covariance, mean=None):
    """Split a Gaussian's divergence from N(0, I) in dependence and marginals.

    KL(N(mean, S) || N(0, I)) is the total correlation of the columns, which only
    a rotation can move, plus each column's own divergence from N(0, 1), which
    marginal maps remove (Draxler et al., 2023; Meng et al., 2020).

    Parameters
    ----------
    covariance : array-like of shape (n_features, n_features)
        Symmetric and positive definite.
    mean : array-like of shape (n_features,) or None, default=None
        None for the origin.

    Returns
    -------
    split : LossSplit
        ``total``, ``dependence`` (the total correlation) and ``marginal`` of shape
        (n_features,), in nats: total = dependence + marginal.sum().

    Examples
    --------
    >>> from gaussflow.theory import gaussian_loss_split
    >>> total, dependence, marginal = gaussian_loss_split([[4.0, 1.0], [1.0, 1.0]])
    >>> round(total, 4), round(dependence, 4), marginal.round(4)
    (0.9507, 0.1438, array([0.8069, 0.    ]))
    """
    S = check_covariance(covariance)
    mean = check_mean(mean, len(S))
    variance = np.diag(S)
    marginal = 0.5 * ((variance - 1.0) - np.log(variance) + mean**2)
    scale = np.sqrt(variance)
    dependence = gaussian_kl(S / np.outer(scale, scale))
    return LossSplit(dependence + float(marginal.sum()), dependence, marginal)


def gaussian_mutual_information(covariance, columns, other=None, *, given=()):
    """Return the (conditional) mutual information of columns of a Gaussian.

    Parameters
    ----------
    covariance : array-like of shape (n_features, n_features)
        Symmetric and positive definite.
    columns : list of int
        The columns on one side.
    other : list of int or None, default=None
        Those on the other side; None for all others that are not given.
    given : list of int, default=()
        Columns that are known.

    Returns
    -------
    information : float
        In nats, at least 0.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.theory import gaussian_mutual_information
    >>> S = np.array([[1.0, 0.8, 0.4], [0.8, 1.0, 0.5], [0.4, 0.5, 1.0]])
    >>> round(gaussian_mutual_information(S, [0], [1, 2]), 4)
    0.5108
    >>> round(gaussian_mutual_information(S, [0], [2], given=[1]), 4)
    0.0
    """
    S = check_covariance(covariance)
    columns = _check_columns("columns", columns, len(S))
    given = _check_columns("given", given, len(S))
    if other is None:
        other = [c for c in range(len(S)) if c not in (*columns, *given)]
    other = _check_columns("other", other, len(S))
    every = [*columns, *other, *given]
    if not columns or not other or len(set(every)) < len(every):
        raise ValueError(
            "columns and other must name at least one column each, and no column "
            f"twice, got columns={columns}, other={other}, given={given}."
        )

    def log_det(names):
        return float(np.linalg.slogdet(S[np.ix_(names, names)])[1]) if names else 0.0

    left = log_det([*columns, *given]) + log_det([*other, *given])
    return max(0.5 * (left - log_det(every) - log_det(given)), 0.0)


def _check_columns(name, columns, n_features):
    columns = list(columns)
    for column in columns:
        if not is_integer(column, 0, n_features - 1):
            raise ValueError(
                f"{name} must name columns 0 to {n_features - 1}, got {column!r}."
            )
    return columns
