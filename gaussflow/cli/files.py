"""Files: outputs are refused before any work is done, and written whole or not."""

import os
import tempfile
from pathlib import Path


class CommandError(Exception):
    """A mistake of the user's; its message is shown in one line."""


def check_outputs(outputs, force, sources=()):
    """Refuse what cannot be written before any work is done.

    Parameters
    ----------
    outputs : dict
        Paths by the option that named them.
    force : bool
        Whether files that exist may be overwritten.
    sources : list of str, default=()
        Input files, which are never overwritten.
    """
    options, paths = list(outputs), list(outputs.values())
    resolved = [Path(p).resolve() for p in paths]
    for k, full in enumerate(resolved):
        if full in resolved[:k]:
            other = options[resolved.index(full)]
            raise CommandError(
                f"{other} and {options[k]} are the same file, {paths[k]}."
            )
    for path, full in zip(paths, resolved, strict=True):
        if any(full == Path(source).resolve() for source in sources):
            raise CommandError(f"{path} is the input table; name another output.")
        if full.is_dir():
            raise CommandError(f"{path} is a directory; name a file.")
        if not full.parent.is_dir():
            raise CommandError(
                f"the directory of {path} does not exist; make it first: "
                f"mkdir -p {Path(path).parent}"
            )
        if full.exists() and not force:
            raise CommandError(f"{path} exists; add --force to overwrite it.")
        if not os.access(full.parent, os.W_OK):
            raise CommandError(f"{path} cannot be written: no permission.")


def write_all(contents):
    """Write all files or none: first beside their places, then into them.

    Parameters
    ----------
    contents : dict
        Text (written as UTF-8) or bytes, by path.
    """
    staged, backups, placed = {}, {}, []
    try:
        for path, content in contents.items():
            folder = Path(path).resolve().parent
            with tempfile.NamedTemporaryFile(
                "wb", dir=folder, delete=False, prefix=".gaussflow-", suffix=".tmp"
            ) as file:
                staged[path] = file.name
                if isinstance(content, str):
                    content = content.encode("utf-8")
                file.write(content)
            os.chmod(staged[path], 0o666 & ~_umask())
        for path, temporary in staged.items():
            if os.path.exists(path):
                os.replace(path, temporary + ".old")
                backups[path] = temporary + ".old"
            os.replace(temporary, path)
            placed.append(path)
    except BaseException as exc:
        for path in placed:
            os.unlink(path)
        for path, old in backups.items():
            os.replace(old, path)
        if isinstance(exc, OSError):
            raise CommandError(
                f"the output cannot be written ({exc}); nothing was changed."
            ) from exc
        raise
    finally:
        leftovers = [p for p in staged.values() if os.path.exists(p)]
        leftovers += [p for p in backups.values() if os.path.exists(p)]
        for path in leftovers:
            os.unlink(path)


def _umask():
    """Return the process's umask, which can be read only by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
