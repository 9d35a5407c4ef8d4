"""Latent rows beside N(0, I): quantiles of columns, and squared norms."""

import numpy as np
from scipy.special import betaincinv, chdtri, ndtri

from gaussflow._common.checks import keep_params
from gaussflow.plotting._axes import Display, check_columns, grid_of_axes

#: Points of a quantile-quantile curve.
N_POINTS = 200
#: Share of normal samples whose point stays in the band, at each point.
BAND = 0.95


class LatentDisplay(Display):
    """Quantiles of latent columns, and of latent rows' norms, against N(0, I)'s.

    On the left each column's quantiles less the normal ones (a straight line at 0 is
    a normal column); on the right the same of the squared norm, which sees what all
    columns together do. The band holds 95 % of normal samples at each point.

    Parameters
    ----------
    columns : list of int
        The columns drawn.
    levels : ndarray of shape (n_points,)
        Shares at which quantiles are compared.
    deviations : ndarray of shape (n_columns, n_points)
        Quantiles of the columns less those of N(0, 1).
    norms : ndarray of shape (n_points,)
        Quantiles of the norms of the rows, all columns in them.
    n_samples, n_features : int
        Latent rows and columns.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes, of shape (2,)
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from gaussflow import GenFlow, Linear
    >>> from gaussflow.plotting import LatentDisplay
    >>> X, _ = make_moons(800, noise=0.1, random_state=0)
    >>> flow = GenFlow([Linear(5)], random_state=0).fit(X[:400])
    >>> display = LatentDisplay.from_estimator(flow, X[400:])
    >>> display.deviations.shape
    (2, 200)
    """

    def __init__(self, columns, levels, deviations, norms, n_samples, n_features):
        keep_params(locals())

    @classmethod
    def from_estimator(cls, estimator, X, *, columns=None, axes=None, **kwargs):
        """Transform rows, and draw how far from normal they come out.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, best such that it was not fitted on.
        columns : list of int or None, default=None
            Latent columns to draw; None draws the first 20.
        """
        Z = np.asarray(estimator.transform(X), dtype=np.float64)
        columns = check_columns(columns, Z.shape[1], 20)
        levels = (np.arange(N_POINTS) + 0.5) / N_POINTS
        deviations = np.quantile(Z[:, columns], levels, axis=0).T - ndtri(levels)
        norms = np.quantile(np.sqrt(np.einsum("ij,ij->i", Z, Z)), levels)
        display = cls(columns, levels, deviations, norms, *Z.shape)
        return display.plot(axes=axes, **kwargs)

    def plot(self, axes=None, **kwargs):
        axes = grid_of_axes(axes, 1, 2, "LatentDisplay", figsize=(9, 3.6))[0]
        normal = ndtri(self.levels)
        chi = np.sqrt(chdtri(self.n_features, 1.0 - self.levels))
        low, high = self._band()
        for ax, goal, curves, quantile in (
            (axes[0], normal, self.deviations, ndtri),
            (
                axes[1],
                chi,
                [self.norms - chi],
                lambda share: np.sqrt(chdtri(self.n_features, 1.0 - share)),
            ),
        ):
            ax.fill_between(
                goal, quantile(low) - goal, quantile(high) - goal, color="0.9", lw=0
            )
            ax.axhline(0.0, color="0.6", lw=0.8)
            for curve in curves:
                ax.plot(goal, curve, **({"lw": 1.0} | kwargs))
        axes[0].set(xlabel="quantile of N(0, 1)", ylabel="latent columns less it")
        axes[1].set(
            xlabel=f"quantile of the norm, {self.n_features} normal columns",
            ylabel="latent norms less it",
        )
        self.axes_, self.figure_ = axes, axes[0].figure
        return self

    def _band(self):
        """Return the shares between which an order statistic's share lies."""
        # The k-th of n uniform shares follows a beta law of k and n + 1 - k.
        k = self.levels * self.n_samples + 0.5
        tails = (0.5 * (1.0 - BAND), 0.5 * (1.0 + BAND))
        return (betaincinv(k, self.n_samples + 1.0 - k, tail) for tail in tails)
