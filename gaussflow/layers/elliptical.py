"""The Elliptical layer: robust whitening, and one map of the distance."""

import numpy as np
from scipy.special import gammainc, gammaincc, gammaincinv, gammaln
from sklearn.base import clone

from gaussflow.layers.base import Layer, row_blocks, run_threads
from gaussflow.marginals import SplineMarginal
from gaussflow.marginals.counts import BIN_WIDTH, EDGES, Counts, Grid, count_folds

#: Rows that the degrees of freedom and the shrinkage are chosen on.
FIT_ROWS = 20_000
DEGREES = (1.0, 2.0, 3.0, 4.0, 6.0, 10.0, 20.0, 50.0, np.inf)
#: Shares of the average variance mixed into the scatter, to choose from.
SHRINKAGES = (0.0, 1e-3, 1e-2, 0.03, 0.1, 0.3, 0.7)
#: Least ratio of a principal axis' variance to the largest one: two columns
#: that are copies of each other stay equal to five digits in samples.
LEAST_RATIO = 1e-10


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
    n_jobs : int or None, default=None
        Threads over blocks of rows. The result does not depend on it.
    random_state : int, RandomState, Generator or None, default=None
        Randomness of the splits.

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
    target_ : Elliptical or None
        In direction "generate", the layer of the target's law, which this one
        ends with the inverse of.
    radial_ : SplineMarginal or None
        Map of the normal score of the distance; None for the identity.
    n_features_in_ : int
        Columns seen at fit.

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

    def __init__(self, *, gate=2.0, n_jobs=None, random_state=None):
        self.gate = gate
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit_forward(self, X, rng, *, target=None, monitor=None, start=None):
        """Fit on X and return the latent rows and their log-determinants."""
        self.n_features_in_ = X.shape[1]
        self.target_ = None
        if target is not None:
            self.target_ = clone(self)
            self.target_.fit_forward(np.array(target, order="C"), rng)
        # Columns of any units count alike; powers of two, so that no bit is lost.
        units = _units(X)
        X /= units.astype(X.dtype)
        self._fit_scatter(X, rng)
        X *= units.astype(X.dtype)
        self._set_units(units)
        self.distance_ = _distance_to_normal(X.shape[1])
        self.radial_ = None
        if X.shape[1] > 1:
            self._fit_radial(X, rng)
        parts = self._over_blocks(X, lambda rows: self.forward_and_log_det(X[rows]))
        for rows, (Z, _) in zip(row_blocks(len(X)), parts, strict=True):
            X[rows] = Z
        return X, np.concatenate([log_det for _, log_det in parts])

    def forward_and_log_det(self, X):
        """Return Z and log |det dZ/dX| of each row."""
        Y = self._whiten(X)
        log_det = np.full(len(X), self.log_whitening_)
        if self.radial_ is not None:
            Y = self._move_radius(Y, self.radial_.forward_and_log_det, log_det)
        if self.target_ is not None:
            Y, added = self.target_.inverse_and_log_det(Y)
            log_det += added
        return Y, log_det

    def inverse_and_log_det(self, Z):
        """Return X and log |det dX/dZ| of each row."""
        log_det = np.full(len(Z), -self.log_whitening_)
        if self.target_ is not None:
            Z, added = self.target_.forward_and_log_det(Z)
            log_det += added
        if self.radial_ is not None:
            Z = self._move_radius(Z, self.radial_.inverse_and_log_det, log_det)
        X = Z @ self.unwhitening_.astype(Z.dtype) + self.loc_.astype(Z.dtype)
        return X, log_det

    # -- helpers --------------------------------------------------------------

    def _over_blocks(self, X, work):
        return run_threads(work, row_blocks(len(X)), self.n_jobs)

    def _whiten(self, X):
        return (X - self.loc_.astype(X.dtype)) @ self.whitening_.astype(X.dtype)

    def _set_units(self, units):
        """Leave the standardised columns for those in their own units."""
        self.loc_ = self.loc_ * units
        self.whitening_ = self.whitening_ / units[:, None]
        self.unwhitening_ = self.unwhitening_ * units
        self.log_whitening_ = float(
            -0.5 * np.sum(np.log(self.variances_)) - np.sum(np.log(units))
        )

    def _move_radius(self, Y, method, log_det):
        """Scale rows so that their distance is mapped; add the log-determinants.

        With u = log r mapped to v: log det = D (v - u) + log dv/du.
        """
        u = _log_radius(Y)
        s = self.distance_.forward_and_log_det(u[:, None].copy(), log_det)
        v = self.distance_.inverse_and_log_det(method(s, log_det), log_det)[:, 0]
        Y *= np.exp(v - u).astype(Y.dtype)[:, None]
        log_det += Y.shape[1] * (v - u)
        return Y

    def _fit_scatter(self, X, rng):
        n = len(X)
        sample = X
        if n > FIT_ROWS:
            sample = X[np.sort(rng.choice(n, FIT_ROWS, replace=False))]
        sample = np.asarray(sample, dtype=np.float64)
        searched = rng.random(len(sample)) < 2.0 / 3.0
        self.shrinkage_ = SHRINKAGES[0]
        if 2 <= searched.sum() < len(sample):
            self.shrinkage_ = _choose_shrinkage(sample, searched)
        fit = TScatter().fit(sample, self.shrinkage_)
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

    def _fit_radial(self, X, rng):
        folds = (rng.random(len(X)) >= 2.0 / 3.0).astype(np.uint8)
        blocks = self._over_blocks(X, lambda rows: self._normal_scores(X[rows]))
        scores = np.concatenate(blocks)
        grid = Grid.around(scores)
        search, check = (
            Counts(grid, values) for values in count_folds(scores, folds, 2, grid)
        )
        if search.n_samples < 2 or check.n_samples < 2:
            return
        gain, error = SplineMarginal().fit(search).gain(check)
        if gain[0] > self.gate * error[0]:
            self.radial_ = SplineMarginal().fit(search + check)
            # Slope 1 near the centre keeps the density there finite.
            self.radial_.tail_[:, 0] = 1.0

    def _normal_scores(self, X):
        u = _log_radius(self._whiten(X))[:, None]
        return self.distance_.forward_and_log_det(u, np.zeros(len(X)))


class TScatter:
    """Centre and scatter of a multivariate t by EM (Lange et al., 1989)."""

    def fit(self, X, shrinkage):
        """Fit, choosing the degrees of freedom by likelihood; return self."""
        best = None
        self._set(X.mean(0), X.T @ (X - X.mean(0)) / len(X), shrinkage)
        for dof in DEGREES:
            self.dof = dof
            previous = -np.inf
            for _ in range(100):
                likelihood = float(np.mean(self.log_likelihood(X)))
                if likelihood - previous < 1e-5:
                    break
                previous = likelihood
                self.set_from_sums(*self.weighted_sums(X), len(X))
            if best is None or likelihood > best[0]:
                best = (likelihood, dof, self.loc, self.values, self.vectors)
            elif likelihood < best[0] - 0.1:
                break
        _, self.dof, self.loc, self.values, self.vectors = best
        return self

    def _set(self, loc, scatter, shrinkage):
        self.loc, self.shrinkage = loc, shrinkage
        sphere = np.trace(scatter) / len(scatter) * np.eye(len(scatter))
        values, vectors = np.linalg.eigh(
            (1.0 - shrinkage) * (scatter + scatter.T) / 2.0 + shrinkage * sphere
        )
        least = max(LEAST_RATIO * values[-1], np.finfo(np.float64).tiny ** 0.5)
        self.values, self.vectors = np.maximum(values, least), vectors

    def squared_distances(self, X):
        """Squared Mahalanobis distance of each row."""
        Y = (X - self.loc) @ (self.vectors / np.sqrt(self.values))
        return np.einsum("ij,ij->i", Y, Y)

    def weighted_sums(self, X):
        """Sums of the E-step, which add up over blocks of rows."""
        X = np.asarray(X, dtype=np.float64)
        weights = np.ones(len(X))
        if np.isfinite(self.dof):
            weights = (self.dof + X.shape[1]) / (self.dof + self.squared_distances(X))
        Y = X - self.loc
        return weights.sum(), weights @ Y, Y.T @ (weights[:, None] * Y)

    def set_from_sums(self, total, first, second, n_samples):
        """The M-step."""
        shift = first / total
        # The second moment about the new centre, of the weighted rows.
        scatter = (second - total * np.outer(shift, shift)) / n_samples
        self._set(self.loc + shift, scatter, self.shrinkage)

    def log_likelihood(self, X):
        """Log-density of each row."""
        d = X.shape[1]
        delta = self.squared_distances(X)
        constant = -0.5 * np.log(self.values).sum()
        if not np.isfinite(self.dof):
            return constant - 0.5 * (delta + d * np.log(2 * np.pi))
        dof = self.dof
        constant += gammaln((dof + d) / 2) - gammaln(dof / 2)
        constant -= d / 2 * np.log(dof * np.pi)
        return constant - (dof + d) / 2 * np.log1p(delta / dof)


def _choose_shrinkage(X, searched):
    """Return the shrinkage whose scatter predicts the held-out rows best."""
    best, best_score = SHRINKAGES[0], -np.inf
    for shrinkage in SHRINKAGES:
        score = np.mean(
            TScatter().fit(X[searched], shrinkage).log_likelihood(X[~searched])
        )
        if score > best_score:
            best, best_score = shrinkage, score
        elif score < best_score - 1.0:
            break
    return best


def _units(X):
    """Return a power of two near each column's standard deviation."""
    sample = np.asarray(X[:: max(1, len(X) // FIT_ROWS)], dtype=np.float64)
    reach = np.ptp(sample, axis=0)
    reach[reach == 0.0] = 1.0
    std = reach * np.std(sample / reach, axis=0)
    return np.exp2(np.round(np.log2(np.where(std > 0.0, std, 1.0))))


def _log_radius(Y):
    squares = np.einsum("ij,ij->i", Y, Y, dtype=np.float64)
    return 0.5 * np.log(np.maximum(squares, 1e-300))


def _distance_to_normal(n_features):
    """Return the map of log r to N(0, 1) where r is chi distributed."""
    loc, scale = 0.5 * np.log(n_features), 1.0 / np.sqrt(2.0 * n_features)
    half_squares = 0.5 * np.exp(2.0 * (loc + scale * EDGES))
    lower = gammainc(n_features / 2.0, half_squares)
    upper = gammaincc(n_features / 2.0, half_squares)
    lower[0], upper[-1] = 0.0, 0.0
    # The smaller tail's differences keep their digits.
    mass = np.where(lower[1:] < 0.5, np.diff(lower), -np.diff(upper))
    density = np.maximum(mass / BIN_WIDTH, 1e-300)[None]
    grid = Grid(np.array([loc]), np.array([scale]))
    return SplineMarginal().set_from_density(density, 1e9, grid)
