"""Layers of iterations on patches: what Conv and PatchMatching share."""

import numpy as np

from gaussflow._common.checks import Flag, check_image_shape, check_pair, is_integer
from gaussflow.layers.iterations.iterated import Iterated
from gaussflow.layers.iterations.patches import Tiles


class Patched(Iterated):
    """Base class of layers whose iterations see patches of images.

    Parameters
    ----------
    image_shape : tuple of int
        (height, width, channels) of the images.
    patch_size : int or (int, int)
        Height and width of a patch, at most those of the image.
    stride : int, (int, int) or None, default=None
        Pixels from one patch to the next; None takes the patch size. Smaller is
        refused: patches that overlap cannot be mapped at once, and shifts reach
        what lies across their seams. Where the stride does not divide the
        image, or leaves gaps, the pixels between are left as they are in that
        iteration: with a random shift, others in each.
    shift : "random" or int, default="random"
        Where the first patch begins, from the top and from the left: drawn anew
        in each iteration, or fixed. The image is closed to a torus: a patch that
        leaves it at one side goes on at the other.
    shared : bool, default=False
        Fit one map for all patches alike, from all of them together: fewer
        numbers and many more rows for each, right where images look alike
        everywhere (textures, photographs). With False each place gets its own,
        right where images are centred (digits, faces).
    """

    _rules = {**Iterated._rules, "shared": Flag()}

    def _check_patches(self, n_features):
        """Raise an error that names a parameter which does not fit the images."""
        check_image_shape(self.image_shape, type(self).__name__, n_features)
        self._tiles(np.random.default_rng(0))

    def _tiles(self, rng):
        """Return the patches of an iteration; ``rng`` draws a "random" shift."""
        shape = tuple(int(size) for size in self.image_shape)
        limits = [(1, shape[0]), (1, shape[1])]
        size = step = check_pair("patch_size", self.patch_size, limits)
        if self.stride is not None:
            limits = [(size[0], None), (size[1], None)]
            step = check_pair("stride", self.stride, limits)
        if isinstance(self.shift, str) and self.shift == "random":
            place = tuple(int(rng.integers(length)) for length in shape[:2])
        elif is_integer(self.shift, 0):
            place = (int(self.shift) % shape[0], int(self.shift) % shape[1])
        else:
            raise ValueError(
                'shift must be "random" or an integer of at least 0, got '
                f"{self.shift!r}."
            )
        return Tiles(shape, size, step, place)
