"""The data, splits and seeds on which densities are compared."""

import os
from pathlib import Path

import numpy as np
from scipy import stats
from sklearn.datasets import (
    load_breast_cancer,
    load_digits,
    make_moons,
    make_swiss_roll,
)
from sklearn.model_selection import KFold, train_test_split

N_ROWS = 5000


class Rows:
    """Rows of a data set, and its exact log density where there is one.

    Attributes
    ----------
    X : ndarray of shape (n_samples, n_features)
    log_density : callable or None
        From rows to log densities, in the units of X.
    n_folds : int
        0: one split, a fifth of the rows for testing; else K-fold.
    """

    def __init__(self, X, log_density=None, n_folds=0):
        self.X = np.ascontiguousarray(X, dtype=np.float64)
        self.log_density = log_density
        self.n_folds = n_folds

    def splits(self, seed=0):
        """Yield (train, test, exact): standardised by train; exact may be None."""
        index = np.arange(len(self.X))
        if self.n_folds:
            folds = KFold(self.n_folds, shuffle=True, random_state=seed).split(index)
        else:
            folds = [train_test_split(index, test_size=0.2, random_state=seed)]
        for train, test in folds:
            mean, std = self.X[train].mean(axis=0), self.X[train].std(axis=0)
            exact = None
            if self.log_density is not None:
                exact = self.log_density(self.X[test]).mean() + np.log(std).sum()
            yield (self.X[train] - mean) / std, (self.X[test] - mean) / std, exact


def moons():
    return Rows(make_moons(N_ROWS, noise=0.1, random_state=0)[0])


def swiss_roll():
    return Rows(make_swiss_roll(N_ROWS, noise=0.5, random_state=0)[0])


def eight_gaussians():
    rng = np.random.default_rng(0)
    angles = np.arange(8) * np.pi / 4
    centers = 4.0 * np.c_[np.cos(angles), np.sin(angles)]
    noise = stats.multivariate_normal(np.zeros(2), 0.25 * np.eye(2))
    X = centers[rng.integers(8, size=N_ROWS)] + 0.5 * rng.normal(size=(N_ROWS, 2))
    return Rows(X, lambda X: np.log(np.mean([noise.pdf(X - c) for c in centers], 0)))


def _covariance(n_features, rng):
    """Return a covariance of condition number 100."""
    Q = np.linalg.qr(rng.normal(size=(n_features, n_features)))[0]
    return (Q * np.logspace(2, 0, n_features)) @ Q.T


def gaussian(n_features):
    rng = np.random.default_rng(0)
    covariance = _covariance(n_features, rng)
    X = rng.normal(size=(N_ROWS, n_features)) @ np.linalg.cholesky(covariance).T
    return Rows(X, stats.multivariate_normal(np.zeros(n_features), covariance).logpdf)


def gaussian_16():
    return gaussian(16)


def gaussian_64():
    return gaussian(64)


def student_t():
    t = stats.multivariate_t(
        np.zeros(8), _covariance(8, np.random.default_rng(0)), df=3
    )
    return Rows(t.rvs(N_ROWS, random_state=0), t.logpdf)


def breast_cancer():
    """Five folds: one split of 569 rows has a standard error of 3 nats."""
    return Rows(load_breast_cancer().data, n_folds=5)


def breast_cancer_split():
    return Rows(load_breast_cancer().data)


def digits():
    X = load_digits().data
    return Rows(X + np.random.default_rng(0).random(X.shape))


# -- larger tables, where GAUSSFLOW_DATA names the folder that holds them ------


def _external(file, n_rows=20_000, **options):
    folder = os.environ.get("GAUSSFLOW_DATA")
    path = Path(folder or "", "density", file)
    if not folder or not path.exists():
        raise FileNotFoundError(
            f"{file} was not found. Set GAUSSFLOW_DATA to the folder that holds "
            f"density/{file}, or leave this data set out."
        )
    import pandas as pd

    table = pd.read_csv(path, **options).select_dtypes("number").dropna()
    X = table.to_numpy(dtype=np.float64)
    rng = np.random.default_rng(0)
    return Rows(X[rng.permutation(len(X))[:n_rows]])


def magic():
    return _external("magic04.data.gz", header=None)


def protein():
    return _external("protein_casp.txt.gz", sep=r"\s+", header=None)


DATASETS = {
    f.__name__: f
    for f in (
        moons,
        swiss_roll,
        eight_gaussians,
        student_t,
        gaussian_16,
        gaussian_64,
        breast_cancer,
        breast_cancer_split,
        digits,
    )
}
EXTRA_DATASETS = {f.__name__: f for f in (magic, protein)}


def load(name):
    """Return the Rows of a data set by its name."""
    return (DATASETS | EXTRA_DATASETS)[name]()
