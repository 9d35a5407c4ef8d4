"""The Gaussian of some rows."""

import numpy as np

from gaussflow._common.normal import log_standard_normal

#: Eigenvalues of standardised columns below this share of the largest are rounding:
#: 450 times the precision of float64.
MIN_EIGENVALUE = 1e-13


class Gaussian:
    """Mean and covariance of rows, and the density that they make."""

    def __init__(self, X, name="X"):
        self.mean, self.scale = X.mean(axis=0), X.std(axis=0)
        covariance = np.atleast_2d(np.cov((X - self.mean) / self.scale, rowvar=False))
        eigenvalues = np.linalg.eigvalsh(covariance)
        if not eigenvalues[0] > MIN_EIGENVALUE * eigenvalues[-1]:
            raise ValueError(
                f"The columns of {name} are linearly dependent: no Gaussian has a "
                f"density there. Drop columns that are sums of others, or pass more "
                f"rows."
            )
        self.root = np.linalg.cholesky(covariance)

    def whiten(self, X):
        """Return rows as standard normal where they are of this Gaussian."""
        return np.linalg.solve(self.root, ((X - self.mean) / self.scale).T).T

    def log_density(self, X):
        """Return the log density of each row."""
        log_det = np.log(np.diag(self.root)).sum() + np.log(self.scale).sum()
        return log_standard_normal(self.whiten(X)) - log_det

    def influence(self, Y, X):
        """Return how each row of Y, which this is of, moves -mean(log density of X).

        The derivative of the mean by the weight of a row, through mean and
        covariance: its variance over len(Y) is that which Y's noise gives the mean.
        """
        U, V = self.whiten(Y), self.whiten(X)
        second = V.T @ V / len(V)
        bent = np.einsum("ij,ij->i", U @ second, U) - np.trace(second)
        length = np.einsum("ij,ij->i", U, U) - U.shape[1]
        return 0.5 * (length - bent) - U @ V.mean(axis=0)
