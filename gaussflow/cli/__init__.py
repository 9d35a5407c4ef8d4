"""The command line: make, judge, impute and describe tables."""

import sys
import warnings

from gaussflow.cli.files import CommandError
from gaussflow.cli.parser import make_parser
from gaussflow.cli.words import tell

__all__ = ["CommandError", "main"]

#: What the exit code says.
OK, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


def main(argv=None):
    """Run the command line and return its exit code.

    Parameters
    ----------
    argv : list of str or None, default=None
        Arguments; None takes those of the process.

    Returns
    -------
    code : int
        0; 1 if ``--strict`` was given and the verdict is not "pass"; 2 for bad
        input; 130 if interrupted.
    """
    parser = make_parser()
    args = parser.parse_args(argv)
    if not hasattr(args, "command"):
        parser.print_help()
        return OK
    try:
        # The commands load pandas; --help and --version should not wait for it.
        from gaussflow.cli import commands

        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            passed = getattr(commands, args.command)(args)
    except (CommandError, ImportError) as exc:
        tell(exc)
        return BAD_INPUT
    except KeyboardInterrupt:
        tell("interrupted; nothing was written")
        return INTERRUPTED
    return OK if passed else FAILED


def _show_warning(message, *_, **__):
    """Show what a user should know in one line, without the place in the code."""
    tell(f"warning: {message}")


if __name__ == "__main__":
    sys.exit(main())
