"""Draw the missing cells of rows from their law given the observed ones."""

import numpy as np
import pandas as pd

from gaussflow.forests.map import BLOCK_NUMBERS
from gaussflow.tabular.columns.cells import from_numbers, same_numbers, to_numbers
from gaussflow.tabular.constraints.equalities import equalities, solve, write
from gaussflow.tabular.sampling.observed import ObservedRows

#: Particles of a row, at least, and for each imputation: more follow the law more
#: closely. Chosen by hand.
MIN_PARTICLES = 128
PARTICLES_EACH = 8
#: Particles are resampled where their effective number falls below this share, the
#: usual one.
RESAMPLE = 0.5
#: Draws of a row, for each imputation and at least, and whether they are kept to cells
#: that break no rule; more where some break one. Chosen by hand.
TRIES = ((1, 1, False), (2, 16, False), (8, 64, True))
#: Parts of a cell that a rule allows or not, each by its middle. Chosen by hand.
PARTS = 8
#: Rows that are drawn at a time; bounds memory.
BLOCK_ROWS = 50_000


def impute_table(encoder, forest_map, rules, df, n_imputations, rng):
    """Return tables with the missing cells drawn; see ``TabularSynthesizer.impute``."""
    parts = encoder, forest_map, rules, equalities(rules, encoder.schema_)
    known = _fill_known(*parts, df)
    gaps = encoder.missing_cells(known)[:, encoder.learned_].any(axis=1)
    rows = np.flatnonzero(gaps)
    out = [known.copy() for _ in range(n_imputations)]
    step = max(1, BLOCK_ROWS // n_imputations)
    for start in range(0, len(rows), step):
        block = rows[start : start + step]
        own = known.iloc[block].reset_index(drop=True)
        drawn = _drawn_rows(*parts, own, n_imputations, rng)
        for name in own.columns[own.isna().any()]:
            at = np.flatnonzero(own[name].isna())
            for t, table in enumerate(out):
                cells = drawn[name].iloc[at * n_imputations + t]
                write(table, name, block[at], cells)
    return [table.set_axis(df.index) for table in out]


def _fill_known(encoder, forest_map, rules, found, df):
    """Return the table with the missing cells filled of which there is no doubt."""
    out = df.reset_index(drop=True)
    solve(found, out, df.isna())
    for column in encoder.schema_:
        if column.kind == "constant" and column.levels:
            gaps = np.flatnonzero(out[column.name].isna())
            cells = pd.Series([column.levels[0]] * len(gaps), dtype=object)
            if len(gaps):
                write(out, column.name, gaps, cells)
    filled, _ = rules.complete(out[encoder.schema_.names])
    for name in (derived.column.name for derived in rules.derived):
        gaps = np.flatnonzero(out[name].isna() & filled[name].notna().to_numpy())
        if len(gaps):
            write(out, name, gaps, filled[name].iloc[gaps])
    return out


def _drawn_rows(encoder, forest_map, rules, found, rows, n_imputations, rng):
    """Return ``n_imputations`` completed rows for each row, one row after the other.

    Rows are drawn until so many keep all rules. Those of a row that has fewer are
    repeated; where none keeps all, those that break the fewest are taken.
    """
    broken = _broken_by_observed(encoder, rules, rows)
    owner, n_wrong, frames = [], [], []
    n_good = np.zeros(len(rows), dtype=int)
    for each, least, kept in TRIES:
        pending = np.flatnonzero(n_good < n_imputations)
        if len(pending) == 0:
            break
        n_draws = max(each * n_imputations, least)
        step = max(1, BLOCK_ROWS // n_draws)
        for start in range(0, len(pending), step):
            at = pending[start : start + step]
            room = (rules, broken[at]) if kept else None
            ranks = _draw(encoder, forest_map, rows.iloc[at], n_draws, rng, room)
            at = np.repeat(at, n_draws)
            ranks = ranks.reshape(len(at), -1)
            observed = rows.iloc[at].reset_index(drop=True)
            frame = _filled(encoder, observed, ranks)
            solve(found, frame, observed.isna())
            frame, wrong = _completed(encoder, rules, frame, observed)
            owner.append(at)
            frames.append(frame)
            n_wrong.append((wrong & ~broken[at]).sum(axis=1))
            n_good += np.bincount(at[n_wrong[-1] == 0], minlength=len(rows))
    owner, n_wrong = np.concatenate(owner), np.concatenate(n_wrong)
    order = np.lexsort((n_wrong, owner))  # stable: as drawn
    first = np.searchsorted(owner[order], np.arange(len(rows)))
    fewest = n_wrong[order][first]
    n_usable = np.bincount(owner[n_wrong == fewest[owner]], minlength=len(rows))
    taken = first[:, None] + np.arange(n_imputations) % n_usable[:, None]
    return pd.concat(frames, ignore_index=True).iloc[order[taken.ravel()]]


def _filled(encoder, observed, ranks):
    """Return observed rows with the gaps of learned columns filled from ranks."""
    out = observed.copy()
    for j, i in enumerate(encoder.learned_):
        column = encoder.schema_.columns[i]
        rows = np.flatnonzero(observed[column.name].isna())
        if len(rows):
            numbers = encoder.maps_[j].values(ranks[rows, j])
            write(out, column.name, rows, from_numbers(numbers, column))
    return out


def _broken_by_observed(encoder, rules, rows):
    """Return the rules that no draw of the gaps can keep; see ``_completed``."""
    broken = _completed(encoder, rules, rows, rows)[1]
    for k, derived in enumerate(rules.derived):
        # The observed cells compute what is no value of the column.
        off = ~derived.compute(rows)[1]
        own = [set(names) == set(rules.rule_columns[k]) for names in rules.rule_columns]
        own += [one is derived for one in rules.derived]
        broken |= off[:, None] & np.array(own)
    return broken


def _completed(encoder, rules, frame, observed):
    """Return rows with the computed columns, and which rules they break.

    A computed cell that contradicts an observed one breaks a rule, too.
    """
    filled, broken = rules.complete(frame[encoder.schema_.names])
    wrong = [broken]
    for derived in rules.derived:
        name, column = derived.column.name, derived.column
        seen, computed = (to_numbers(f[name], column) for f in (observed, filled))
        same = same_numbers(seen, computed, column)
        wrong.append(~(same | np.isnan(seen) | np.isnan(computed))[:, None])
    return filled, np.concatenate(wrong, axis=1)


def _keep_room(encoder, forest_map, book, df, rules, broken):
    """Restrict gaps to the parts of cells whose middles, alone, break no rule.

    Gaps that no part or every part allows, and rules that are ``broken`` already,
    restrict nothing.
    """
    share = (np.arange(PARTS) + 0.5) / PARTS
    for j, i in enumerate(encoder.learned_):
        column, cells = encoder.schema_.columns[i], forest_map.cells[j]
        gaps = np.flatnonzero(df[column.name].isna())
        first = int(cells.has_missing)
        low, high = cells.low[first:], cells.high[first:]
        places = (low[:, None] + share * (high - low)[:, None]).ravel()
        if len(gaps) == 0 or len(places) == 0:
            continue
        own = np.repeat(gaps, len(places))
        frame = df.iloc[own].reset_index(drop=True)
        values = from_numbers(encoder.maps_[j].values(places), column)
        write(frame, column.name, np.arange(len(own)), pd.concat([values] * len(gaps)))
        wrong = _completed(encoder, rules, frame, frame)[1] & ~broken[own]
        wrong = wrong.any(axis=1).reshape(len(gaps), -1)
        for row, bad in zip(gaps, wrong, strict=True):
            if bad.any() and not bad.all():
                turns = np.flatnonzero(np.diff(np.r_[True, bad, True]))
                ends = (first + turns / PARTS).reshape(-1, 2).tolist()
                book.of[row, j] = book.add([(start, stop) for start, stop in ends])


def _draw(encoder, forest_map, df, n_imputations, rng, room=None):
    """Return ranks of completed rows, of shape (n_rows, n_imputations, n_features)."""
    observed = ObservedRows(encoder, forest_map, df)
    observed.set_patterns(_fullest, gated=False)
    book, learned = observed.book, len(encoder.learned_)
    for j in range(learned):
        cells = forest_map.cells[j]
        if cells.has_missing:
            # What is missing here had a value: the law is that of filled cells.
            filled = book.add([(1.0, float(cells.n_cells))])
            book.of[book.of[:, j] < 0, j] = filled
    if room is not None:
        _keep_room(encoder, forest_map, book, df, *room)
    n_particles = max(MIN_PARTICLES, PARTICLES_EACH * n_imputations)
    out = np.empty((len(df), n_imputations, learned))
    step = max(1, BLOCK_NUMBERS // (n_particles * len(encoder.maps_)))
    for start in range(0, len(df), step):
        block = slice(start, start + step)
        X, log_weights = forest_map.particles(
            book.regions(block), n_particles, rng, resample=RESAMPLE, gated=False
        )
        chosen = _choose(log_weights, n_imputations, rng)
        at = np.arange(len(X))[:, None]
        out[block] = X[at, chosen][:, :, :learned]
    return out


def _fullest(masks, states):
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
