"""Constraints that hold in all rows of a table, and hardly by chance.

A rule is proposed where it holds in every row, where enough rows speak for it,
and where columns that had nothing to do with each other would almost
surely have broken it.
"""

from fractions import Fraction
from itertools import permutations

import numpy as np

from gaussflow.tabular.columns.cells import to_numbers
from gaussflow.tabular.constraints.constraint import Constraint
from gaussflow.tabular.constraints.syntax import quote_name, quote_value

#: Least rows of a table, and of a level, that say something about a rule.
MIN_ROWS = 50
#: Least rows in which a column of a sum differs from its commonest value.
MIN_ACTIVE = 20
#: Unrelated columns would break an inequality in so many of the rows.
MIN_OVERLAP = 0.02
#: -log of the probability that unrelated columns kept an inequality, or another rule.
ORDER_EVIDENCE = 15.0
MIN_EVIDENCE = 30.0
#: More distinct values than this are not levels.
MAX_LEVELS = 50
#: More numeric columns than this are not searched for sums.
MAX_SUM_COLUMNS = 100
#: Most columns in a sum, and rows that are looked at before all are.
MAX_TERMS = 8
FIRST_ROWS = 200
SCREEN_ROWS = 10_000


def propose_constraints(columns, df):
    """Return the rules that the table of some Columns keeps, as texts.

    Sums come first, then functions, inequalities and implications.
    """
    columns = [c for c in columns if c.is_learned]
    if len(df) < MIN_ROWS or len(columns) < 2:
        return []
    numbers = {c.name: _places(df[c.name], c) for c in columns}
    sums = _sums(columns, numbers)
    functions = _functions(columns, numbers, set(sums))
    pairs = [Constraint(rule).columns for rule in sums.values()]
    given = functions + [pair for pair in pairs if len(pair) == 2]
    rules = [
        *sums.values(),
        *(f"{quote_name(a)} determines {quote_name(b)}" for a, b in functions),
        *_inequalities(columns, numbers),
        *_implications(columns, numbers, {frozenset(pair) for pair in given}),
    ]
    return [rule for rule in rules if Constraint(rule).holds(df).all()]


def _places(cells, column):
    """Return a column as floats: values of numbers and dates, codes of levels."""
    numbers = to_numbers(cells, column)
    if not column.is_number or column.decimals is None:
        return numbers
    return (column.origin + column.step * numbers) / 10.0**column.decimals


# -- sums ----------------------------------------------------------------------


def _sums(columns, numbers):
    """Return, for columns that are sums of others, the rule.

    Columns come in the table's order; one that is a sum of those before it is
    found by orthogonalising it against them.
    """
    names = [
        c.name
        for c in columns
        if c.kind in ("continuous", "integer") and _active(numbers[c.name])
    ]
    found = {}
    if not 2 <= len(names) <= MAX_SUM_COLUMNS:
        return found
    names = [n for n in names if np.isnan(numbers[n]).mean() < 0.5]
    table = np.column_stack([numbers[n] for n in names]) if names else np.empty((0, 0))
    table = table[~np.isnan(table).any(axis=1)]
    if len(table) < max(MIN_ROWS, 3 * len(names)):
        return found
    scale = np.abs(table).max(axis=0)
    table = table / np.where(scale > 0, scale, 1.0)
    basis, kept = [np.full(len(table), len(table) ** -0.5)], []
    for j, name in enumerate(names):
        rest = table[:, j].copy()
        for _ in range(2):  # twice is enough (Parlett, 1980)
            for direction in basis:
                rest -= direction * (direction @ rest)
        size = np.linalg.norm(rest)
        if size > 1e-7 * np.linalg.norm(table[:, j]):
            basis.append(rest / size)
            kept.append(j)
            continue
        text = _sum_text(table, scale, names, kept, j)
        if text:
            found[name] = text
    return found


def _sum_text(table, scale, names, kept, j):
    """Return the rule that gives column j by the kept ones, if it is simple."""
    if not kept:
        return None
    design = np.column_stack([np.ones(len(table)), table[:, kept]])
    solution = np.linalg.lstsq(design, table[:, j], rcond=None)[0] * scale[j]
    factors = solution[1:] / scale[kept]
    used = np.flatnonzero(np.abs(factors) * scale[kept] > 1e-7 * scale[j])
    if not 1 <= len(used) <= MAX_TERMS:
        return None
    terms = ""
    for i in used:
        factor = Fraction(float(factors[i])).limit_denominator(1000)
        if abs(float(factor) - factors[i]) > 1e-6 * abs(factors[i]):
            return None
        if len(used) > 1 and abs(factor) != 1:
            return None
        terms += _term_text(factor, quote_name(names[kept[i]]))
    constant = Fraction(float(solution[0])).limit_denominator(1000)
    if abs(float(constant) - solution[0]) > 1e-6 * scale[j]:
        return None
    if constant:
        terms += f" {'+' if constant > 0 else '-'} {quote_value(abs(constant))}"
    terms = terms[3:] if terms.startswith(" + ") else "-" + terms[3:]
    return f"{terms} == {quote_name(names[j])}"


def _term_text(factor, name):
    sign = " + " if factor > 0 else " - "
    factor = abs(factor)
    if factor == 1:
        return sign + name
    if factor.numerator == 1:
        return f"{sign}{name} / {factor.denominator}"
    return f"{sign}{quote_value(factor)} * {name}"


def _active(values):
    """Return whether enough rows differ from the commonest value."""
    values = values[~np.isnan(values)]
    if len(values) < MIN_ROWS:
        return False
    _, counts = np.unique(values, return_counts=True)
    return len(values) - counts.max() >= MIN_ACTIVE


# -- functions -----------------------------------------------------------------


def _functions(columns, numbers, given):
    """Return (source, column) where one column decides another.

    The source is a column of few levels, or a number along which the other
    column changes a few times only. Of two columns that decide each other,
    the number stays, else the first.
    """
    found, decided = [], set(given)
    coded = {c.name: _codes(numbers[c.name]) for c in columns}
    levels = {name: code.max() + 1 for name, code in coded.items()}
    # Numbers first: they are the sources that a learner knows best what to do with.
    sources = sorted(columns, key=lambda c: (not c.is_number, c.kind != "ordinal"))
    for source in sources:
        if source.name in decided:
            continue
        for column in columns:
            b = column.name
            if b in decided or b == source.name or levels[b] > MAX_LEVELS:
                continue
            a_code, b_code = coded[source.name], coded[b]
            counts = np.bincount(b_code)
            if levels[b] < 2 or len(b_code) - counts.max() < MIN_ACTIVE:
                continue
            if levels[source.name] <= MAX_LEVELS:
                holds = _decides(a_code, b_code, counts)
            else:
                holds = source.is_number and _steps(numbers[source.name], b_code)
            if holds:
                decided.add(b)
                found.append((source.name, b))
    return found


def _codes(values):
    """Return whole codes from 0; missing is a value of its own."""
    return np.unique(values, return_inverse=True)[1].ravel()


def _decides(a, b, counts):
    """Return whether every level of a goes with one value of b, and not by chance."""
    for rows in (slice(FIRST_ROWS), slice(None)):  # most pairs fail at once
        first = np.full(a.max() + 1, -1)
        first[a[rows]] = b[rows]
        if (first[a[rows]] != b[rows]).any():
            return False
    sizes = np.bincount(a)
    if sizes[sizes < 5].sum() > 0.05 * len(a) or len(a) < 5 * len(sizes):
        return False
    # Rows but the first of each level agree with it by chance with this probability.
    agree = ((counts / len(b)) ** 2).sum()
    return (len(a) - len(sizes)) * -np.log(agree) > MIN_EVIDENCE


def _steps(values, b):
    """Return whether b is constant on a few long stretches of the values."""
    if np.isnan(values).any():
        return False
    order = np.argsort(values, kind="stable")
    a, b = values[order], b[order]
    if ((a[1:] == a[:-1]) & (b[1:] != b[:-1])).any():
        return False
    cuts = np.flatnonzero(b[1:] != b[:-1]) + 1
    lengths = np.diff(np.r_[0, cuts, len(b)])
    return len(lengths) <= MAX_LEVELS and lengths.min() >= 10


# -- inequalities --------------------------------------------------------------


def _inequalities(columns, numbers):
    """Return the rules that one column is never above another of its scale."""
    scales = {}
    for c in columns:
        if c.is_number and len(np.unique(numbers[c.name])) > 2:
            scale = c.dtype if c.kind == "datetime" else "number"
            scales.setdefault(scale, []).append(c.name)
    above = {c.name: [] for c in columns}
    for names in scales.values():
        for a, b in permutations(names, 2):
            if _never_above(numbers[a], numbers[b]):
                above[a].append(b)
    rules = []
    for a, others in above.items():
        for b in others:  # unless it follows from two others
            if not any(b in above[c] for c in others):
                rules.append(f"{quote_name(a)} <= {quote_name(b)}")
    return rules


def _never_above(a, b):
    """Return whether a <= b in all rows, where unrelated columns would cross."""
    n_first = min(FIRST_ROWS, len(a))
    if (a[:n_first] > b[:n_first]).any():
        return False
    filled = ~np.isnan(a) & ~np.isnan(b)
    a, b = a[filled], b[filled]
    if len(a) < MIN_ROWS or (a > b).any() or not (a < b).any():
        return False
    crossed = 1.0 - np.searchsorted(np.sort(a), b, side="right").mean() / len(a)
    if crossed < MIN_OVERLAP:
        return False
    return len(a) * -np.log1p(-crossed) > ORDER_EVIDENCE


# -- implications --------------------------------------------------------------


def _implications(columns, numbers, known):
    """Return rules that a level of one column, or its absence, fixes another's.

    ``known`` holds the pairs of columns that a rule ties already.
    """
    states = [
        (j, text, rows)
        for j, c in enumerate(columns)
        for text, rows in _states(numbers[c.name], c)
    ]
    if not states:
        return []
    owner = np.array([j for j, *_ in states])
    table = np.column_stack([rows for *_, rows in states])
    some = table[:: max(1, len(table) // SCREEN_ROWS)].astype(np.float32)
    # One matrix product finds the pairs in which no row has the first alone.
    alone = some.sum(axis=0)[:, None] - some.T @ some
    names = [c.name for c in columns]
    rules, said = [], set()
    for i, k in np.argwhere(alone == 0):
        pair = frozenset((names[owner[i]], names[owner[k]]))
        if len(pair) == 1 or pair in known:
            continue
        rows, there = table[:, i], table[:, k]
        if not there[rows].all() or not _beyond_chance(rows, there):
            continue
        # "not there -> not rows" says the same: keep whichever came first.
        if (_opposite(table, owner, k), _opposite(table, owner, i)) not in said:
            rules.append(f"{states[i][1]} -> {states[k][1]}")
            said.add((i, k))
    return rules


def _opposite(table, owner, i):
    """Return the state of the same column that holds exactly where i does not."""
    for k in np.flatnonzero(owner == owner[i]):
        if (table[:, k] != table[:, i]).all():
            return k
    return None


def _beyond_chance(rows, there):
    outside = there[~rows]
    if len(outside) < MIN_ROWS or outside.mean() > 0.95:
        return False
    return rows.sum() * -np.log(there.mean()) > MIN_EVIDENCE


def _states(values, column):
    """Return (text, rows) of a column's common levels and of its missing cells."""
    found, name = [], quote_name(column.name)
    missing = np.isnan(values)
    if missing.sum() >= MIN_ROWS:
        found.append((f"{name} is missing", missing))
    levels, counts = np.unique(values[~missing], return_counts=True)
    if column.is_number:
        common = counts >= max(MIN_ROWS, 0.05 * len(values))
        if column.kind == "datetime":
            common[:] = False
        texts = [quote_value(float(v)) for v in levels[common]]
    else:
        common = counts >= MIN_ROWS
        if column.kind == "boolean":
            texts = [quote_value(bool(v)) for v in levels[common]]
        else:
            texts = [quote_value(column.levels[int(v)]) for v in levels[common]]
    pairs = zip(texts, levels[common], strict=True)
    return found + [(f"{name} == {text}", values == level) for text, level in pairs]
