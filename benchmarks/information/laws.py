"""Laws whose information is known: in closed form, or by drawing very many rows."""

import numpy as np
from scipy.special import gammaln, logsumexp, psi
from scipy.stats import multivariate_t

from gaussflow._common.normal import log_standard_normal

#: Rows of the means that stand for integrals, and of a piece of them.
MONTE_CARLO_ROWS, PIECE = 400_000, 50_000


def random_covariance(n_features, rng):
    """Return a covariance of moderate dependence."""
    A = rng.standard_normal((n_features, n_features))
    return A @ A.T / n_features + 0.3 * np.eye(n_features)


def log_normal(X, mean, covariance):
    """Return the log density of a Gaussian."""
    L = np.linalg.cholesky(covariance)
    U = np.linalg.solve(L, (X - mean).T).T
    return log_standard_normal(U) - np.log(np.diag(L)).sum()


class Law:
    """A law of rows, with the densities of all its sets of columns.

    The mean that stands for an integral is over the same rows whatever the columns,
    so that noise cancels in differences.
    """

    def __init__(self, n_features):
        self.n_features, self.all = n_features, tuple(range(n_features))

    def rows(self):
        """Draw the pieces of the means that stand for integrals."""
        rng = np.random.default_rng(12345)
        for _ in range(MONTE_CARLO_ROWS // PIECE):
            yield self.sample(PIECE, rng)

    def entropy(self, columns):
        """Return the differential entropy of some columns, in nats."""
        columns = list(columns)
        total = sum(self.log_density(X[:, columns], columns).sum() for X in self.rows())
        return -total / MONTE_CARLO_ROWS

    def measure(self, name, other=None):
        """Return a measure of the law; sets of columns are cut as ``cut`` does."""
        H = self.entropy
        if name == "entropy":
            return H(self.all)
        if name == "negentropy":
            S = 2.0 * np.pi * np.e * self.covariance()
            return 0.5 * np.linalg.slogdet(S)[1] - H(self.all)
        if name == "total_correlation":
            return sum(H([j]) for j in self.all) - H(self.all)
        if name == "mutual_information":
            x, y = cut(self.all, 2)
            return H(x) + H(y) - H(self.all)
        if name == "conditional_mutual_information":
            x, y, z = cut(self.all, 3)
            return H((*x, *z)) + H((*y, *z)) - H(self.all) - H(z)
        total = sum(
            (self.log_density(X, self.all) - other.log_density(X, self.all)).sum()
            for X in self.rows()
        )
        return total / MONTE_CARLO_ROWS


def cut(columns, n_parts):
    """Return columns in parts of about the same number."""
    edges = np.linspace(0, len(columns), n_parts + 1).round().astype(int)
    return [tuple(columns[a:b]) for a, b in zip(edges, edges[1:], strict=False)]


class Gaussian(Law):
    """A Gaussian; or, with ``exp``, the law of exp(rows), a log-normal."""

    def __init__(self, S, mean=0.0, exp=False):
        super().__init__(len(S))
        self.S, self.exp = S, exp
        self.mean = np.broadcast_to(mean, (self.n_features,)).astype(float)

    def sample(self, n, rng):
        """Draw rows."""
        L = np.linalg.cholesky(self.S)
        X = self.mean + rng.standard_normal((n, self.n_features)) @ L.T
        return np.exp(X) if self.exp else X

    def log_density(self, X, columns):
        """Return the log density of some columns."""
        c, log_det = list(columns), 0.0
        if self.exp:
            X = np.log(X)
            log_det = X.sum(axis=1)
        return log_normal(X, self.mean[c], self.S[np.ix_(c, c)]) - log_det

    def covariance(self):
        """Return the covariance."""
        if not self.exp:
            return self.S
        mean = np.exp(self.mean + np.diag(self.S) / 2.0)
        return np.outer(mean, mean) * np.expm1(self.S)

    def entropy(self, columns):
        """Return the closed form."""
        c = list(columns)
        H = 0.5 * np.linalg.slogdet(2 * np.pi * np.e * self.S[np.ix_(c, c)])[1]
        return H + self.mean[c].sum() if self.exp else H


class StudentT(Law):
    """A multivariate t."""

    def __init__(self, shape, degrees, mean=0.0):
        super().__init__(len(shape))
        self.shape, self.degrees = shape, degrees
        self.mean = np.broadcast_to(mean, (self.n_features,)).astype(float)

    def sample(self, n, rng):
        """Draw rows."""
        X = rng.standard_normal((n, self.n_features)) @ np.linalg.cholesky(self.shape).T
        scale = np.sqrt(rng.chisquare(self.degrees, n) / self.degrees)
        return self.mean + X / scale[:, None]

    def log_density(self, X, columns):
        """Return the log density of some columns."""
        c = list(columns)
        shape = self.shape[np.ix_(c, c)]
        return multivariate_t(self.mean[c], shape, self.degrees).logpdf(X)

    def covariance(self):
        """Return the covariance."""
        return self.shape * self.degrees / (self.degrees - 2.0)

    def entropy(self, columns):
        """Return the closed form."""
        c, nu = list(columns), self.degrees
        D, half = len(c), (nu + len(c)) / 2.0
        constant = gammaln(nu / 2.0) - gammaln(half) + D / 2.0 * np.log(nu * np.pi)
        log_det = np.linalg.slogdet(self.shape[np.ix_(c, c)])[1]
        return constant + 0.5 * log_det + half * (psi(half) - psi(nu / 2.0))


class Mixture(Law):
    """A mixture of Gaussians: every measure by Monte Carlo."""

    def __init__(self, weights, means, covariances):
        super().__init__(len(means[0]))
        self.weights = np.asarray(weights, dtype=float)
        self.means, self.covariances = np.asarray(means), np.asarray(covariances)

    def sample(self, n, rng):
        """Draw rows."""
        of = rng.choice(len(self.weights), n, p=self.weights)
        X = rng.standard_normal((n, self.n_features))
        for k, S in enumerate(self.covariances):
            X[of == k] = self.means[k] + X[of == k] @ np.linalg.cholesky(S).T
        return X

    def log_density(self, X, columns):
        """Return the log density of some columns."""
        c = list(columns)
        parts = [
            np.log(w) + log_normal(X, mean[c], S[np.ix_(c, c)])
            for w, mean, S in zip(
                self.weights, self.means, self.covariances, strict=True
            )
        ]
        return logsumexp(parts, axis=0)

    def covariance(self):
        """Return the covariance."""
        centred = self.means - self.weights @ self.means
        between = (centred.T * self.weights) @ centred
        return between + np.tensordot(self.weights, self.covariances, 1)


def make_law(family, n_features, seed):
    """Return a law of a family; another seed is another law of it."""
    rng = np.random.default_rng([seed, n_features])
    S = random_covariance(n_features, rng)
    if family == "gaussian":
        return Gaussian(S)
    if family == "lognormal":
        return Gaussian(S, exp=True)
    if family == "t5":
        return StudentT(S, 5.0)
    means = 1.2 * rng.standard_normal((4, n_features))
    covariances = [random_covariance(n_features, rng) for _ in means]
    return Mixture([0.4, 0.3, 0.2, 0.1], means, covariances)


def near_law(law, seed):
    """Return another law of the family, not far away, to take the divergence from."""
    rng = np.random.default_rng([seed, law.n_features, 1])
    shift = 0.3 * rng.standard_normal(law.n_features)
    S = random_covariance(law.n_features, rng)
    if isinstance(law, Gaussian):
        return Gaussian(0.5 * law.S + 0.5 * S, shift, law.exp)
    if isinstance(law, StudentT):
        return StudentT(0.5 * law.shape + 0.5 * S, law.degrees, shift)
    wider = [0.5 * C + 0.5 * S for C in law.covariances]
    return Mixture([0.25, 0.25, 0.25, 0.25], law.means + shift, wider)
