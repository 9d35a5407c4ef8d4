"""The Knothe-Rosenblatt map of a Gaussian mixture, as arrays and two passes."""

import numpy as np

from gaussflow.kernels.mixture import mixture_map
from gaussflow.persistence.shapes import Array, Items, Part
from gaussflow.persistence.state import Persistent, check_that


class MixtureMap(Persistent):
    """Carry a Gaussian mixture to the standard normal, column after column.

    With u_k = L_k^-1 (x - mu_k), column j becomes
    z_j = Phi^-1(sum_k w_k(x_<j) Phi(u_kj)), where the weights are posterior to
    the columns before it. The log-determinant is log p(x) - log N(z).

    weights : (n_components,) positive; normalised here ; means : (n_components,
    n_features) ; cholesky : (n_components, n_features, n_features) lower Cholesky
    factors of the components' covariances, or (n_components, n_features) standard
    deviations when all covariances are diagonal.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.mixtures.map import MixtureMap
    >>> one = MixtureMap(np.ones(1), np.zeros((1, 2)), np.full((1, 2), 2.0))
    >>> Z, log_det = one.forward_and_log_det(np.array([[2.0, -4.0]]))
    >>> Z.round(6), log_det.round(3)
    (array([[ 1., -2.]]), array([-1.386]))
    """

    def __init__(self, weights, means, cholesky):
        weights = np.asarray(weights, dtype=np.float64)
        cholesky = np.asarray(cholesky, dtype=np.float64)
        self.log_weights = np.log(weights / weights.sum())
        # Laid out as the kernels read them, column after column.
        self.means = np.ascontiguousarray(np.asarray(means, dtype=np.float64).T)
        n_features, n_components = self.means.shape
        if cholesky.ndim == 2:
            self.scales = np.ascontiguousarray(cholesky.T)
            self.lower = np.zeros((n_features, n_components, 0))
        else:
            self.lower = np.ascontiguousarray(cholesky.transpose(1, 0, 2))
            diagonal = np.arange(n_features)
            self.scales = self.lower[diagonal, :, diagonal]

    _state = {
        "log_weights": Array("f", "k", within="[-inf, inf)"),
        "means": Array("f", "d", "k"),
        "scales": Array("f", "d", "k", within="(0, inf)"),
        "lower": Array("f", "d", "k", None),
    }

    def _check_state(self):
        check_that(self, min(self.means.shape) >= 1, "there is no component")
        complete = self.lower.shape[2] in (0, len(self.means))
        check_that(self, complete, f"lower has shape {self.lower.shape}")

    @property
    def n_features(self):
        """Number of columns."""
        return self.means.shape[0]

    @property
    def weights(self):
        """Components' weights, of shape (n_components,)."""
        return np.exp(self.log_weights)

    @property
    def cholesky(self):
        """Lower Cholesky factors, (n_components, n_features, n_features)."""
        n_features, n_components = self.means.shape
        factors = np.zeros((n_components, n_features, n_features))
        if self.lower.shape[2]:
            factors[:] = np.tril(self.lower.transpose(1, 0, 2))
        else:
            diagonal = np.arange(n_features)
            factors[:, diagonal, diagonal] = self.scales.T
        return factors

    def forward_and_log_det(self, X):
        """Return (Z, log |det dZ/dX|); X is overwritten by Z."""
        return self._map(X, False)

    def inverse_and_log_det(self, Z):
        """Return (X, log |det dX/dZ|); Z is overwritten by X."""
        return self._map(Z, True)

    def _map(self, X, back):
        log_det = np.empty(len(X))
        arrays = self.log_weights, self.means, self.scales, self.lower
        mixture_map(X, *arrays, back, X, log_det)
        return X, log_det


class GroupedMap(Persistent):
    """Map groups of columns, which hold every column once, each by its MixtureMap.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.mixtures.map import GroupedMap, MixtureMap
    >>> maps = [MixtureMap([1.0], [[0.0]], [[scale]]) for scale in (2.0, 5.0)]
    >>> both = GroupedMap([np.array([1]), np.array([0])], maps)
    >>> both.forward_and_log_det(np.array([[10.0, 10.0]]))[0].round(6)
    array([[2., 5.]])
    """

    def __init__(self, groups, maps):
        self.groups = list(groups)
        self.maps = list(maps)

    @property
    def n_features(self):
        """Number of columns."""
        return sum(len(group) for group in self.groups)

    _state = {
        "groups": Items(Array("i", None, within="[0, inf)"), "n"),
        "maps": Items(Part("MixtureMap"), "n"),
    }

    def _check_state(self):
        check_that(self, self.groups, "there is no group")
        for group, mixture in zip(self.groups, self.maps, strict=True):
            fits = mixture.n_features == len(group)
            check_that(self, fits, "each group needs a mixture as wide")
        columns = np.sort(np.concatenate(self.groups))
        every = np.array_equal(columns, np.arange(len(columns)))
        check_that(self, every, "every column must be in one group")

    def forward_and_log_det(self, X):
        """Return (Z, log |det dZ/dX|); X is overwritten by Z."""
        return self._run("forward_and_log_det", X)

    def inverse_and_log_det(self, Z):
        """Return (X, log |det dX/dZ|); Z is overwritten by X."""
        return self._run("inverse_and_log_det", Z)

    def _run(self, method, X):
        if len(self.groups) == 1:
            return getattr(self.maps[0], method)(X)
        log_det = np.zeros(len(X))
        for group, mixture in zip(self.groups, self.maps, strict=True):
            part = np.ascontiguousarray(X[:, group])
            X[:, group], change = getattr(mixture, method)(part)
            log_det += change
        return X, log_det
