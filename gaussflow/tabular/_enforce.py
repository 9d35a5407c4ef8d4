"""Constraints on synthetic rows: computed, drawn again, or repaired."""

from dataclasses import replace

import numpy as np
import pandas as pd

from gaussflow._state import Persistent
from gaussflow.tabular._constraint_eval import label, truth
from gaussflow.tabular._constraint_parse import (
    All,
    Any,
    Compare,
    Determines,
    Fixed,
    Implies,
    Literal,
    Member,
)
from gaussflow.tabular._derive import derive
from gaussflow.tabular._values import to_numbers
from gaussflow.tabular.constraints import Constraint

#: Rounds in which rows that break a constraint are drawn again.
ROUNDS = 20
#: Candidates drawn in one round, unless more rows are wanted.
BATCH = 5000


class Rules(Persistent):
    """Keep synthetic rows to the constraints of their table.

    Three means, in this order:

    1. A column that an equality, a "determines" or fixed combinations give
       is computed from the others, and not learned where it need not be.
    2. A row that breaks a constraint is drawn again, up to ``ROUNDS`` times:
       the rows follow the learned law given that the constraints hold.
    3. What still breaks one takes the cells of the columns concerned from another
       synthetic row that keeps it, so that grids, bounds and levels are right.

    Parameters
    ----------
    schema : Schema
        What the columns are.
    df : pandas.DataFrame
        The table, which must keep every constraint.
    constraints : iterable of str, tuple or Constraint
        The constraints, beside the schema's own.
    target : str or None
        The column that is learned in any case.
    min_count : int
        A combination, a level or an extreme of fewer rows does not come out.

    Attributes
    ----------
    constraints : list of Constraint
        Each once.
    derived : list of Derived
        The columns that are computed.
    """

    def __init__(self, schema, df, constraints, *, target=None, min_count=5):
        schema.check(df)
        declared = [*schema.constraints, *_as_list(constraints)]
        self.constraints = list(dict.fromkeys(Constraint(c) for c in declared))
        self.names = schema.names
        self.combinations = {}
        for constraint in self.constraints:
            check_constraint(constraint, schema, df)
            if isinstance(constraint.tree, (Fixed, Determines)):
                self.combinations[constraint.text] = Combinations(
                    constraint, schema, df, min_count
                )
        trees = [c.tree for c in self.constraints]
        self.derived = derive(trees, schema, df, target, min_count)
        dropped = {d.column.name for d in self.derived if d.dropped}
        if not any(c.is_learned and c.name not in dropped for c in schema):
            self.derived = []
        self.groups = _connected(
            [[label(df, name) for name in c.columns] for c in self.constraints]
        )

    @property
    def texts(self):
        """The constraints as text."""
        return [constraint.text for constraint in self.constraints]

    @property
    def dropped(self):
        """Names of the columns that are not learned."""
        return [d.column.name for d in self.derived if d.dropped]

    def learned(self, schema):
        """Return the schema of the columns that a flow sees."""
        dropped = self.dropped
        columns = [c for c in schema if c.name not in dropped]
        return replace(schema, columns=columns)

    def complete(self, frame):
        """Return the frame with all columns, and which groups of them are broken.

        Parameters
        ----------
        frame : pandas.DataFrame
            Rows as the encoder decodes them, without the dropped columns.

        Returns
        -------
        frame : pandas.DataFrame
            With the computed columns, in the table's order.
        broken : ndarray of shape (n_rows, n_groups), bool
            Whether a constraint on the group's columns is broken.
        """
        broken = np.zeros((len(frame), len(self.groups)), dtype=bool)
        columns = {name: frame[name] for name in frame.columns}
        for derived in self.derived:
            sources = [*derived.sources, derived.column.name]
            known = pd.DataFrame({n: columns[n] for n in sources if n in columns})
            columns[derived.column.name], fine = derived.fill(known)
            broken[:, self._group(derived.column.name)] |= ~fine
        frame = pd.concat([columns[name] for name in self.names], axis=1)
        for constraint in self.constraints:
            if constraint.text in self.combinations:
                wrong = self.combinations[constraint.text].broken(frame)
            else:
                _, wrong = truth(constraint.tree, frame)
            broken[:, self._group(label(frame, constraint.columns[0]))] |= wrong
        return frame, broken

    def settle(self, draw, n_rows, rng):
        """Draw rows that keep every constraint.

        Parameters
        ----------
        draw : callable
            Takes row numbers below ``n_rows``, repeated as often as candidates are
            wanted, and returns one decoded row for each.
        n_rows : int
            Number of rows.
        rng : numpy.random.Generator
            Randomness of the repair.

        Returns
        -------
        frame : pandas.DataFrame of shape (n_rows, n_columns)

        Raises
        ------
        ValueError
            If not one candidate keeps some constraint.
        """
        pool, broken = self.complete(draw(np.arange(n_rows)))
        place = np.arange(n_rows)
        pending = np.flatnonzero(broken.any(axis=1))
        rate = 1.0 - len(pending) / n_rows
        for _ in range(ROUNDS):
            if len(pending) == 0:
                break
            most = max(1, BATCH // len(pending))
            copies = int(np.clip(np.ceil(2.0 / max(rate, 1e-3)), 1, most))
            new, wrong = self.complete(draw(np.repeat(pending, copies)))
            kept = ~wrong.any(axis=1).reshape(len(pending), copies)
            rate, found = kept.mean(), kept.any(axis=1)
            first = np.arange(len(pending)) * copies + kept.argmax(axis=1)
            place[pending[found]] = len(pool) + first[found]
            pool = pd.concat([pool, new], ignore_index=True)
            broken = np.concatenate([broken, wrong])
            pending = pending[~found]
        places = {name: place for name in self.names}
        if len(pending):
            places |= self._repaired(place, broken, rng)
        taken = [pool[n].take(places[n]).reset_index(drop=True) for n in self.names]
        return pd.concat(taken, axis=1)

    # -- helpers ------------------------------------------------------------

    def _repaired(self, place, broken, rng):
        """Return the pool's rows that give the cells of each group's columns."""
        places = {}
        for g, group in enumerate(self.groups):
            wrong = broken[place, g]
            donors = np.flatnonzero(~broken[:, g])
            if wrong.any() and len(donors) == 0:
                raise ValueError(self._hopeless(group, len(broken)))
            own = place.copy()
            own[wrong] = rng.choice(donors, wrong.sum())
            places |= dict.fromkeys(group, own)
        return places

    def _hopeless(self, group, n_tried):
        rules = [c.text for c in self.constraints if self._touches(c, group)]
        return (
            f"None of {n_tried} rows drawn keeps all of the constraints "
            f"{', '.join(map(repr, rules))}. Drop or loosen one of them; with "
            "conditions, check that the constraints leave room for them."
        )

    def _touches(self, constraint, group):
        return any(str(name) in map(str, group) for name in constraint.columns)

    def _group(self, name):
        return next(g for g, group in enumerate(self.groups) if name in group)


class Combinations(Persistent):
    """The combinations of values that a table holds, as numbers.

    Those of fewer than ``min_count`` rows are left out, unless all are.
    """

    def __init__(self, constraint, schema, df, min_count):
        names = [label(df, name) for name in constraint.columns]
        self.columns = [schema[name] for name in names if schema[name].is_learned]
        rows = df[[c.name for c in self.columns]].dropna()
        self.steps = isinstance(constraint.tree, Determines)
        if len(self.columns) < 2:  # a constant goes with everything
            return
        numbers = np.column_stack([to_numbers(rows[c.name], c) for c in self.columns])
        self.rows, counts = np.unique(numbers, axis=0, return_counts=True)
        if isinstance(constraint.tree, Fixed) and (counts >= min_count).any():
            self.rows = self.rows[counts >= min_count]

    def broken(self, frame):
        """Return which rows hold a combination that the table does not."""
        if len(self.columns) < 2:
            return np.zeros(len(frame), dtype=bool)
        numbers = np.column_stack([to_numbers(frame[c.name], c) for c in self.columns])
        filled = ~np.isnan(numbers).any(axis=1)
        if self.steps:
            # A value between two that were seen takes either one's partner.
            source, partner = self.rows.T
            last = len(source) - 1
            at = np.searchsorted(source, numbers[:, 0])
            near = (np.clip(at, 0, last), np.clip(at - 1, 0, last))
            exact = source[near[0]] == numbers[:, 0]
            if not self.columns[0].is_number:
                return filled & ~(exact & (partner[near[0]] == numbers[:, 1]))
            found = partner[near[0]] == numbers[:, 1]
            found |= ~exact & (partner[near[1]] == numbers[:, 1])
            return filled & ~found
        both = np.concatenate([self.rows, numbers[filled]])
        codes = np.unique(both, axis=0, return_inverse=True)[1].ravel()
        out = np.zeros(len(frame), dtype=bool)
        known = codes[: len(self.rows)]
        out[filled] = ~np.isin(codes[len(self.rows) :], known)
        return out


def check_constraint(constraint, schema, df):
    """Raise a ValueError unless the table has the columns and keeps the rule."""
    kept = constraint.holds(df)
    for name in constraint.columns:
        column = schema[label(df, name)]
        if not column.is_learned and column.kind != "constant":
            raise ValueError(
                f"Constraint {constraint.text!r} cannot be kept: column "
                f"{column.name!r} is not learned (kind {column.kind!r}). Drop the "
                "constraint, or infer the schema with another kind, for example "
                f"Schema.infer(df, kinds={{{column.name!r}: 'categorical'}})."
            )
    _check_levels(constraint, constraint.tree, schema, df)
    if not kept.all():
        first = kept.index[~kept.to_numpy()][0]
        row = df[~kept.to_numpy()].iloc[0]
        cells = [f"{name} = {row[label(df, name)]}" for name in constraint.columns]
        raise ValueError(
            f"Constraint {constraint.text!r} is broken by {int((~kept).sum())} of the "
            f"{len(df)} rows of the table, first at index {first!r} "
            f"({', '.join(cells)}). Correct or drop these rows, which "
            f"Constraint({constraint.text!r}).violations(df) returns, or drop the "
            "constraint."
        )


def _check_levels(constraint, node, schema, df):
    """Refuse a text that is no level of its column: most likely a slip."""
    if isinstance(node, (All, Any)):
        for part in node.parts:
            _check_levels(constraint, part, schema, df)
    elif isinstance(node, Implies):
        _check_levels(constraint, node.condition, schema, df)
        _check_levels(constraint, node.conclusion, schema, df)
    name, values = None, ()
    if isinstance(node, Compare) and node.order in ("==", "!="):
        sides = (node.left, node.right)
        texts = [s.value for s in sides if isinstance(s, Literal)]
        names = [s.single for s in sides if not isinstance(s, Literal)]
        if texts and names:
            name, values = names[0], tuple(texts)
    elif isinstance(node, Member):
        name, values = node.name, node.values
    if name is None:
        return
    column = schema[label(df, name)]
    if column.kind in ("categorical", "ordinal") and column.levels:
        known = {*column.levels, *(column.categories or ())}
        if not known & set(values):
            raise ValueError(
                f"Constraint {constraint.text!r}: column {column.name!r} has no level "
                f"{', '.join(map(repr, values))}; its levels are "
                f"{', '.join(map(repr, column.levels[:10]))}."
            )


def _connected(sets):
    """Merge lists of names that share one, directly or through others."""
    groups = []
    for names in sets:
        joined = [g for g in groups if set(g) & set(names)]
        merged = list(dict.fromkeys([n for g in joined for n in g] + list(names)))
        groups = [g for g in groups if g not in joined] + [merged]
    return groups


def _as_list(constraints):
    if isinstance(constraints, (str, Constraint)):
        return [constraints]
    if constraints is None:
        return []
    return list(constraints)
