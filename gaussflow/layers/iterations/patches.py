"""Patches of images: which columns they are, taken out and put back."""

import numpy as np

from gaussflow._common.checks import Integer
from gaussflow.kernels.patches import scatter_columns
from gaussflow.layers.iterations.iteration import Step
from gaussflow.persistence.shapes import Array, Items
from gaussflow.persistence.state import Persistent, check_that


class Tiles(Persistent):
    """Patches of an image that do not overlap, on a grid moved around a torus.

    An image is a row of height x width x channels columns in the order (row,
    column, channel). Patches are ``patch_size`` high and wide, all channels
    together, and begin every ``stride`` pixels from the pixel ``shift`` on;
    what leaves the image on one side comes in on the other. Where the stride
    does not divide the image, or is larger than the patch, the pixels between
    belong to no patch.

    ``positions`` are the numbers of the patches to be used, row by row; None for all.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.layers.iterations.patches import Tiles
    >>> tiles = Tiles((2, 4, 1), patch_size=(2, 2), stride=(2, 2), shift=(0, 3))
    >>> image = np.arange(8.0)[None]
    >>> tiles.gather(image)
    array([[3., 0., 7., 4.],
           [1., 2., 5., 6.]])
    >>> tiles.scatter(np.zeros((2, 4)), image)
    >>> image
    array([[0., 0., 0., 0., 0., 0., 0., 0.]])
    """

    def __init__(
        self, image_shape, patch_size, stride, shift=(0, 0), *, positions=None
    ):
        self.image_shape = image_shape
        self.patch_size = patch_size
        self.stride = stride
        self.shift = shift
        self.positions = positions

    @property
    def n_features(self):
        """Columns of an image."""
        return int(np.prod(self.image_shape))

    @property
    def width(self):
        """Columns of a patch."""
        return self.patch_size[0] * self.patch_size[1] * self.image_shape[2]

    @property
    def n_positions(self):
        """Number of patches in use, of each image."""
        if self.positions is not None:
            return len(self.positions)
        rows, columns = self._grid()
        return rows * columns

    def only(self, position):
        """Return the tiles with one patch in use."""
        return Tiles(
            self.image_shape,
            self.patch_size,
            self.stride,
            self.shift,
            positions=np.array([position]),
        )

    def columns(self):
        """Return the columns of each patch, of shape (n_positions, width)."""
        height, width, channels = self.image_shape
        n_rows, n_columns = self._grid()
        rows = self.shift[0] + self.stride[0] * np.arange(n_rows)
        rows = (rows[:, None] + np.arange(self.patch_size[0])) % height
        across = self.shift[1] + self.stride[1] * np.arange(n_columns)
        across = (across[:, None] + np.arange(self.patch_size[1])) % width
        pixels = rows[:, None, :, None] * width + across[None, :, None, :]
        every = pixels[..., None] * channels + np.arange(channels)
        every = every.reshape(n_rows * n_columns, self.width)
        return every if self.positions is None else every[self.positions]

    def gather(self, X):
        """Return the patches of images, of shape (n * n_positions, width).

        The patches of an image follow each other; a new array.
        """
        patches = np.take(X, self.columns().ravel(), axis=1)
        return patches.reshape(-1, self.width)

    def scatter(self, patches, X):
        """Write patches, as ``gather`` returns them, into the images in place."""
        columns = self.columns().ravel()
        scatter_columns(patches.reshape(-1, len(columns)), columns, X)

    def _grid(self):
        """Return how many patches there are from top to bottom and across."""
        return tuple(
            (length - size) // stride + 1
            for length, size, stride in zip(
                self.image_shape[:2], self.patch_size, self.stride, strict=True
            )
        )

    _state = {
        "image_shape": Items(Integer(1), 3, tuple),
        "patch_size": Items(Integer(1), 2, tuple),
        "stride": Items(Integer(1), 2, tuple),
        "shift": Items(Integer(0), 2, tuple),
        "positions": Array("i", None, within="[0, inf)", others=(None,)),
    }

    def _check_state(self):
        fit = all(
            size <= min(length, stride)
            for length, size, stride in zip(
                self.image_shape[:2], self.patch_size, self.stride, strict=True
            )
        )
        check_that(self, fit, "patches must fit")
        if self.positions is not None:
            rows, columns = self._grid()
            inside = (self.positions < rows * columns).all()
            distinct = len(np.unique(self.positions)) == len(self.positions)
            check_that(self, inside and distinct, "positions must be patches")


class PatchStep(Step):
    """A map of each patch of images, ``tiles``, or one for all patches alike.

    A subclass implements ``_move_place(P, place, log_det, back)``, which maps patches
    P in place by the map of that number, of ``n_places``.
    """

    @property
    def n_features(self):
        """Number of columns of an image."""
        return self.tiles.n_features

    def _move(self, X, log_det, back):
        patches = self.tiles.gather(X)
        if self.n_places == 1:
            added = np.zeros(len(patches))
            self._move_place(patches, 0, added, back)
            log_det += added.reshape(len(X), -1).sum(axis=1)
        else:
            by_place = patches.reshape(len(X), -1, self.tiles.width)
            for place in range(self.n_places):
                self._move_place(by_place[:, place], place, log_det, back)
        self.tiles.scatter(patches, X)
        return X
