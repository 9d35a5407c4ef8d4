"""The Conv layer: Linear on patches of images."""

import numpy as np

from gaussflow._common.checks import keep_params
from gaussflow.layers.iterations.iteration import fit_iteration
from gaussflow.layers.iterations.patched import Patched
from gaussflow.layers.iterations.patches import PatchStep
from gaussflow.layers.patch_matching import PatchMatching
from gaussflow.persistence.shapes import Items, Part
from gaussflow.persistence.state import check_that


class Conv(Patched):
    """Iterations of a rotation and one-dimensional maps on patches of images.

    Each iteration cuts the images in patches that do not overlap, a grid moved
    at random around the image, and maps each patch as
    :class:`~gaussflow.layers.Linear` maps a whole row: directions and marginal
    maps are found on one part of the images and admitted only where they gain
    on the other. Few columns at a time need few rows; the random shifts take the
    seams elsewhere in the next iteration. Inverse and log-determinant are exact.

    Images are rows of height x width x channels columns in the order (row,
    column, channel); the channels of a pixel stay together.

    In direction "generate" :class:`~gaussflow.layers.PatchMatching` takes its place.

    Parameters
    ----------
    gate : float, "auto" or None, default="auto"
        Standard errors that a direction's held-out gain must exceed; None
        admits every direction. "auto" grows with the number of directions that
        compete, those of all places together. Of shared maps, the standard
        errors allow for patches of one image being alike.

    Attributes
    ----------
    iterations_ : list of PatchIteration
        Admitted iterations, in order.

    References
    ----------
    B. Dai and U. Seljak (2021), "Sliced Iterative Normalizing Flows", ICML,
    section 3.4: patches, their sizes falling from layer to layer. F. Pitie,
    A. Kokaram and R. Dahyot (2007), "Automated colour grading using colour
    distribution transfer": quantiles matched along one direction after another.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from gaussflow.layers import Conv
    >>> X = load_digits().data
    >>> layer = Conv((8, 8, 1), 4, n_iter=2, random_state=0).fit(X)
    >>> layer.iterations_[0].tiles.n_positions
    4
    >>> bool(abs(layer.inverse_transform(layer.transform(X)) - X).max() < 1e-6)
    True
    """

    def __init__(
        self,
        image_shape,
        patch_size,
        *,
        stride=None,
        shift="random",
        shared=False,
        n_iter=20,
        rotation="auto",
        marginal="auto",
        degree=9,
        gate="auto",
        tol=1e-4,
        n_jobs=None,
        random_state=None,
    ):
        keep_params(locals())

    def matching(self):
        if self.marginal not in ("auto", "quantile"):
            raise ValueError(
                f'marginal must be "auto" or "quantile" in direction "generate", '
                f"where PatchMatching takes Conv's place, got {self.marginal!r}."
            )
        params = self.get_params(deep=False)
        del params["marginal"], params["degree"]
        return PatchMatching(**params)

    def _check_params(self, n_features):
        super()._check_params(n_features)
        self._check_patches(n_features)

    def _fit_iteration(self, X, rng):
        tiles = self._tiles(rng)
        views, rngs = [tiles], [rng]
        if not self.shared:
            views = [tiles.only(position) for position in range(tiles.n_positions)]
            rngs = rng.spawn(len(views))
        fits = [
            fit_iteration(
                X, view_rng, tiles=view, n_fits=len(views), **self._settings()
            )
            for view, view_rng in zip(views, rngs, strict=True)
        ]
        # A gain counts once for every patch of an image that it comes from.
        gains = np.concatenate([views[0].n_positions * gain for _, gain, _ in fits])
        admitted, first = [], 0
        for _, gain, chosen in fits:
            admitted.append(first + chosen)
            first += len(gain)
        admitted = np.concatenate(admitted)
        iterations = [iteration for iteration, _, _ in fits]
        if not any(iterations):
            return None, gains, admitted
        return PatchIteration(tiles, iterations), gains, admitted


class PatchIteration(PatchStep):
    """An iteration on the patches of images, ``tiles``.

    ``iterations`` holds one for each patch, None where it is left as it is; or a single
    one for all patches.
    """

    def __init__(self, tiles, iterations):
        self.tiles = tiles
        self.iterations = iterations

    @property
    def n_places(self):
        """Number of maps."""
        return len(self.iterations)

    @property
    def n_directions(self):
        """Number of directions along which patches move."""
        return sum(one.n_directions for one in self.iterations if one is not None)

    _state = {"tiles": Part("Tiles"), "iterations": Items(Part("Iteration", None))}

    def _check_state(self):
        n = self.n_places
        check_that(self, n in (1, self.tiles.n_positions), "a map for each patch")
        for one in self.iterations:
            fits = one is None or one.n_features == self.tiles.width
            check_that(self, fits, "a map is of another width")

    def _move_place(self, P, place, log_det, back):
        one = self.iterations[place]
        if one is not None:
            (one.inverse if back else one.forward)(P, log_det)
