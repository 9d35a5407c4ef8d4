"""The ScaleMixture layer: the map of a mixture of Gaussian scale mixtures."""

import numpy as np
from scipy.linalg import solve_triangular

from gaussflow._common.blocks import some_rows
from gaussflow._common.checks import Integer, check_params, keep_params
from gaussflow.layers.base import Layer
from gaussflow.mixtures.fit import standardise
from gaussflow.mixtures.map import MixtureMap
from gaussflow.mixtures.members import background
from gaussflow.mixtures.scale_em import (
    FIT_ROWS,
    MIN_ROWS,
    MIN_ROWS_ALONE,
    ScaleMixtureEM,
)
from gaussflow.mixtures.scatter import shrunk_covariance
from gaussflow.persistence.shapes import Part


class ScaleMixture(Layer):
    """Carry patches of images to a standard normal by one mixture of many rows.

    The mixture has ``n_shapes`` covariances, and each of them comes in ``n_scales``
    sizes: patches show flat, edged and textured places of any contrast. It is
    fitted by EM on up to a million rows, and its Knothe-Rosenblatt map, exact as that
    of :class:`~gaussflow.layers.Triangular`, takes the rows to noise. Where
    Triangular searches families and sizes of mixtures on few rows, this layer
    fits one large mixture to many, in minutes for 63 columns.

    Parameters
    ----------
    n_shapes : int, default=64
        Covariances; fewer where there are not 10 rows for each column of each, or
        3 where each has one size.
    n_scales : int, default=6
        Sizes of each; 1 makes it a mixture of Gaussians, which begins with
        clusters and is shrunk less.
    max_iter : int, default=30
        Iterations of EM; the first two thirds see 40,000 rows drawn anew each time, the
        next 200,000, and the last three all.

    Attributes
    ----------
    map_ : MixtureMap or None
        The map, in the units of X. None in direction "generate" where the rows
        carried look standard normal, as noise does.
    n_shapes_ : int
        Shapes fitted.
    n_iter_ : int
        Iterations of EM run.

    References
    ----------
    M. Wainwright and E. Simoncelli (2000), "Scale mixtures of Gaussians and the
    statistics of natural images". D. Zoran and Y. Weiss (2011), "From learning
    models of natural image patches to whole image restoration".

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.layers import ScaleMixture
    >>> rng = np.random.default_rng(0)
    >>> X = rng.laplace(size=(2000, 4)) * rng.gamma(1.0, size=(2000, 1))
    >>> layer = ScaleMixture(n_shapes=4, random_state=0).fit(X)
    >>> bool(np.abs(np.cov(layer.transform(X).T) - np.eye(4)).max() < 0.15)
    True
    """

    _rules = {name: Integer(1) for name in ("n_shapes", "n_scales", "max_iter")}

    _state = {
        "n_shapes_": Integer(1),
        "n_iter_": Integer(0),
        "map_": Part("MixtureMap"),
    }

    def __init__(
        self, n_shapes=64, n_scales=6, *, max_iter=30, n_jobs=None, random_state=None
    ):
        keep_params(locals())

    def fit_forward(self, X, rng, *, monitor=None, start=None):
        check_params(self)
        self.n_features_in_ = X.shape[1]
        self._fit_map(X, rng)
        return self.map_.forward_and_log_det(X)

    def forward_and_log_det(self, X):
        return self.map_.forward_and_log_det(X)

    def inverse_and_log_det(self, Z):
        return self.map_.inverse_and_log_det(Z)

    def _fit_map(self, X, rng):
        n_features = X.shape[1]
        S, offset, unit = standardise(some_rows(X, FIT_ROWS, rng))
        least = MIN_ROWS_ALONE if self.n_scales == 1 else MIN_ROWS
        most = max(len(S) // (least * n_features), 1)
        self.n_shapes_ = min(int(self.n_shapes), most)
        whole = np.linalg.cholesky(shrunk_covariance(S))
        Y = solve_triangular(whole, S.T, lower=True).T
        fitted = ScaleMixtureEM(self.n_shapes_, int(self.n_scales), rng)
        fitted.fit(Y, int(self.max_iter))
        self.n_iter_ = int(self.max_iter)
        covariances = whole @ fitted.covariances @ whole.T
        factors = np.linalg.cholesky(covariances)[:, None]
        factors = factors * np.exp(fitted.log_scales)[:, :, None, None]
        means = np.repeat(fitted.means @ whole.T, self.n_scales, axis=0)
        weight, centre, spread = background(S)
        weights = (1.0 - weight) * np.exp(fitted.log_weights).ravel()
        factors = factors.reshape(-1, n_features, n_features)
        factors = np.concatenate([factors, np.linalg.cholesky(spread)[None]])
        self.map_ = MixtureMap(
            np.append(weights, weight),
            offset + unit * np.concatenate([means, centre[None]]),
            factors * unit[:, None],
        )
