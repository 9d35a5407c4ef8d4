"""The Linear layer: iterations of a rotation and gated marginal maps."""

import numbers

import numpy as np

from gaussflow.layers.base import (
    Layer,
    check_number,
    log_standard_normal,
    row_blocks,
    run_threads,
)
from gaussflow.layers.iteration import fit_iteration
from gaussflow.marginals import get_marginal
from gaussflow.marginals.entry import EntryMap
from gaussflow.rotations import get_rotation

#: Rows that the shape of a column is judged by.
ENTRY_ROWS = 20_000
#: Iterations over which the admitted gain is added up to see convergence.
PATIENCE = 8


class Linear(Layer):
    """Iterations of a rotation and one-dimensional maps, each honestly gated.

    Each iteration draws or learns directions, fits a monotone map along each,
    and carries the rows one step nearer to a standard normal: rotation-based
    iterative Gaussianization (Laparra et al., 2011). Rows are split at random
    in every iteration: directions and maps are searched on one part, and a
    direction is admitted only where its gain in log-likelihood on the other
    part exceeds ``gate`` standard errors. Admitted maps are fitted again on all
    rows; elsewhere the iteration is the identity. The layer stops by itself
    where nothing more is gained.

    Parameters
    ----------
    n_iter : int, default=50
        Most iterations.
    rotation : str or callable, default="auto"
        "random" (Haar), "structured" (Hadamard), "pca", "ica", "sliced",
        "identity", "auto", or a function ``f(Z, rng)`` that returns orthonormal
        rows.
    marginal : str or Marginal, default="auto"
        "spline", "kde", "quantile", "polynomial", "auto", or an instance.
    degree : int, default=9
        Degree of the polynomials of ``marginal="polynomial"``.
    gate : float, "auto" or None, default="auto"
        Standard errors that a direction's held-out gain must exceed; None
        admits every direction. "auto" grows with the number of directions K
        that compete, Phi^-1(1 - 1/K) and at least 1, so that on pure noise
        less than one is admitted by chance.
    tol : float, default=1e-4
        Stop when the admitted gain of the last 8 iterations falls below ``tol``
        nats a row and column; 0 never stops early.
    n_jobs : int or None, default=None
        Threads over blocks of rows. The result does not depend on it.
    random_state : int, RandomState, Generator or None, default=None
        Randomness of rotations and splits.

    Attributes
    ----------
    entry_ : EntryMap
        The standardisation of the columns.
    exit_ : EntryMap or None
        In direction "generate", the target's standardisation, which the layer
        ends with; None in "gaussianize".
    iterations_ : list of Iteration
        Admitted iterations, in order.
    rotation_seeds_ : list of int
        Seeds of the iterations whose rotation was drawn at random.
    n_iter_ : int
        Iterations run, whether or not they admitted a direction.
    n_features_in_ : int
        Columns seen at fit.

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

    def __init__(
        self,
        n_iter=50,
        *,
        rotation="auto",
        marginal="auto",
        degree=9,
        gate="auto",
        tol=1e-4,
        n_jobs=None,
        random_state=None,
    ):
        self.n_iter = n_iter
        self.rotation = rotation
        self.marginal = marginal
        self.degree = degree
        self.gate = gate
        self.tol = tol
        self.n_jobs = n_jobs
        self.random_state = random_state

    @property
    def rotation_seeds_(self):
        """Seeds of the iterations whose rotation was drawn at random."""
        rotations = [iteration.rotation for iteration in self.iterations_]
        return [rotation.seed for rotation in rotations if hasattr(rotation, "seed")]

    def fit_forward(self, X, rng, *, target=None, monitor=None, start=None):
        """Fit on X, which is overwritten by the rows carried through the layer."""
        self._check_params()
        self.n_features_in_ = X.shape[1]
        log_det = np.zeros(len(X))
        self.iterations_, self.n_iter_, self.exit_ = [], 0, None
        self.entry_ = self._enter(X, log_det, rng)
        if target is not None:
            target = np.array(target, dtype=X.dtype, order="C")
            self.exit_ = self._enter(target, np.zeros(len(target)), rng)
        if monitor is not None:
            monitor.advance(self.forward_and_log_det)
        self._iterate(X, log_det, rng, target, monitor)
        if self.exit_ is not None:
            self._over_blocks(
                X, lambda rows: self.exit_.inverse_and_log_det(X[rows], log_det[rows])
            )
        return X, log_det

    def forward_and_log_det(self, X):
        """Return Z and log |det dZ/dX| of each row."""
        log_det = np.zeros(len(X))
        X = self.entry_.forward_and_log_det(X, log_det)
        for iteration in self.iterations_:
            X = iteration.forward(X, log_det)
        if self.exit_ is not None:
            X = self.exit_.inverse_and_log_det(X, log_det)
        return X, log_det

    def inverse_and_log_det(self, Z):
        """Return X and log |det dX/dZ| of each row."""
        log_det = np.zeros(len(Z))
        if self.exit_ is not None:
            Z = self.exit_.forward_and_log_det(Z, log_det)
        for iteration in reversed(self.iterations_):
            Z = iteration.inverse(Z, log_det)
        return self.entry_.inverse_and_log_det(Z, log_det), log_det

    # -- fitting --------------------------------------------------------------

    def _check_params(self):
        if (
            not isinstance(self.n_iter, numbers.Integral)
            or isinstance(self.n_iter, bool)
            or self.n_iter < 0
        ):
            raise ValueError(
                f"n_iter must be an integer of at least 0, got {self.n_iter!r}."
            )
        if self.gate is not None and self.gate != "auto":
            check_number("gate", self.gate, ', "auto" or None')
        check_number("tol", self.tol)
        get_rotation(self.rotation)
        get_marginal(self.marginal, degree=self.degree)

    def _over_blocks(self, X, work):
        """Run work(rows) over blocks of rows, in threads; return the results."""
        return run_threads(work, row_blocks(len(X)), self.n_jobs)

    def _enter(self, X, log_det, rng):
        """Fit an entry map, apply it to X in place, and return it."""
        n = len(X)
        first = X[0].astype(np.float64)
        # Shifted by the first row, so that a large mean costs no digits.
        sums = self._over_blocks(X, lambda rows: _shifted_sums(X[rows], first))
        mean = sum(s for s, _ in sums) / n
        variance = np.maximum(sum(q for _, q in sums) / n - mean**2, 0.0)
        sample = X
        if n > ENTRY_ROWS:
            sample = X[np.sort(rng.choice(n, ENTRY_ROWS, replace=False))]
        entry = EntryMap().fit(sample, first + mean, np.sqrt(variance))
        self._over_blocks(
            X, lambda rows: entry.forward_and_log_det(X[rows], log_det[rows])
        )
        return entry

    def _iterate(self, X, log_det, rng, target, monitor):
        settings = {
            "strategy": get_rotation(self.rotation),
            "marginal": lambda: get_marginal(self.marginal, degree=self.degree),
            "gate": self.gate,
            "over_blocks": self._over_blocks,
        }
        recent = []
        for step_rng in rng.spawn(self.n_iter):
            iteration, gains, admitted = fit_iteration(
                X, step_rng, target=target, **settings
            )
            self.n_iter_ += 1
            if iteration is not None:
                self.iterations_.append(iteration)
                self._apply(iteration, X, log_det)
            if monitor is not None:
                self._report(monitor, iteration, gains, X, log_det)
            recent = [*recent, float(gains[admitted].sum())][-PATIENCE:]
            if len(recent) == PATIENCE and sum(recent) < self.tol * X.shape[1]:
                break
            if monitor is not None and self.tol > 0 and monitor.stalled(2 * PATIENCE):
                break

    def _apply(self, iteration, X, log_det):
        self._over_blocks(X, lambda rows: iteration.forward(X[rows], log_det[rows]))

    def _report(self, monitor, iteration, gains, X, log_det):
        if iteration is not None and self.exit_ is None:
            monitor.advance(iteration.forward_and_log_det)
        likelihood = None
        if self.exit_ is None:
            likelihood = np.mean(log_standard_normal(X) + log_det)
        n_admitted = 0 if iteration is None else iteration.rotation.n_directions
        monitor.record(likelihood, admitted=n_admitted, candidates=len(gains))


def _shifted_sums(X, first):
    shifted = X - first
    return shifted.sum(0), np.einsum("ij,ij->j", shifted, shifted)
