"""One iteration: directions, and gated marginal maps along them."""

import numpy as np
from scipy.special import ndtri

from gaussflow.marginals.counts import (
    BIN_WIDTH,
    CENTRES,
    N_BINS,
    Counts,
    Grid,
    count_folds,
)
from gaussflow.persistence.shapes import Part
from gaussflow.persistence.state import Persistent, check_that
from gaussflow.rotations._subsample import subsample

#: Share of the rows on which directions and candidate maps are fitted; the
#: rest judges them.
SEARCH_SHARE = 2.0 / 3.0
#: Rows that a search of directions may look at.
SEARCH_ROWS = 5_000
#: Images that tell how much alike the gains of their patches are.
CLUSTER_ROWS = 2_000
#: Levels at which two distributions are compared along a direction.
LEVELS = (np.arange(64) + 0.5) / 64


class Step(Persistent):
    """What a layer of iterations composes: a map whose log-determinants are added up.

    A subclass implements ``_move(X, log_det, back)``.
    """

    def forward(self, X, log_det):
        """Map X in place; add the log-determinants to log_det; return X."""
        return self._move(X, log_det, False)

    def inverse(self, Z, log_det):
        """Undo the map in place; add the inverse's log-determinants; return Z."""
        return self._move(Z, log_det, True)

    def forward_and_log_det(self, X):
        """Map X in place; return it and its log-determinants."""
        log_det = np.zeros(len(X))
        return self.forward(X, log_det), log_det


class Iteration(Step):
    """The map x -> x + Q^T (M(Qx) - Qx), which for a full basis is Q^T M(Qx).

    Only the admitted directions Q, a Rotation, are kept, and the Marginal of the maps M
    along them: along every other direction the iteration is the identity, and costs
    nothing.
    """

    def __init__(self, rotation, marginal):
        self.rotation = rotation
        self.marginal = marginal

    @property
    def n_features(self):
        """Number of columns."""
        return self.rotation.n_features

    @property
    def n_directions(self):
        """Number of directions along which rows move."""
        return self.rotation.n_directions

    _state = {"rotation": Part("Rotation"), "marginal": Part("Marginal")}

    def _check_state(self):
        fit = self.rotation.n_directions == self.marginal.n_maps
        check_that(self, fit, "each direction needs one map")

    def _move(self, X, log_det, back):
        before = self.rotation.project(X)
        maps = self.marginal
        move = maps.inverse_and_log_det if back else maps.forward_and_log_det
        after = move(before.copy(), log_det)
        after -= before
        X += self.rotation.lift(after)
        return X


def fit_iteration(
    X, rng, *, strategy, marginal, gate, over_blocks, tiles=None, n_fits=1
):
    """Fit one iteration on X, about standardised, toward N(0, I), without applying it.

    ``strategy`` finds directions, ``marginal()`` makes an unfitted Marginal, and
    ``over_blocks(X, work)`` runs work over blocks of rows. With ``tiles`` the iteration
    is fitted to all patches of the images alike, which search or judge as a whole. The
    directions of ``n_fits`` such fits compete with each other.

    Returns the Iteration, None where no direction was admitted; the held-out gain of
    every direction's map, in nats; and the numbers of the admitted directions.
    """
    folds, sample = _split(X, gate, rng, tiles)
    rotation = strategy(sample, rng)
    search, check, extremes = _count(X, folds, sample, rotation, over_blocks, tiles)
    maps = marginal().fit(search)
    gains, errors = maps.gain(search if gate is None else check)
    if tiles is not None and gate is not None:
        errors *= _clustering(X, folds, rotation, maps, check.grid, tiles)
    counts = search + check
    n_patches = 1 if tiles is None else tiles.n_positions
    admitted = _admit(gains, errors, gate, counts, len(X) * n_patches, n_fits)
    if len(admitted) == 0:
        return None, gains, admitted
    maps = marginal().fit(counts.select(admitted))
    maps.bound_tails(*extremes[:, admitted])
    return Iteration(_restricted(rotation, admitted), maps), gains, admitted


def match_iteration(X, target, rng, *, strategy, marginal, gate, over_blocks):
    """Fit one iteration that carries X toward other rows, without applying it.

    X are carried samples and ``target`` data, both about standardised; the strategy
    sees the target too. Arguments and results are those of :func:`fit_iteration`, but
    gains are squared 1-D Wasserstein distances taken away, in units of the target's
    spread.
    """
    folds, sample = _split(X, gate, rng, None)
    target_folds, target_sample = _split(target, gate, rng, None)
    rotation = strategy(sample, rng, target=target_sample)
    search, check, _ = _count(X, folds, sample, rotation, over_blocks, None)
    *goals, _ = _count(target, target_folds, target_sample, rotation, over_blocks, None)
    maps = marginal().fit(search, goals[0])
    judged = (search, goals[0]) if gate is None else (check, goals[1])
    gains, errors = distance_gains(maps, *judged)
    counts, goal = search + check, goals[0] + goals[1]
    admitted = _admit(gains, errors, gate, counts, len(X), 1)
    if len(admitted) == 0:
        return None, gains, admitted
    maps = marginal().fit(counts.select(admitted), goal.select(admitted))
    return Iteration(_restricted(rotation, admitted), maps), gains, admitted


def _admit(gains, errors, gate, counts, n_rows, n_fits):
    """Return the directions whose gain exceeds the gate; constants gain nothing."""
    # A constant, or what rounding leaves of one, has no law to learn: a map would
    # stretch its rounding, which is other in other rows.
    gains[counts.values.max(axis=1) == n_rows] = 0.0
    if gate is None:
        return np.arange(len(gains))
    return np.flatnonzero(gains > _threshold(gate, n_fits * len(gains)) * errors)


def _restricted(rotation, admitted):
    """Return the rotation of the admitted directions."""
    if len(admitted) == rotation.n_directions:
        return rotation
    return rotation.select(admitted)


def _threshold(gate, n_candidates):
    if gate != "auto":
        return gate
    return max(1.0, float(ndtri(1.0 - 1.0 / max(n_candidates, 2))))


def _split(X, gate, rng, tiles):
    """Return the fold of each row (0 searches, 1 judges) and rows to search in."""
    n = len(X)
    folds = (rng.random(n) >= SEARCH_SHARE).astype(np.uint8)
    if gate is None:
        folds[:] = 0
    elif n < 6:
        # Too few to split at random: every third row judges.
        folds[:] = np.arange(n) % 3 == 2 if n > 2 else np.arange(n) % 2
    searched = np.flatnonzero(folds == 0)
    if len(searched) == 0:
        searched = np.arange(n)
    if len(searched) > SEARCH_ROWS:
        searched = np.sort(rng.choice(searched, SEARCH_ROWS, replace=False))
    sample = X[searched]
    if tiles is not None:
        sample = subsample(tiles.gather(sample), SEARCH_ROWS, rng)
    return folds, sample


def _count(X, folds, sample, rotation, over_blocks, tiles):
    """Count the projections of searching and of judging rows; return extremes too."""
    grid = Grid.around(rotation.project(sample))

    def count(rows):
        block, block_folds = X[rows], folds[rows]
        if tiles is not None:
            block = tiles.gather(block)
            block_folds = np.repeat(block_folds, tiles.n_positions)
        Y = rotation.project(block)
        return count_folds(Y, block_folds, 2, grid), Y.min(axis=0), Y.max(axis=0)

    values, low, high = zip(*over_blocks(X, count), strict=True)
    extremes = np.array([np.min(low, axis=0), np.max(high, axis=0)], dtype=np.float64)
    searched, judged = sum(values)
    return Counts(grid, searched), Counts(grid, judged), extremes


def _clustering(X, folds, rotation, maps, grid, tiles):
    """Return the factor of the gains' standard errors where patches share images.

    The patches of one image are no independent draws: the standard deviation of
    an image's mean gain is compared with what independent patches would show
    (the root of the design effect of Kish, 1965, "Survey Sampling", chapter 5).
    """
    judges = np.flatnonzero(folds == 1)[:CLUSTER_ROWS]
    if len(judges) < 2 or tiles.n_positions == 1:
        return 1.0
    Y = rotation.project(tiles.gather(X[judges]))
    bins = (Y - grid.loc) / (BIN_WIDTH * grid.scale) + 0.5 * N_BINS
    bins = np.clip(bins, 0, N_BINS - 1).astype(np.intp)
    gains = maps.gain_per_bin(grid)[np.arange(Y.shape[1]), bins]
    means = gains.reshape(len(judges), tiles.n_positions, -1).mean(axis=1)
    alone = np.maximum(gains.var(axis=0), np.finfo(np.float64).tiny)
    return np.sqrt(np.maximum(tiles.n_positions * means.var(axis=0) / alone, 1.0))


def distance_gains(maps, source, target):
    """How much nearer the mapped source comes to the target, per direction.

    The 1-D squared Wasserstein distance before minus after, in units of the
    target's spread; and its standard error where both are the same law, about
    1 / n of each side.
    """
    gains = np.empty(source.n_columns)
    for k in range(source.n_columns):
        at = _quantiles(source, k)
        goal = _quantiles(target, k)
        mapped = maps.select([k]).forward_and_log_det(at[:, None].copy(), np.zeros(64))
        before = np.mean((at - goal) ** 2)
        gains[k] = before - np.mean((mapped[:, 0] - goal) ** 2)
    gains /= target.grid.scale**2
    error = 1.0 / max(source.n_samples, 1) + 1.0 / max(target.n_samples, 1)
    return gains, np.full(source.n_columns, error)


def _quantiles(counts, k):
    cumulative = np.cumsum(counts.values[k]) / max(counts.n_samples, 1)
    centres = counts.grid.loc[k] + counts.grid.scale[k] * CENTRES
    return np.interp(LEVELS, cumulative, centres)
