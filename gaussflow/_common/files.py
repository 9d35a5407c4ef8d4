"""The one way in which files are written: each is the old one or the new one, whole."""

import os
import secrets
from contextlib import suppress


def write_files(contents):
    """Write files; whoever kills the process at any moment finds each old or new.

    All are written beside their targets first, with the targets' modes, and then each
    takes its place by one rename. Symbolic links are followed; pipes and devices are
    written into.

    ``contents`` holds by path a text (written as UTF-8), bytes, or a function of an
    open binary file. If one raises an OSError no target has changed, unless the error
    names those that have.
    """
    staged = {}
    try:
        for path, content in contents.items():
            target = os.path.realpath(path)
            if os.path.exists(target) and not os.path.isfile(target):
                with open(target, "wb") as file:
                    _fill(file, content)
            else:
                _stage(target, content, staged)
        _place(staged)
    finally:
        for temporary in staged.values():
            with suppress(FileNotFoundError):
                os.unlink(temporary)


def _stage(target, content, staged):
    """Write a target's new content to a file beside it, named in ``staged``."""
    folder = os.path.dirname(target)
    temporary = os.path.join(folder, f".gaussflow-{secrets.token_hex(8)}.tmp")
    mode = os.stat(target).st_mode & 0o777 if os.path.exists(target) else None
    # What replaces a private file is never open to others, not even at first.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(temporary, flags, 0o666 if mode is None else 0o600)
    staged[target] = temporary
    with open(descriptor, "wb") as file:
        if mode is not None:
            os.chmod(temporary, mode)
        _fill(file, content)
        file.flush()
        os.fsync(descriptor)


def _fill(file, content):
    if callable(content):
        content(file)
    else:
        file.write(content.encode() if isinstance(content, str) else content)


def _place(staged):
    placed = []
    for target, temporary in staged.items():
        try:
            os.replace(temporary, target)
        except OSError as exc:
            if not placed:
                raise
            done = f"{exc.strerror or exc}; new already: {', '.join(placed)}"
            raise OSError(exc.errno, done, target) from exc
        placed.append(target)
