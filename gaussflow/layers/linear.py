"""The Linear layer: iterations of a rotation and gated marginal maps."""

from gaussflow.layers.iterations.iterated import Iterated
from gaussflow.layers.iterations.iteration import fit_iteration
from gaussflow.layers.sliced_matching import SlicedMatching


class Linear(Iterated):
    """Iterations of a rotation and one-dimensional maps, each honestly gated.

    Each iteration draws or learns directions, fits a monotone map along each,
    and carries the rows one step nearer to a standard normal: rotation-based
    iterative Gaussianization (Laparra et al., 2011). Rows are split at random
    in every iteration: directions and maps are searched on one part, and a
    direction is admitted only where its gain in log-likelihood on the other
    part exceeds ``gate`` standard errors. Admitted maps are fitted again on all
    rows; elsewhere the iteration is the identity. The layer stops by itself
    where nothing more is gained.

    Attributes
    ----------
    rotation_seeds_ : list of int
        Seeds of the iterations whose rotation was drawn at random.

    References
    ----------
    V. Laparra, G. Camps-Valls, J. Malo (2011), "Iterative Gaussianization: from
    ICA to random rotations". F. Draxler et al. (2023), "On the convergence rate
    of Gaussianization with random rotations".

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from gaussflow.layers import Linear
    >>> X, _ = make_moons(1000, noise=0.1, random_state=0)
    >>> layer = Linear(n_iter=10, random_state=0).fit(X)
    >>> bool(layer.score(X) > -1.3)
    True
    """

    refinable = True

    @property
    def rotation_seeds_(self):
        """Seeds of the iterations whose rotation was drawn at random."""
        seeds = [iteration.rotation.seed for iteration in self.iterations_]
        return [seed for seed in seeds if seed is not None]

    def matching(self):
        return SlicedMatching(**self.get_params(deep=False))

    def _fit_iteration(self, X, rng):
        return fit_iteration(X, rng, **self._settings())
