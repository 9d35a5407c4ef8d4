"""Draw the missing cells of rows from their law given the observed ones."""

import numpy as np

from gaussflow.layers.tree_map import BLOCK_NUMBERS
from gaussflow.tabular._observed import ObservedRows
from gaussflow.tabular._values import from_numbers, to_numbers

#: Particles of a row, at least, and for each imputation.
LEAST_PARTICLES = 64
PARTICLES_EACH = 4
#: Particles are drawn anew where they count as fewer than this share.
RESAMPLE = 0.5
#: Draws of a row, and once more of those that break a constraint, until one keeps it.
TRIES = (1, 8, 32)


def impute_table(encoder, forest_map, rules, df, n_imputations, rng):
    """Return tables with the missing cells drawn; see ``TabularSynthesizer.impute``."""
    gaps = encoder.missing_cells(df)[:, encoder.learned_]
    rows = np.flatnonzero(gaps.any(axis=1))
    out = [df.copy() for _ in range(n_imputations)]
    pending = [rows] * n_imputations
    for tries in TRIES:
        rows = np.unique(np.concatenate(pending))
        if len(rows) == 0:
            break
        ranks = _draw(encoder, forest_map, df.iloc[rows], n_imputations * tries, rng)
        for t, table in enumerate(out):
            for k in range(t * tries, (t + 1) * tries):
                own = np.isin(rows, pending[t])
                _fill(encoder, table, rows[own], gaps, ranks[k, own])
                broken = _broken(rules, encoder, table, df, pending[t])
                pending[t] = pending[t][broken]
    for table in out:
        _fill_constants(encoder.schema_, table)
        filled, _ = rules.complete(table[encoder.schema_.names])
        for name in (derived.column.name for derived in rules.derived):
            gap = np.flatnonzero(df[name].isna() & filled[name].notna().to_numpy())
            if len(gap):
                _write(table, name, gap, filled[name].iloc[gap])
    return out


def _broken(rules, encoder, table, df, rows):
    """Return which rows break a constraint, or contradict what was observed."""
    if len(rows) == 0 or not rules.constraints:
        return np.zeros(len(rows), dtype=bool)
    own = table[encoder.schema_.names].iloc[rows].reset_index(drop=True)
    filled, broken = rules.complete(own)
    broken = broken.any(axis=1)
    for derived in rules.derived:
        if derived.dropped:
            name = derived.column.name
            observed = to_numbers(df[name].iloc[rows], derived.column)
            computed = to_numbers(filled[name], derived.column)
            same = np.isclose(observed, computed, rtol=1e-9, atol=1e-9)
            broken |= ~(same | np.isnan(observed))
    return broken


def _draw(encoder, forest_map, df, n_imputations, rng):
    """Return ranks of completed rows, of shape (n_imputations, n_rows, n_features)."""
    observed = ObservedRows(encoder, forest_map, df)
    observed.set_patterns(_fullest)
    book, learned = observed.book, len(encoder.learned_)
    for j in range(learned):
        cells = forest_map.cells[j]
        if cells.has_missing:
            # What is missing here had a value: the law is that of filled cells.
            filled = book.add([(1.0, float(cells.n_cells))])
            book.of[book.of[:, j] < 0, j] = filled
    n_particles = max(LEAST_PARTICLES, PARTICLES_EACH * n_imputations)
    out = np.empty((n_imputations, len(df), learned))
    step = max(1, BLOCK_NUMBERS // (n_particles * len(encoder.maps_)))
    for start in range(0, len(df), step):
        block = slice(start, start + step)
        X, log_weights = forest_map.particles(
            book.regions(block), n_particles, rng, resample=RESAMPLE, gated=False
        )
        chosen = _choose(log_weights, n_imputations, rng)
        at = np.arange(len(X))[:, None]
        out[:, block] = X[at, chosen][:, :, :learned].transpose(1, 0, 2)
    return out


def _fullest(masks, columns, states):
    """Allow the patterns with the fewest missing cells, whatever the row's own."""
    size = states.sum(axis=1)
    return np.tile(size == size.min(), (len(masks), 1))


def _choose(log_weights, n_imputations, rng):
    """Choose particles of each row by their weights, in random order."""
    top = log_weights.max(axis=1, keepdims=True)
    weights = np.exp(log_weights - np.where(np.isfinite(top), top, 0.0))
    weights[~np.isfinite(top[:, 0])] = 1.0
    reached = np.cumsum(weights, axis=1)
    # Systematic: imputations of a row share a particle only where they must.
    wanted = (np.arange(n_imputations) + rng.random((len(weights), 1))) / n_imputations
    wanted = rng.permuted(wanted, axis=1) * reached[:, -1:]
    chosen = (reached[:, None, :] <= wanted[:, :, None]).sum(axis=2)
    return np.minimum(chosen, weights.shape[1] - 1)


def _fill(encoder, table, rows, gaps, ranks):
    """Write the drawn cells into a table, column by column, in place."""
    for j, i in enumerate(encoder.learned_):
        where = np.flatnonzero(gaps[rows, j])
        if len(where) == 0:
            continue
        column = encoder.schema_.columns[i]
        numbers = encoder.maps_[j].values(ranks[where, j])
        _write(table, column.name, rows[where], from_numbers(numbers, column))


def _fill_constants(schema, table):
    """Fill what is missing in constant columns."""
    for column in schema:
        if column.kind == "constant" and column.levels:
            gaps = np.flatnonzero(table[column.name].isna())
            if len(gaps):
                cells = table[column.name].copy()
                cells.iloc[gaps] = column.levels[0]
                table[column.name] = cells


def _write(table, name, rows, drawn):
    """Put cells in some rows of a column; the others keep their bits."""
    cells = table[name].copy()
    if drawn.dtype != cells.dtype:
        drawn = drawn.astype(cells.dtype)
    cells.iloc[rows] = drawn.array
    table[name] = cells
