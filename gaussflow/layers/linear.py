"""The Linear layer: iterations of a rotation and gated marginal maps."""

import numbers

import numpy as np

from gaussflow._random import draw_seed
from gaussflow.layers.base import Layer, log_standard_normal, row_blocks, run_threads
from gaussflow.layers.iteration import Iteration
from gaussflow.marginals import get_marginal
from gaussflow.marginals.counts import Counts, Grid, count_folds
from gaussflow.marginals.entry import EntryMap
from gaussflow.rotations import get_rotation

#: Share of the rows on which directions and candidate maps are fitted; the
#: rest judges them.
SEARCH_SHARE = 2.0 / 3.0
#: Rows that a search of directions or of entry maps may look at.
SEARCH_ROWS = 5_000
ENTRY_ROWS = 20_000
#: Iterations without an admitted direction after which a layer has converged.
PATIENCE = 5


class Linear(Layer):
    """Iterations of a rotation and one-dimensional maps, each honestly gated.

    Each iteration draws or learns directions, fits a monotone map along each,
    and carries the rows one step nearer to a standard normal: rotation-based
    iterative Gaussianization (Laparra, Camps-Valls and Malo, 2011). Rows are
    split at random in every iteration: directions and maps are searched on one
    part, and a direction is admitted only where its gain in log-likelihood on
    the other part exceeds ``gate`` standard errors. Admitted maps are fitted
    again on all rows; elsewhere the iteration is the identity. The layer stops
    by itself where nothing more is admitted.

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
        Standard errors that a direction's gain must exceed; None admits all.
        "auto" is 1 up to 3 columns and 2 beyond.
    tol : float, default=1e-4
        Stop when the admitted gain of the last iterations falls below ``tol``
        nats a row and column.
    n_jobs : int or None, default=None
        Threads over blocks of rows. The result does not depend on it.
    random_state : int, RandomState, Generator or None, default=None
        Randomness of rotations and splits.

    Attributes
    ----------
    entry_ : EntryMap
        The standardisation of the columns.
    iterations_ : list of Iteration
        Admitted iterations, in order.
    n_iter_ : int
        Iterations run, admitted or not.
    loss_curve_ : list of dict
        One per iteration run: "train" (mean negative log-likelihood of the
        rows, nats), "gain" (what the judging part gained), "admitted"
        directions and "candidates".
    n_features_in_ : int
        Columns seen at fit.

    References
    ----------
    Laparra, Camps-Valls and Malo (2011), "Iterative Gaussianization: from ICA
    to random rotations". Draxler et al. (2023), "On the convergence rate of
    Gaussianization with random rotations".

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from gaussflow.layers import Linear
    >>> X, _ = make_moons(1000, noise=0.1, random_state=0)
    >>> layer = Linear(n_iter=10, random_state=0).fit(X)
    >>> layer.transform(X).shape
    (1000, 2)
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

    def fit_forward(self, X, rng, *, target=None):
        """Fit on X, which is overwritten by the latent rows."""
        self._check_params()
        self.n_features_in_ = X.shape[1]
        log_det = np.zeros(len(X))
        self.iterations_, self.loss_curve_ = [], []
        self._fit_entry(X, rng)
        self._over_blocks(X, lambda rows: self._enter(X, log_det, rows))
        strategy = get_rotation(self.rotation)
        recent = []
        for step_rng in rng.spawn(self.n_iter):
            gain = self._fit_iteration(X, log_det, strategy, step_rng)
            recent = [*recent, gain][-PATIENCE:]
            if len(recent) == PATIENCE and sum(recent) < self.tol * X.shape[1]:
                break
        self.n_iter_ = len(self.loss_curve_)
        return X, log_det

    def forward_and_log_det(self, X):
        """Return Z and log |det dZ/dX| of each row."""
        log_det = np.zeros(len(X))
        X = self.entry_.forward_and_log_det(X, log_det)
        for iteration in self.iterations_:
            X = iteration.forward(X, log_det)
        return X, log_det

    def inverse_and_log_det(self, Z):
        """Return X and log |det dX/dZ| of each row."""
        log_det = np.zeros(len(Z))
        for iteration in reversed(self.iterations_):
            Z = iteration.inverse(Z, log_det)
        return self.entry_.inverse_and_log_det(Z, log_det), log_det

    # -- fitting --------------------------------------------------------------

    def _check_params(self):
        if not isinstance(self.n_iter, numbers.Integral) or self.n_iter < 0:
            raise ValueError(
                f"n_iter must be an integer of at least 0, got {self.n_iter!r}."
            )
        if self.gate is not None and self.gate != "auto":
            if not isinstance(self.gate, numbers.Real) or not self.gate >= 0:
                raise ValueError(
                    f'gate must be a number of at least 0, "auto" or None, got '
                    f"{self.gate!r}."
                )

    def _gate(self):
        if self.gate == "auto":
            return 1.0 if self.n_features_in_ <= 3 else 2.0
        return self.gate

    def _over_blocks(self, X, work):
        """Run work(rows) over blocks of rows, in threads; return the results."""
        return run_threads(work, row_blocks(len(X)), self.n_jobs)

    def _fit_entry(self, X, rng):
        n = len(X)
        first = X[0].astype(np.float64)
        # Shifted by the first row, so that a large mean costs no digits.
        sums = self._over_blocks(X, lambda rows: _shifted_sums(X[rows], first))
        mean = sum(s for s, _ in sums) / n
        variance = np.maximum(sum(q for _, q in sums) / n - mean**2, 0.0)
        picked = np.sort(rng.choice(n, ENTRY_ROWS, replace=False)) if (
            n > ENTRY_ROWS
        ) else slice(None)
        self.entry_ = EntryMap().fit(X[picked], first + mean, np.sqrt(variance))

    def _enter(self, X, log_det, rows):
        self.entry_.forward_and_log_det(X[rows], log_det[rows])

    def _fit_iteration(self, X, log_det, strategy, rng):
        """Fit one iteration, apply it to X in place, return its honest gain."""
        gate = self._gate()
        folds = (rng.random(len(X)) >= SEARCH_SHARE).astype(np.uint8)
        if gate is None or len(X) < 6:
            folds[:] = 0
        searched = np.flatnonzero(folds == 0)
        if len(searched) > SEARCH_ROWS:
            searched = np.sort(rng.choice(searched, SEARCH_ROWS, replace=False))
        rotation = strategy(X[searched], rng)
        grid = Grid.around(rotation.project(X[searched]))

        def count(rows):
            return count_folds(rotation.project(X[rows]), folds[rows], 2, grid)

        values = sum(self._over_blocks(X, count))
        search, check = Counts(grid, values[0]), Counts(grid, values[1])
        template = get_marginal(self.marginal, degree=self.degree)
        if gate is None or check.n_samples == 0:
            gains = template.fit(search).gain(search)[0]
            admitted = np.arange(rotation.n_directions)
        else:
            gains, errors = template.fit(search).gain(check)
            admitted = np.flatnonzero(gains > gate * errors)
        gain = float(gains[admitted].sum())
        if len(admitted):
            marginal = get_marginal(self.marginal, degree=self.degree)
            marginal.fit((search + check).select(admitted))
            if len(admitted) < rotation.n_directions:
                rotation = rotation.select(admitted)
            iteration = Iteration(rotation, marginal)
            self.iterations_.append(iteration)
            self._over_blocks(X, lambda rows: iteration.forward(X[rows], log_det[rows]))
        loss = -float(np.mean(log_standard_normal(X) + log_det))
        self.loss_curve_.append(
            {
                "train": loss,
                "gain": gain,
                "admitted": len(admitted),
                "candidates": len(gains),
            }
        )
        return gain


def _shifted_sums(X, first):
    shifted = X - first
    return shifted.sum(0), np.einsum("ij,ij->j", shifted, shifted)
