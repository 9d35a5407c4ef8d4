"""Checks of parameters that every part makes, with one wording."""

import numbers


def is_integer(value, least=None, most=None):
    """Return whether a value is an integer, no boolean, within its limits."""
    if not isinstance(value, numbers.Integral) or isinstance(value, bool):
        return False
    return (least is None or value >= least) and (most is None or value <= most)


def check_integer(name, value, least, most=None, or_else=""):
    """Return an integer parameter as an int, or raise a ValueError that names it.

    Parameters
    ----------
    name : str
        The parameter, as the user knows it.
    value : object
        What the user gave.
    least, most : int, int or None
        Limits, both allowed; None for no most.
    or_else : str, default=""
        What to add to the rule, such as ``' or "auto"'``.
    """
    if not is_integer(value, least, most):
        rule = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise ValueError(f"{name} must be an integer {rule}{or_else}, got {value!r}.")
    return int(value)
