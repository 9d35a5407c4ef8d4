"""Constraints on synthetic rows: computed, drawn again, or repaired."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pandas as pd

from gaussflow.persistence.shapes import Items, Part, Plain, Scalar, Table
from gaussflow.persistence.state import Persistent, check_that
from gaussflow.tabular.constraints.checks import Combinations, check_constraint
from gaussflow.tabular.constraints.constraint import Constraint
from gaussflow.tabular.constraints.derived import derive, needed
from gaussflow.tabular.constraints.syntax import Fixed

# The limits trade time for rows that repair must patch; chosen by hand.
#: Rounds in which rows that break a constraint are drawn again.
MAX_ROUNDS = 20
#: Candidates drawn in one round, unless more rows are wanted.
MAX_CANDIDATES = 5000
#: Rounds without progress after which a row is drawn again whole.
MAX_FAILED_ROUNDS = 3


class Rules(Persistent):
    """Keep synthetic rows to the constraints of their table.

    Three means, in this order:

    1. A column that an equality, a "determines" or fixed combinations give
       is computed from the others, and not learned where it need not be.
    2. A row that breaks a constraint is drawn again. Trees draw it from the last
       column of that constraint on, given the columns before it: every
       column follows its law given those before it, cut to what the constraints
       allow. What stays broken, and rows of other flows, are drawn again whole:
       they follow the learned law given that the constraints hold.
    3. What breaks one after up to ``MAX_ROUNDS`` of either takes the cells of the
       columns concerned from another synthetic row that keeps it, so that grids, bounds
       and levels are right.

    The table must keep every constraint: the schema's own, and more as texts, tuples or
    Constraints. The column ``target`` is learned in any case; what fewer than
    ``min_count`` rows hold, a combination, a level or an extreme, does not come out.

    Attributes
    ----------
    constraints : list of Constraint
        Each once.
    derived : list of Derived
        The columns that are computed.
    groups : list of list
        Columns that rules tie together, directly or through others.
    """

    _state = {
        "constraints": Items(Part("Constraint")),
        "names": Items(Scalar()),
        "combinations": Table(Part("Combinations")),
        "derived": Items(Part("Derived")),
        "groups": Plain(),
    }

    def _check_state(self):
        for names in self.rule_columns:
            check_that(self, set(names) <= set(self.names), "a rule has no column")
        known = set(self.kept)
        for derived in self.derived:
            fits = known.issuperset(derived.sources)
            check_that(self, fits, "a column is computed before its sources")
            known.add(derived.column.name)

    def __init__(self, schema, df, constraints, *, target=None, min_count=5):
        schema.check(df)
        declared = [*schema.constraints, *_as_list(constraints)]
        self.constraints = list(dict.fromkeys(Constraint(c) for c in declared))
        self.names = schema.names
        self.combinations = {}
        for constraint in self.constraints:
            check_constraint(constraint, schema, df)
        for constraint, tree in self.bound:
            if isinstance(tree, Fixed):
                self.combinations[constraint.text] = Combinations(
                    tree, schema, df, min_count
                )
        trees = [tree for _, tree in self.bound]
        self.derived = derive(trees, schema, df, target, min_count)
        dropped = {d.column.name for d in self.derived if d.dropped}
        if not any(c.is_learned and c.name not in dropped for c in schema):
            self.derived = []
        self.groups = _connected(self.rule_columns)

    @property
    def bound(self):
        """Each constraint with its tree, which speaks of the table's labels."""
        return [(c, _bound(c, tuple(self.names))) for c in self.constraints]

    @property
    def rule_columns(self):
        """Labels of the columns of each computed column, then of each constraint."""
        found = [[d.column.name, *d.sources] for d in self.derived]
        return found + [tree.names() for _, tree in self.bound]

    @property
    def kept(self):
        """Names of the columns that the encoder decodes."""
        return [name for name in self.names if name not in self.dropped]

    @property
    def texts(self):
        """The constraints as text."""
        return [constraint.text for constraint in self.constraints]

    @property
    def dropped(self):
        """Names of the columns that are not learned."""
        return [d.column.name for d in self.derived if d.dropped]

    def learned_schema(self, schema):
        """Return the schema of the columns that a flow sees."""
        dropped = self.dropped
        columns = [c for c in schema if c.name not in dropped]
        return replace(schema, columns=columns)

    def complete(self, frame):
        """Return decoded rows with all columns, and which rules they break.

        The columns come in the table's order. Of shape (n_rows, n_rules): for each
        computed column whether it is off its grid or bounds, then for each constraint
        whether it is broken.
        """
        broken = []
        columns = {name: frame[name] for name in frame.columns}
        for derived in self.derived:
            sources = [*derived.sources, derived.column.name]
            known = pd.DataFrame({n: columns[n] for n in sources if n in columns})
            columns[derived.column.name], fine = derived.fill(known)
            broken.append(~fine)
        frame = pd.concat([columns[name] for name in self.names], axis=1)
        for constraint, tree in self.bound:
            if constraint.text in self.combinations:
                broken.append(self.combinations[constraint.text].broken(frame))
            else:
                broken.append(tree.truth(frame)[1])
        none = np.zeros((len(frame), 0), dtype=bool)
        return frame, np.column_stack([none, *broken])

    def rejection_sample(self, draw, n_rows, rng, redraw=None):
        """Return ``n_rows`` rows that keep every constraint.

        ``draw`` takes row numbers below ``n_rows``, repeated as often as candidates are
        wanted, and returns one decoded row for each; a Redraw draws the later columns
        of rows again (None: whole rows only); the Generator is for the repair. If not
        one candidate keeps some constraint, a ValueError says so.
        """
        pool = Pool(*self.complete(draw(np.arange(n_rows))))
        if redraw is not None and self.rule_columns:
            self._redraw_from_rule(pool, redraw)
        self._redraw_rows(pool, draw)
        places = {name: pool.place for name in self.names}
        if len(pool.pending()):
            places |= self._repaired(pool, rng)
        frame = pool.frame
        taken = [frame[n].take(places[n]).reset_index(drop=True) for n in self.names]
        return pd.concat(taken, axis=1)

    # -- helpers ------------------------------------------------------------

    def _redraw_from_rule(self, pool, redraw):
        """Draw rows again from the last column of the rule that they break first."""
        rules = self.rule_columns
        last = np.array([self._last(names, redraw.names) for names in rules])
        failed = np.zeros(len(pool.place), dtype=int)
        for _ in range(MAX_ROUNDS):
            rows = pool.pending()
            rows = rows[failed[rows] < MAX_FAILED_ROUNDS]
            if len(rows) == 0:
                return
            broken = pool.broken[pool.place[rows]]
            start = np.where(broken, last, len(redraw.names)).min(axis=1)
            copies = pool.copies(rows)
            old = pool.frame.iloc[pool.place[rows]].reset_index(drop=True)
            new, wrong = self.complete(redraw(old[self.kept], start, copies))
            # Rules that later columns decide may be broken still: their turn comes.
            due = last <= np.repeat(start, copies)[:, None]
            found = pool.add(rows, new, wrong, ~(wrong & due).any(axis=1))
            failed[rows] = np.where(found, 0, failed[rows] + 1)

    def _redraw_rows(self, pool, draw):
        """Draw rows that break a rule again, all of their columns."""
        for _ in range(MAX_ROUNDS):
            rows = pool.pending()
            if len(rows) == 0:
                return
            copies = pool.copies(rows)
            new, wrong = self.complete(draw(np.repeat(rows, copies)))
            pool.add(rows, new, wrong, ~wrong.any(axis=1))

    def _last(self, names, order):
        """Return the last place at which a column is drawn that a rule needs."""
        names = needed(names, self.derived)
        return max([0, *(place for place, name in enumerate(order) if name in names)])

    def _repaired(self, pool, rng):
        """Return the pool's rows that give the cells of each group's columns."""
        places = {}
        for group in self.groups:
            columns = enumerate(self.rule_columns)
            own = [r for r, names in columns if names[0] in group]
            broken = pool.broken[:, own].any(axis=1)
            wrong = broken[pool.place]
            donors = np.flatnonzero(~broken)
            if wrong.any() and len(donors) == 0:
                near = [c for c, tree in self.bound if set(tree.names()) & set(group)]
                raise ValueError(
                    f"None of {len(broken)} rows drawn keeps all of the constraints "
                    f"{', '.join(repr(c.text) for c in near)}. Drop or loosen "
                    "one of them; with conditions, check that the constraints leave "
                    "room for them."
                )
            chosen = pool.place.copy()
            if wrong.any():
                chosen[wrong] = rng.choice(donors, wrong.sum())
            places |= dict.fromkeys(group, chosen)
        return places


class Pool:
    """Rows that were drawn, what they break, and which of them are taken.

    ``place`` holds for each row wanted the row of ``frame`` that stands for it;
    ``rate`` is the share of the last candidates that were good.
    """

    def __init__(self, frame, broken):
        self.frame, self.broken = frame, broken
        self.place = np.arange(len(frame))
        self.rate = 1.0 - broken.any(axis=1).mean()

    def pending(self):
        """Return the rows that break a rule still."""
        return np.flatnonzero(self.broken[self.place].any(axis=1))

    def copies(self, rows):
        """Return how many candidates to draw for each of some rows."""
        limit = max(1, MAX_CANDIDATES // len(rows))
        return int(np.clip(np.ceil(2.0 / max(self.rate, 1e-3)), 1, limit))

    def add(self, rows, frame, broken, good):
        """Take the first good candidate of each row; return which rows had one.

        The candidates (``frame``, what they break, and which are good) of a row come
        one after the other.
        """
        good = good.reshape(len(rows), -1)
        first = np.arange(len(rows)) * good.shape[1] + good.argmax(axis=1)
        found = good.any(axis=1)
        self.rate = good.mean()
        self.place[rows[found]] = len(self.frame) + first[found]
        self.frame = pd.concat([self.frame, frame], ignore_index=True)
        self.broken = np.concatenate([self.broken, broken])
        return found


@lru_cache(maxsize=4096)
def _bound(constraint, columns):
    """Return a constraint's tree on some columns: names are resolved once."""
    return constraint.bind(columns)


def _connected(rule_columns):
    """Merge lists of names that share one, directly or through others."""
    groups = []
    for names in rule_columns:
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
