"""Tables and schemas from files, and tables to text or bytes."""

import gzip

from gaussflow._common.optional import import_optional
from gaussflow.cli.files import CommandError
from gaussflow.cli.words import tell

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
    sign = args.thousands
    if len(sign) > 1 or sign.isalnum() or sign == args.decimal or sign in ("+", "-"):
        raise CommandError(
            f"--thousands must be one character other than --decimal, got {sign!r}."
        )


def read_table(path, args, kinds=None):
    """Read a CSV or Parquet file by the command's options.

    ``kinds`` says what the columns of a CSV file are; see ``read_csv``.
    """
    from gaussflow.tabular.files.csv import TableError, read_csv
    from gaussflow.tabular.files.parquet import read_parquet

    try:
        if is_parquet(path):
            return read_parquet(path)
        df = read_csv(
            path,
            separator=args.sep,
            decimal=args.decimal,
            thousands=args.thousands,
            encoding=args.encoding,
            missing=args.missing,
            kinds=kinds,
        )
    except TableError as exc:
        raise CommandError(str(exc)) from exc
    for note in df.attrs["layout"].notes:
        tell(f"warning: {note}")
    return df


def kinds_of(schema):
    """Return what a schema says of the cells of its columns; None without one."""
    return schema and {column.name: column.cell_kind for column in schema}


def table_content(df, path, args=None, layout=None, *, filled=False):
    """Return a table as the bytes of its file, a CSV file written as the input was."""
    from gaussflow.tabular.files.parquet import parquet_bytes

    if is_parquet(path):
        return parquet_bytes(df)
    if layout is None:
        options = {"sep": args.sep, "decimal": args.decimal} if args else {}
        text = df.to_csv(index=False, lineterminator="\n", **options)
    else:
        formulas = layout.formulas(df)
        if formulas and not args.escape_formulas:
            tell(
                f"warning: {path}: texts of {', '.join(map(repr, formulas))} begin as "
                "formulas do (=, +, - or @), and a spreadsheet runs them. Add "
                "--escape-formulas to write an apostrophe before such texts."
            )
        text = layout.text(df, filled=filled, escape=args.escape_formulas)
    content = text.encode(args.encoding if args else "utf-8")
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
