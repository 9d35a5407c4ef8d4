"""The Radial layer: one monotone map of the distance from the centre."""

import numpy as np
from scipy.special import gammainc, gammaincc
from scipy.stats import chi

from gaussflow._common.checks import Choice, Number, check_params, keep_params
from gaussflow.layers.base import Layer
from gaussflow.layers.iterations.iteration import distance_gains
from gaussflow.layers.two_sample import TwoSample
from gaussflow.marginals import SplineMarginal
from gaussflow.marginals.counts import BIN_WIDTH, EDGES, Counts, Grid, count_folds
from gaussflow.marginals.spline_map import ROWS_OUTSIDE
from gaussflow.persistence.shapes import Part
from gaussflow.persistence.state import check_that

#: Least squared distance: the logarithm of 0 is not finite.
MIN_SQUARE = 1e-300
#: Share of rows at the very centre that leaves no direction to move along.
MAX_AT_CENTRE = 0.1
#: What a distance can be matched to.
MATCHES = ("normal", "samples")
#: Slopes of log-distances beyond those seen, where rows meet samples.
FINISH_SLOPES = (1.0, 4.0)


class Radial(Layer):
    """Map the distance from the centre, leave the direction as it is.

    z = x g(|x|) / |x| with g strictly increasing: radial Gaussianization (Lyu
    and Simoncelli, 2009), which together with whitening solves every elliptical
    law, heavy tails included, by one 1-D map.

    With ``match="samples"`` the layer is a finish: inside a flow it stays the
    identity until the layers after it are fitted, and then carries the law of
    the rows' distances to that of the samples that those layers generate.
    Samples then have the distances of real rows; in wide tables that is what
    goes wrong first, because errors of many columns add up in it.

    Parameters
    ----------
    match : {"normal", "samples"}, default="normal"
        What the distances are carried to: those of a standard normal, or those
        of the samples of the layers that follow.
    gate : float, default=2.0
        Standard errors that the map's held-out gain must exceed; below, the
        layer is the identity.

    Attributes
    ----------
    map_ : SplineMarginal or None
        The map, of the normal score of the distance ("normal") or of its
        logarithm ("samples"); None for the identity.

    References
    ----------
    S. Lyu and E. Simoncelli (2009), "Nonlinear extraction of independent
    components of natural images using radial Gaussianization", eq. 8.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.layers import Radial
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((2000, 3)) / np.sqrt(rng.chisquare(3, (2000, 1)) / 3)
    >>> Z = Radial(random_state=0).fit_transform(X)
    >>> bool(abs((Z**2).sum(axis=1).mean() - 3) < 0.2)
    True
    """

    finishes = True

    _rules = {"match": Choice(MATCHES), "gate": Number("[0, inf)")}

    def __init__(self, *, match="normal", gate=2.0, n_jobs=None, random_state=None):
        keep_params(locals())

    def fit_forward(self, X, rng, *, monitor=None, start=None):
        self._begin(X)
        if self.match == "normal" and X.shape[1] > 1:
            self.scores_ = _distance_to_normal(X.shape[1])
            self._fit_to_normal(X, rng)
        return self._carry(X)

    def matching(self):
        return RadialMatching(
            gate=self.gate, n_jobs=self.n_jobs, random_state=self.random_state
        )

    def finish(self, X, samples, rng):
        if self.match == "samples":
            self._fit_to_rows(X, samples, rng)

    def forward_and_log_det(self, X):
        return self._move(X, "forward_and_log_det")

    def inverse_and_log_det(self, Z):
        return self._move(Z, "inverse_and_log_det")

    def _begin(self, X):
        check_params(self)
        self.n_features_in_ = X.shape[1]
        self.map_, self.scores_ = None, None

    def _carry(self, X):
        """Map rows in place, and return their log-determinants too."""
        log_det = np.empty(len(X))

        def carry(rows):
            X[rows], log_det[rows] = self.forward_and_log_det(X[rows])

        self._over_blocks(X, carry)
        return X, log_det

    _state = {
        "map_": Part("SplineMarginal", None),
        "scores_": Part("SplineMarginal", None),
    }

    def _check_state(self):
        super()._check_state()
        for part in (vars(self).get("map_"), vars(self).get("scores_")):
            one = part is None or part.n_maps == 1
            check_that(self, one, "the distance needs one map")

    def _move(self, X, direction):
        """Scale rows so that their distance is mapped.

        With u = log r mapped to v: log det = D (v - u) + log dv/du.
        """
        log_det = np.zeros(len(X))
        if self.map_ is None:
            return X, log_det
        u = log_distance(X)
        v = u.copy()
        if self.scores_ is not None:
            v = self.scores_.forward_and_log_det(v, log_det)
        v = getattr(self.map_, direction)(v, log_det)
        if self.scores_ is not None:
            v = self.scores_.inverse_and_log_det(v, log_det)
        change = (v - u)[:, 0]
        log_det += X.shape[1] * change
        X *= np.exp(change).astype(X.dtype)[:, None]
        return X, log_det

    def _fit_to_normal(self, X, rng):
        def normal_scores(rows):
            u = log_distance(X[rows])
            return self.scores_.forward_and_log_det(u, np.zeros(len(u)))

        if _collapsed(X):
            return
        values = np.concatenate(self._over_blocks(X, normal_scores))
        search, check = _split_counts(values, rng)
        if min(search.n_samples, check.n_samples) < 2:
            return
        gain, error = SplineMarginal().fit(search).gain(check)
        if gain[0] > self.gate * error[0]:
            fitted = SplineMarginal().fit(search + check)
            least = min(_tail_slope(X), 1.0)
            fitted.tail_[:, 1] = np.maximum(fitted.tail_[:, 1], least)
            self._set(fitted)

    def _fit_to_rows(self, X, target, rng):
        """Match log-distances, judged by the distance of held-out quantiles."""
        if _collapsed(X) or _collapsed(target):
            return
        search, check = _split_counts(log_distance(X), rng)
        goals = _split_counts(log_distance(target), rng)
        if min(check.n_samples, goals[1].n_samples, search.n_samples) < 2:
            return
        candidate = SplineMarginal().fit(search, goals[0])
        gain, error = distance_gains(candidate, check, goals[1])
        if gain[0] > self.gate * error[0]:
            fitted = SplineMarginal().fit(search + check, goals[0] + goals[1])
            # Backwards, a slope below 1 would raise a sample's distance to a
            # power above 1: beyond the rows, samples only go on in proportion.
            fitted.tail_[:, 1] = np.clip(fitted.slopes_[:, -1], *FINISH_SLOPES)
            self._set(fitted)

    def _set(self, fitted):
        # Slope 1 near the centre keeps the density there finite.
        fitted.tail_[:, 0] = 1.0
        self.map_ = fitted


class RadialMatching(TwoSample, Radial):
    """Carry samples to the distances from the origin that other rows have.

    What :class:`Radial` is between rows and noise, this is between carried samples
    and data: log-distances are matched by one map, where held-out ones come nearer.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.layers.radial import RadialMatching
    >>> rng = np.random.default_rng(0)
    >>> X, target = rng.standard_normal((2, 2000, 3))
    >>> Z, _ = RadialMatching().fit_between(X.copy(), 2.0 * target, rng)
    >>> bool(1.9 < Z.std() < 2.1)
    True
    """

    finishes = False

    def __init__(self, *, gate=2.0, n_jobs=None, random_state=None):
        keep_params(locals())
        self.match = "samples"

    def fit_between(self, X, target, rng, *, monitor=None):
        """Fit to the distances of X and of the target; return X carried."""
        self._begin(X)
        self._fit_to_rows(X, target, rng)
        return self._carry(X)


def log_distance(X):
    """Return the log of each row's distance from the origin, (n_samples, 1)."""
    squares = np.einsum("ij,ij->i", X, X, dtype=np.float64)
    return 0.5 * np.log(np.maximum(squares, MIN_SQUARE))[:, None]


def _tail_slope(X):
    """Return the slope that the outermost rows give the map beyond them.

    Their distances tell a power law's exponent a (Hill, 1975, "A simple general
    approach to inference about the tail of a distribution"). Where it holds,
    log-distances s beyond follow those of a normal, t, with dt/ds = a / (e^t h),
    h being the normal distance's hazard there. Light tails and bounded ones
    show large exponents, and their samples stay near the rows.
    """
    n, d = X.shape
    n_outer = max(int(np.sqrt(n)), 2)
    u = log_distance(X)[:, 0]
    u = np.partition(u, n - n_outer - 1)[n - n_outer - 1 :]
    exponent = 1.0 / max(float(np.mean(u[1:]) - u[0]), 1e-9)
    edge = chi(d).isf(ROWS_OUTSIDE / n)
    hazard = chi(d).pdf(edge) / (ROWS_OUTSIDE / n)
    return exponent / (edge * hazard)


def _collapsed(X):
    """Tell whether too many rows lie in the centre, as those of constants do."""
    squares = np.einsum("ij,ij->i", X, X, dtype=np.float64)
    return np.mean(squares <= MIN_SQUARE) > MAX_AT_CENTRE


def _split_counts(values, rng):
    """Count two thirds of the values, and the rest, over one grid."""
    folds = (rng.random(len(values)) >= 2.0 / 3.0).astype(np.uint8)
    grid = Grid.around(values)
    counts = count_folds(values, folds, 2, grid)
    return Counts(grid, counts[0]), Counts(grid, counts[1])


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
