"""What an attacker who knows a part of a row infers from a synthetic table.

The arguments are those of ``gaussflow.metrics.tables.disclosure``.
"""

from itertools import combinations
from typing import NamedTuple

import numpy as np

from gaussflow._common.seeds import as_generator
from gaussflow.metrics.tables.disclosure import closest, gower_rows
from gaussflow.metrics.tables.intervals import Estimate, bootstrap_error
from gaussflow.metrics.tables.similarity import classes_of, quantile_edges, some_rows

#: A guessed number counts as right within this share of the column's 90 % range;
#: chosen by hand: a wider one makes chance hits, a narrower one misses.
NEAR = 0.05
#: Numbers of at most so many distinct values are compared by value, not by decile:
#: two values a decile; chosen by hand.
FEW_VALUES = 20


class Disclosure(NamedTuple):
    """How often a guess is right, from synthetic and from unseen real rows.

    ``excess`` is the difference, with its standard error.
    """

    synthetic: float
    unseen: float
    excess: Estimate


def attribute_disclosure(
    train, holdout, synthetic, categorical, sensitive, known, *, max_rows=1000, rng=0
):
    """Return how well an attacker guesses a sensitive cell of training rows.

    The attacker knows other cells of a training row, looks up the row of a table that
    agrees best (one of them at random, if several do), and guesses its cell. From the
    synthetic table, and from as many unseen real rows: what the latter give is
    knowledge about the population, what the former give beyond it was leaked.

    ``sensitive`` is the number of the column to guess, ``known`` those of the columns
    that the attacker knows; ``max_rows`` training rows are attacked.
    """
    rng = as_generator(rng)
    categorical = np.asarray(categorical, dtype=bool)
    known = [j for j in known if j != sensitive]
    n = min(len(holdout), len(synthetic))
    victims = some_rows(train, min(len(train), max_rows), rng)
    tables = [train, victims, some_rows(synthetic, n, rng), some_rows(holdout, n, rng)]
    rows = gower_rows([t[:, known] for t in tables], categorical[known])[1:]
    truth, right, givers = victims[:, sensitive], [], []
    tolerance = 0.0
    if not categorical[sensitive] and not np.isnan(train[:, sensitive]).all():
        ends = np.nanquantile(train[:, sensitive], [0.05, 0.95])
        tolerance = NEAR * float(np.ptp(ends))
    for table, reference in zip(tables[2:], rows[1:], strict=True):
        givers.append(closest(rows[0], reference)[1])
        guess = table[givers[-1], sensitive]
        same = np.abs(guess - truth) <= tolerance
        right.append(same | (np.isnan(guess) & np.isnan(truth)))
    gap = right[0].astype(float) - right[1]
    excess = Estimate(float(gap.mean()), _two_way_error(gap, *givers))
    return Disclosure(float(right[0].mean()), float(right[1].mean()), excess)


def _two_way_error(values, first, second):
    """Return the standard error of a mean whose values share two kinds of sources.

    Guesses from the same row of a table are right or wrong together (Cameron, Gelbach
    and Miller, 2011, "Robust inference with multiway clustering", equation 2.11).
    """
    rest = values - values.mean()
    shared = [np.bincount(c, weights=rest) for c in (first, second)]
    variance = sum((s**2).sum() for s in shared) - (rest**2).sum()
    return float(np.sqrt(max(variance, (rest**2).sum())) / len(values))


class RareCombinations(NamedTuple):
    """How often a combination that one training row alone holds comes out.

    ``synthetic`` and ``unseen`` are the shares of such combinations found among
    synthetic and among as many unseen real rows; ``excess`` is the difference, with
    its standard error; ``per_row`` counts those of each training row that come out.
    """

    synthetic: float
    unseen: float
    excess: Estimate
    per_row: np.ndarray


def rare_combinations(
    train, holdout, synthetic, categorical, *, size=3, max_sets=150, rng=0
):
    """Return how often combinations held by a single training row come out.

    Sets of ``size`` columns, ``max_sets`` drawn if there are more, are looked at
    together, numbers of many values by their decile. A combination that one patient
    alone holds may come out by chance: unseen real rows tell how often. Shares are NaN
    where no combination is held by one row alone.
    """
    rng = as_generator(rng)
    n = min(len(holdout), len(synthetic))
    tables = [train, some_rows(synthetic, n, rng), some_rows(holdout, n, rng)]
    edges = [
        None if is_code else _cuts(train[:, j]) for j, is_code in enumerate(categorical)
    ]
    classes = [classes_of(t, edges) for t in tables]
    alone = np.zeros(len(train))
    found = np.zeros((2, len(train)))
    for columns in _column_sets(train.shape[1], size, max_sets, rng):
        joined = np.concatenate([c[:, columns] for c in classes])
        code = _row_codes(joined)
        own, *others = np.split(code, np.cumsum([len(c) for c in classes])[:-1])
        single = np.bincount(own, minlength=code.max() + 1)[own] == 1
        alone += single
        for k, other in enumerate(others):
            present = np.zeros(code.max() + 1, dtype=bool)
            present[other] = True
            found[k] += single & present[own]
    if not alone.any():
        nothing = float("nan")
        return RareCombinations(nothing, nothing, Estimate(nothing, nothing), found[0])

    def excess(rows):
        total = alone[rows].sum()
        return (found[0] - found[1])[rows].sum() / total if total else np.nan

    shares = found.sum(axis=1) / alone.sum()
    error = bootstrap_error(excess, len(train), rng=rng)
    return RareCombinations(
        *map(float, shares), Estimate(float(shares[0] - shares[1]), error), found[0]
    )


def _cuts(cells):
    """Return where a number is cut: a class of its own for each of few values."""
    values = np.unique(cells[~np.isnan(cells)])
    return values if len(values) <= FEW_VALUES else quantile_edges(cells)


def _column_sets(n_columns, size, max_sets, rng):
    """Return distinct sets of columns, all of them if they are few."""
    size = min(size, n_columns)
    if n_columns <= 8:
        return [list(c) for c in combinations(range(n_columns), size)][:max_sets]
    sets = {
        tuple(sorted(rng.choice(n_columns, size, replace=False)))
        for _ in range(max_sets)
    }
    return [list(map(int, s)) for s in sorted(sets)]


def _row_codes(classes):
    """Return one whole number per distinct row."""
    code = classes[:, 0]
    for j in range(1, classes.shape[1]):
        pair = code * (int(classes[:, j].max()) + 1) + classes[:, j]
        code = np.unique(pair, return_inverse=True)[1].ravel()
    return np.unique(code, return_inverse=True)[1].ravel()
