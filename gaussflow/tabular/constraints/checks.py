"""Whether a table suits a constraint, and the combinations that it allows."""

import numpy as np

from gaussflow._common.checks import Flag
from gaussflow.persistence.shapes import ABSENT, Array, Items, Part
from gaussflow.persistence.state import Persistent, check_that
from gaussflow.tabular.columns.cells import to_numbers
from gaussflow.tabular.constraints.syntax import Determines


class Combinations(Persistent):
    """The combinations of values that a table holds, as numbers.

    Those of fewer than ``min_count`` rows are left out, unless all are.
    """

    _state = {
        "columns": Items(Part("Column"), "columns"),
        "steps": Flag(),
        "rows": Array("f8", "rows", None, others=(ABSENT,)),
    }

    def _check_state(self):
        d, rows = len(self.columns), vars(self).get("rows")
        fits = d < 2 or (rows is not None and rows.shape[1] == d and len(rows) > 0)
        check_that(self, fits and (d <= 2 or not self.steps), "its rows do not fit")

    def __init__(self, tree, schema, df, min_count):
        columns = [schema[name] for name in tree.names()]
        self.columns = [column for column in columns if column.is_learned]
        rows = df[[c.name for c in self.columns]].dropna()
        self.steps = isinstance(tree, Determines)
        if len(self.columns) < 2:  # a constant goes with everything
            return
        numbers = np.column_stack([to_numbers(rows[c.name], c) for c in self.columns])
        self.rows, counts = np.unique(numbers, axis=0, return_counts=True)
        if not self.steps and (counts >= min_count).any():
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
    tree = constraint.bind(schema.names)
    for name in tree.names():
        column = schema[name]
        if not column.is_learned and column.kind != "constant":
            raise ValueError(
                f"Constraint {constraint.text!r} cannot be kept: column "
                f"{column.name!r} is not learned (kind {column.kind!r}). Drop the "
                "constraint, or infer the schema with another kind, for example "
                f"Schema.infer(df, kinds={{{column.name!r}: 'categorical'}})."
            )
    _check_levels(constraint, tree, schema)
    if not kept.all():
        raise ValueError(
            f"Constraint {constraint.text!r} is broken by {int((~kept).sum())} of the "
            f"{len(df)} rows of the table. Correct or drop these rows, which "
            f"Constraint({constraint.text!r}).violations(df) returns, or drop the "
            "constraint."
        )


def _check_levels(constraint, tree, schema):
    """Refuse a text that is no level of its column: most likely a slip."""
    for name, values in tree.levels():
        column = schema[name]
        if column.kind not in ("categorical", "ordinal") or not column.levels:
            continue
        known = {*column.levels, *(column.categories or ())}
        if not known & set(values):
            raise ValueError(
                f"Constraint {constraint.text!r}: column {column.name!r} has no common "
                f"level {', '.join(map(repr, values))}; its levels are "
                f"{', '.join(map(repr, column.levels[:10]))}."
            )
