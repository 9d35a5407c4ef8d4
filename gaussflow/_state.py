"""The marker of the classes that a saved model may contain."""

from typing import ClassVar


class Persistent:
    """A class whose instances are arrays, numbers, strings and each other.

    ``gaussflow.persistence`` writes ``vars(obj)`` and rebuilds only classes
    that are listed here, so that opening a stranger's file cannot run code.
    Values may be None, bool, int, float, str, numpy arrays and scalars,
    dtypes, and lists, tuples and dicts (with str keys) of these and of other
    Persistent objects.
    """

    classes: ClassVar[dict[str, type]] = {}

    def __init_subclass__(cls, **kwargs):
        """Remember the subclass under its public name."""
        super().__init_subclass__(**kwargs)
        Persistent.classes[cls.__name__] = cls
