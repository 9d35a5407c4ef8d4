"""The language in which a class declares what its attributes may be.

``_state`` gives each attribute a rule: one of those of ``gaussflow._common.checks``, or
one of these. ``check_state`` holds a loaded object to them, before anything is computed
from it.
"""

import numpy as np

from gaussflow._common.checks import Integer, Number, Rule


class _Absent:
    def __repr__(self):
        return "absent"


#: Stands among a rule's alternatives where the attribute may be missing.
ABSENT = _Absent()

#: Values that hold no others.
_PLAIN = (type(None), bool, int, float, str, type, np.dtype, np.generic)


class Array(Rule):
    """An array of one dtype and shape, in the machine's byte order.

    Parameters
    ----------
    dtype : str
        Kind of its dtype and, where kernels need one, its bytes: "f", "i8", "fi".
    *sizes : int, str or None
        Its shape. A text is the name of a length that several attributes share, which
        may be an integer attribute of the owner; "n+1" is one more. None is any length.
    within : str or None, default="(-inf, inf)"
        Interval of all values; None allows NaN too.
    rising : bool or None, default=None
        Along the last axis: True for always, False for never falling.
    others : tuple, default=()
        Values that are allowed beside such arrays.
    """

    def __init__(self, dtype, *sizes, within="(-inf, inf)", rising=None, others=()):
        super().__init__(*others)
        self.kinds = dtype.rstrip("0123456789")
        self.itemsize = dtype.lstrip("bfiuMmOSU")
        self.sizes, self.within, self.rising = sizes, within, rising

    def accepts(self, value):
        if type(value) is not np.ndarray or value.ndim != len(self.sizes):
            return False
        dtype = value.dtype
        if dtype.kind not in self.kinds or not dtype.isnative:
            return False
        if dtype.kind == "f" and dtype.itemsize not in (4, 8):
            return False
        if self.itemsize and dtype.itemsize != int(self.itemsize):
            return False
        if self.within is not None and dtype.kind in "fiu" and value.size:
            # The least and the most are NaN where any value is.
            interval = Number(self.within)
            if not all(map(interval.contains, (value.min(), value.max()))):
                return False
        if self.rising is None:
            return True
        before, after = value[..., :-1], value[..., 1:]
        return bool((after > before if self.rising else after >= before).all())

    def describe(self):
        sizes = ", ".join("any" if s is None else str(s) for s in self.sizes)
        names = {"f": "floats", "i": "integers", "b": "booleans", "O": "objects"}
        kinds = " or ".join(names.get(kind, kind) for kind in self.kinds)
        bits = f" of {self.itemsize} bytes" if self.itemsize else ""
        words = f"an array of {kinds}{bits}, shape ({sizes})"
        if self.within is not None and "f" in self.kinds:
            words += f", within {self.within}"
        order = {None: "", True: ", increasing", False: ", not decreasing"}
        return words + order[self.rising]

    def lengths(self, value):
        """Return pairs of a size and the length that it must have."""
        return zip(self.sizes, value.shape, strict=True)


class Items(Rule):
    """A list or tuple, its ``kind``, whose items keep a rule; its size as of arrays."""

    def __init__(self, rule, size=None, kind=list, *others):
        super().__init__(*others)
        self.rule, self.size, self.kind = rule, size, kind

    def accepts(self, value):
        return type(value) is self.kind and all(map(self.rule.allows, value))

    def describe(self):
        size = "" if self.size is None else f" of length {self.size}"
        return f"a {self.kind.__name__}{size}, each item {self.rule.words()}"

    def lengths(self, value):
        """Return pairs of a size and the length that it must have."""
        return [(self.size, len(value))]


class Table(Rule):
    """A dict with texts as keys.

    ``rules`` is one for all values, or a dict of those of exactly these keys, in any
    order.
    """

    def __init__(self, rules, *others):
        super().__init__(*others)
        self.rules = rules

    def accepts(self, value):
        if type(value) is not dict:
            return False
        if isinstance(self.rules, Rule):
            return all(map(self.rules.allows, value.values()))
        keys = self.rules.keys() == value.keys()
        return keys and all(rule.allows(value[k]) for k, rule in self.rules.items())

    def describe(self):
        if isinstance(self.rules, Rule):
            return f"a dict, each value {self.rules.words()}"
        return "a dict of " + ", ".join(
            f"{k}: {r.words()}" for k, r in self.rules.items()
        )


class Part(Rule):
    """A complete object of a class, or of one derived from it, by name."""

    def __init__(self, names, *others):
        super().__init__(*others)
        self.names = set(names.split())

    def accepts(self, value):
        known = self.names.intersection(c.__name__ for c in type(value).__mro__)
        return bool(known) and is_complete(value)

    def describe(self):
        return "a fitted " + " or ".join(sorted(self.names))


class Text(Rule):
    """A text."""

    def accepts(self, value):
        return isinstance(value, str)

    def describe(self):
        return "a text"


class Scalar(Rule):
    """One value that holds no others: None, a boolean, number, text or type."""

    def accepts(self, value):
        return isinstance(value, _PLAIN)

    def describe(self):
        return "one plain value"


class Plain(Rule):
    """What nothing is computed from: values, and lists, tuples and dicts of them."""

    def accepts(self, value):
        if type(value) in (list, tuple):
            return all(map(self.accepts, value))
        if type(value) is dict:
            return all(map(self.accepts, value.values()))
        return isinstance(value, (*_PLAIN, np.ndarray))

    def describe(self):
        return "plain values"


#: What scikit-learn keeps of the columns of the rows that an estimator was fitted on.
COLUMNS = {
    "n_features_in_": Integer(1),
    "feature_names_in_": Array("O", "n_features_in_", others=(ABSENT,)),
}


def declared(cls):
    """Return the rules of a class's attributes, those of its bases among them."""
    rules = {}
    for base in reversed(cls.__mro__):
        rules |= vars(base).get("_state", {})
    return rules


def is_complete(obj):
    """Return whether an object has all attributes that its class declares."""
    return all(
        name in vars(obj) or any(other is ABSENT for other in rule.others)
        for name, rule in declared(type(obj)).items()
    )


def check_state(obj):
    """Raise ValueError unless an object's attributes are what its class declares.

    An estimator that is not fitted has none of the attributes that a fit sets.
    """
    cls, state = type(obj), vars(obj)
    rules = declared(cls)
    if cls.__module__.partition(".")[0] == __name__.partition(".")[0]:
        # Classes of others may keep more than they declare.
        _check_names(obj, rules)
    fitted = [name for name in rules if name[-1] == "_" or name[0] == "_"]
    if not any(name in state for name in fitted):
        rules = {name: rule for name, rule in rules.items() if name not in fitted}
    lengths = {name: v for name, v in state.items() if type(v) is int}
    for name, rule in rules.items():
        _check(f"{cls.__name__}.{name}", rule, state.get(name, ABSENT), lengths)
    obj._check_state()


def _check(where, rule, value, lengths):
    """Hold one value to its rule, and its lengths to those met so far."""
    named = isinstance(rule, Table) and isinstance(rule.rules, dict)
    if named and isinstance(value, dict) and rule.rules.keys() == value.keys():
        for key, one in rule.rules.items():
            _check(f"{where}[{key!r}]", one, value[key], lengths)
        return
    if not rule.allows(value):
        raise ValueError(f"{where} must be {rule.words()}")
    if isinstance(rule, (Array, Items)) and rule.accepts(value):
        for size, length in rule.lengths(value):
            if not _binds(size, length, lengths):
                raise ValueError(f"{where} has a length of {length}, not {size}")


def _check_names(obj, rules):
    """Refuse attributes that no rule is for, and parameters that break theirs."""
    cls, params = type(obj), type(obj)._parameters()
    for name in vars(obj):
        if name not in rules and name not in params:
            raise ValueError(f"{cls.__name__} has no attribute {name!r}")
    limits = getattr(cls, "_rules", None) or {}
    for name in params:
        if name not in vars(obj):
            raise ValueError(f"{cls.__name__}.{name} is missing")
        if name in limits and not limits[name].allows(vars(obj)[name]):
            raise ValueError(f"{cls.__name__}.{name} must be {limits[name].words()}")


def _binds(size, length, lengths):
    """Return whether a length is that of its size, which it gives if it is new."""
    if not isinstance(size, str):
        return size is None or size == length
    name, _, more = size.partition("+")
    length -= int(more or 0)
    return length >= 0 and lengths.setdefault(name, length) == length
