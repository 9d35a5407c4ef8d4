"""The PatchMatching layer: images are carried to other images, patch by patch."""

from functools import partial

import numpy as np

from gaussflow._common.checks import check_params, keep_params
from gaussflow.layers.iterations.matching import fit_matching
from gaussflow.layers.iterations.patched import Patched
from gaussflow.layers.two_sample import TwoSample
from gaussflow.rotations import get_rotation, sliced_rotation

#: Steps and rows of the search for directions: short, since the next iteration
#: searches again.
MATCH_STEPS, MATCH_ROWS = 8, 2_000


class PatchMatching(TwoSample, Patched):
    """Iterations that match patches of carried samples to patches of data.

    What :class:`~gaussflow.layers.Conv` is between images and noise, this is between
    samples and images: along directions of great sliced Wasserstein distance the
    quantiles of the ones are moved to those of the others, by maps of straight
    pieces. Pixels keep their common unit, since a margin that is hardly ever inked
    must not count as much as the middle. A map is admitted where it brings held-out
    samples nearer to held-out images, and the layer stops where they no longer come
    nearer.

    Parameters
    ----------
    rotation : str or callable, default="auto"
        As for :class:`~gaussflow.layers.Linear`, in the space of a patch. "auto"
        takes twice as many directions as the patch is wide, from a short search
        among 2,000 patches.
    gate : float, "auto" or None, default="auto"
        Standard errors that a held-out gain must exceed; None keeps every map.
    tol : float, default=1e-4
        Stop when the admitted gain of the last 8 iterations falls below ``tol`` an
        image and column: the squared Wasserstein distance taken away, summed over
        directions, as a share of the mean variance of the patch's pixels; 0 never
        stops early.

    Attributes
    ----------
    iterations_ : list of Matching
        Admitted iterations, in order.

    References
    ----------
    B. Dai and U. Seljak (2021), "Sliced Iterative Normalizing Flows", ICML,
    section 3.4: patches, their sizes falling from layer to layer.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from gaussflow.layers import PatchMatching
    >>> X = load_digits().data
    >>> rng = np.random.default_rng(0)
    >>> noise = rng.normal(X.mean(), X.std(), size=X.shape)
    >>> layer = PatchMatching((8, 8, 1), 4, n_iter=3)
    >>> carried, _ = layer.fit_between(noise, X, rng)
    >>> layer.n_iter_
    3
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
        gate="auto",
        tol=1e-4,
        n_jobs=None,
        random_state=None,
    ):
        keep_params(locals())

    def fit_between(self, X, target, rng, *, monitor=None):
        check_params(self)
        self._check_patches(X.shape[1])
        get_rotation(self.rotation)
        self.n_features_in_ = X.shape[1]
        log_det = np.zeros(len(X))
        self.entry_, self.iterations_, self.n_iter_ = None, [], 0

        def fit(X, rng):
            tiles = self._tiles(rng)
            return fit_matching(
                X,
                target,
                rng,
                tiles=tiles,
                shared=self.shared,
                search=self._search(tiles),
                gate=self.gate,
                n_jobs=self.n_jobs,
            )

        self._iterate(X, log_det, rng, fit, monitor, to_normal=False)
        return X, log_det

    def _search(self, tiles):
        """Return the search for directions along which patches differ."""
        strategy = get_rotation(self.rotation)
        if self.rotation == "auto":
            n_directions = 2 * max(tiles.patch_size) * tiles.image_shape[2]
            strategy = partial(
                sliced_rotation,
                n_directions=n_directions,
                n_steps=MATCH_STEPS,
                max_rows=MATCH_ROWS,
            )
        return lambda P, Q, rng: strategy(P, rng, target=Q).matrix()
