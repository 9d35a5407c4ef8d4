"""The log-density of a table's rows, under the law that samples are drawn from."""

import numpy as np

from gaussflow.tabular.sampling.observed import ObservedRows

#: Places at which the values of a grid are evaluated within their ranks: accuracy
#: against time. Chosen by hand.
N_PLACES = 8


def log_density(encoder, forest_map, df):
    """Return the log-density of each row; see ``TabularSynthesizer.score_samples``."""
    rows = ObservedRows(encoder, forest_map, df)
    rows.set_patterns(patterns_of_rows)
    out = np.zeros(len(df))
    for j, i in enumerate(encoder.learned_):
        column, column_map = encoder.schema_.columns[i], encoder.maps_[j]
        if column.is_number and column.decimals is None and not column_map.discrete:
            out += _log_slope(column_map, forest_map.cells[j], rows.numbers[j])
    # The same places for all rows: so equal rows score the same, and the
    # probabilities of all rows that there can be sum to 1.
    rng = np.random.default_rng(0)
    steps = np.tile(np.arange(N_PLACES), (len(encoder.maps_), 1))
    places = (rng.permuted(steps, axis=1).T + 0.5) / N_PLACES
    everyone = rows.book.regions(np.arange(len(df)))
    return out + forest_map.log_probability(everyone, places)


def patterns_of_rows(masks, states):
    """Allow each row its own pattern, or those that miss the fewest of its values."""
    same = (masks[:, None] == states).all(axis=2)
    lost = (~masks[:, None] & states).sum(axis=2)
    nearest = lost == lost.min(axis=1, keepdims=True)
    return np.where(same.any(axis=1, keepdims=True), same, nearest)


def _log_slope(column_map, cells, numbers):
    """Return the log-derivative of the place in a cell by the value, 0 for atoms."""
    out = np.zeros(len(numbers))
    knots, ranks = column_map.knots_, column_map.ranks_
    filled = np.flatnonzero(~np.isnan(numbers))
    values = np.clip(numbers[filled], knots[0], knots[-1])
    low, high = column_map.intervals(values)
    lone = low == high
    filled, values, rank = filled[lone], values[lone], low[lone]
    at = np.searchsorted(knots, values, side="right") - 1
    at = np.clip(at, 0, len(knots) - 2)
    width = knots[at + 1] - knots[at]
    rise = ranks[at + 1] - ranks[at]
    cell, _, log_slope = cells.place(rank)
    with np.errstate(divide="ignore"):
        out[filled] = np.log(rise / width) + log_slope
    return out
