"""The language of constraints: text to a small tree, by a parser of our own.

::

    rule       = "fixed" ":" name {"," name}  |  name "determines" name
               | either ["->" either]
    either     = both {"or" both}
    both       = claim {"and" claim}
    claim      = name "is" ["not"] "missing"  |  name ["not"] "in" "{" value, ... "}"
               | side order side {order side}
    order      = "<" | "<=" | "==" | "!=" | ">=" | ">"
    side       = text | true | false | ["-"] term {("+" | "-") term}
    term       = number | name | number "*" name | name "*" number | name "/" number

A name that is not one word stands in backticks. Nothing is ever evaluated.
"""

import re
from fractions import Fraction
from functools import lru_cache

from gaussflow.tabular.constraints.evaluation import ORDERS, plain
from gaussflow.tabular.constraints.syntax import (
    WORDS,
    All,
    Any,
    Compare,
    Determines,
    Fixed,
    Implies,
    Literal,
    Member,
    Missing,
    Sum,
)

#: Signs of a number: more than the 17 digits of a float, its point and exponent. That
#: is bounded well within the range of floats.
MAX_SIGNS, MAX_EXPONENT = 40, 300
TOKENS = re.compile(
    r"""\s*(?:
    (?P<column>`(?:[^`]|``)*`)
  | (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
  | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?!\w))
  | (?P<word>[^\W\d][\w.]*)
  | (?P<sign>->|<=|>=|==|!=|[<>=+\-*/,:{}()])
  )""",
    re.VERBOSE,
)


@lru_cache(maxsize=4096)
def parse(text):
    """Return the tree of a constraint's text.

    A ValueError names the constraint, the position and what was expected there.

    Examples
    --------
    >>> from gaussflow.tabular.constraints.parser import parse
    >>> parse("smoker == 'no' -> cigs == 0").parts[1].left.single
    'cigs'
    """
    return _Parser(text).rule()


def _joined(kind, parts):
    return parts[0] if len(parts) == 1 else kind(tuple(parts))


class _Parser:
    """Recursive descent, one token ahead."""

    def __init__(self, text):
        self.text = text
        self.tokens, at = [], 0
        while text[at:].strip():
            match = TOKENS.match(text, at)
            if match is None:
                at += len(text[at:]) - len(text[at:].lstrip())
                raise self._error(
                    at,
                    "a column, a number, a text in quotes or a sign",
                    f"{text[at]!r}. Put a column name that is not one word "
                    "in backticks, and close every quote and backtick",
                )
            kind = match.lastgroup
            self.tokens.append((kind, match[kind], match.start(kind)))
            at = match.end()
        self.tokens.append(("end", "the end", len(text)))
        self.next = 0

    # -- rules ---------------------------------------------------------------

    def rule(self):
        if self._sees("fixed") and self.tokens[1][1] == ":":
            self.next = 2
            names = self._several(self._name, ",")
            if len(set(names)) < max(2, len(names)):
                raise self._error(0, "two or more different columns", "fewer")
            return self._done(Fixed(tuple(names)))
        if self.tokens[min(1, len(self.tokens) - 1)][:2] == ("word", "determines"):
            source = self._name()
            self.next += 1
            return self._done(Determines((source, self._name())))
        claim = self._either()
        if self._take("->"):
            claim = Implies((claim, self._either()))
        return self._done(claim)

    def _either(self):
        return _joined(Any, self._several(self._both, "or"))

    def _both(self):
        return _joined(All, self._several(self._claim, "and"))

    def _several(self, read, between):
        found = [read()]
        while self._take(between):
            found.append(read())
        return found

    def _claim(self):
        sides, orders = [self._side()], []
        name = sides[0].single if isinstance(sides[0], Sum) else None
        if name is not None and self._take("is"):
            negated = self._take("not")
            self._need("missing")
            return Missing(name, negated)
        if name is not None and (self._sees("in") or self._sees("not")):
            negated = self._take("not")
            self._need("in")
            return Member(name, self._values(), negated)
        while self.tokens[self.next][1] in ORDERS:
            orders.append(self._advance()[1])
            sides.append(self._side())
        if not orders:
            raise self._expected("one of < <= == != >= >, 'in {...}' or 'is missing'")
        pairs = [
            Compare(left, order, right)
            for left, order, right in zip(sides, orders, sides[1:], strict=False)
        ]
        if not any(side.names() for side in sides):
            raise self._error(self.tokens[self.next][2], "a column", "constants only")
        return _joined(All, pairs)

    def _values(self):
        self._need("{")
        values = self._several(self._value, ",")
        self._need("}")
        return tuple(values)

    def _value(self):
        kind = self.tokens[self.next][0]
        if kind == "text" or self._sees("true") or self._sees("false"):
            return self._side().value
        negative = self._take("-")
        if self.tokens[self.next][0] != "number":
            raise self._expected("a number, a text in quotes, true or false")
        number = self._number()
        return plain(-number if negative else number)

    # -- sides ---------------------------------------------------------------

    def _side(self):
        kind, token, _ = self.tokens[self.next]
        if kind == "text":
            self._advance()
            return Literal(re.sub(r"\\(.)", r"\1", token[1:-1]))
        if kind == "word" and token in ("true", "false"):
            self._advance()
            return Literal(token == "true")
        sign = -1 if self._take("-") else 1
        terms, constant = {}, Fraction(0)
        while True:
            name, factor = self._term()
            if name is None:
                constant += sign * factor
            else:
                terms[name] = terms.get(name, Fraction(0)) + sign * factor
            if self._take("+"):
                sign = 1
            elif self._take("-"):
                sign = -1
            else:
                kept = tuple((name, c) for name, c in terms.items() if c)
                return Sum(kept, constant)

    def _term(self):
        if self.tokens[self.next][0] == "number":
            factor = self._number()
            return (self._name() if self._take("*") else None), factor
        name = self._name()
        if self._take("*"):
            return name, self._number()
        if self._take("/"):
            divisor = self._number()
            if divisor == 0:
                raise self._error(self.tokens[self.next - 1][2], "a divisor", "0")
            return name, 1 / divisor
        return name, Fraction(1)

    def _number(self):
        if self.tokens[self.next][0] != "number":
            raise self._expected(
                "a number (columns may be added, not multiplied with each other)"
            )
        _, token, at = self.tokens[self.next]
        # As a fraction, 1e300000000 would be a number of 300 million digits.
        exponent = token.lower().partition("e")[2] or "0"
        if len(token) > MAX_SIGNS or abs(int(exponent)) > MAX_EXPONENT:
            limits = f"a number from 1e-300 to 1e300, of at most {MAX_SIGNS} signs"
            raise self._error(at, limits, "a larger or longer one")
        return Fraction(self._advance()[1])

    def _name(self):
        kind, token, _ = self.tokens[self.next]
        if kind == "column":
            self._advance()
            return token[1:-1].replace("``", "`")
        if kind != "word" or token in WORDS:
            raise self._expected("a column")
        return self._advance()[1]

    # -- tokens --------------------------------------------------------------

    def _sees(self, token):
        kind, found, _ = self.tokens[self.next]
        return kind in ("word", "sign") and found == token

    def _take(self, token):
        seen = self._sees(token)
        self.next += seen
        return seen

    def _need(self, token):
        if not self._take(token):
            raise self._expected(repr(token))

    def _advance(self):
        self.next += 1
        return self.tokens[self.next - 1]

    def _done(self, node):
        if self.tokens[self.next][0] != "end":
            raise self._expected("the end, 'and', 'or' or '->'")
        return node

    def _expected(self, what):
        kind, token, at = self.tokens[self.next]
        found = "the end of the text" if kind == "end" else repr(token)
        if token == "=":
            found += " (write == for equality)"
        if token in "()":
            found += " (there are no parentheses: write a sum out, or two constraints)"
        if kind == "word" and self.next and self.tokens[self.next - 1][0] == "word":
            found += " (put a column name of several words in backticks)"
        return self._error(at, what, found)

    def _error(self, at, what, found):
        return ValueError(
            f"Constraint {self.text!r}, position {at + 1}: expected {what}, found "
            f'{found}. Examples: "a + b == total", "sex == \'m\' -> pregnant == 0", '
            '"`blood pressure` in {80, 90}", "fixed: city, country".'
        )
