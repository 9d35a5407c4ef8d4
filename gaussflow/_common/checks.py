"""Checks of parameters that every part makes, with one wording.

A class declares what its parameters may be, one rule for each, and checks them all by
:func:`check_params`; a function checks one value by ``rule.check(name, value)``. Every
message names the parameter, the rule and the value.
"""

import numbers

import numpy as np


class Rule:
    """What one parameter may be: of a kind, or one of ``others``, such as None."""

    def __init__(self, *others):
        self.others = others

    def accepts(self, value):
        """Return whether the value is of the kind itself, no alternative."""
        raise NotImplementedError

    def describe(self):
        """Return the kind in words, to stand after "must be"."""
        raise NotImplementedError

    def check(self, name, value):
        """Return the value, or raise a ValueError that names the parameter."""
        if self.allows(value):
            return value
        raise ValueError(f"{name} must be {self.words()}, got {value!r}.")

    def allows(self, value):
        """Return whether the value is of the kind, or one of the others."""
        return any(_same(value, other) for other in self.others) or self.accepts(value)

    def words(self):
        """Return all that is allowed in words, to stand after "must be"."""
        return _listed([self.describe(), *(_quoted(other) for other in self.others)])


class Integer(Rule):
    """An integer, no boolean, from ``least`` to ``most``, both allowed."""

    def __init__(self, least=None, most=None, *others):
        super().__init__(*others)
        self.least, self.most = least, most

    def accepts(self, value):
        return is_integer(value, self.least, self.most)

    def describe(self):
        if self.least is None:
            return "an integer"
        if self.most is None:
            return f"an integer of at least {self.least}"
        return f"an integer from {self.least} to {self.most}"


class Number(Rule):
    """A finite real number in an interval, such as ``Number("[0, 1)")``.

    Ends with round brackets are left out, ends with square ones belong to it. "inf" is
    no end; infinite values and NaN are never accepted.
    """

    def __init__(self, interval, *others):
        super().__init__(*others)
        self.interval = interval
        low, high = interval[1:-1].split(",")
        self.low, self.high = float(low), float(high)

    def accepts(self, value):
        if not isinstance(value, numbers.Real) or isinstance(value, (bool, np.bool_)):
            return False
        value = float(value)
        return bool(np.isfinite(value)) and self.contains(value)

    def contains(self, value):
        """Return whether a float, infinite ones too, lies in the interval."""
        above = value > self.low or (self.interval[0] == "[" and value == self.low)
        below = value < self.high or (self.interval[-1] == "]" and value == self.high)
        return above and below

    def describe(self):
        if self.high == np.inf:
            if self.low == -np.inf:
                return "a finite number"
            rule = "of at least" if self.interval[0] == "[" else "above"
            return f"a number {rule} {self.low:g}"
        return f"a number in {self.interval}"


class Choice(Rule):
    """One of some texts, and other values that stand beside them."""

    def __init__(self, choices, *others):
        super().__init__(*others)
        self.choices = tuple(choices)

    def accepts(self, value):
        return isinstance(value, str) and value in self.choices

    def describe(self):
        return "one of " + ", ".join(_quoted(choice) for choice in self.choices)


class Flag(Rule):
    """True or False."""

    def accepts(self, value):
        return isinstance(value, (bool, np.bool_))

    def describe(self):
        return "True or False" if not self.others else "True, False"


def check_params(obj, rules=None):
    """Check the parameters of an object by rules, if None are given its ``_rules``.

    A ValueError names the parameter that does not keep its rule, and the rule.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from gaussflow._common.checks import Integer, Number, check_params
    >>> rules = {"n_iter": Integer(1), "gate": Number("[0, inf)", "auto", None)}
    >>> check_params(SimpleNamespace(n_iter=3, gate="auto"), rules)
    >>> check_params(SimpleNamespace(n_iter=3, gate=-1.0), rules)
    Traceback (most recent call last):
    ValueError: gate must be a number of at least 0, "auto" or None, got -1.0.
    """
    for name, rule in (obj._rules if rules is None else rules).items():
        rule.check(name, getattr(obj, name))


def keep_params(given):
    """Keep the arguments of ``__init__``, its ``locals()``, under their names."""
    vars(given.pop("self")).update(given)


def _same(value, other):
    return value is other or (
        isinstance(other, str) and isinstance(value, str) and value == other
    )


def _quoted(value):
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _listed(words):
    return " or ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)


def is_integer(value, least=None, most=None):
    """Return whether a value is an integer, no boolean, within its limits."""
    if not isinstance(value, numbers.Integral) or isinstance(value, bool):
        return False
    return (least is None or value >= least) and (most is None or value <= most)


def check_integer(name, value, least, most=None, way_out=""):
    """Return an integer parameter as an int, or raise a ValueError that names it.

    ``way_out`` is said after the rule, such as ``" for images of shape (8, 8, 1)"``.
    """
    if not is_integer(value, least, most):
        rule = Integer(least, most).describe()
        raise ValueError(f"{name} must be {rule}{way_out}, got {value!r}.")
    return int(value)


def check_image_shape(image_shape, owner, n_features=None):
    """Return the image shape as three ints, or raise an error that names the owner.

    Images of this shape must have ``n_features`` columns, where these are given.
    """
    sizes = integers(image_shape)
    if sizes is None or len(sizes) != 3 or min(sizes) < 1:
        raise ValueError(
            f"{owner}'s image_shape must be (height, width, channels), integers of "
            f"at least 1 such as (28, 28, 1), got {image_shape!r}."
        )
    height, width, channels = sizes
    if n_features is not None and n_features != height * width * channels:
        raise ValueError(
            f"{owner}(image_shape={sizes}) needs {height * width * channels} features, "
            f"but X has {n_features}. Pass each image as one row of height x width x "
            f"channels columns, without labels, or change image_shape."
        )
    return sizes


def check_pair(name, value, limits):
    """Return (down, across) from one integer or two, each within its limits.

    ``limits`` holds the least and the most of each; None for no most.
    """
    pair = integers(value)
    if is_integer(value):
        pair = (int(value), int(value))
    if pair is None or len(pair) != 2:
        raise ValueError(
            f"{name} must be an integer or a pair (down, across), got {value!r}."
        )
    for size, (least, most) in zip(pair, limits, strict=True):
        if size < least or (most is not None and size > most):
            bounds = f"at least {least}" if most is None else f"in {least}..{most}"
            raise ValueError(f"{name} must be {bounds}, got {value!r}.")
    return pair


def integers(value):
    """Return a tuple of ints, or None where the value is not one of integers."""
    if not isinstance(value, (tuple, list, np.ndarray)) or not all(
        is_integer(v) for v in value
    ):
        return None
    return tuple(int(v) for v in value)


def check_sizes(name, sizes):
    """Return a tuple of sizes of at least 1, or raise a ValueError that names it."""
    if not isinstance(sizes, (tuple, list)):
        raise ValueError(f"{name} must be a tuple of integers, got {sizes!r}.")
    return tuple(check_integer(f"every size in {name}", s, 1) for s in sizes)
