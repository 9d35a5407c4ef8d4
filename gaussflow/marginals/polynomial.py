"""Polynomial marginals: increasing by construction, held in Bernstein form."""

from functools import lru_cache

import numpy as np
from scipy.linalg import solve_triangular
from scipy.optimize import nnls
from scipy.special import comb

from gaussflow._common.checks import Integer, check_integer
from gaussflow.kernels.polynomial import (
    bernstein_basis,
    bernstein_forward,
    bernstein_inverse,
)
from gaussflow.marginals.base import Marginal
from gaussflow.marginals.cdf import BinnedCDF, normal_scores
from gaussflow.marginals.counts import CENTRES
from gaussflow.marginals.density import shrunk_histogram
from gaussflow.marginals.spline_map import ROWS_OUTSIDE, TAIL_SLOPES, units_of
from gaussflow.persistence.shapes import Array
from gaussflow.persistence.state import check_that

#: Beyond, binomial coefficients no longer fit a float exactly.
MAX_DEGREE = 50
#: Least slope of a polynomial, as a share of the straight line's through its
#: ends: no row loses more than -log of it, and the inverse stays well behaved.
MIN_SLOPE = 0.02
#: The derivative's coefficients are positive at this many times the degree: more
#: admits more polynomials and costs more. Chosen by hand, as is the ridge.
RAISE = 4
#: Weight of the straight line beside that of the data, which is 1.
RIDGE = 1e-3


class PolynomialMarginal(Marginal):
    """Polynomial maps of a given degree (``marginal="polynomial"``).

    On its support [a, b] a map is the polynomial sum_j c_j B_j(t), with B_j the
    Bernstein polynomials and t = (y - a) / (b - a). Its derivative is again a sum
    of Bernstein polynomials, none of which is negative: where their coefficients
    are positive, the map increases strictly (Farouki, 2012, "The Bernstein
    polynomial basis: a centennial retrospective", section 5.1). The fit to the
    normal scores of the counts is the best by least squares among those whose
    derivative, raised to a higher degree, has positive coefficients; as that
    degree grows these are all increasing polynomials. Outside the support the map
    goes on as a straight line: a bare polynomial would turn around or explode.

    Parameters
    ----------
    degree : int, default=9
        Degree, from 1 (straight lines) to 50.

    Attributes
    ----------
    coef_ : ndarray of shape (n_columns, degree + 1)
        Bernstein coefficients c_j; the first and the last are the values at the
        two ends of the support.
    support_ : ndarray of shape (n_columns, 2)
        Ends a and b of the supports.
    tail_ : ndarray of shape (n_columns, 2)
        Slopes of the straight lines below and above the support.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.marginals import PolynomialMarginal
    >>> from gaussflow.marginals.counts import Counts, Grid
    >>> rng = np.random.default_rng(0)
    >>> Y = rng.exponential(size=(2000, 1)) - 1
    >>> marginal = PolynomialMarginal(5).fit(Counts(Grid.standard(1)).add(Y))
    >>> Z = marginal.forward_and_log_det(Y.copy(), np.zeros(2000))
    >>> print(round(float(np.std(Z)), 1))
    1.0
    >>> marginal.coef_.shape
    (1, 6)
    """

    per_column = ("coef_", "support_", "tail_")

    def __init__(self, degree=9):
        self.degree = degree

    def fit(self, counts, target=None):
        way_out = ' (for closer fits, take marginal="spline")'
        degree = check_integer("degree", self.degree, 1, MAX_DEGREE, way_out)
        n_samples = min(c.n_samples for c in (counts, target) if c is not None)
        outside = min(ROWS_OUTSIDE / max(n_samples, 1), 0.25)
        ends = np.array([outside, 1.0 - outside])
        density = shrunk_histogram(counts)
        cdf = BinnedCDF(density)
        goal = None if target is None else BinnedCDF(shrunk_histogram(target))
        self.support_ = np.empty((counts.n_columns, 2))
        self.coef_ = np.empty((counts.n_columns, degree + 1))
        for k in range(counts.n_columns):
            first, last = self.support_[k] = cdf.quantiles(k, ends, ends[::-1])
            inside = (first < CENTRES) & (last > CENTRES)
            # A map must reach both ends, though no row may lie just there.
            places = np.concatenate([[first], CENTRES[inside], [last]])
            weights = np.concatenate([[outside], density[k, inside], [outside]])
            tails = cdf.tails(k, places)
            if goal is None:
                scores = normal_scores(*tails)
            else:
                scores = goal.quantiles(k, *tails)
            t = (places - first) / (last - first)
            self.coef_[k] = fit_increasing(t, scores, weights / weights.sum(), degree)
        slopes = degree * np.diff(self.coef_)[:, [0, -1]] / np.diff(self.support_)
        self.tail_ = np.clip(slopes, *TAIL_SLOPES)
        self._to_units(counts.grid, None if target is None else target.grid)
        return self

    @property
    def ends(self):
        """Ends of the supports."""
        return self.support_

    _state = {
        "degree": Integer(1),
        "support_": Array("f", "maps", 2, rising=True),
        "coef_": Array("f", "maps", None),
        "tail_": Array("f", "maps", 2, within="(0, inf)"),
    }

    def _check_state(self):
        if "coef_" not in vars(self):
            return
        degree = self.coef_.shape[1] - 1
        check_that(self, 1 <= degree <= MAX_DEGREE, f"the degree is {degree}")
        raised = np.diff(self.coef_) @ raising_matrix(degree - 1, RAISE * degree).T
        check_that(self, (raised > 0.0).all(), "the polynomials must increase")

    def _to_units(self, grid, target_grid):
        """Leave the grids' units for those of the coordinates themselves."""
        loc, scale = units_of(grid)
        target_loc, target_scale = units_of(target_grid)
        self.support_ = loc + scale * self.support_
        self.coef_ = target_loc + target_scale * self.coef_
        self.tail_ = self.tail_ * target_scale / scale

    def forward_and_log_det(self, Y, log_det):
        bernstein_forward(Y, self.coef_, self.support_, self.tail_, log_det)
        return Y

    def inverse_and_log_det(self, Z, log_det):
        bernstein_inverse(Z, self.coef_, self.support_, self.tail_, log_det)
        return Z


def fit_increasing(t, values, weights, degree):
    """Fit an increasing polynomial to values at places t in [0, 1] by least squares.

    The weights have sum 1. Returns the degree + 1 Bernstein coefficients of a strictly
    increasing polynomial.
    """
    basis = bernstein_basis(t, degree)
    # P = c_0 + sum_j step_j sum_{i >= j} B_i: one column for each step.
    tails = np.cumsum(basis[:, ::-1], axis=1)[:, -2::-1]
    centre, level = weights @ tails, weights @ values
    root = np.sqrt(weights)[:, None]
    line = (values[-1] - values[0]) / degree
    # What the data leave open goes to the straight line's equal steps.
    matrix = np.vstack([root * (tails - centre), RIDGE * np.eye(degree)])
    ridge = np.full(degree, RIDGE * line)
    goal = np.concatenate([root[:, 0] * (values - level), ridge])
    raised = raising_matrix(degree - 1, RAISE * degree)
    least = MIN_SLOPE * line
    steps = _bounded_least_squares(matrix, goal, raised, least)
    # Rounding may leave a step just short: move toward the line until none is.
    short = np.min(raised @ steps)
    if short < least:
        steps += (least - short) / (line - short) * (line - steps)
    first = level - centre @ steps
    return first + np.concatenate([[0.0], np.cumsum(steps)])


def _bounded_least_squares(matrix, goal, bounds, least):
    """Minimise |matrix x - goal| where bounds x >= least.

    As least distance programming, solved by non-negative least squares (Lawson
    and Hanson, 1974, "Solving least squares problems", chapter 23).
    """
    q, r = np.linalg.qr(matrix)
    free = q.T @ goal
    # With r x = free + y: make y small where g y >= h.
    g = solve_triangular(r, bounds.T, trans="T").T
    h = least - g @ free
    if (h > 0.0).any():
        unit = np.zeros(len(free) + 1)
        unit[-1] = 1.0
        dual = np.vstack([g.T, h])
        residual = dual @ nnls(dual, unit)[0] - unit
        free = free - residual[:-1] / residual[-1]
    return solve_triangular(r, free)


@lru_cache
def raising_matrix(degree, to):
    """Return the matrix that raises Bernstein coefficients to a higher degree.

    Farouki (2012), eq. 27: c_i = sum_j C(n, j) C(r, i - j) / C(n + r, i) c_j.
    """
    i, j = np.arange(to + 1)[:, None], np.arange(degree + 1)
    return comb(degree, j) * comb(to - degree, i - j) / comb(to, i)
