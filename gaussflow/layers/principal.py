"""The Principal layer: whitening, and another layer among the first components."""

from functools import partial

import numpy as np

from gaussflow._common.checks import Integer, check_params, keep_params
from gaussflow.layers.base import Layer
from gaussflow.persistence.shapes import Array, Part
from gaussflow.persistence.state import check_that

#: Least variance of a component, as a share of the first one's.
MIN_SHARE = 1e-12


class Principal(Layer):
    """Whiten, and fit a layer to the first principal components of the rows.

    z = V L(S^-1 V^T (x - m)) with m the mean, V the principal axes, S the standard
    deviations along them and L a layer of the first ``n_components`` scores, which
    leaves the others alone. What comes out lies along the columns that went in (V
    turns back), so that layers of patches can follow. For wide tables whose few
    first components hold the clusters, such as images: a mixture there costs
    little, and the rest is Gaussian to begin with.

    Parameters
    ----------
    layer : Layer
        Layer of the scores, such as
        :class:`~gaussflow.layers.ScaleMixture` or
        :class:`~gaussflow.layers.Triangular`.
    n_components : int
        Scores that the layer sees; all of them where the rows have fewer columns.

    Attributes
    ----------
    layer_ : Layer
        The fitted layer.
    mean_ : ndarray of shape (n_features,)
        m.
    axes_ : ndarray of shape (n_features, n_features)
        V: the principal axes are its columns, by falling variance.
    scales_ : ndarray of shape (n_features,)
        The diagonal of S.
    n_components_ : int
        Scores that the layer saw.

    References
    ----------
    H. Hotelling (1933), "Analysis of a complex of statistical variables into
    principal components".

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from gaussflow.layers import Principal, Triangular
    >>> X = load_digits().data
    >>> mixture = Triangular(n_components=10, covariance_type="full", n_estimators=1)
    >>> layer = Principal(mixture, n_components=8, random_state=0).fit(X)
    >>> layer.layer_.n_features_in_
    8
    >>> bool(abs(layer.inverse_transform(layer.transform(X)) - X).max() < 1e-6)
    True
    """

    _rules = {"n_components": Integer(1)}

    def __init__(self, layer, n_components, *, n_jobs=None, random_state=None):
        keep_params(locals())

    def fit_forward(self, X, rng, *, monitor=None, start=None):
        check_params(self)
        if not isinstance(self.layer, Layer):
            raise TypeError(
                f"Principal takes a layer such as Triangular(), got {self.layer!r}."
            )
        self.n_features_in_ = X.shape[1]
        self.n_components_ = min(int(self.n_components), X.shape[1])
        self._fit_axes(X)
        self.layer_ = self.layer.unfitted(self.n_jobs)
        start = None if start is None else start.layer_
        return self._forward(X, partial(self.layer_.fit_forward, rng=rng, start=start))

    def forward_and_log_det(self, X):
        return self._forward(X, self.layer_.forward_and_log_det)

    def inverse_and_log_det(self, Z):
        Y = self._turn(Z, self.axes_)
        scores = slice(0, self.n_components_)
        Y[:, scores], log_det = self.layer_.inverse_and_log_det(Y[:, scores].copy())
        X = self._map_rows(
            Y,
            lambda p: ((p * self.scales_) @ self.axes_.T + self.mean_).astype(Y.dtype),
        )
        return X, log_det + float(np.log(self.scales_).sum())

    def _fit_axes(self, rows):
        first = rows[0].astype(np.float64)

        def moments(part):
            shifted = rows[part] - first
            return shifted.sum(axis=0), shifted.T @ shifted

        sums, products = zip(*self._over_blocks(rows, moments), strict=True)
        mean = sum(sums) / len(rows)
        covariance = sum(products) / len(rows) - np.outer(mean, mean)
        values, vectors = np.linalg.eigh(covariance)
        self.mean_ = first + mean
        self.axes_ = np.ascontiguousarray(vectors[:, ::-1])
        values = values[::-1]
        least = MIN_SHARE * values[0] if values[0] > 0.0 else 1.0
        self.scales_ = np.sqrt(np.maximum(values, least))

    def _map_rows(self, X, work):
        """Return work(block) of all blocks of rows, one after the other."""
        return np.concatenate(self._over_blocks(X, lambda rows: work(X[rows])))

    def _turn(self, X, axes):
        return self._map_rows(X, lambda part: (part @ axes).astype(X.dtype))

    def _forward(self, X, method):
        # In float64: the last components may be a millionth of the first.
        Y = self._map_rows(
            X,
            lambda p: (((p - self.mean_) @ self.axes_) / self.scales_).astype(X.dtype),
        )
        scores = slice(0, self.n_components_)
        Y[:, scores], log_det = method(Y[:, scores].copy())
        log_det = log_det - float(np.log(self.scales_).sum())
        return self._turn(Y, self.axes_.T), log_det

    def _part_width(self, part):
        return self.n_components_

    _state = {
        "n_components_": Integer(1),
        "layer_": Part("Layer"),
        "mean_": Array("f", "n_features_in_"),
        "axes_": Array("f", "n_features_in_", "n_features_in_"),
        "scales_": Array("f", "n_features_in_", within="(0, inf)"),
    }

    def _check_state(self):
        super()._check_state()
        if "axes_" in vars(self):
            d = self.n_features_in_
            turned = np.abs(self.axes_.T @ self.axes_ - np.eye(d)).max() < 1e-6
            check_that(self, turned, "the axes must be orthonormal")
            check_that(self, self.n_components_ <= d, "n_components_ must fit")
