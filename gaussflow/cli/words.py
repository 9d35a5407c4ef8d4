"""What the command line prints: nothing in it steers the terminal."""

import sys


def printable(text):
    r"""Return a text with its control characters escaped, but for the line breaks.

    Examples
    --------
    >>> from gaussflow.cli.words import printable
    >>> printable("\x1b]0;title")
    '\\x1b]0;title'
    """
    return "".join(
        c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode()
        for c in str(text)
    )


def tell(text):
    """Say something in one line on stderr."""
    print(f"gaussflow: {printable(' '.join(str(text).split()))}", file=sys.stderr)


def reason(exc):
    """Return an error's message if it is ours: others' may tell a cell of the table."""
    trace = exc.__traceback__
    while trace.tb_next:
        trace = trace.tb_next
    module = trace.tb_frame.f_globals.get("__name__", "")
    if module.split(".")[0] == "gaussflow":
        return str(exc)
    return (
        f"{type(exc).__name__} in {module}, whose message may hold cells of the table"
    )
