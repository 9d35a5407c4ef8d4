"""The SlicedMatching layer: rows are carried to other rows along directions."""

import numpy as np

from gaussflow.layers.iterations.iterated import Iterated
from gaussflow.layers.iterations.iteration import match_iteration
from gaussflow.layers.two_sample import TwoSample
from gaussflow.persistence.shapes import Part


class SlicedMatching(TwoSample, Iterated):
    """Iterations of a rotation and maps that match one sample's margins to another's.

    What :class:`~gaussflow.layers.Linear` is between rows and noise, this is between
    carried samples and data: along directions in which the two differ, quantiles of
    the one are moved to those of the other. A direction is admitted where held-out
    samples come nearer to held-out data, in squared Wasserstein distance. Each
    sample is standardised first, and the layer ends in the units of the data; gains
    are distances in units of the data's spread.

    References
    ----------
    B. Dai and U. Seljak (2021), "Sliced Iterative Normalizing Flows", ICML, section
    3.2 (SIG). F. Pitie, A. Kokaram and R. Dahyot (2007), "Automated colour grading
    using colour distribution transfer".

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.layers import SlicedMatching
    >>> rng = np.random.default_rng(0)
    >>> X, target = rng.standard_normal((2000, 2)), rng.exponential(size=(2000, 2))
    >>> layer = SlicedMatching(n_iter=5)
    >>> carried, _ = layer.fit_between(X.copy(), target, rng)
    >>> bool((abs(carried.mean(axis=0) - 1.0) < 0.1).all())
    True
    """

    _state = {"exit_": Part("EntryMap")}

    def fit_between(self, X, target, rng, *, monitor=None):
        self._check_params(X.shape[1])
        self.n_features_in_ = X.shape[1]
        log_det = np.zeros(len(X))
        self.iterations_, self.n_iter_ = [], 0
        self.entry_ = self._enter(X, log_det, rng)
        target = np.array(target, dtype=X.dtype, order="C")
        self.exit_ = self._enter(target, np.zeros(len(target)), rng)

        def fit(X, rng):
            return match_iteration(X, target, rng, **self._settings())

        self._iterate(X, log_det, rng, fit, monitor, to_normal=False)
        self._over_blocks(
            X, lambda rows: self.exit_.inverse_and_log_det(X[rows], log_det[rows])
        )
        return X, log_det

    def forward_and_log_det(self, X):
        X, log_det = super().forward_and_log_det(X)
        return self.exit_.inverse_and_log_det(X, log_det), log_det

    def inverse_and_log_det(self, Z):
        log_det = np.zeros(len(Z))
        Z = self.exit_.forward_and_log_det(Z, log_det)
        Z, added = super().inverse_and_log_det(Z)
        return Z, log_det + added
