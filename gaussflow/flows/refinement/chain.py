"""A chain of iterations as one function of one vector of numbers."""

import copy

import numpy as np

from gaussflow._common.blocks import row_blocks, run_threads
from gaussflow._common.normal import log_standard_normal
from gaussflow.kernels.spline import spline_backward, spline_forward
from gaussflow.layers.iterations.iteration import Iteration
from gaussflow.marginals import AutoMarginal
from gaussflow.rotations import DenseRotation, HaarRotation

#: Hat functions (linear finite elements) that a map's log slope is moved by: more bend
#: sharper and cost more rows to fit. Chosen by hand.
N_HATS = 16
#: Knots of maps that start as the identity, and how far they reach, in standard
#: deviations: about one of 16,000 normal values lies beyond. Chosen by hand.
N_KNOTS, REACH = 33, 4.0
#: Rows handled at a time. Fixed, so that results never depend on ``n_jobs``.
BLOCK_ROWS = 2048


class Chain:
    """Iterations of spline maps that move with a theta of ``n_params`` numbers.

    theta = 0 is where they start. Of every map, ``log slope`` moves by a piecewise
    linear function of N_HATS numbers, and its values follow, so that it stays strictly
    increasing; one more number shifts it. The knots and the straight tails stay. With
    ``rotations`` directions Q become Q (I - A/2)^-1 (I + A/2) with A skew-symmetric
    (Cayley, 1846), and stay orthonormal. An evaluation costs ``n_maps`` a row.
    """

    def __init__(self, iterations, rotations):
        self.iterations, self.rotations = list(iterations), bool(rotations)
        self.directions = [one.rotation.matrix() for one in self.iterations]
        self.upper = np.triu_indices(
            self.directions[0].shape[1] if iterations else 0, 1
        )
        self.hats, self.parts, self.n_params = [], [], 0
        for one in self.iterations:
            n_maps, n_knots = one.marginal.knots_.shape
            hats = _hats(n_knots)
            sizes = [
                n_maps * hats.shape[1],
                n_maps,
                self.rotations * len(self.upper[0]),
            ]
            ends = self.n_params + np.cumsum([0, *sizes])
            self.hats.append(hats)
            self.parts.append([slice(*ends[i : i + 2]) for i in range(3)])
            self.n_params = int(ends[-1])
        self.n_maps = sum(len(Q) for Q in self.directions)

    @classmethod
    def of_random(cls, seeds, n_features, rotations):
        """Return a chain of random rotations and identity maps, one for each seed."""
        iterations = []
        for seed in seeds:
            maps = AutoMarginal()
            maps.knots_ = np.tile(np.linspace(-REACH, REACH, N_KNOTS), (n_features, 1))
            maps.values_ = maps.knots_.copy()
            maps.slopes_ = np.ones_like(maps.knots_)
            maps.tail_ = np.ones((n_features, 2))
            iterations.append(Iteration(HaarRotation(seed, n_features), maps))
        return cls(iterations, rotations)

    def iterations_at(self, theta):
        """Return the iterations for a theta; those it starts with are left as is."""
        moved = []
        for one, step in zip(self.iterations, self._steps(theta), strict=True):
            maps = copy.copy(one.marginal)
            maps.values_, maps.slopes_ = step.values, step.slopes
            rotation = DenseRotation(step.Q) if self.rotations else one.rotation
            moved.append(Iteration(rotation, maps))
        return moved

    def log_density(self, theta, X, n_jobs=None):
        """Return log N(z) + log |det dz/dx| of each row."""
        steps = self._steps(theta)

        def run(rows):
            Z, log_det = X[rows].copy(), np.zeros(len(X[rows]))
            for step in steps:
                Z, _, _ = step.forward(Z, log_det)
            return log_standard_normal(Z) + log_det

        return np.concatenate(run_threads(run, row_blocks(len(X), BLOCK_ROWS), n_jobs))

    def loss_and_gradient(self, theta, X, n_jobs=None):
        """Return the mean negative log density of rows, and its gradient by theta."""
        steps = self._steps(theta)

        def run(rows):
            return self._backward(steps, X[rows])

        done = run_threads(run, row_blocks(len(X), BLOCK_ROWS), n_jobs)
        loss = sum(part for part, _ in done) / len(X)
        return loss, sum(part for _, part in done) / len(X)

    def penalty(self, theta, ridge, roughness):
        """Return a quadratic penalty of the moves of log slopes, and its gradient.

        ``ridge`` weighs their squares, ``roughness`` the squares of their second
        differences along a map: where rows say little, maps stay smooth.
        """
        total, gradient = 0.0, np.zeros_like(theta)
        for hats, (part, _, _) in zip(self.hats, self.parts, strict=True):
            moves = theta[part].reshape(-1, hats.shape[1])
            second = np.diff(moves, 2, axis=1)
            total += 0.5 * (ridge * np.sum(moves**2) + roughness * np.sum(second**2))
            by_moves = ridge * moves
            by_moves[:, :-2] += roughness * second
            by_moves[:, 1:-1] -= 2.0 * roughness * second
            by_moves[:, 2:] += roughness * second
            gradient[part] = by_moves.ravel()
        return total, gradient

    def _steps(self, theta):
        """Return every iteration's directions and splines for a theta."""
        steps = []
        for i, one in enumerate(self.iterations):
            log_slopes, shift, skew = (theta[part] for part in self.parts[i])
            moves = log_slopes.reshape(len(shift), -1) @ self.hats[i].T
            steps.append(_Step(self.directions[i], one.marginal, moves, shift))
            if self.rotations:
                steps[-1].rotate(skew, self.upper)
        return steps

    def _backward(self, steps, X):
        """Return the sum of rows' losses, and of its gradients."""
        log_det, passed = np.zeros(len(X)), []
        Z = X
        for step in steps:
            before = Z
            Z, Y, mapped = step.forward(Z, log_det)
            passed.append((before, Y, mapped))
        loss = -float(np.sum(log_standard_normal(Z) + log_det))
        G, gradient = Z, np.zeros(self.n_params)
        for i in reversed(range(len(steps))):
            parts = self.parts[i]
            G, by_moves, by_shift, by_skew = steps[i].backward(G, *passed[i])
            gradient[parts[0]] = (by_moves @ self.hats[i]).ravel()
            gradient[parts[1]] = by_shift
            if self.rotations:
                gradient[parts[2]] = by_skew[self.upper]
        return loss, gradient


class _Step:
    """One iteration at a theta: x -> x + Q^T (M(Qx) - Qx), and its gradient."""

    def __init__(self, directions, maps, moves, shift):
        self.start = self.Q = directions
        self.half = None
        self.knots, self.tail = maps.knots_, maps.tail_
        self.slopes = maps.slopes_ * np.exp(moves)
        # A cell's height moves as the slopes at its two ends do.
        between = 0.5 * (moves[:, 1:] + moves[:, :-1])
        self.heights = np.diff(maps.values_, axis=1) * np.exp(between)
        # From the middle knot outward, as the greedy fit lays them.
        self.middle = self.knots.shape[1] // 2
        centre = maps.values_[:, [self.middle]] + shift[:, None]
        above = centre + np.cumsum(self.heights[:, self.middle :], axis=1)
        below = np.cumsum(self.heights[:, : self.middle][:, ::-1], axis=1)[:, ::-1]
        self.values = np.concatenate([centre - below, centre, above], axis=1)

    def rotate(self, values, upper):
        """Rotate the directions by the skew-symmetric matrix of these values."""
        eye = np.eye(self.start.shape[1])
        skew = np.zeros_like(eye)
        skew[upper] = values
        skew -= skew.T
        self.half = np.linalg.inv(eye - 0.5 * skew)
        self.Q = np.ascontiguousarray(self.start @ self.half @ (eye + 0.5 * skew))

    def forward(self, X, log_det):
        """Return the rows moved, their coordinates, and the coordinates mapped."""
        Y = X @ self.Q.T
        mapped = Y.copy()
        spline_forward(mapped, self.knots, self.values, self.slopes, self.tail, log_det)
        return X + (mapped - Y) @ self.Q, Y, mapped

    def backward(self, G, X, Y, mapped):
        """Carry a loss's gradient by the rows moved back to the rows X.

        Returns it, and the gradients by the moves of log slopes at the knots, by
        the shifts and, as a matrix whose upper triangle counts, by the rotation.
        """
        n_maps, n_knots = self.knots.shape
        by_mapped = G @ self.Q.T
        by_Y = by_mapped.copy()
        at_knots, by_heights, by_slopes = (
            np.zeros((n_maps, size)) for size in (n_knots, n_knots - 1, n_knots)
        )
        spline_backward(
            Y,
            self.knots,
            self.values,
            self.slopes,
            self.tail,
            by_Y,
            at_knots,
            by_heights,
            by_slopes,
        )
        # A height above the middle lifts every knot above it; one below the
        # middle lowers every knot below it.
        above = np.cumsum(at_knots[:, ::-1], axis=1)[:, ::-1]
        by_shift, middle = above[:, 0], self.middle
        by_heights[:, middle:] += above[:, middle + 1 :]
        by_heights[:, :middle] += above[:, 1 : middle + 1] - by_shift[:, None]
        by_moves = by_slopes * self.slopes
        between = 0.5 * by_heights * self.heights
        by_moves[:, 1:] += between
        by_moves[:, :-1] += between
        by_Y -= by_mapped
        by_skew = None
        if self.half is not None:
            by_Q = by_Y.T @ X + (mapped - Y).T @ G
            # d C(A) = (I - A/2)^-1 dA (I - A/2)^-1 of the Cayley transform C.
            by_skew = self.half.T @ (self.start.T @ by_Q) @ self.half.T
            by_skew = by_skew - by_skew.T
        return G + by_Y @ self.Q, by_moves, by_shift, by_skew


def _hats(n_knots):
    """Return the values of at most N_HATS hat functions at the knots.

    All are 0 at both ends, where the straight tails begin: a slope that left the
    tail's would make the density jump there, and the search come to rest where rows
    lie on its better side.
    """
    n_hats = max(min(N_HATS, n_knots - 2), 0)
    place = np.linspace(0.0, n_hats + 1.0, n_knots)
    return np.maximum(0.0, 1.0 - np.abs(place[:, None] - np.arange(1, n_hats + 1)))
