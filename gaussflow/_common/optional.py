"""Imports of optional packages, with an error that says what to install."""

from importlib import import_module


def import_optional(name, *, extra, caller):
    """Import an optional package at the place that needs it.

    ``extra`` of gaussflow installs it, such as "tabular" for pandas, and ``caller`` is
    what the user called: an ImportError names both.
    """
    try:
        return import_module(name)
    except ImportError as exc:
        raise ImportError(
            f'{caller} needs {name}. Install it with: pip install "gaussflow[{extra}]".'
        ) from exc
