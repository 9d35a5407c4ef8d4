"""The entry map: columns in their own units become standardised coordinates."""

import numpy as np

from gaussflow.kernels.sinh_arcsinh import (
    fit_sinh_arcsinh,
    sinh_arcsinh_forward,
    sinh_arcsinh_inverse,
)
from gaussflow.marginals.counts import bulk
from gaussflow.persistence.shapes import Array
from gaussflow.persistence.state import Persistent

#: A column whose spread is below this share of its size is constant: it is
#: given this spread, so that samples return it to about nine digits.
CONSTANT = 1e-9
#: Quantiles that the sinh-arcsinh map is fitted on.
N_POINTS = 256
#: Gain in log-likelihood, nats in all rows, that its two extra numbers must
#: bring (Schwarz's criterion at a thousand rows).
MIN_GAIN = 7.0
#: Widest gap between neighbouring quantiles, as a share of the middle 90 % of the
#: rows: a Cauchy law's is 0.04, a very skewed log-normal's 0.08.
WIDEST_GAP = 0.25


class EntryMap(Persistent):
    """Standardise columns; pull in skew and heavy tails once, where they are.

    Each column gets z = sinh(tail * asinh((x - loc) / scale) - skew) (Jones and
    Pewsey, 2009, "Sinh-arcsinh distributions", eq. 1) with tail <= 1, or the
    plain (x - loc) / scale where that is as good. Tails are met here, in the
    first layer, so that later maps need not and slopes cannot compound.
    """

    def fit(self, X, mean, std):
        """Fit from a bounded sample X of rows and the float64 moments of all rows."""
        n_columns = X.shape[1]
        least = np.finfo(np.float64).tiny / CONSTANT
        floor = CONSTANT * np.maximum(np.abs(mean), least)
        constant = std <= floor
        # A column of zeros has no size to measure by: its unit is 1.
        floor = np.where(mean == 0.0, CONSTANT, floor)
        self.loc_ = np.array(mean, dtype=np.float64)
        self.scale_ = np.where(constant, floor, std)
        self.skew_ = np.zeros(n_columns)
        self.tail_ = np.ones(n_columns)
        self.ends_ = np.tile([-np.inf, np.inf], (n_columns, 1))
        levels = (np.arange(N_POINTS) + 0.5) / N_POINTS
        for k in np.flatnonzero(~constant):
            x = np.asarray(X[:, k], dtype=np.float64)
            self.loc_[k], self.scale_[k] = bulk(x, mean[k], std[k])
            u = (x - self.loc_[k]) / self.scale_[k]
            self._fit_column(k, u, np.quantile(u, levels))
        return self

    def _fit_column(self, k, u, points):
        middle = points[3 * N_POINTS // 4] - points[N_POINTS // 4]
        if middle < 1e-3 or len(u) < 20:
            # Half the rows in one place: an atom, not a shape with tails.
            return
        central = points[N_POINTS // 20 : N_POINTS - N_POINTS // 20]
        if np.diff(central).max() > WIDEST_GAP * (central[-1] - central[0]):
            # Islands: two values, say. Nor is that one shape.
            return
        middle_scale = np.log(max(middle / 1.35, 0.05))
        theta = np.array([np.median(points), middle_scale, 0.0, -0.1])
        value = fit_sinh_arcsinh(points, theta, 400)
        plain = 0.5 * np.mean(points**2)
        if len(u) * (plain - value) < MIN_GAIN or not np.isfinite(value):
            return
        unit = self.scale_[k]
        self.loc_[k] += unit * theta[0]
        self.scale_[k] = unit * np.exp(theta[1])
        self.skew_[k] = theta[2]
        self.tail_[k] = np.exp(theta[3])
        # Beyond the rows the curve is a guess that the inverse would throw
        # far out; a straight line goes on from the outermost ones.
        ends = np.array([u.min(), u.max()])
        self.ends_[k] = (ends - theta[0]) / np.exp(theta[1])

    @property
    def n_features(self):
        """Number of columns."""
        return len(self.loc_)

    _state = {
        "loc_": Array("f", "n"),
        "scale_": Array("f", "n", within="(0, inf)"),
        "skew_": Array("f", "n"),
        "tail_": Array("f", "n", within="(0, inf)"),
        "ends_": Array("f", "n", 2, within="[-inf, inf]", rising=True),
    }

    def forward_and_log_det(self, X, log_det):
        """Map X in place; add the log-slopes to log_det; return X."""
        sinh_arcsinh_forward(
            X, self.loc_, self.scale_, self.skew_, self.tail_, self.ends_, log_det
        )
        return X

    def inverse_and_log_det(self, Z, log_det):
        """Undo the map in place; add the inverse's log-slopes; return Z."""
        sinh_arcsinh_inverse(
            Z, self.loc_, self.scale_, self.skew_, self.tail_, self.ends_, log_det
        )
        return Z
