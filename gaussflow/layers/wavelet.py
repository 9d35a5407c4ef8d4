"""Haar wavelets: an image as a coarse image and the details it leaves out."""

from functools import partial

import numpy as np

from gaussflow._common.checks import (
    Choice,
    check_image_shape,
    check_integer,
    check_params,
    keep_params,
)
from gaussflow.layers.base import Layer
from gaussflow.persistence.shapes import Part
from gaussflow.persistence.state import check_that

BANDS = ("coarse", "detail", "all")


class Haar(Layer):
    """Take images to a pyramid of Haar wavelets, and back, without changing volume.

    Neighbours a and b become (a + b) / sqrt(2) and (a - b) / sqrt(2), across and
    then down, each channel by itself; the means make an image of half the height
    and width, which the next level goes on with. The map is orthogonal: its
    log-determinant is 0, and white noise stays white noise.

    The first columns of the result are the coarse image, row by row as
    ``coarse_shape`` says; the details follow, those of the coarsest level first.
    In an odd length the last pixel goes into the coarse image as it is.

    Parameters
    ----------
    image_shape : tuple of int
        (height, width, channels) of the images; X has that many columns.
    n_levels : int, default=1
        Halvings of height and width.
    inverse : bool, default=False
        Go back: from the pyramid to the image.

    References
    ----------
    S. Mallat (1989), "A theory for multiresolution signal decomposition: the
    wavelet representation".

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.layers import Haar
    >>> image = np.array([[1.0, 1.0, 3.0, 3.0], [1.0, 1.0, 3.0, 3.0]])
    >>> layer = Haar((2, 4, 1)).fit(np.zeros((2, 8)))
    >>> layer.coarse_shape, layer.transform(image.reshape(1, 8)).round(6)
    ((1, 2, 1), array([[2., 6., 0., 0., 0., 0., 0., 0.]]))
    """

    spreads_ties = False
    instead = "use Pyramid(image_shape, layer), which fits among the wavelets"

    def __init__(self, image_shape, n_levels=1, *, inverse=False, n_jobs=None):
        keep_params(locals())

    @property
    def coarse_shape(self):
        """(height, width, channels) of the coarse image."""
        return _halved(check_image_shape(self.image_shape, "Haar"), self.n_levels)

    def fit_forward(self, X, rng, *, monitor=None, start=None):
        """Learn nothing; return the wavelets of X, and zeros."""
        check_pyramid("Haar", self.image_shape, self.n_levels, X.shape[1])
        self.n_features_in_ = X.shape[1]
        return self.forward_and_log_det(X)

    def forward_and_log_det(self, X):
        turn = from_haar if self.inverse else to_haar
        return turn(X, tuple(self.image_shape), self.n_levels), np.zeros(len(X))

    def inverse_and_log_det(self, Z):
        turn = to_haar if self.inverse else from_haar
        return turn(Z, tuple(self.image_shape), self.n_levels), np.zeros(len(Z))

    def _check_state(self):
        super()._check_state()
        if "n_features_in_" in vars(self):
            check_pyramid("Haar", self.image_shape, self.n_levels, self.n_features_in_)


class Pyramid(Layer):
    """Fit a layer to one band of an image's Haar wavelets, and come back.

    z = H^T L(H x) with H the orthogonal map of :class:`~gaussflow.layers.Haar` and
    L a layer of the coarse image, of the details, or of both. What comes in and what
    goes out are images of the full size, so that layers of other scales can
    follow, in either direction of a flow.

    Parameters
    ----------
    image_shape : tuple of int
        (height, width, channels) of the images; X has that many columns.
    layer : Layer
        Layer of the band: for the coarse one a
        :class:`~gaussflow.layers.Conv` of ``Haar(image_shape, n_levels)
        .coarse_shape`` or any layer of columns.
    n_levels : int, default=1
        Halvings of height and width.
    band : {"coarse", "detail", "all"}, default="coarse"
        What the layer sees; it leaves the other band as it is.

    Attributes
    ----------
    layer_ : Layer
        The fitted layer.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from gaussflow.layers import Linear, Pyramid
    >>> X = load_digits().data
    >>> layer = Pyramid((8, 8, 1), Linear(n_iter=3), random_state=0).fit(X)
    >>> layer.layer_.n_features_in_
    16
    """

    _rules = {"band": Choice(BANDS)}

    def __init__(
        self,
        image_shape,
        layer,
        n_levels=1,
        *,
        band="coarse",
        n_jobs=None,
        random_state=None,
    ):
        keep_params(locals())

    def fit_forward(self, X, rng, *, monitor=None, start=None):
        check_pyramid("Pyramid", self.image_shape, self.n_levels, X.shape[1])
        check_params(self)
        if not isinstance(self.layer, Layer):
            raise TypeError(
                f"Pyramid takes a layer such as Linear(), got {self.layer!r}."
            )
        self.n_features_in_ = X.shape[1]
        self.layer_ = self.layer.unfitted(self.n_jobs)
        start = None if start is None else start.layer_
        return self._move(X, partial(self.layer_.fit_forward, rng=rng, start=start))

    def forward_and_log_det(self, X):
        return self._move(X, self.layer_.forward_and_log_det)

    def inverse_and_log_det(self, Z):
        return self._move(Z, self.layer_.inverse_and_log_det)

    def _move(self, X, method):
        shape, band = tuple(self.image_shape), self._band()
        X = to_haar(X, shape, self.n_levels)
        X[:, band], log_det = method(X[:, band].copy())
        return from_haar(X, shape, self.n_levels), log_det

    def _band(self):
        """Return the columns of the wavelets that the layer sees."""
        n_coarse = int(np.prod(_halved(tuple(self.image_shape), self.n_levels)))
        return {
            "coarse": slice(0, n_coarse),
            "detail": slice(n_coarse, None),
            "all": slice(0, None),
        }[self.band]

    def _part_width(self, part):
        columns = np.arange(self.n_features_in_)
        return len(columns[self._band()])

    _state = {"layer_": Part("Layer")}

    def _check_state(self):
        if "n_features_in_" in vars(self):
            check_pyramid(
                "Pyramid", self.image_shape, self.n_levels, self.n_features_in_
            )
            check_that(self, self.band in BANDS, "the band is unknown")
        super()._check_state()


def to_haar(X, shape, n_levels):
    """Return the wavelets of images, a new array as wide as X.

    ``shape`` is (height, width, channels), and ``n_levels`` the number of halvings.
    """
    image, details = X.reshape(len(X), *shape), []
    for _ in range(n_levels):
        low, high = _split(image, axis=2)
        image, low_high = _split(low, axis=1)
        details = [*_split(high, axis=1), low_high, *details]
    bands = [
        band.reshape(len(X), int(np.prod(band.shape[1:]))) for band in (image, *details)
    ]
    return np.concatenate(bands, axis=1)


def from_haar(Z, shape, n_levels):
    """Return the images of wavelets: the inverse of ``to_haar``."""
    shapes = [shape]
    for _ in range(n_levels):
        shapes.append(_halved(shapes[-1], 1))
    first = int(np.prod(shapes[-1]))
    image = Z[:, :first].reshape(len(Z), *shapes[-1])
    for height, width, channels in reversed(shapes[:-1]):
        bands = []
        # The order in which ``to_haar`` lays the details down.
        for n_rows, n_columns in (
            (height - height // 2, width // 2),
            (height // 2, width // 2),
            (height // 2, width - width // 2),
        ):
            last = first + n_rows * n_columns * channels
            band = Z[:, first:last]
            bands.append(band.reshape(len(Z), n_rows, n_columns, channels))
            first = last
        high_low, high_high, low_high = bands
        low = _join(image, low_high, axis=1)
        image = _join(low, _join(high_low, high_high, axis=1), axis=2)
    return image.reshape(len(Z), -1)


def _split(image, axis):
    """Return the means and differences of neighbours along an axis."""
    image = np.moveaxis(image, axis, 0)
    paired = 2 * (len(image) // 2)
    half = image.dtype.type(np.sqrt(0.5))
    a, b = image[0:paired:2], image[1:paired:2]
    means = np.concatenate([half * (a + b), image[paired:]])
    return np.moveaxis(means, 0, axis), np.moveaxis(half * (a - b), 0, axis)


def _join(low, high, axis):
    """Undo ``_split``."""
    low, high = np.moveaxis(low, axis, 0), np.moveaxis(high, axis, 0)
    half = low.dtype.type(np.sqrt(0.5))
    mean, rest = low[: len(high)], low[len(high) :]
    pairs = np.stack([half * (mean + high), half * (mean - high)], axis=1)
    image = np.concatenate([pairs.reshape(2 * len(high), *mean.shape[1:]), rest])
    return np.moveaxis(image, 0, axis)


def _halved(shape, n_levels):
    """Return the shape of the coarse image."""
    height, width, channels = shape
    for _ in range(n_levels):
        height, width = -(-height // 2), -(-width // 2)
    return height, width, channels


def check_pyramid(owner, image_shape, n_levels, n_features):
    """Return the image's shape, or raise a ValueError that names what is wrong."""
    shape = check_image_shape(image_shape, owner, n_features)
    most = int(np.ceil(np.log2(max(shape[:2]))))
    check_integer(
        f"{owner}'s n_levels", n_levels, 1, most, f" for images of shape {shape}"
    )
    return shape
