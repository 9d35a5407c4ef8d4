"""Imports of optional packages, with an error that says what to install."""

from importlib import import_module


def import_optional(name, *, extra, caller):
    """Import an optional package at the place that needs it.

    Parameters
    ----------
    name : str
        Module to import, for example ``"pandas"``.
    extra : str
        The extra of gaussflow that installs it, for example ``"tabular"``.
    caller : str
        What the user called, for the message.

    Returns
    -------
    module

    Raises
    ------
    ImportError
        If the package is absent; the message names the extra.
    """
    try:
        return import_module(name)
    except ImportError as exc:
        raise ImportError(
            f'{caller} needs {name}. Install it with: pip install "gaussflow[{extra}]".'
        ) from exc
