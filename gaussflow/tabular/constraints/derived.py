"""Columns that follow from others: left out of learning, and computed after."""

import numpy as np

from gaussflow._common.checks import Flag, Number
from gaussflow.persistence.shapes import ABSENT, Array, Items, Part, Scalar
from gaussflow.persistence.state import Persistent, check_that
from gaussflow.tabular.columns.cells import from_numbers, is_single, to_numbers
from gaussflow.tabular.columns.value_maps import FEW_VALUES
from gaussflow.tabular.constraints.evaluation import ULPS
from gaussflow.tabular.constraints.syntax import Compare, Determines, Fixed, Sum

#: How far from the grid a computed value may lie, in steps of the grid.
OFF_GRID = 1e-6


class Derived(Persistent):
    """A column computed from others; see the subclasses.

    Attributes
    ----------
    column : Column
        What is computed.
    sources : list
        Labels of the columns that it is computed from.
    dropped : bool
        Whether the column need not be learned; otherwise it is missing by chance,
        and where it is not, it is computed over what was drawn.
    fallback : float
        A number of the column, for rows that will not be kept.
    """

    _state = {
        "column": Part("Column"),
        "sources": Items(Scalar(), "sources"),
        "dropped": Flag(),
        "fallback": Number("(-inf, inf)", ABSENT),
    }

    def __init__(self, column, sources):
        self.column, self.sources = column, sources
        self.dropped = False

    def learn(self, df):
        """Learn what computing takes from the table: by default nothing."""

    def restrict(self, df, min_count):
        """Learn what too few rows hold to come out: by default nothing."""

    def fit(self, df, min_count):
        """Learn from the table; return whether it computes the column exactly."""
        self.learn(df)
        real = df[self.column.name]
        numbers, fine = self.compute(df)
        missing, unknown = real.isna().to_numpy(), np.isnan(numbers)
        self.dropped = bool((missing == unknown).all())
        both = ~missing & ~unknown
        if not both.any():
            return False
        same = self.agrees(numbers[both], to_numbers(real, self.column)[both])
        if not (fine[both].all() and same):
            return False
        self.restrict(df, min_count)
        numbers, fine = self.compute(df)
        usable = numbers[both & fine]
        self.fallback = (
            float(np.sort(usable)[len(usable) // 2]) if len(usable) else np.nan
        )
        return len(usable) > 0

    def agrees(self, numbers, real):
        """Return whether computed numbers are those of the table."""
        return bool((numbers == real).all())

    def fill(self, frame):
        """Return the column's cells for new rows, and which are allowed."""
        numbers, fine = self.compute(frame)
        if self.dropped:
            numbers = np.where(fine, numbers, self.fallback)
            return from_numbers(numbers, self.column), fine
        drawn = to_numbers(frame[self.column.name], self.column)
        kept = np.isnan(drawn) | np.isnan(numbers)
        numbers = np.where(kept | ~fine, drawn, numbers)
        return from_numbers(numbers, self.column), fine | kept

    def solved(self, schema):
        """Return an equality solved for each of its columns, this one last.

        Nothing where the rule is none that can be solved.
        """
        return []


class SumColumn(Derived):
    """A sum of other columns times coefficients, on the column's grid.

    Values off the grid or out of bounds are not allowed; nor is an extreme
    that fewer than ``min_count`` rows hold.
    """

    _state = {
        "factors": Items(Number("(-inf, inf)"), "sources"),
        "constant": Number("(-inf, inf)"),
        "bounds": Items(Number("(-inf, inf)"), 2, list, ABSENT),
        "open_ends": Items(Flag(), 2, list, ABSENT),
    }

    def _check_state(self):
        check_that(self, self.column.is_number, "a sum must be a number")

    def __init__(self, column, sources, factors, constant):
        super().__init__(column, sources)
        self.factors, self.constant = factors, constant

    def agrees(self, numbers, real):
        """Return True: the rule was seen to hold, up to rounding.

        Sums may differ in their last place, where a table was written with 15 digits,
        in float32, or its terms were added in another order.
        """
        return True

    def restrict(self, df, min_count):
        """Learn the bounds, and whether they are lone extremes."""
        numbers = to_numbers(df[self.column.name], self.column)
        numbers = numbers[~np.isnan(numbers)]
        self.bounds = [numbers.min(), numbers.max()]
        counts = [(numbers == end).sum() for end in self.bounds]
        # With one value more than the ends, the lone extremes can be left out.
        spare = len(np.unique(numbers)) > 3
        self.open_ends = [bool(spare and count < min_count) for count in counts]

    def compute(self, frame):
        """Return the column's grid coordinates and which are allowed."""
        total = np.full(len(frame), self.constant)
        size = np.abs(total)
        for name, factor in zip(self.sources, self.factors, strict=True):
            term = factor * frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
            total, size = total + term, size + np.abs(term)
        if self.column.decimals is None:
            numbers, fine = total, np.ones(len(total), dtype=bool)
        else:
            scale, column = 10.0**self.column.decimals, self.column
            places = (total * scale - column.origin) / column.step
            numbers = np.rint(places)
            eps = np.finfo(np.float32 if is_single(column) else np.float64).eps
            rounding = ULPS * eps * size * scale / column.step
            fine = ~(np.abs(places - numbers) > OFF_GRID + rounding)
        if hasattr(self, "bounds"):
            (low, high), (no_low, no_high) = self.bounds, self.open_ends
            fine &= ~((numbers < low) | (numbers > high))
            fine &= ~((no_low & (numbers == low)) | (no_high & (numbers == high)))
        return numbers, fine

    def solved(self, schema):
        """Return the sum solved for each of its columns, without bounds."""
        given, found = dict(zip(self.sources, self.factors, strict=True)), []
        for column in (schema[n] for n in given if n in schema.names):
            share = given[column.name]
            factors = {n: -f / share for n, f in given.items() if n != column.name}
            factors[self.column.name] = 1.0 / share
            terms = list(factors), [*factors.values()]
            found.append(SumColumn(column, *terms, -self.constant / share))
        return [
            *found,
            SumColumn(self.column, self.sources, self.factors, self.constant),
        ]


class LookupColumn(Derived):
    """The value that goes with another column's value, from a table.

    Where the other column is a number of many values, the table is one of steps,
    which change halfway between two values seen. A missing cell is a value too.
    """

    _state = {
        "source": Part("Column"),
        "for_missing": Scalar(),
        "steps": Flag(),
        "knots": Array("f8", "knots", within="[-inf, inf]", rising=True),
        "values": Array("f8", "knots", within=None),
        "known": Array("b", "knots"),
    }

    def _check_state(self):
        numbers = np.append(self.values, self.for_missing).astype(np.float64)
        fits = self.column.covers(numbers) and len(self.knots) > 0
        check_that(self, fits, "its values are no levels of its column")

    def __init__(self, column, source):
        super().__init__(column, [source.name])
        self.source = source

    def learn(self, df):
        """Learn the table."""
        source = to_numbers(df[self.source.name], self.source)
        values = to_numbers(df[self.column.name], self.column)
        gap = np.isnan(source)
        self.for_missing = values[gap][0] if gap.any() else np.nan
        knots, first = np.unique(source[~gap], return_index=True)
        values = values[~gap][first]
        self.steps = self.source.is_number and len(knots) > FEW_VALUES
        if self.steps:
            a, b = values[:-1], values[1:]
            changes = np.flatnonzero((a != b) & ~(np.isnan(a) & np.isnan(b)))
            middle = 0.5 * (knots[changes] + knots[changes + 1])
            knots, values = np.r_[-np.inf, middle], values[np.r_[0, changes + 1]]
        self.knots, self.values = knots, values
        self.known = np.ones(len(values), dtype=bool)

    def restrict(self, df, min_count):
        """Learn the levels of few rows."""
        all_values = to_numbers(df[self.column.name], self.column)
        levels, counts = np.unique(all_values, return_counts=True)
        unlisted = (levels < 0) & (not self.column.is_number)
        rare = levels[(counts < min_count) | unlisted]
        self.known = ~np.isin(self.values, rare[~np.isnan(rare)])

    def compute(self, frame):
        """Return the column's numbers and which are allowed."""
        source = to_numbers(frame[self.source.name], self.source)
        gap = np.isnan(source)
        at = np.searchsorted(self.knots, np.where(gap, self.knots[-1], source), "right")
        at = np.maximum(at - 1, 0)
        fine = gap | self.known[at]
        if not self.steps:
            fine &= gap | (self.knots[at] == source)
        return np.where(gap, self.for_missing, self.values[at]), fine


class CopyColumn(Derived):
    """The same value as another column's."""

    def compute(self, frame):
        """Return the column's numbers and which are allowed."""
        cells, column = frame[self.sources[0]], self.column
        if column.is_number:
            numbers = to_numbers(cells, column)
            return numbers, np.isnan(numbers) | (numbers == np.rint(numbers))
        known = cells.astype(object).isin(column.levels).to_numpy()
        fine = known | cells.isna().to_numpy()
        return to_numbers(cells.where(fine), column), fine

    def solved(self, schema):
        """Return each of the two columns as a copy of the other."""
        names = [n for n in self.sources if n in schema.names]
        others = [CopyColumn(schema[n], [self.column.name]) for n in names]
        return [*others, CopyColumn(self.column, self.sources)]


def derive(trees, schema, df, target, min_count):
    """Choose the columns that can be computed from others.

    The trees, bound to the table's columns, hold in every row of ``df``; ``target`` is
    learned in any case; an extreme or a level of fewer than ``min_count`` rows does not
    come out. Each Derived comes after those that it is computed from.
    """
    found = []
    for tree in trees:
        for candidate in _candidates(tree, schema, df):
            name = candidate.column.name
            taken = name == target or any(d.column.name == name for d in found)
            if taken or name in needed(candidate.sources, found):
                continue
            if candidate.fit(df, min_count):
                found.append(candidate)
                if not isinstance(tree, Fixed):
                    break
    return _in_order(found)


def _candidates(tree, schema, df):
    """Yield the columns that a rule could give, the best first."""
    # Only a lone equality is derived; a chain's parts come as rules of their own.
    if isinstance(tree, Determines):
        source, column = (schema[name] for name in tree.columns)
        if source.is_learned and column.is_learned:
            yield LookupColumn(column, source)
    elif isinstance(tree, Fixed):
        columns = [schema[name] for name in tree.columns]
        learned = [c for c in columns if c.is_learned]
        rows = df[[c.name for c in learned]].drop_duplicates()
        for source in learned:
            if not rows[source.name].duplicated().any():
                yield from (LookupColumn(c, source) for c in learned if c is not source)
                return
    elif isinstance(tree, Compare) and tree.order == "==":
        if isinstance(tree.left, Sum) and isinstance(tree.right, Sum):
            yield from _equality(tree, schema, df)


def _equality(tree, schema, df):
    """Yield the columns of an equality: first the one that varies most.

    Errors of the others add up in it, and weigh the least there.
    """
    difference = tree.left.minus(tree.right)
    factors = dict(difference.terms)
    lone = [s.single for s in (tree.right, tree.left) if s.single is not None]
    names = [name for name in lone if name in factors]
    names += [n for n in reversed(factors) if n not in names]
    numeric = all(schema[n].kind in ("continuous", "integer") for n in factors)
    if numeric:
        spread = {
            n: abs(float(f)) * float(df[n].astype("float64").std())
            for n, f in factors.items()
        }
        names.sort(key=lambda n: -np.log(max(spread[n], 1e-300)).round(1))
    for name in names:
        column = schema[name]
        others = {n: -f / factors[name] for n, f in factors.items() if n != name}
        usable = all(schema[n].is_learned for n in (name, *others))
        if not others or not usable:
            continue
        if numeric:
            constant = float(-difference.constant / factors[name])
            yield SumColumn(
                column, list(others), [*map(float, others.values())], constant
            )
        elif tree.left.single is not None and tree.right.single is not None:
            yield CopyColumn(column, list(others))


def needed(names, derived):
    """Return the names and all columns that computing them needs."""
    sources = {d.column.name: d.sources for d in derived}
    stack, seen = list(names), set()
    while stack:
        name = stack.pop()
        if name not in seen:
            seen.add(name)
            stack += sources.get(name, [])
    return seen


def _in_order(found):
    """Sort so that every column comes after those that it is computed from."""
    left, order = list(found), []
    while left:
        waiting = {d.column.name for d in left}
        order += [d for d in left if not waiting & set(d.sources)]
        left = [d for d in left if d not in order]
    return order
