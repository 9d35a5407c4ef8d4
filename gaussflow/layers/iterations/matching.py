"""Matching: patches of carried samples are moved to where patches of data are."""

import numpy as np
from scipy.special import ndtri

from gaussflow._common.blocks import run_threads
from gaussflow.kernels.spline import straight_pieces
from gaussflow.layers.iterations.patches import PatchStep
from gaussflow.persistence.shapes import Array, Part
from gaussflow.persistence.state import check_that
from gaussflow.rotations.dense import TOLERANCE

#: Equal steps of probability between knots, and finer ones at both ends.
N_STEPS, N_FINE = 60, 5
#: Rows left outside the outermost knots.
ROWS_OUTSIDE = 1.5
#: Least step between knots, as a share of the mean step: pieces stay less steep
#: than what float32 can undo.
MIN_STEP = 1e-3
#: Levels at which held-out rows are compared.
N_JUDGED = 256
#: Share of the rows that judge whether a map brings them nearer to the data,
#: and the most of them.
JUDGE_SHARE, MAX_JUDGES = 0.2, 10_000


class Matching(PatchStep):
    """Maps x -> x + W^T (M(Wx) - Wx) of patches, W orthonormal, M straight pieces.

    directions : (n_places, n_directions, width) float32, W of each patch of ``tiles``,
    or of one for all patches alike ; knots, values : (n_places, n_directions, n_knots)
    float32, where the pieces of M meet, and values there, both increasing ; admitted :
    (n_places, n_directions) bool, the directions along which patches move.
    """

    def __init__(self, tiles, directions, knots, values, admitted):
        self.tiles = tiles
        self.counts = admitted.sum(axis=1)
        self.directions = np.ascontiguousarray(directions[admitted])
        self.knots = np.ascontiguousarray(knots[admitted])
        self.values = np.ascontiguousarray(values[admitted])

    @property
    def n_places(self):
        """Number of maps."""
        return len(self.counts)

    @property
    def n_directions(self):
        """Number of directions along which patches move."""
        return len(self.directions)

    _state = {
        "tiles": Part("Tiles"),
        "counts": Array("i", None, within="[0, inf)"),
        "directions": Array("f4", "n", None),
        "knots": Array("f4", "n", "knots", rising=True),
        "values": Array("f4", "n", "knots", rising=True),
    }

    def _check_state(self):
        counts, n = self.counts, len(self.directions)
        right = self.n_places in (1, self.tiles.n_positions)
        check_that(self, right, "a map for each patch")
        # None is more than n: so the sum of the counts cannot wrap around.
        right = (counts <= n).all() and counts.sum() == n
        check_that(self, right, "a count for each direction")
        check_that(self, self.directions.shape[1] == self.tiles.width, "the width")
        check_that(self, self.knots.shape[1] >= 2, "two knots are needed")
        for place in range(self.n_places):
            W = self.directions[self._rows(place)].astype(np.float64)
            error = np.abs(W @ W.T - np.eye(len(W))).max(initial=0.0)
            check_that(self, error < TOLERANCE, "the directions must be orthonormal")

    def _rows(self, place):
        """Return the slice of a place's directions."""
        stop = int(self.counts[: place + 1].sum())
        return slice(stop - int(self.counts[place]), stop)

    def _move_place(self, P, place, log_det, back):
        rows = self._rows(place)
        if rows.start == rows.stop:
            return
        x, z = self.knots[rows], self.values[rows]
        W = self.directions[rows].astype(P.dtype, copy=False)
        before = P @ W.T
        after = before.copy()
        straight_pieces(after, *((z, x) if back else (x, z)), log_det)
        after -= before
        P += after @ W


def fit_matching(X, target, rng, *, tiles, shared, search, gate, n_jobs=None):
    """Fit the maps of one iteration, and do not apply them.

    Along every direction the quantiles of the carried rows X are matched to those of
    the data, ``target``, in the same units. A map is kept where it brings rows that
    took no part in it nearer to such rows of the data, by ``gate`` standard errors
    (None keeps every map). ``search(P, Q, rng)`` returns orthonormal float64 rows along
    which patches P and Q differ; ``shared`` asks for one map for all patches. The
    result does not depend on ``n_jobs``.

    Returns the Matching, None where no direction was admitted; the squared 1-D
    Wasserstein distance to the data that each map takes away from an image, as a share
    of the mean variance of the data's pixels; and the admitted directions.
    """
    places = [tiles]
    if not shared:
        places = [tiles.only(place) for place in range(tiles.n_positions)]
    judges = [_judges(len(rows), gate, rng) for rows in (X, target)]

    def fit(job):
        place, place_rng = job
        return _fit_place(X, target, judges, place, search, place_rng)

    jobs = list(zip(places, rng.spawn(len(places)), strict=True))
    fits = run_threads(fit, jobs, n_jobs)
    W, x, z, gains, errors = (np.stack(part) for part in zip(*fits, strict=True))
    admitted = np.ones(gains.shape, dtype=bool)
    if gate is not None:
        limit = gate
        if gate == "auto":
            limit = max(1.0, float(ndtri(1.0 - 1.0 / max(gains.size, 2))))
        admitted = gains > limit * errors
    matching = Matching(tiles, W, x, z, admitted) if admitted.any() else None
    return matching, gains.ravel(), np.flatnonzero(admitted)


def _judges(n_rows, gate, rng):
    """Return a mask of the rows that judge; None where all fit and judge."""
    n = min(int(JUDGE_SHARE * n_rows), MAX_JUDGES)
    if gate is None or n < 2:
        return None
    mask = np.zeros(n_rows, dtype=bool)
    mask[rng.choice(n_rows, n, replace=False)] = True
    return mask


def _fit_place(X, target, judges, tiles, search, rng):
    """Return directions, knots, values, held-out gains and their errors."""
    P, Q = tiles.gather(X), tiles.gather(target)
    W = search(P, Q, rng).astype(np.float32)
    y, y_held = _sorted(W, P, judges[0], tiles.n_positions)
    t, t_held = _sorted(W, Q, judges[1], tiles.n_positions)
    x, z = _knots(y, t)
    unit = float(Q.var(axis=0, dtype=np.float64).mean())
    unit += float(np.finfo(np.float32).tiny)
    spread = t_held.var(axis=1, dtype=np.float64)
    # What matching two samples of one law takes away by chance, about. Patches of
    # one image may be all alike: only images count as independent.
    n = tiles.n_positions
    errors = spread * n * (1.0 / y_held.shape[1] + 1.0 / t_held.shape[1])
    # A map moves every patch of an image that it is shared by.
    scale = n / unit
    return W, x, z, _gains(x, z, y_held, t_held) * scale, errors * scale


def _sorted(W, P, judges, n_positions):
    """Return the sorted projections of the rows that fit and of those that judge."""
    Y = W.astype(P.dtype, copy=False) @ P.T
    if judges is None:
        Y.sort(axis=1)
        return Y, Y
    judges = np.repeat(judges, n_positions)
    parts = Y[:, ~judges], Y[:, judges]
    for part in parts:
        part.sort(axis=1)
    return parts


def probability_levels(n_samples):
    """Return the levels of the knots, rising, from about one row's to the last's."""
    outside = min(ROWS_OUTSIDE / max(n_samples, 1), 0.25)
    equal = np.arange(1, N_STEPS) / N_STEPS
    equal = equal[(equal > 2.0 * outside) & (equal < 1.0 - 2.0 * outside)]
    first = equal[0] if len(equal) else 0.5
    fine = np.geomspace(outside, first, N_FINE + 1)[:-1]
    return np.concatenate([fine, equal, 1.0 - fine[::-1]])


def quantiles(Y, levels):
    """Return the quantiles of sorted rows at some levels, one row for each of Y."""
    n = Y.shape[1]
    place = np.clip(levels * n - 0.5, 0.0, n - 1.0)
    below = np.minimum(place.astype(np.intp), max(n - 2, 0))
    above = np.minimum(below + 1, n - 1)
    Y = np.asarray(Y)
    share = place - below
    return (1.0 - share) * Y[:, below] + share * Y[:, above]


def _knots(y, t):
    """Return knots and values, strictly increasing float32, of matched quantiles."""
    levels = probability_levels(min(y.shape[1], t.shape[1]))
    x, z = quantiles(y, levels), quantiles(t, levels)
    return _strict(x), _strict(z)


def _strict(q):
    """Let quantiles increase by more than their rounding, and return float32."""
    reach = q[:, -1:] - q[:, :1]
    size = np.abs(q).max(axis=1, keepdims=True)
    step = MIN_STEP * reach / q.shape[1] + 8.0 * np.spacing(size.astype(np.float32))
    ramp = step * np.arange(q.shape[1])
    return (np.maximum.accumulate(q - ramp, axis=1) + ramp).astype(np.float32)


def _gains(x, z, y, t):
    """Return how much nearer mapped rows come to the data: squared distances."""
    levels = (np.arange(N_JUDGED) + 0.5) / N_JUDGED
    before, goal = quantiles(y, levels), quantiles(t, levels)
    after = before.T.copy()
    straight_pieces(after, x, z, np.zeros(N_JUDGED))
    return np.mean((before - goal) ** 2 - (after.T - goal) ** 2, axis=1)
