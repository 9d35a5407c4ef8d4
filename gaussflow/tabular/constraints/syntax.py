"""The tree of a constraint, and how names and values are written in its text.

Logic has three values, as in databases: a comparison with a missing cell is
unknown, and a row breaks a constraint only where it is certainly false.
"""

import difflib
import re
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import pandas as pd

from gaussflow.tabular.constraints.evaluation import (
    compare_sums,
    compare_with,
    mirrored,
)

#: Words of the language: a column of such a name is written in backticks.
WORDS = ("and", "or", "in", "is", "not", "missing", "determines", "true", "false")


class Node:
    """A claim about rows, or a side of a comparison."""

    def names(self):
        """Return the names of the columns in it, by appearance, each once."""
        found = {}
        self._renamed(lambda name: found.setdefault(name, name))
        return list(found)

    def bind(self, columns):
        """Return the node with the labels of a table's columns for the names in it.

        Labels need not be text; evaluation looks them up as they are. If the table
        lacks a column, a ValueError says which labels come close.

        Examples
        --------
        >>> from gaussflow.tabular.constraints.syntax import Missing
        >>> Missing("2019", negated=False).bind([2019, 2020])
        Missing(name=2019, negated=False)
        """
        columns = list(columns)
        return self._renamed(lambda name: _label(name, columns))

    def truth(self, frame, reference=None):
        """Return in which rows a claim holds and in which not; unknown is neither.

        The claim is bound to the frame's labels; "fixed" and "determines" keep the
        combinations of values of ``reference``, by default the frame itself.
        """
        return self._truth(frame, frame if reference is None else reference)

    def levels(self):
        """Return (name, values) where a column's cells are said to equal values."""
        return []

    def _renamed(self, rename):
        return self


@dataclass(frozen=True)
class Sum(Node):
    """Columns times coefficients, and a constant."""

    terms: tuple  # of (column name, Fraction), each name once
    constant: Fraction = Fraction(0)

    def _renamed(self, rename):
        return replace(self, terms=tuple((rename(n), c) for n, c in self.terms))

    @property
    def single(self):
        """The column's name, if this is one column and nothing else, or None."""
        if len(self.terms) == 1 and not self.constant and self.terms[0][1] == 1:
            return self.terms[0][0]
        return None

    def minus(self, other):
        """Return the difference of two sums."""
        terms = dict(self.terms)
        for name, coefficient in other.terms:
            terms[name] = terms.get(name, Fraction(0)) - coefficient
        kept = tuple((name, c) for name, c in terms.items() if c)
        return Sum(kept, self.constant - other.constant)


@dataclass(frozen=True)
class Literal(Node):
    """A text, true or false."""

    value: object


@dataclass(frozen=True)
class Compare(Node):
    """Two sides and the order between them."""

    left: object
    order: str
    right: object

    def levels(self):
        """Return the column and the text that it equals or does not, if it is so."""
        sides = (self.left, self.right)
        texts = tuple(s.value for s in sides if isinstance(s, Literal))
        names = [s.single for s in sides if isinstance(s, Sum)]
        equates = self.order in ("==", "!=") and texts and names
        return [(names[0], texts)] if equates else []

    def _renamed(self, rename):
        left, right = (side._renamed(rename) for side in (self.left, self.right))
        return Compare(left, self.order, right)

    def _truth(self, frame, reference):
        left, order, right = self.left, self.order, self.right
        if isinstance(left, Literal):
            left, order, right = right, mirrored(order), left
        if not isinstance(right, Literal):
            return compare_sums(left, order, right, frame)
        if isinstance(left, Literal) or left.single is None:
            raise ValueError(
                f"{right.value!r} can be compared with one column only. Compare "
                "sums with numbers."
            )
        return compare_with(frame[left.single], order, right.value)


class Cell(Node):
    """A claim about one column's cells."""

    def _renamed(self, rename):
        return replace(self, name=rename(self.name))


@dataclass(frozen=True)
class Member(Cell):
    """A column's value is one of a set, or is not."""

    name: str
    values: tuple
    negated: bool

    def levels(self):
        """Return the column and the set."""
        return [(self.name, self.values)]

    def _truth(self, frame, reference):
        column = Sum(((self.name, Fraction(1)),))
        yes = np.zeros(len(frame), dtype=bool)
        no = np.ones(len(frame), dtype=bool)
        for value in self.values:
            text = isinstance(value, (str, bool))
            side = Literal(value) if text else Sum((), Fraction(value))
            same, other = Compare(column, "==", side).truth(frame)
            yes, no = yes | same, no & other
        return (no, yes) if self.negated else (yes, no)


@dataclass(frozen=True)
class Missing(Cell):
    """A column's cell is missing, or is not."""

    name: str
    negated: bool

    def _truth(self, frame, reference):
        yes = frame[self.name].isna().to_numpy() ^ self.negated
        return yes, ~yes


@dataclass(frozen=True)
class Joined(Node):
    """Claims that make one together: the subclasses join their truths."""

    parts: tuple

    def levels(self):
        """Return those of all parts."""
        return [found for part in self.parts for found in part.levels()]

    def _renamed(self, rename):
        return replace(self, parts=tuple(part._renamed(rename) for part in self.parts))

    def _truth(self, frame, reference):
        found = [part._truth(frame, reference) for part in self.parts]
        return self._join(*np.swapaxes(found, 0, 1))


class All(Joined):
    """Every part holds."""

    def _join(self, yes, no):
        return yes.all(axis=0), no.any(axis=0)


class Any(Joined):
    """One part holds at least."""

    def _join(self, yes, no):
        return yes.any(axis=0), no.all(axis=0)


class Implies(Joined):
    """Where the first part, the condition, holds, the second one does."""

    def _join(self, yes, no):
        return no[0] | yes[1], yes[0] & no[1]


@dataclass(frozen=True)
class Fixed(Node):
    """Only combinations of values that the table holds."""

    columns: tuple

    def _renamed(self, rename):
        return replace(self, columns=tuple(map(rename, self.columns)))

    def _truth(self, frame, reference):
        names = list(self.columns)
        known = self._allowed(reference[names].dropna())
        filled = frame[names].notna().all(axis=1).to_numpy()
        rows = frame.loc[filled, names]
        joined = pd.concat([known.astype(object), rows.astype(object)])
        codes = joined.groupby(names, sort=False, dropna=False).ngroup().to_numpy()
        found = np.isin(codes[len(known) :], codes[: len(known)])
        yes, no = np.zeros((2, len(frame)), dtype=bool)
        yes[filled], no[filled] = found, ~found
        return yes, no

    def _allowed(self, rows):
        return rows.drop_duplicates()


class Determines(Fixed):
    """The first column's value decides the second's: the commonest one goes with it."""

    def _allowed(self, rows):
        names = list(self.columns)
        counts = rows.value_counts(sort=False).rename("n").reset_index()
        counts = counts.sort_values("n", kind="stable")
        return counts.drop_duplicates(names[0], keep="last")[names]


def _label(name, columns):
    """Return the label that a name stands for: itself, or the one written so."""
    if name in columns:
        return name
    written = {str(label): label for label in columns}
    if name in written:
        return written[name]
    close = difflib.get_close_matches(name, written, n=3, cutoff=0.5)
    known = "Did you mean " if close else "The columns are "
    shown = close or list(written)[:10]
    raise ValueError(
        f"the table has no column {name!r}. {known}{', '.join(map(repr, shown))}? "
        "Put a text in quotes, and a name that is not one word in backticks."
    )


def quote_name(name):
    """Return a column name as a constraint writes it: in backticks if need be.

    Examples
    --------
    >>> from gaussflow.tabular.constraints.syntax import quote_name
    >>> quote_name("age"), quote_name("worst radius")
    ('age', '`worst radius`')
    """
    name = str(name)
    plain = re.fullmatch(r"[^\W\d][\w.]*", name) and name not in (*WORDS, "fixed")
    return name if plain else "`" + name.replace("`", "``") + "`"


def quote_value(value):
    """Return a level as a constraint writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return repr(int(value) if float(value).is_integer() else float(value))
