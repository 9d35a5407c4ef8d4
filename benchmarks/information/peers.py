"""What measures of information are compared with: neighbours, Gaussians, rbig.

rbig (github.com/jejjohnson/rbig, 0.1.15) takes part where it is installed, with the
settings of its own benchmark; its published figures are held here, with the rows that
they are of, which its seeds give again.
"""

from importlib.util import find_spec

import numpy as np
from scipy.special import digamma, ndtri
from scipy.stats import rankdata
from sklearn.feature_selection import mutual_info_regression
from sklearn.neighbors import KDTree, NearestNeighbors

from gaussflow import theory

#: Neighbours, as in scikit-learn's mutual_info_regression.
K = 3
RBIG_OPTIONS = {"n_layers": 12, "tol": 1e-3, "patience": 3, "random_state": 0}


def _standardised(X):
    return (X - X.mean(axis=0)) / X.std(axis=0)


def _distances(X, k, of=None):
    """Return distances of rows to their k-th neighbour, by the largest column."""
    index = NearestNeighbors(metric="chebyshev").fit(X if of is None else of)
    if of is None:
        return index.kneighbors(n_neighbors=k)[0][:, -1]
    return index.kneighbors(X, n_neighbors=k)[0][:, -1]


def neighbour_mutual_information(X, Y):
    """Return the estimate of Kraskov et al. (2004), their first.

    It is what mutual_info_regression computes of two columns, for sets of columns.
    """
    if X.shape[1] == Y.shape[1] == 1:
        found = mutual_info_regression(X, Y[:, 0], n_neighbors=K, random_state=0)
        return float(found[0])
    X, Y = _standardised(X), _standardised(Y)
    radius = np.nextafter(_distances(np.hstack([X, Y]), K), 0)
    inside = [
        KDTree(part, metric="chebyshev").query_radius(part, radius, count_only=True)
        for part in (X, Y)
    ]
    n_inside = sum(digamma(counts).mean() for counts in inside)
    return float(digamma(len(X)) + digamma(K) - n_inside)


def neighbour_entropy(X):
    """Return the estimate of Kozachenko and Leonenko (1987)."""
    scale = X.std(axis=0)
    radius = np.maximum(_distances(X / scale, K), 1e-300)
    log_volume = X.shape[1] * np.log(2.0 * radius).mean()
    return float(digamma(len(X)) - digamma(K) + log_volume + np.log(scale).sum())


def neighbour_total_correlation(X):
    """Return the entropies of the columns less that of all."""
    single = sum(neighbour_entropy(column[:, None]) for column in X.T)
    return single - neighbour_entropy(X)


def neighbour_divergence(X, Y):
    """Return the estimate of Wang, Kulkarni and Verdu (2009)."""
    scale = Y.std(axis=0)
    X, Y = X / scale, Y / scale
    ratio = np.log(_distances(X, K, of=Y)) - np.log(_distances(X, K))
    return float(X.shape[1] * ratio.mean() + np.log(len(Y) / (len(X) - 1.0)))


def neighbour_negentropy(X):
    """Return the entropy of the rows' Gaussian less that of the neighbours."""
    return theory.gaussian_entropy(np.cov(X, rowvar=False)) - neighbour_entropy(X)


def _copula_covariance(X):
    scores = ndtri((rankdata(X, axis=0) - 0.5) / len(X))
    return np.corrcoef(scores, rowvar=False)


def gaussian(measure, *parts):
    """Return the closed form of the Gaussian, or Gaussian copula, of the rows."""
    if measure == "kl_divergence":
        (S, m), (R, c) = ((np.cov(Z, rowvar=False), Z.mean(axis=0)) for Z in parts)
        return theory.gaussian_kl(S, m, from_covariance=R, from_mean=c)
    if measure == "entropy":
        return theory.gaussian_entropy(np.cov(parts[0], rowvar=False))
    if measure == "negentropy":
        return 0.0
    R = _copula_covariance(np.hstack(parts))
    if measure == "total_correlation":
        return theory.gaussian_kl(R)
    edges = np.cumsum([0, *(part.shape[1] for part in parts)])
    x, y, *z = (list(range(a, b)) for a, b in zip(edges, edges[1:], strict=False))
    return theory.gaussian_mutual_information(R, x, y, given=z[0] if z else ())


NEIGHBOURS = {
    "entropy": neighbour_entropy,
    "negentropy": neighbour_negentropy,
    "total_correlation": neighbour_total_correlation,
    "mutual_information": neighbour_mutual_information,
    "kl_divergence": neighbour_divergence,
}


def has_rbig():
    """Return whether rbig can be measured."""
    return find_spec("rbig") is not None


def rbig(measure, *parts):
    """Return the estimate of the rbig package, or None where it has none."""
    import rbig

    name = {
        "total_correlation": "estimate_tc",
        "mutual_information": "estimate_mi",
        "kl_divergence": "estimate_kld",
        "entropy": "estimate_entropy",
    }.get(measure)
    return float(getattr(rbig, name)(*parts, **RBIG_OPTIONS)) if name else None


def published():
    """Yield what rbig publishes: (measure, name, truth, its figure, samples).

    Each sample is the tuple of arrays that the figure, or its share of a mean, is of.
    Its docs/benchmarks.md has the information of pairs (means over two seeds), its
    notebook 06 the three others (n_layers=30, rotation="pca").
    """
    rng = np.random.RandomState(123)
    X = rng.randn(1000, 3)
    A = rng.rand(3, 3)
    truth = theory.gaussian_kl(_correlation(A.T @ A))
    name = "Gaussian, 3 columns, 1,000 rows"
    yield "total_correlation", name, truth, 2.9647, [(X @ A,)]

    rng = np.random.RandomState(123)
    A = rng.rand(6, 6)
    C = A @ A.T
    X = rng.multivariate_normal(np.zeros(6), C, 1000)
    truth = theory.gaussian_mutual_information(C, [0, 1, 2])
    name = "Gaussian, 3 and 3 columns, 1,000 rows"
    yield "mutual_information", name, truth, 4.4847, [(X[:, :3], X[:, 3:])]

    rng = np.random.RandomState(123)
    A = rng.rand(3, 3)
    C = A @ A.T
    C /= C.max()
    X = rng.multivariate_normal(np.zeros(3), C, 1000)
    Y = rng.multivariate_normal(np.full(3, 0.4), C, 1000)
    truth = theory.gaussian_kl(C, from_covariance=C, from_mean=np.full(3, 0.4))
    # Its own comparison calls X the law that the flow is of, and scores Y.
    name = "Gaussians, 3 columns, 1,000 rows"
    yield "kl_divergence", name, truth, 90.4413, [(X, Y)]

    pairs = {10: [(0.6, 2.293)], 1: [(0.3, 0.044), (0.6, 0.209), (0.9, 0.798)]}
    pairs |= {5: [(0.6, 1.114)], 2: [(0.6, 0.489)]}
    for d, figures in pairs.items():
        for correlation, figure in figures:
            samples = []
            for seed in (0, 1):
                rng = np.random.default_rng(seed)
                X = rng.standard_normal((1200, d))
                noise = np.sqrt(1 - correlation**2) * rng.standard_normal((1200, d))
                samples.append((X, correlation * X + noise))
            truth = -0.5 * d * np.log(1 - correlation**2)
            name = f"{d} pairs of correlation {correlation}, 1,200 rows"
            yield "mutual_information", name, truth, figure, samples


def _correlation(S):
    scale = np.sqrt(np.diag(S))
    return S / np.outer(scale, scale)
