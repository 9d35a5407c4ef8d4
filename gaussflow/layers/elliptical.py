"""The Elliptical layer: robust whitening, and one map of the distance."""

import numpy as np
from scipy.special import gammaincinv

from gaussflow._common.blocks import some_rows
from gaussflow._common.checks import Number, check_params, keep_params
from gaussflow.layers.base import Layer
from gaussflow.layers.radial import Radial
from gaussflow.marginals.standardisation import CONSTANT
from gaussflow.mixtures.scatter import SHRINKAGES, TScatter, choose_shrinkage, least_dof
from gaussflow.persistence.shapes import Array, Part, Plain

#: Rows that the degrees of freedom and the shrinkage are chosen on.
FIT_ROWS = 20_000
#: Least unit of a column: the whitening divides by it and by a least deviation.
MIN_UNIT = 1e-292


class Elliptical(Layer):
    """Whiten by a robust scatter, then map the distance from the centre.

    Whitening solves a Gaussian in one layer where random rotations need (D+1)/2
    (Draxler et al., 2023, theorem 1); the radial map z = x g(|x|) / |x| solves
    every elliptical law, heavy tails included (Lyu and Simoncelli, 2009). The
    scatter is that of a multivariate t, whose degrees of freedom are chosen by
    likelihood, so that outliers do not bend it; it is shrunk toward a sphere by
    what held-out rows justify. The radial map is admitted only where it gains
    on held-out rows.

    The whitening is symmetric (z stays as close to x as it can), so that axes
    keep their meaning for the layers that follow.

    Parameters
    ----------
    gate : float, default=2.0
        Standard errors that the radial map's held-out gain must exceed.

    Attributes
    ----------
    loc_ : ndarray of shape (n_features_in_,)
        Centre.
    whitening_, unwhitening_ : ndarray of shape (n_features_in_, n_features_in_)
        The linear map and its inverse: symmetric, between columns whose units
        are powers of two near their deviations.
    dof_ : float
        Degrees of freedom of the t; inf for a Gaussian.
    shrinkage_ : float
        Share of the average variance in the scatter.
    radial_ : Radial
        The map of the distance; the identity where it gains nothing.

    References
    ----------
    S. Lyu and E. Simoncelli (2009), "Nonlinear extraction of independent
    components of natural images using radial Gaussianization", eq. 8.
    K. Lange, R. Little and J. Taylor (1989), "Robust statistical modeling using
    the t distribution", section 3.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.layers import Elliptical
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((2000, 3)) / np.sqrt(rng.chisquare(3, (2000, 1)))
    >>> float(Elliptical(random_state=0).fit(X).dof_)
    3.0
    """

    _rules = {"gate": Number("[0, inf)")}

    def __init__(self, *, gate=2.0, n_jobs=None, random_state=None):
        keep_params(locals())

    def fit_forward(self, X, rng, *, monitor=None, start=None):
        check_params(self)
        self.n_features_in_ = X.shape[1]
        # Columns of any units count alike; powers of two, so that no bit is lost.
        units = _units(X)
        X /= units.astype(X.dtype)
        # Constant columns stay as they are: mixed with others, by rounding alone,
        # they would no longer be constant, and the next layer would stretch that.
        varying = np.ptp(X, axis=0) > 0.0
        if varying.all() or not varying.any():
            self._fit_scatter(X, rng)
        else:
            self._fit_scatter(X[:, varying], rng)
            self._embed(varying, X[0])
        X *= units.astype(X.dtype)
        self._set_units(units)
        log_det = np.full(len(X), self.log_whitening_)
        self._over_blocks(X, lambda rows: self._whiten_in_place(X, rows))
        self.radial_ = Radial(gate=self.gate, n_jobs=self.n_jobs)
        X, added = self.radial_.fit_forward(X, rng)
        log_det += added
        return X, log_det

    def forward_and_log_det(self, X):
        Y, log_det = self.radial_.forward_and_log_det(self._whiten(X))
        log_det += self.log_whitening_
        return Y, log_det

    def inverse_and_log_det(self, Z):
        log_det = np.full(len(Z), -self.log_whitening_)
        Z, added = self.radial_.inverse_and_log_det(Z)
        log_det += added
        X = Z @ self.unwhitening_ + self.loc_
        return X.astype(Z.dtype, copy=False), log_det

    _state = {
        "shrinkage_": Plain(),
        "dof_": Plain(),
        "loc_": Array("f", "n_features_in_"),
        "variances_": Array("f", None),
        "whitening_": Array("f", "n_features_in_", "n_features_in_"),
        "unwhitening_": Array("f", "n_features_in_", "n_features_in_"),
        "log_whitening_": Number("(-inf, inf)"),
        "radial_": Part("Radial"),
    }

    def _whiten(self, X):
        # In float64: between nearly equal columns the matrices have numbers of
        # 1e5, and float32 would leave two digits of their differences.
        Y = (X - self.loc_) @ self.whitening_
        return Y.astype(X.dtype, copy=False)

    def _whiten_in_place(self, X, rows):
        X[rows] = self._whiten(X[rows])

    def _embed(self, varying, row):
        """Let a fit to the varying columns leave the constant ones alone."""
        row = np.asarray(row, dtype=np.float64)
        scale = CONSTANT * np.where(row == 0.0, 1.0, np.abs(row))
        places = np.ix_(varying, varying)
        for name, own in (("whitening_", 1.0 / scale), ("unwhitening_", scale)):
            matrix = np.diag(own)
            matrix[places] = getattr(self, name)
            setattr(self, name, matrix)
        row[varying] = self.loc_
        self.loc_ = row
        self.variances_ = np.r_[self.variances_, scale[~varying] ** 2]

    def _set_units(self, units):
        """Leave the standardised columns for those in their own units."""
        self.loc_ = self.loc_ * units
        self.whitening_ = self.whitening_ / units[:, None]
        self.unwhitening_ = self.unwhitening_ * units
        self.log_whitening_ = float(
            -0.5 * np.sum(np.log(self.variances_)) - np.sum(np.log(units))
        )

    def _fit_scatter(self, X, rng):
        n = len(X)
        sample = np.asarray(some_rows(X, FIT_ROWS, rng), dtype=np.float64)
        searched = rng.random(len(sample)) < 2.0 / 3.0
        least = least_dof(sample)
        self.shrinkage_ = SHRINKAGES[0]
        if 2 <= searched.sum() < len(sample):
            self.shrinkage_ = choose_shrinkage(sample, searched, least)
        fit = TScatter().fit(sample, self.shrinkage_, least)
        self.dof_ = fit.dof
        if n > FIT_ROWS:
            # One more step of EM, on all rows, is as good as all of them.
            sums = self._over_blocks(X, lambda rows: fit.weighted_sums(X[rows]))
            fit.set_from_sums(*(sum(part) for part in zip(*sums, strict=True)), n)
        self.loc_ = fit.loc
        unit = 1.0
        if np.isfinite(fit.dof):
            distance = np.median(np.sqrt(fit.squared_distances(sample)))
            unit = distance / np.sqrt(2.0 * gammaincinv(X.shape[1] / 2.0, 0.5))
        self.variances_ = fit.values * max(unit, 1e-6) ** 2
        self.whitening_ = (fit.vectors / np.sqrt(self.variances_)) @ fit.vectors.T
        self.unwhitening_ = (fit.vectors * np.sqrt(self.variances_)) @ fit.vectors.T


def _units(X):
    """Return a power of two near each column's standard deviation."""
    sample = np.asarray(X[:: max(1, len(X) // FIT_ROWS)], dtype=np.float64)
    reach = np.ptp(sample, axis=0)
    reach[reach == 0.0] = 1.0
    std = reach * np.std(sample / reach, axis=0)
    std = np.where(std > 0.0, np.maximum(std, MIN_UNIT), 1.0)
    return np.exp2(np.round(np.log2(std)))
