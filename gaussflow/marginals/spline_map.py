"""From a density on the grid to a monotone spline: one tail rule for all."""

import numpy as np

from gaussflow.kernels.spline import spline_forward, spline_inverse
from gaussflow.marginals.base import Marginal
from gaussflow.marginals.cdf import BinnedCDF, normal_scores
from gaussflow.marginals.counts import BIN_WIDTH, EDGES, N_BINS
from gaussflow.persistence.shapes import ABSENT, Array
from gaussflow.persistence.state import check_that

#: Knots of every spline.
N_KNOTS = 64
#: The support of a map ends where this many rows are left outside.
ROWS_OUTSIDE = 1.5
#: Slopes of the straight lines outside the support. At most 1, so that an
#: outlier never grows from layer to layer; at least 0.3, so that the inverse
#: does not throw noise far out.
TAIL_SLOPES = (0.6, 1.0)
#: Bounds of the slopes between knots: what the inverse can undo in float64.
SLOPES = (1e-5, 1e5)


class SplineMap(Marginal):
    """Marginal maps held as rational-quadratic splines with straight tails.

    Attributes
    ----------
    knots_, values_, slopes_ : ndarray of shape (n_columns, n_knots)
        Places of the knots, values there and slopes there. The first and last
        knot are the support.
    tail_ : ndarray of shape (n_columns, 2)
        Slopes of the straight lines below and above the support.
    """

    per_column = ("knots_", "values_", "slopes_", "tail_", "scores_")

    @property
    def ends(self):
        """First and last knot."""
        return self.knots_[:, [0, -1]]

    def forward_and_log_det(self, Y, log_det):
        spline_forward(Y, self.knots_, self.values_, self.slopes_, self.tail_, log_det)
        return Y

    def inverse_and_log_det(self, Z, log_det):
        spline_inverse(Z, self.knots_, self.values_, self.slopes_, self.tail_, log_det)
        return Z

    def set_from_density(self, density, n_samples, grid, target=None):
        """Set the knots so that the map carries ``density`` to the target.

        Parameters
        ----------
        density : ndarray of shape (n_columns, N_BINS)
            Density at the bins' centres, positive.
        n_samples : int
            Rows behind it: they set where the support ends.
        grid : Grid
            Where the bins lie.
        target : tuple (ndarray of shape (n_columns, N_BINS), Grid) or None
            Density to map to and its grid; None for N(0, 1).
        """
        cdf = BinnedCDF(density)
        lower, upper = cdf.lower, cdf.upper
        outside = min(ROWS_OUTSIDE / max(n_samples, 1), 0.25)
        first, last = _support(lower, upper, outside)
        at_edges = np.empty_like(lower)
        at_edges[:, 1:-1] = 0.5 * (density[:, 1:] + density[:, :-1])
        at_edges[:, 0], at_edges[:, -1] = density[:, 0], density[:, -1]
        rows = np.arange(len(density))
        at_edges[rows, first] = density[rows, first]
        at_edges[rows, last] = density[rows, last - 1]
        if target is None:
            z, slope = _to_normal(lower, upper, at_edges)
        else:
            z, slope = _to_density(lower, upper, at_edges, target[0])
        picked = _choose_knots(density, slope, first, last)
        rows = np.arange(len(density))[:, None]
        self.knots_ = EDGES[picked]
        self.values_ = z[rows, picked]
        self.slopes_ = slope[rows, picked]
        self.tail_ = np.clip(self.slopes_[:, [0, -1]], *TAIL_SLOPES)
        self._extend_short_supports(picked)
        self._make_strict()
        self._to_units(grid, None if target is None else target[1])
        return self

    def set_knots(self, knots, values, slopes, tail, grid, target_grid=None):
        """Set the knots, given in the units of the grids.

        Parameters
        ----------
        knots, values, slopes : ndarray of shape (n_columns, n_knots)
            Knots and values strictly increasing along each row, slopes > 0.
        tail : ndarray of shape (n_columns, 2)
            Slopes of the straight lines outside.
        grid, target_grid : Grid
            Units of the knots, and of the values; None for N(0, 1).
        """
        self.knots_, self.values_, self.slopes_ = knots, values, slopes
        self.tail_ = tail
        self._make_strict()
        self._to_units(grid, target_grid)
        return self

    _state = {
        "knots_": Array("f", "maps", "knots", rising=True),
        "values_": Array("f", "maps", "knots", rising=True),
        "slopes_": Array("f", "maps", "knots", within="(0, inf)"),
        "tail_": Array("f", "maps", 2, within="(0, inf)"),
        "scores_": Array("f", "maps", within=None, others=(ABSENT,)),
    }

    def _check_state(self):
        if "knots_" in vars(self):
            check_that(self, self.knots_.shape[1] >= 2, "two knots are needed")

    def _to_units(self, grid, target_grid):
        """Leave the grids' units for those of the coordinates themselves."""
        loc, scale = grid.loc[:, None], grid.scale[:, None]
        target_loc, target_scale = units_of(target_grid)
        self.knots_ = loc + scale * self.knots_
        self.values_ = target_loc + target_scale * self.values_
        self.slopes_ = self.slopes_ * target_scale / scale
        self.tail_ = self.tail_ * target_scale / scale

    def _extend_short_supports(self, picked):
        """Put the knots that a narrow support could not use on its upper tail."""
        surplus = picked == picked[:, -1:]
        repeats = np.cumsum(surplus, axis=1) - 1
        surplus = repeats > 0
        beyond = repeats * BIN_WIDTH * surplus
        self.knots_ = self.knots_ + beyond
        self.values_ = self.values_ + beyond * self.tail_[:, 1:]
        self.slopes_ = np.where(surplus, self.tail_[:, 1:], self.slopes_)

    def _make_strict(self):
        """Keep values and slopes strictly increasing and invertible."""
        steps = np.maximum(np.diff(self.values_, axis=1), np.diff(self.knots_) * 1e-5)
        # Grow from the middle knot outward, so that rounding stays in the tails.
        start = self.values_.shape[1] // 2
        middle = self.values_[:, start : start + 1]
        right = middle + np.cumsum(steps[:, start:], axis=1)
        left = middle - np.cumsum(steps[:, start - 1 :: -1], axis=1)[:, ::-1]
        self.values_ = np.concatenate([left, middle, right], axis=1)
        self.slopes_ = np.clip(self.slopes_, *SLOPES)


def units_of(grid):
    """Return centres and units as columns; those of N(0, 1) where None."""
    if grid is None:
        return 0.0, 1.0
    return grid.loc[:, None], grid.scale[:, None]


def _support(lower, upper, outside):
    """First and last edge of the support; tails there are kept from vanishing.

    The support takes in the bin where the tail reaches ``outside``: where a
    density begins abruptly, that bin may hold many rows.
    """
    rows = np.arange(len(lower))
    first = np.clip((lower < outside).sum(1) - 1, 0, N_BINS - 1)
    last = np.clip(N_BINS + 1 - (upper < outside).sum(1), first + 1, N_BINS)
    least = 0.3 * outside
    lower[rows, first] = np.maximum(lower[rows, first], least)
    upper[rows, last] = np.maximum(upper[rows, last], least)
    return first, last


def _to_normal(lower, upper, density):
    # The outermost edges would be infinite; they lie beyond every support.
    z = np.clip(normal_scores(lower, upper), -37.0, 37.0)
    normal = np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)
    return z, density / np.maximum(normal, 1e-300)


def _to_density(lower, upper, density, target):
    cdf = BinnedCDF(target)
    z = np.empty_like(lower)
    reached = np.empty_like(lower)
    for k in range(len(lower)):
        z[k] = cdf.quantiles(k, lower[k], upper[k])
        bins = np.clip(((z[k] - EDGES[0]) / BIN_WIDTH).astype(int), 0, N_BINS - 1)
        reached[k] = target[k, bins]
    return z, density / np.maximum(reached, 1e-300)


def _choose_knots(density, slope, first, last):
    """Pick edges as knots where rows are, where the map bends, and between.

    Returns integers of shape (K, N_KNOTS), non-decreasing, from first to last;
    the last one is repeated where the support has fewer edges than knots.
    """
    bins = np.arange(N_BINS)
    inside = (bins >= first[:, None]) & (bins < last[:, None])
    bend = np.sqrt(np.abs(np.diff(np.log(np.maximum(slope, 1e-300)), axis=1)))
    measure = np.zeros_like(density)
    for part, weight in ((density, 0.4), (bend, 0.35), (np.ones_like(bend), 0.25)):
        part = np.where(inside, part, 0.0)
        total = np.maximum(part.sum(1, keepdims=True), 1e-300)
        measure += weight * part / total
    cumulative = np.concatenate(
        [np.zeros((len(density), 1)), np.cumsum(measure, axis=1)], axis=1
    )
    levels = np.linspace(0.0, 1.0, N_KNOTS)
    picked = np.empty((len(density), N_KNOTS), dtype=np.int64)
    for k in range(len(density)):
        total = cumulative[k, last[k]]
        edges = np.searchsorted(cumulative[k], levels * total * (1 - 1e-12))
        edges = np.clip(edges, first[k], last[k])
        edges = np.union1d(edges, [first[k], last[k]])
        # The two ends can make one knot too many.
        while len(edges) > N_KNOTS:
            edges = np.delete(edges, 1 + np.argmin(np.diff(edges[1:])))
        picked[k] = last[k]
        picked[k, : len(edges)] = edges
    return picked
