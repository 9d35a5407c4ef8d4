"""Maps between one column's values and its ranks in (0, 1), on its own grid.

A map gives every value the interval of ranks that belongs to it, and every
rank its value. A value that many rows hold is an atom: it owns an interval as
long as its share, and comes back exactly. Rows in between, each with a value
nearly its own, have their ranks smoothed over the grid between them.
"""

import numpy as np

from gaussflow._common.checks import Flag, Integer
from gaussflow.persistence.shapes import Array
from gaussflow.persistence.state import Persistent, check_that

#: Numeric columns with at most so many distinct values are taken as a list of
#: values; nothing is emitted between them. Chosen by hand.
FEW_VALUES = 20
#: Half a cell of the grid; a little less, or its edge would round away from it.
HALF_CELL = 0.5 - 1e-7
#: Most rows of the groups between whose means knots lie. Chosen by hand: more blur the
#: column, and knots tell members with an AUC of .50 (benchmarks/tables/membership.py).
MAX_KNOT_ROWS = 25
#: Bisections that find the ranks between which a range's values come out: more than
#: the bits of a rank in (0, 1).
BISECTIONS = 60


class LevelMap(Persistent):
    """Ranks of a column with few values: each owns one interval.

    Attributes
    ----------
    order_ : ndarray of shape (n_kept,)
        Kept codes (or numbers), from the lowest rank to the highest.
    edges_ : ndarray of shape (n_kept + 1,)
        Ends of their intervals, from 0 to 1.
    merge_ : bool
        Whether a value that was not kept goes to the nearest kept one (numbers);
        otherwise it is left open, as if it had not been observed (categories).
    """

    discrete = True  # nothing comes out between two values

    _state = {
        "merge_": Flag(),
        "unordered": Flag(),
        "n_suppressed_": Integer(0),
        "rows_suppressed_": Integer(0),
        "order_": Array("f8", "kept"),
        "weights_": Array("f8", "kept", within="[0, inf)"),
        "edges_": Array("f8", None, within="[0, 1]", rising=False),
    }

    def _check_state(self):
        fits = len(self.edges_) == max(len(self.order_), 1) + 1
        check_that(self, fits, "each level needs its interval of ranks")

    def __init__(self, values, counts, *, min_count, merge=False):
        kept = counts >= min_count
        self.merge_ = merge
        self.unordered = not merge  # only numbers are merged, and have an order
        self.n_suppressed_ = int((~kept).sum())
        self.rows_suppressed_ = int(counts[~kept].sum())
        weights = counts[kept].astype(float)
        if merge and self.n_suppressed_:
            nearest = _nearest(values[kept], values[~kept])
            np.add.at(weights, nearest, counts[~kept])
        self._arrange(values[kept], weights)

    def _arrange(self, values, weights):
        self.order_ = np.asarray(values, dtype=np.float64)
        self.weights_ = np.asarray(weights, dtype=np.float64)
        edges = np.concatenate([[0.0], np.cumsum(self.weights_)])
        self.edges_ = edges / edges[-1] if len(self.order_) else np.array([0.0, 1.0])

    def reorder(self, positions):
        """Arrange the kept values anew: ``positions`` sorts them."""
        self._arrange(self.order_[positions], self.weights_[positions])

    def intervals(self, values):
        """Return the lower and upper rank of each value; (0, 1) if open."""
        at = self.places(values)
        known = at >= 0
        low = np.where(known, self.edges_[np.maximum(at, 0)], 0.0)
        high = np.where(known, self.edges_[np.maximum(at, 0) + 1], 1.0)
        return low, high

    def places(self, values):
        """Return the place of each value in the order, -1 if not kept."""
        if self.merge_:
            return _nearest(self.order_, values)
        by_value = np.argsort(self.order_)
        at = np.searchsorted(self.order_[by_value], values)
        at = by_value[np.minimum(at, len(self.order_) - 1)]
        return np.where(self.order_[at] == values, at, -1)

    def values(self, ranks):
        """Return the value that owns each rank."""
        at = np.searchsorted(self.edges_, ranks, side="right") - 1
        return self.order_[np.clip(at, 0, len(self.order_) - 1)]

    def ranks_within(self, ranges):
        """Return the intervals of ranks that come out within closed ranges."""
        kept = np.zeros(len(self.order_), dtype=bool)
        for low, high in ranges:
            kept |= (self.order_ >= low) & (self.order_ <= high)
        return [(self.edges_[k], self.edges_[k + 1]) for k in np.flatnonzero(kept)]

    def is_open(self, values):
        """Return which values were too rare to be learned, and may be any level."""
        return self.places(values) < 0


class GridMap(Persistent):
    """Ranks of a column of numbers: atoms, and smoothed ranks between them.

    The rank function is piecewise linear. With ``min_count`` above 1 no knot tells a
    single patient's number: an atom is held by ``min_count`` rows or more, and
    between atoms a knot lies halfway between the means of two groups of neighbouring
    rows, each of at least ``min_count`` and of about ``sqrt(n_rows) / 2``, 25 at
    most. What comes out stops short of the extremes. With 1 every value is a knot.

    Attributes
    ----------
    knots_ : ndarray of shape (n_knots,)
        Values (grid coordinates), not decreasing.
    ranks_ : ndarray of shape (n_knots,)
        Their ranks, from 0 to 1, not decreasing.
    unit_ : ndarray of shape (n_knots - 1,)
        Spacing of the values emitted in each segment; 0 where there is no grid.
    """

    discrete = unordered = False

    _state = {
        "origin_": Integer(-(2**63), 2**63, None),
        "knots_": Array("f8", "segments+1", rising=False),
        "ranks_": Array("f8", "segments+1", within="[0, 1]", rising=False),
        "unit_": Array("f8", "segments", within="[0, inf)"),
    }

    def _check_state(self):
        check_that(self, len(self.unit_) > 0, "two knots are needed")

    def __init__(self, values, counts, *, min_count, grid, origin=None):
        self.origin_ = origin
        half, step = (HALF_CELL, 1.0) if grid else (0.0, 0.0)
        unit = self._local_unit(values) if grid else np.zeros(len(values))
        atom = counts >= max(min_count, 2)
        edges, last = np.r_[0, np.cumsum(counts)], len(values)
        least = min(MAX_KNOT_ROWS, int(0.5 * np.sqrt(edges[-1])))
        least = max(min_count, least) if min_count > 1 else 1
        knots, ranks, units = [], [], []
        starts = np.flatnonzero(np.r_[True, atom[1:] | atom[:-1]])
        for start, stop in zip(starts, np.r_[starts[1:], last], strict=True):
            run = slice(start, stop)
            if atom[start]:
                own = values[start] + np.array([-half, half])
                mass, widths = counts[run], [step]
            elif least == 1:
                own, mass = _exact_knots(values[run], counts[run], half)
                widths = np.minimum(np.r_[unit[run], step], np.r_[step, unit[run]])
            elif counts[run].sum() >= min_count:
                group = _groups(counts[run], least)
                # Between two atoms a run reaches to them; it never passes them.
                low = values[start - 1] + half if start else None
                high = values[stop] - half if stop < last else None
                own, mass = _group_knots(
                    values[run], counts[run], group, low, high, min_count, half
                )
                widths = np.minimum.reduceat(
                    unit[run], np.flatnonzero(np.diff(group, prepend=-1))
                )
            else:
                continue  # too few rows for a knot: they lie on the line between atoms
            knots.append(own)
            ranks.append((edges[start] + np.r_[0.0, np.cumsum(mass)]) / edges[-1])
            units += [widths, [step]]
        if not knots:  # fewer rows than a single knot rests on
            knots, ranks = (
                [np.full(2, np.average(values, weights=counts))],
                [[0.0, 1.0]],
            )
            units = [[step], [step]]
        self.knots_ = np.concatenate(knots).astype(np.float64)
        self.ranks_, self.unit_ = np.concatenate(ranks), np.concatenate(units[:-1])
        self.ranks_[0], self.ranks_[-1] = 0.0, 1.0

    def _local_unit(self, values):
        """Return the coarsest power of ten that neighbouring values share.

        185.2 beside 2019.0 shows that large values have fewer decimals.
        """
        unit = np.ones(len(values))
        if self.origin_ is None:
            return unit
        whole = np.abs(values.astype(np.int64) + self.origin_)
        for power in range(1, 9):
            unit[(whole > 0) & (whole % 10**power == 0)] = 10.0**power
        padded = np.pad(unit, 3, mode="edge")
        return np.lib.stride_tricks.sliding_window_view(padded, 7).min(axis=1)

    def intervals(self, values):
        """Return the lower and upper rank of what comes back as each value."""
        knots, ranks = self.knots_, self.ranks_
        values = np.clip(values, knots[0], knots[-1])
        last = len(knots) - 2
        left = np.clip(np.searchsorted(knots, values, "left") - 1, 0, last)
        right = np.clip(np.searchsorted(knots, values, "right") - 1, 0, last)
        low = _line(knots, ranks, left, values - 0.5 * self.unit_[left], side=0)
        high = _line(knots, ranks, right, values + 0.5 * self.unit_[right], side=1)
        return low, np.maximum(low, high)

    def spread_ends(self, values, low, high):
        """Let values beyond the outermost knots have any rank of the last groups.

        They would pile up at the ends; the lines there hold their rows already.
        """
        high[values < self.knots_[0]] = self.ranks_[1]
        low[values > self.knots_[-1]] = self.ranks_[-2]

    def values(self, ranks):
        """Return the value of each rank, on the grid."""
        at = np.searchsorted(self.ranks_, ranks, side="right") - 1
        at = np.clip(at, 0, len(self.knots_) - 2)
        width = self.ranks_[at + 1] - self.ranks_[at]
        share = (ranks - self.ranks_[at]) / np.where(width > 0, width, 1.0)
        # Half an ulp of rank must not move a value that is its knot's own.
        share = np.where(np.abs(share - np.rint(share)) < 1e-9, np.rint(share), share)
        share = np.clip(share, 0.0, 1.0)
        out = np.where(
            share == 1.0,
            self.knots_[at + 1],
            self.knots_[at] + share * (self.knots_[at + 1] - self.knots_[at]),
        )
        unit = self.unit_[at]
        step = np.where(unit > 0, unit, 1.0)
        origin = self.origin_ or 0
        return np.where(unit > 0, np.rint((out + origin) / step) * step - origin, out)

    def ranks_within(self, ranges):
        """Return the disjoint intervals of ranks that come out within closed ranges."""
        found = [_ranks_between(self, *ends) for ends in ranges]
        return _joined([ends for ends in found if ends is not None])

    def is_open(self, values):
        """Return which values may be any: none, as all are placed on the line."""
        return np.zeros(len(values), dtype=bool)


def _line(knots, ranks, at, values, side):
    """Interpolate the rank within segment ``at``, never beyond its ends."""
    width = knots[at + 1] - knots[at]
    share = (values - knots[at]) / np.where(width > 0, width, 1.0)
    share = np.where(width > 0, np.clip(share, 0.0, 1.0), float(side))
    return ranks[at] + share * (ranks[at + 1] - ranks[at])


def _exact_knots(values, counts, half):
    """Return knots at every value, and the rows between them."""
    rows = np.r_[0.0, counts] + np.r_[counts, 0.0]
    return np.r_[values[0] - half, values, values[-1] + half], 0.5 * rows


def _groups(counts, least):
    """Return the number of each value's group: neighbours with ``least`` rows."""
    n_rows = counts.sum()
    n_groups = max(1, int(n_rows // (least + counts.max())))
    middle = np.cumsum(counts) - 0.5 * counts
    return np.minimum((middle * n_groups / n_rows).astype(np.int64), n_groups - 1)


def _group_knots(values, counts, group, low, high, min_count, half):
    """Return knots between the means of groups, at the ends too, and their rows.

    low, high : ends of the atoms on either side; None at an end of the column
    """
    mass = np.bincount(group, counts)
    means = values[0] + np.bincount(group, counts * (values - values[0])) / mass
    inner = 0.5 * (means[1:] + means[:-1])
    # The outermost lines keep the means of their groups.
    ends = 2.0 * means[[0, -1]] - (inner[[0, -1]] if len(inner) else means)
    if low is None:
        ends[0] = _short_end(ends[0], values, counts, min_count, half)
    else:
        ends[0] = max(ends[0], low) if len(inner) else low
    if high is None:
        ends[1] = -_short_end(-ends[1], -values[::-1], counts[::-1], min_count, half)
    else:
        ends[1] = min(ends[1], high) if len(inner) else high
    ends[1] = max(ends)
    return np.r_[ends[0], np.clip(inner, *ends), ends[1]], mass


def _short_end(end, values, counts, min_count, half):
    """Return a lower end that no extreme value held by few rows comes out of."""
    # The mean of ``min_count`` rows; of a grid, the first place above it.
    at = min(int(np.searchsorted(np.cumsum(counts), min_count)), len(values) - 1)
    mean = np.average(values[: at + 1], weights=counts[: at + 1])
    shortened = np.floor(mean) + 1.0 - half if half else mean
    return float(max(end, shortened) if end - half <= values[0] else end)


def _nearest(places, values):
    """Return the index of the place nearest to each value; places sorted."""
    order = np.argsort(places)
    middles = 0.5 * (places[order][:-1] + places[order][1:])
    return order[np.searchsorted(middles, values)]


def _ranks_between(column_map, low, high):
    """Return the ranks between which the values lie from low to high, or None."""
    ends = np.array([0.0, 1.0])
    values = column_map.values(ends)
    if values[1] < low or values[0] > high:
        return None
    found = [0.0, 1.0]
    if values[0] < low:
        found[0] = _bisect(column_map, lambda v: v >= low)[1]
    if values[1] > high:
        found[1] = _bisect(column_map, lambda v: v > high)[0]
    return tuple(found) if found[0] <= found[1] else None


def _bisect(column_map, is_beyond):
    """Return neighbouring ranks: of the last value not beyond, the first beyond."""
    low, high = 0.0, 1.0
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        if is_beyond(column_map.values(np.array([middle]))[0]):
            high = middle
        else:
            low = middle
    return low, high


def _joined(intervals):
    """Return the union of intervals, as disjoint ones in order."""
    out = []
    for low, high in sorted(intervals):
        if out and low <= out[-1][1]:
            out[-1] = (out[-1][0], max(high, out[-1][1]))
        else:
            out.append((low, high))
    return out
