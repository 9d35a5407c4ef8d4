"""The tree of a constraint, and how names and values are written in its text."""

import difflib
import re
from dataclasses import dataclass, replace
from fractions import Fraction

#: Words of the language: a column of such a name is written in backticks.
WORDS = ("and", "or", "in", "is", "not", "missing", "determines", "true", "false")


@dataclass(frozen=True)
class Sum:
    """Columns times coefficients, and a constant."""

    terms: tuple  # of (column name, Fraction), each name once
    constant: Fraction = Fraction(0)

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
class Literal:
    """A text, true or false."""

    value: object


@dataclass(frozen=True)
class Compare:
    """Two sides and the order between them."""

    left: object
    order: str
    right: object


@dataclass(frozen=True)
class Member:
    """A column's value is one of a set, or is not."""

    name: str
    values: tuple
    negated: bool


@dataclass(frozen=True)
class Missing:
    """A column's cell is missing, or is not."""

    name: str
    negated: bool


@dataclass(frozen=True)
class All:
    """Every part holds."""

    parts: tuple


@dataclass(frozen=True)
class Any:
    """One part holds at least."""

    parts: tuple


@dataclass(frozen=True)
class Implies:
    """Where the condition holds, the conclusion does."""

    condition: object
    conclusion: object


@dataclass(frozen=True)
class Fixed:
    """Only combinations of values that the table holds."""

    names: tuple


@dataclass(frozen=True)
class Determines:
    """One column's value decides the other's."""

    source: str
    name: str


def names_of(node):
    """Return the column names of a tree, in order of appearance, each once."""
    if isinstance(node, Sum):
        found = [name for name, _ in node.terms]
    elif isinstance(node, Compare):
        found = names_of(node.left) + names_of(node.right)
    elif isinstance(node, (All, Any)):
        found = [name for part in node.parts for name in names_of(part)]
    elif isinstance(node, Implies):
        found = names_of(node.condition) + names_of(node.conclusion)
    elif isinstance(node, Fixed):
        found = list(node.names)
    elif isinstance(node, Determines):
        found = [node.source, node.name]
    else:
        found = [node.name] if isinstance(node, (Member, Missing)) else []
    return list(dict.fromkeys(found))


def bind(node, columns):
    """Return a tree with the labels of a table's columns for the names in it.

    Parameters
    ----------
    node : node of a constraint's tree
        The rule; its names are text.
    columns : iterable
        The labels of a table, which need not be text.

    Returns
    -------
    bound : node of a constraint's tree
        Evaluation looks its names up as they are.

    Raises
    ------
    ValueError
        If the table lacks a column, with the labels that come close.

    Examples
    --------
    >>> from gaussflow.tabular.constraints.syntax import Missing, bind
    >>> bind(Missing("2019", negated=False), [2019, 2020])
    Missing(name=2019, negated=False)
    """
    columns = list(columns)
    return _renamed(node, {name: _label(name, columns) for name in names_of(node)})


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


def _renamed(node, labels):
    if isinstance(node, Sum):
        return replace(node, terms=tuple((labels[n], c) for n, c in node.terms))
    if isinstance(node, Compare):
        left, right = (_renamed(side, labels) for side in (node.left, node.right))
        return Compare(left, node.order, right)
    if isinstance(node, (All, Any)):
        return replace(node, parts=tuple(_renamed(p, labels) for p in node.parts))
    if isinstance(node, Implies):
        return Implies(
            _renamed(node.condition, labels), _renamed(node.conclusion, labels)
        )
    if isinstance(node, Fixed):
        return Fixed(tuple(labels[name] for name in node.names))
    if isinstance(node, Determines):
        return Determines(labels[node.source], labels[node.name])
    if isinstance(node, (Member, Missing)):
        return replace(node, name=labels[node.name])
    return node


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
