"""Draw rows that meet conditions, by rejection or from a weighted pool."""

import warnings

import numpy as np
import pandas as pd

from gaussflow._common.seeds import draw_seed
from gaussflow.forests.regions import RegionBook, cell_line
from gaussflow.tabular.columns.cells import to_numbers

#: Rows of a batch, at least and at most. Chosen by hand: memory against calls.
BATCH_ROWS = (2000, 50_000)
#: Rows that are drawn at most, and for each row that is asked for: what a user
#: waits for. Chosen by hand.
MAX_DRAWS = 1_000_000
MAX_DRAWS_EACH = 50


def draw_given(encoder, forest_map, conditions, n_samples, rng):
    """Draw ranks of rows that meet conditions.

    Columns are drawn one after the other, the conditions' own within what they allow.
    A row's weight is the probability of all that was allowed it; a row is accepted
    in the proportion of its weight to the largest that there can be. The accepted
    rows have exactly the conditional law. Conditions on the first columns cost
    nothing; where others are so rare that this would take too long, rows are
    chosen by their weights from a large pool.

    Parameters
    ----------
    encoder : TableEncoder
    forest_map : ForestMap
        Of the encoder's ranks.
    conditions : list of Condition
    n_samples : int
    rng : numpy.random.Generator

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
        Ranks, NaN where missing.
    report : dict
        "method" ("exact" or "importance"), "probability" of the conditions, "drawn"
        rows, and for "importance" the "effective" number of distinct rows.
    """
    pool = _Pool(encoder, forest_map, conditions)
    kept, n_kept = [], 0
    most = max(MAX_DRAWS, MAX_DRAWS_EACH * n_samples)
    size = int(np.clip(2 * n_samples, *BATCH_ROWS))
    while n_kept < n_samples:
        X, weights = pool.draw(size, rng)
        accepted = X[rng.random(size) * pool.bound < weights]
        kept.append(accepted)
        n_kept += len(accepted)
        # A batch's own mean weight tells how long this takes.
        rate = pool.total / pool.drawn / pool.bound
        lacking = max(0, n_samples - n_kept)
        if not _enough(lacking, rate, most - pool.drawn):
            return _from_pool(pool, n_samples, most, rng)
        size = int(np.clip(1.1 * lacking / max(rate, 1e-9), *BATCH_ROWS))
    return np.concatenate(kept)[:n_samples], pool.report("exact")


def _enough(lacking, rate, left):
    """Return whether so many draws at such a rate will yield what is lacking."""
    return lacking <= rate * left


def draw_until(draw, rules, conditions, n_samples, rng):
    """Draw tables until enough rows meet the conditions.

    Parameters
    ----------
    draw : callable
        From a number of rows and a seed to a DataFrame of the learned columns.
    rules : Rules
        What computes the other columns.
    conditions, n_samples, rng : see draw_given

    Returns
    -------
    df : pandas.DataFrame of shape (n_samples, n_learned_columns)
    report : dict
    """
    kept, n_kept, drawn = [], 0, 0
    most = max(MAX_DRAWS, MAX_DRAWS_EACH * n_samples)
    size = int(np.clip(2 * n_samples, *BATCH_ROWS))
    while n_kept < n_samples:
        df = draw(size, draw_seed(rng))
        whole = rules.complete(df)[0]
        good = np.ones(len(df), dtype=bool)
        for c in conditions:
            good &= c.holds(to_numbers(whole[c.column.name], c.column))
        kept.append(df[good])
        n_kept, drawn = n_kept + int(good.sum()), drawn + size
        if n_kept < n_samples and drawn >= most:
            raise ValueError(
                f"Of {drawn} rows drawn, {n_kept} met the conditions on "
                f"{_names(conditions)}, but {n_samples} are asked for. Ask for fewer, "
                "or widen the conditions; TabularSynthesizer draws within them."
            )
        size = BATCH_ROWS[1]
    df = pd.concat(kept, ignore_index=True).iloc[:n_samples]
    report = {"method": "exact", "probability": n_kept / drawn, "drawn": drawn}
    return df, report


class _Pool:
    """Draws weighted rows within the conditions' regions, and keeps the sums."""

    def __init__(self, encoder, forest_map, conditions):
        self.map = forest_map
        self.conditions = conditions
        self.places = [encoder.schema_.names.index(c.column.name) for c in conditions]
        self.checks = [
            (encoder.learned_.index(i), c)
            for i, c in zip(self.places, conditions, strict=True)
            if i in encoder.learned_
        ]
        self.maps = encoder.maps_
        book = RegionBook(1, len(encoder.maps_))
        regions = _pattern_regions(encoder, forest_map, conditions, self.places)
        for j, c in self.checks:
            regions[j] = _region(encoder.maps_[j], forest_map.cells[j], c)
        self.bound = 1.0
        for j, pieces in regions.items():
            book.of[0, j] = book.add(pieces)
            self.bound *= forest_map.most_probable(j, pieces)
        self.regions = book.regions()
        self.drawn, self.total, self.squares = 0, 0.0, 0.0

    def draw(self, size, rng):
        """Return rows and their weights."""
        X, log_weights = self.map.particles(self.regions, size, rng)
        X, weights = X[0], np.exp(log_weights[0])
        for j, condition in self.checks:
            numbers = np.full(size, np.nan)
            filled = ~np.isnan(X[:, j])
            numbers[filled] = self.maps[j].values(X[filled, j])
            weights[~condition.holds(numbers)] = 0.0
        self.drawn += size
        self.total += weights.sum()
        self.squares += np.square(weights).sum()
        return X, weights

    def report(self, method):
        """Return what happened, for the user."""
        report = {"method": method, "probability": float(self.total / self.drawn)}
        return report | {"drawn": self.drawn}


def _from_pool(pool, n_samples, most, rng):
    """Choose rows by their weights, with replacement, as batches come in."""
    X = np.empty((n_samples, len(pool.maps)))
    pool.drawn, pool.total, pool.squares = 0, 0.0, 0.0
    while pool.drawn < most:
        before = pool.total
        batch, weights = pool.draw(BATCH_ROWS[1], rng)
        if pool.total == before:
            continue
        # Each place goes over to the batch as often as the batch weighs.
        moved = np.flatnonzero(rng.random(n_samples) * pool.total >= before)
        reached = np.cumsum(weights)
        chosen = np.searchsorted(reached, rng.random(len(moved)) * reached[-1], "right")
        X[moved] = batch[np.minimum(chosen, len(batch) - 1)]
    if pool.total == 0.0:
        raise ValueError(
            f"No row met the conditions on {_names(pool.conditions)} in "
            f"{pool.drawn} draws: together they are next to impossible in the table "
            "that was learned. Widen or drop some."
        )
    report = pool.report("importance")
    report["effective"] = float(pool.total**2 / pool.squares)
    if report["effective"] < n_samples:
        warnings.warn(
            f"The conditions on {_names(pool.conditions)} have a probability of about "
            f"{report['probability']:.2g}: the {n_samples} rows were chosen from a "
            f"pool that counts as {report['effective']:.0f}, so some repeat. Ask for "
            "fewer rows, or widen the conditions.",
            stacklevel=5,
        )
    return X, report


def _region(column_map, cells, condition):
    """Return the pieces of the line of a column's cells that a condition allows."""
    pieces = []
    if condition.missing and cells.has_missing:
        pieces.append((0.0, 1.0))
    intervals = column_map.ranks_within(condition.ranges)
    if intervals:
        low, high = np.array(intervals).T
        for start, stop in zip(*cell_line(cells, low, high), strict=True):
            # Two pieces that touch the same atom count it once.
            start = max(start, pieces[-1][1]) if pieces else start
            if stop > start:
                pieces.append((float(start), float(stop)))
    if not pieces:
        raise ValueError(
            f"No value that can come out of column {condition.column.name!r} meets "
            "its condition: none was seen there at fit, or too few rows held it "
            "(min_category_count). Widen the condition."
        )
    return pieces


def _pattern_regions(encoder, forest_map, conditions, places):
    """Return the pieces of the columns that tell which cells are missing."""
    regions, patterns = {}, encoder.missing_
    first = len(encoder.learned_)
    for k, level_map in enumerate(patterns.maps_):
        columns, states = patterns.states(k)
        allowed = np.ones(len(states), dtype=bool)
        for i, c in zip(places, conditions, strict=True):
            for own in np.flatnonzero(columns == i):
                gap = states[:, own]
                allowed &= (gap & c.missing) | (~gap & bool(c.ranges))
        if allowed.all():
            continue
        kept = allowed[level_map.order_.astype(int)]
        if not kept.any():
            raise ValueError(
                f"No row was seen at fit whose cells are missing, and filled, as the "
                f"conditions on {_names(conditions)} ask for together. Drop some."
            )
        edges = level_map.edges_
        cells = forest_map.cells[first + k]
        ends = cell_line(cells, edges[:-1][kept], edges[1:][kept])
        regions[first + k] = [
            (float(a), float(b)) for a, b in zip(*ends, strict=True) if b > a
        ]
    return regions


def _names(conditions):
    return ", ".join(repr(c.column.name) for c in conditions)
