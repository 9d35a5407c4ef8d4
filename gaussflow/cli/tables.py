"""Tables and schemas from files, and tables to text or bytes."""

import gzip

from gaussflow._common.optional import import_optional
from gaussflow.cli.files import CommandError

PARQUET = (".parquet", ".pq")


def import_for(*paths):
    """Say which extra the files need before any work is done."""
    import_optional("pandas", extra="tabular", caller="The gaussflow command")
    for path in paths:
        if path and is_parquet(path):
            import_optional("pyarrow", extra="parquet", caller=f"A file like {path}")


def is_parquet(path):
    """Return whether the name of a file says Parquet."""
    return str(path).lower().endswith(PARQUET)


def check_reading(args):
    """Check the options that say how a CSV file is written."""
    separators = {"\\t": "\t", "tab": "\t"}
    args.sep = separators.get(args.sep, args.sep)
    if len(args.sep) != 1:
        raise CommandError(f"--sep must be one character, got {args.sep!r}.")
    if len(args.decimal) != 1 or args.decimal.isalnum() or args.decimal == args.sep:
        raise CommandError(
            "--decimal must be one character other than the separator, got "
            f"{args.decimal!r}. A file with decimal commas needs another --sep, "
            "mostly ';'."
        )


def read_table(path, args):
    """Read a CSV or Parquet file by the command's options."""
    from gaussflow.tabular.files.csv import TableError, read_csv
    from gaussflow.tabular.files.parquet import read_parquet

    try:
        if is_parquet(path):
            return read_parquet(path)
        return read_csv(
            path,
            separator=args.sep,
            decimal=args.decimal,
            encoding=args.encoding,
            missing=args.missing,
        )
    except TableError as exc:
        raise CommandError(str(exc)) from exc


def table_content(df, path, args=None, bare=()):
    """Return a table as the bytes of its file, a CSV file written as the input was."""
    from gaussflow.tabular.files.csv import csv_text
    from gaussflow.tabular.files.parquet import parquet_bytes

    if is_parquet(path):
        return parquet_bytes(df)
    if args is None:
        content = csv_text(df, bare).encode("utf-8")
    else:
        text = csv_text(df, bare, separator=args.sep, decimal=args.decimal)
        content = text.encode(args.encoding)
    # Without the time of day: the same seed gives the same bytes.
    return gzip.compress(content, mtime=0) if str(path).endswith(".gz") else content


def load_schema(path):
    """Read a schema that ``gaussflow schema`` wrote; None stays None."""
    if path is None:
        return None
    from gaussflow.tabular import Schema

    try:
        return Schema.load(path)
    except FileNotFoundError as exc:
        raise CommandError(
            f"--schema {path} does not exist. Write one: gaussflow schema TABLE --out "
            f"{path}"
        ) from exc
    except OSError as exc:
        raise CommandError(f"--schema {path} cannot be read: {exc}") from exc
    except ValueError as exc:
        raise CommandError(f"--schema: {exc}") from exc
