"""Layers of gated iterations: what Linear and Conv share."""

import numpy as np

from gaussflow._common.blocks import some_rows
from gaussflow._common.checks import Integer, Number, check_params, keep_params
from gaussflow._common.normal import log_standard_normal
from gaussflow.layers.base import Layer
from gaussflow.marginals import get_marginal
from gaussflow.marginals.standardisation import EntryMap
from gaussflow.persistence.shapes import Items, Part
from gaussflow.rotations import get_rotation

#: Rows that the shape of a column is judged by.
ENTRY_ROWS = 20_000
#: Iterations over which the admitted gain is added up to see convergence.
PATIENCE = 8


class Iterated(Layer):
    """Base class of layers that standardise columns, then iterate.

    A subclass fits one iteration at a time: an object with the methods of
    :class:`~gaussflow.layers.iterations.iteration.Iteration`.

    Parameters
    ----------
    n_iter : int
        Most iterations.
    rotation : str or callable
        "random" (Haar), "structured" (Hadamard), "pca", "ica", "sliced",
        "identity", "auto", or a function ``f(Z, rng)`` that returns orthonormal
        rows.
    marginal : str or Marginal
        "spline", "kde", "quantile", "polynomial", "auto", or an instance.
    degree : int
        Degree of the polynomials of ``marginal="polynomial"``.
    gate : float, "auto" or None
        Standard errors that a direction's held-out gain must exceed; None
        admits every direction. "auto" grows with the number of directions K
        that compete, Phi^-1(1 - 1/K) and at least 1, so that on pure noise
        less than one is admitted by chance.
    tol : float
        Stop when the admitted gain of the last 8 iterations falls below ``tol``
        a row and column, in nats between rows and noise; 0 never stops early.

    Attributes
    ----------
    entry_, exit_ : EntryMap or None
        The standardisation that rows enter by, and the one that they leave by.
    iterations_ : list of Iteration
        Admitted iterations, in order.
    n_iter_ : int
        Iterations run, whether or not they admitted a direction.
    """

    exit_: EntryMap | None = None

    _rules = {
        "n_iter": Integer(0),
        "gate": Number("[0, inf)", "auto", None),
        "tol": Number("[0, inf)"),
    }

    _state = {
        "iterations_": Items(Part("Iteration PatchIteration Matching")),
        "n_iter_": Integer(0),
        "entry_": Part("EntryMap", None),
    }

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
        keep_params(locals())

    def _fit_iteration(self, X, rng):
        """Fit one iteration on X without applying it.

        Returns the iteration, None where no direction was admitted; the held-out gain
        of every direction, a row; and the numbers of the admitted directions.
        """
        raise NotImplementedError(f"{type(self).__name__} is fitted between samples.")

    def fit_forward(self, X, rng, *, monitor=None, start=None):
        self._check_params(X.shape[1])
        self.n_features_in_ = X.shape[1]
        log_det = np.zeros(len(X))
        self.iterations_, self.n_iter_ = [], 0
        self.entry_ = self._enter(X, log_det, rng)
        if monitor is not None:
            monitor.advance(self.forward_and_log_det)
        self._iterate(X, log_det, rng, self._fit_iteration, monitor)
        return X, log_det

    def forward_and_log_det(self, X):
        log_det = np.zeros(len(X))
        if self.entry_ is not None:
            X = self.entry_.forward_and_log_det(X, log_det)
        for iteration in self.iterations_:
            X = iteration.forward(X, log_det)
        return X, log_det

    def inverse_and_log_det(self, Z):
        log_det = np.zeros(len(Z))
        for iteration in reversed(self.iterations_):
            Z = iteration.inverse(Z, log_det)
        if self.entry_ is not None:
            Z = self.entry_.inverse_and_log_det(Z, log_det)
        return Z, log_det

    def stages(self):
        """Return the standardisation, numbered 0, the iterations, and the way out."""
        parts = [
            (i, one.forward, one.inverse) for i, one in enumerate(self.iterations_, 1)
        ]
        if self.entry_ is not None:
            entry = self.entry_
            parts.insert(0, (0, entry.forward_and_log_det, entry.inverse_and_log_det))
        if self.exit_ is not None:
            there, back = self.exit_.inverse_and_log_det, self.exit_.forward_and_log_det
            parts.append((len(self.iterations_) + 1, there, back))
        return [(i, _with_log_det(one), _with_log_det(two)) for i, one, two in parts]

    # -- fitting --------------------------------------------------------------

    def _check_params(self, n_features):
        """Raise an error that names a parameter which is wrong, as for this width."""
        check_params(self)
        get_rotation(self.rotation)
        get_marginal(self.marginal, degree=self.degree)

    def _enter(self, X, log_det, rng):
        """Fit an entry map, apply it to X in place, and return it."""
        n = len(X)
        first = X[0].astype(np.float64)
        # Shifted by the first row, so that a large mean costs no digits.
        sums = self._over_blocks(X, lambda rows: _shifted_sums(X[rows], first))
        mean = sum(s for s, _ in sums) / n
        variance = np.maximum(sum(q for _, q in sums) / n - mean**2, 0.0)
        sample = some_rows(X, ENTRY_ROWS, rng)
        entry = EntryMap().fit(sample, first + mean, np.sqrt(variance))
        self._over_blocks(
            X, lambda rows: entry.forward_and_log_det(X[rows], log_det[rows])
        )
        return entry

    def _settings(self):
        """Return the arguments of ``fit_iteration`` that the parameters decide."""
        return {
            "strategy": get_rotation(self.rotation),
            "marginal": lambda: get_marginal(self.marginal, degree=self.degree),
            "gate": self.gate,
            "over_blocks": self._over_blocks,
        }

    def _iterate(self, X, log_det, rng, fit, monitor, *, to_normal=True):
        """Fit iterations by fit(X, rng) and apply them, until nothing is gained.

        ``to_normal`` tells that they lead to the standard normal, so that rows have a
        likelihood on the way.
        """
        recent = []
        for step_rng in rng.spawn(self.n_iter):
            iteration, gains, admitted = fit(X, step_rng)
            self.n_iter_ += 1
            if iteration is not None:
                self.iterations_.append(iteration)
                self._apply(iteration, X, log_det)
            if monitor is not None:
                self._report(monitor, iteration, gains, X, log_det, to_normal)
            recent = [*recent, float(gains[admitted].sum())][-PATIENCE:]
            if len(recent) == PATIENCE and sum(recent) < self.tol * X.shape[1]:
                break
            if monitor is not None and self.tol > 0 and monitor.stalled(2 * PATIENCE):
                break

    def _apply(self, iteration, X, log_det):
        self._over_blocks(X, lambda rows: iteration.forward(X[rows], log_det[rows]))

    def _report(self, monitor, iteration, gains, X, log_det, to_normal):
        likelihood = None
        if to_normal:
            if iteration is not None:
                monitor.advance(iteration.forward_and_log_det)
            likelihood = np.mean(log_standard_normal(X) + log_det)
        n_admitted = 0 if iteration is None else iteration.n_directions
        monitor.record(likelihood, admitted=n_admitted, candidates=len(gains))


def _with_log_det(method):
    """Return a map that adds to log-determinants as one that returns them."""

    def move(X):
        log_det = np.zeros(len(X))
        return method(X, log_det), log_det

    return move


def _shifted_sums(X, first):
    shifted = X - first
    return shifted.sum(0), np.einsum("ij,ij->j", shifted, shifted)
