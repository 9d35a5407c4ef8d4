"""The marker of the classes that a saved model may contain."""

import inspect
from typing import ClassVar

from gaussflow._common.checks import Rule


class Persistent:
    """A class whose instances are arrays, numbers, strings and each other.

    ``gaussflow.persistence`` writes ``vars(obj)`` and rebuilds only classes
    that are listed here, so that opening a stranger's file cannot run code.
    Values may be None, bool, int, float, str, numpy arrays and scalars,
    dtypes, and lists, tuples and dicts (with str keys) of these and of other
    Persistent objects.
    """

    classes: ClassVar[dict[str, type]] = {}
    #: Rule of each attribute, beside the parameters: see ``persistence.shapes``.
    _state: ClassVar[dict[str, Rule]] = {}
    #: Columns that the object maps; None where that depends on no width of its own.
    n_features: int | None = None

    def __init_subclass__(cls, **kwargs):
        """Remember the subclass under its public name."""
        super().__init_subclass__(**kwargs)
        Persistent.classes[cls.__name__] = cls

    @classmethod
    def _parameters(cls):
        """Return the names of the parameters that an estimator keeps as they are."""
        if "get_params" not in dir(cls):
            return ()
        return tuple(inspect.signature(cls.__init__).parameters)[1:]

    def _check_state(self):
        """Raise ValueError if a loaded state could lead kernels astray.

        Called once ``_state`` is met: for laws that its rules cannot say.
        """


def check_that(obj, condition, rule):
    """Raise ValueError with the rule if the condition does not hold."""
    if not condition:
        raise ValueError(f"{type(obj).__name__}: {rule}")
