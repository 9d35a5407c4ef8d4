"""The log-density of a table's rows, under the law that samples are drawn from."""

import numpy as np

from gaussflow.tabular.columns.cells import to_number
from gaussflow.tabular.sampling.observed import ObservedRows

#: Places at which the values of a grid are evaluated within their ranks: accuracy
#: against time. Chosen by hand.
N_PLACES = 8


def log_density(encoder, forest_map, df):
    """Return the log-density of each row; see ``TabularSynthesizer.score_samples``."""
    rows = ObservedRows(encoder, forest_map, df)
    rows.set_patterns(patterns_of_rows)
    out = np.zeros(len(df))
    for i, column in enumerate(encoder.schema_):
        if not column.missing:
            out[rows.missing[:, i]] = -np.inf
    for j, i in enumerate(encoder.learned_):
        column, column_map = encoder.schema_.columns[i], encoder.maps_[j]
        if not column.is_number:
            continue
        numbers = rows.numbers[j]
        low, high = (to_number(end, column) for end in (column.low, column.high))
        slack = 0.0 if column.decimals is None else 0.5
        out[(numbers < low - slack) | (numbers > high + slack)] = -np.inf
        if column.decimals is None and not column_map.discrete:
            out += _log_slope(column_map, forest_map.cells[j], numbers)
    possible = np.flatnonzero(out > -np.inf)
    regions = rows.book.regions(possible)
    # The same places for all rows: so equal rows score the same, and the
    # probabilities of all rows that there can be sum to 1.
    rng = np.random.default_rng(0)
    steps = np.tile(np.arange(N_PLACES), (len(encoder.maps_), 1))
    places = (rng.permuted(steps, axis=1).T + 0.5) / N_PLACES
    out[possible] += forest_map.log_probability(regions, places)
    return out


def patterns_of_rows(masks, columns, states):
    """Allow each row its own pattern; if none is known, all that keep its values."""
    own = masks[:, columns]
    same = (own[:, None] == states).all(axis=2)
    compatible = (own[:, None] | ~states).all(axis=2)
    return np.where(same.any(axis=1, keepdims=True), same, compatible)


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
