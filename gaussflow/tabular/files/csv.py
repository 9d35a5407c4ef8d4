"""Reading a CSV strictly: what is wrong is said, with its line, not guessed."""

import codecs
import csv
import gzip
import io
import re

import numpy as np
import pandas as pd

#: Texts that mean a missing cell. "None" is not among them: in health tables it
#: is often an answer.
MISSING_TEXTS = ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "<NA>")

#: Older readers are an ulp off by default, which would hide a column's precision.
OLD = tuple(int(part) for part in pd.__version__.split(".")[:2]) < (3, 1)
EXACT_FLOATS = {"float_precision": "round_trip"} if OLD else {}

BOMS_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
BOMS_32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
DECIMAL_COMMA = re.compile(r"\s*-?\d+,\d+\s*$")
NUMBER = re.compile(r"\s*-?\d+(\.\d*)?\s*$")
ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?)?$")


class TableError(ValueError):
    """The input table cannot be used; the message says why, in one line."""


def read_csv(path, *, separator=",", decimal=".", encoding="utf-8", missing=()):
    """Read a CSV file to a DataFrame.

    Parameters
    ----------
    path : str or path
        The file; may be compressed (.gz).
    separator : str, default=","
        One character.
    decimal : str, default="."
        The decimal point, "," in many European files.
    encoding : str, default="utf-8"
        Of the file. A byte order mark is skipped, and tells UTF-16 and UTF-32.
    missing : list of str, default=()
        Further texts that mean a missing cell, for example "?".

    Returns
    -------
    df : pandas.DataFrame
        Whole numbers with missing cells come as Int64, ISO dates as dates.
        ``attrs["bare"]`` lists the columns that write 75, not 75.0.

    Raises
    ------
    TableError
        If the file is absent, unreadable, ragged, or not a table.
    """
    text = _read_text(path, encoding)
    pointed, bare = _check_rows(text, path, separator, decimal)
    try:
        df = pd.read_csv(
            io.StringIO(text),
            sep=separator,
            decimal=decimal,
            keep_default_na=False,
            na_values=[*MISSING_TEXTS, *missing],
            **EXACT_FLOATS,
            skipinitialspace=True,
            low_memory=False,
            index_col=False,
        )
    except (ValueError, OverflowError) as exc:
        raise TableError(f"{path} cannot be read as a table: {_one_line(exc)}") from exc
    for name in df.columns:
        df[name] = _refine(df[name], name in pointed)
        _check_decimal(df[name], path)
    if not df.notna().to_numpy().any():
        raise TableError(
            f"{path}: every cell is missing, so there is nothing to learn. Check the "
            "separator (--sep) and the markers of missing cells."
        )
    df.attrs["bare"] = [name for name in df.columns if name in bare]
    return df


def csv_text(df, bare=(), *, separator=",", decimal="."):
    """Return a table as CSV text, whole numbers of ``bare`` columns without point."""
    df = df.copy()
    for name in bare:
        if pd.api.types.is_float_dtype(df[name].dtype):
            texts = df[name].map(
                lambda v: repr(float(v)).removesuffix(".0").replace(".", decimal)
            )
            df[name] = texts.astype(object).where(df[name].notna(), "")
    return df.to_csv(index=False, lineterminator="\n", sep=separator, decimal=decimal)


def _read_text(path, encoding):
    """Return the decoded text of a file."""
    try:
        opener = gzip.open if str(path).endswith(".gz") else open
        with opener(path, "rb") as file:
            raw = file.read()
    except FileNotFoundError as exc:
        raise TableError(f"{path} does not exist. Check the path.") from exc
    except IsADirectoryError as exc:
        raise TableError(f"{path} is a directory; give a CSV file.") from exc
    except (OSError, EOFError) as exc:
        raise TableError(f"{path} cannot be read: {_one_line(exc)}") from exc
    if encoding.lower() in ("utf-8", "utf8"):
        # The marks are unmistakable; the longer one begins like the shorter.
        marks = {"utf-32": BOMS_32, "utf-16": BOMS_16}
        encoding = next((e for e, m in marks.items() if raw.startswith(m)), "utf-8-sig")
    try:
        text = raw.decode(encoding)
    except LookupError as exc:
        raise TableError(
            f"unknown encoding {encoding!r}; give one such as utf-8 or latin-1."
        ) from exc
    except UnicodeError as exc:
        line = raw[: getattr(exc, "start", 0)].count(b"\n") + 1
        raise TableError(
            f"{path}, line {line} is not {encoding.removesuffix('-sig')} text. Name "
            "the file's encoding, for example --encoding latin-1."
        ) from exc
    if "\0" in text:
        raise TableError(
            f"{path} holds null characters, so it is no text file in {encoding}. "
            "Export the table as CSV first, or name its encoding (--encoding)."
        )
    return text


def _check_rows(text, path, separator, decimal):
    """Check the shape of every line.

    Returns the names of the columns with decimal points or exponents, and of
    those with numbers that have none.
    """
    rows = csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=True)
    try:
        header = next((row for row in rows if row), None)
        if header is None:
            raise TableError(f"{path} is empty. A header line and rows are needed.")
        _check_header(header, path, separator)
        pointed, bare, n_rows = set(), set(), 0
        for row in rows:
            if not row:
                continue
            if len(row) != len(header):
                way_out = f"Mend that line, or quote fields that hold {separator!r}."
                if n_rows == 0 and len(row) == len(header) + 1:
                    way_out = "If the lines begin with row names, name that column too."
                raise TableError(
                    f"{path}, line {rows.line_num} has {len(row)} fields, but the "
                    f"header has {len(header)}. {way_out}"
                )
            n_rows += 1
            for name, cell in zip(header, row, strict=True):
                if decimal in cell or "e" in cell or "E" in cell:
                    pointed.add(name)
                elif cell.lstrip("-").isdigit():
                    bare.add(name)
    except csv.Error as exc:
        raise TableError(f"{path}, line {rows.line_num}: {_one_line(exc)}") from exc
    if n_rows < 2:
        raise TableError(
            f"{path} has {n_rows} row(s) below its header; at least 2 are needed, and "
            "some hundreds to learn well."
        )
    return pointed, bare


def _check_header(header, path, separator):
    if len(header) == 1:
        other = next((s for s in ";\t|," if s in header[0] and s != separator), None)
        hint = (
            f"Its header holds {other!r}: try --sep {other!r}."
            if other
            else "Is the separator another one (--sep)?"
        )
        raise TableError(
            f"{path} has one column only, and a joint distribution needs two. {hint}"
        )
    if all(NUMBER.match(name) for name in header):
        raise TableError(
            f"{path}: the first line holds numbers only. A header line that names "
            "the columns is needed; add one."
        )
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise TableError(
            f"{path}: column name(s) {', '.join(map(repr, twice))} occur more than "
            "once. Rename the duplicates in the header."
        )


def _check_decimal(series, path):
    """Refuse a column of numbers that were read as text for their decimal commas."""
    if pd.api.types.is_numeric_dtype(series.dtype):
        return
    some = series.dropna().astype(object).iloc[:100]
    if len(some) and some.map(lambda v: bool(DECIMAL_COMMA.match(str(v)))).mean() > 0.5:
        raise TableError(
            f"{path}: column {series.name!r} writes numbers with a decimal comma, such "
            f"as {some.iloc[0]!r}. Add --decimal ','."
        )


def _refine(series, has_point):
    """Give whole numbers and ISO dates, which CSV cannot mark, their dtype."""
    filled = series.dropna()
    if len(filled) == 0:
        return series
    if series.dtype == np.float64 and not has_point:
        if np.all(np.abs(filled) < 2**53) and np.all(filled == np.rint(filled)):
            return series.astype("Int64")
    if not pd.api.types.is_numeric_dtype(series.dtype):
        texts = filled.astype(object)
        if texts.map(lambda v: isinstance(v, str) and bool(ISO_DATE.match(v))).all():
            dates = pd.to_datetime(series, errors="coerce", format="ISO8601")
            if dates.notna().sum() == len(filled):
                return dates
    return series


def _one_line(exc):
    return " ".join(str(exc).split())
