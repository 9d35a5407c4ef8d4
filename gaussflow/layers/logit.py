"""The Logit layer: bounded columns, such as pixels, on the whole line."""

import numpy as np

from gaussflow._common.checks import Number, check_params, keep_params
from gaussflow.layers.base import Layer
from gaussflow.persistence.state import check_that


class Logit(Layer):
    """Open a bounded interval to the whole line, all columns alike.

    With u = (x - low) / (high - low) and p = alpha + (1 - 2 alpha) u, a column
    becomes log(p / (1 - p)): values pile up at the ends of an interval no more,
    and samples keep to it. Beyond the interval the map goes on as a straight line
    with the slope that it has there, so that any row has a density; ``alpha``
    sets how steep that is.

    Parameters
    ----------
    bounds : (float, float) or None, default=None
        The interval (low, high): (0, 256) for bytes after
        :class:`~gaussflow.layers.Dequantize`. None takes the least and the
        greatest number of the training rows.
    alpha : float, default=0.05
        Share of the unit interval kept free at each end, above 0 and below 0.5.

    Attributes
    ----------
    low_, high_ : float
        The interval.

    References
    ----------
    L. Dinh, J. Sohl-Dickstein and S. Bengio (2017), "Density estimation using Real
    NVP", section 4.1.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.layers import Logit
    >>> X = np.array([[0.0, 128.0], [64.0, 256.0]])
    >>> Logit(bounds=(0, 256)).fit_transform(X).round(3)
    array([[-2.944,  0.   ],
           [-0.969,  2.944]])
    """

    spreads_ties = False
    instead = "end the list of layers with Inverse(Logit())"
    _rules = {"alpha": Number("(0, 0.5)")}

    def __init__(self, *, bounds=None, alpha=0.05, n_jobs=None):
        keep_params(locals())

    def fit_forward(self, X, rng, *, monitor=None, start=None):
        """Take the bounds; return the rows carried and their log-determinants."""
        check_params(self)
        self.n_features_in_ = X.shape[1]
        self.low_, self.high_ = self._interval(X)
        return self.forward_and_log_det(X)

    def forward_and_log_det(self, X):
        width = self.high_ - self.low_
        shrink = 1.0 - 2.0 * self.alpha
        steepest = self.alpha * (1.0 - self.alpha)
        P = self.alpha + shrink * (np.asarray(X, dtype=np.float64) - self.low_) / width
        inside = np.clip(P, self.alpha, 1.0 - self.alpha)
        beyond = P - inside
        odds = inside * (1.0 - inside)
        log_det = np.log(shrink / width) * X.shape[1] - np.log(odds).sum(axis=1)
        Z = np.log(inside) - np.log1p(-inside) + beyond / steepest
        return Z.astype(X.dtype, copy=False), log_det

    def inverse_and_log_det(self, Z):
        width = self.high_ - self.low_
        shrink = 1.0 - 2.0 * self.alpha
        steepest = self.alpha * (1.0 - self.alpha)
        end = np.log1p(-self.alpha) - np.log(self.alpha)
        Y = np.asarray(Z, dtype=np.float64)
        inside = np.clip(Y, -end, end)
        P = 1.0 / (1.0 + np.exp(-inside))
        log_det = np.log(width / shrink) * Z.shape[1]
        log_det = log_det + np.log(P * (1.0 - P)).sum(axis=1)
        P += steepest * (Y - inside)
        X = self.low_ + width * ((P - self.alpha) / shrink)
        return X.astype(Z.dtype, copy=False), log_det

    def _interval(self, X):
        if self.bounds is None:
            low, high = float(X.min()), float(X.max())
            # Constant rows have no width to measure by.
            return (low, high) if high > low else (low - 0.5, low + 0.5)
        try:
            low, high = (float(bound) for bound in self.bounds)
        except (TypeError, ValueError):
            low = high = 0.0
        if not (np.isfinite([low, high]).all() and low < high):
            raise ValueError(
                f"bounds must be None or two numbers (low, high) with low < high, got "
                f"{self.bounds!r}."
            )
        if X.min() < low or X.max() > high:
            raise ValueError(
                f"X reaches from {X.min():g} to {X.max():g}, beyond "
                f"bounds=({low:g}, {high:g}). Widen them, or use bounds=None."
            )
        return low, high

    _state = {"low_": Number("(-inf, inf)"), "high_": Number("(-inf, inf)")}

    def _check_state(self):
        super()._check_state()
        low, high = vars(self).get("low_", 0.0), vars(self).get("high_", 1.0)
        check_that(self, low < high, "the interval has no width")
