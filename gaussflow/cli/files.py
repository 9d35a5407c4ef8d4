"""Outputs of commands: refused before any work is done, or written whole."""

import os
from pathlib import Path

from gaussflow._common.files import write_files


class CommandError(Exception):
    """A mistake of the user's; its message is shown in one line."""


def check_outputs(outputs, force, sources=()):
    """Refuse what cannot be written before any work is done.

    Parameters
    ----------
    outputs : dict
        Paths by the option that named them; None if it was not given.
    force : bool
        Whether files that exist may be overwritten.
    sources : list of str, default=()
        Input files, which are never overwritten; None for those not given.
    """
    seen = {}
    for option, path in outputs.items():
        if not path:
            continue
        full = os.path.realpath(path)
        for other, earlier in seen.items():
            if _same(full, earlier):
                raise CommandError(f"{other} and {option} are the same file, {path}.")
        seen[option] = full
        if any(_same(full, source) for source in sources if source):
            raise CommandError(f"{path} is an input; name another output.")
        _check_place(path, full, force)


def _same(path, other):
    """Return whether two paths lead to one file, by whatever name."""
    if os.path.exists(path) and os.path.exists(other):
        return os.path.samefile(path, other)
    return os.path.realpath(path) == os.path.realpath(other)


def _check_place(path, full, force):
    folder = os.path.dirname(full)
    if os.path.isdir(full):
        raise CommandError(f"{path} is a directory; name a file.")
    if not os.path.isdir(folder):
        raise CommandError(
            f"the directory of {path} does not exist; make it first: "
            f"mkdir -p {Path(path).parent}"
        )
    if os.path.exists(full) and not os.path.isfile(full):
        return  # a pipe or a device is written into
    if os.path.exists(full) and not force:
        raise CommandError(f"{path} exists; add --force to overwrite it.")
    if not os.access(folder, os.W_OK):
        raise CommandError(f"{path} cannot be written: no permission.")


def write_all(contents):
    """Write the files of a command, by ``write_files``; what fails is the user's."""
    try:
        write_files(contents)
    except OSError as exc:
        raise CommandError(f"the output cannot be written ({exc}).") from exc
