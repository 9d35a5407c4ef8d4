"""Reading a CSV strictly: what is wrong is said, with its line, not guessed."""

import codecs
import csv
import gzip
import io
import os
import re
import zlib
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gaussflow.tabular.files.formats import (
    CODE,
    LETTERED_CODE,
    TRUTHS,
    BooleanFormat,
    DateFormat,
    NumberFormat,
    TextFormat,
)

#: Texts that mean a missing cell. "None" is not among them: in health tables it
#: is often an answer.
MISSING_TEXTS = ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "<NA>")

#: A compressed file may unpack to so many times its size, or to so many bytes. Tables
#: of a few repeated rows shrink by 50; a megabyte of one byte's repeats, by 1000.
MAX_INFLATION, LEAST_LIMIT = 100, 2**24

BOMS_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
BOMS_32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
NUMBER = re.compile(r"\s*-?\d+(\.\d*)?\s*$")
#: So many cells of a column may be no number (or no date) and count as missing, or
#: one of ``MIN_FILLED``; of more the column is text. Chosen by hand.
MAX_ODD_SHARE, MIN_FILLED = 0.05, 10
#: First characters of texts that a spreadsheet runs as formulas.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class TableError(ValueError):
    """The input table cannot be used; the message says why, in one line."""


@dataclass(frozen=True, eq=False)
class Layout:
    """How a CSV file was written, so that another table can be written like it.

    Attributes
    ----------
    header : list of str
        The first line.
    formats : dict
        The format of each column, by its name in the table.
    cells : list of ndarray of shape (n_samples,)
        The texts of each column.
    observed : list of ndarray of bool
        Which of them ``text`` gives back where it gets the rows of the file.
    separator : str
    notes : list of str
        What the user should know of cells that are not what their column is.
    """

    header: list
    formats: dict
    cells: list
    observed: list
    separator: str
    notes: list

    def __deepcopy__(self, memo):
        """Return itself: the attrs of a DataFrame are copied with every step."""
        return self

    @property
    def kinds(self):
        """What each column is read as, for another file of the same columns."""
        return {name: fmt.kind for name, fmt in self.formats.items()}

    def text(self, df, *, filled=False, escape=False):
        """Return a table as CSV text.

        Parameters
        ----------
        df : pandas.DataFrame
            Rows with columns of the file.
        filled : bool, default=False
            Whether these are the rows of the file itself: then what was filled there,
            and what is missing still, is written as it was.
        escape : bool, default=False
            Whether to put an apostrophe before texts that are formulas.
        """
        columns = []
        for k, (name, fmt) in enumerate(self.formats.items()):
            gaps = df[name].isna().to_numpy()
            cells = np.full(len(df), fmt.missing, dtype=object)
            cells[~gaps] = fmt.texts(df[name][~gaps])
            if filled:
                cells = np.where(self.observed[k] | gaps, self.cells[k], cells)
            if escape and fmt.kind == "text":
                cells = [f"'{c}" if c.startswith(FORMULA) else c for c in cells]
            columns.append(cells)
        buffer = io.StringIO()
        writer = csv.writer(buffer, delimiter=self.separator, lineterminator="\n")
        writer.writerow(self.header)
        writer.writerows(zip(*columns, strict=True))
        return buffer.getvalue()

    def formulas(self, df):
        """Return the names of the columns of texts that a spreadsheet would run."""
        texts = [name for name, fmt in self.formats.items() if fmt.kind == "text"]
        starts = {name: df[name].dropna().astype(str) for name in texts}
        return [n for n, cells in starts.items() if cells.str.startswith(FORMULA).any()]


def read_csv(
    path,
    *,
    separator=",",
    decimal=".",
    thousands="",
    encoding="utf-8",
    missing=(),
    kinds=None,
):
    """Read a CSV file to a DataFrame.

    A column is numbers, ISO dates or truth values (TRUE and FALSE) if its cells are;
    up to 5 % of them may be something else, and count as missing. Otherwise it is text,
    as are numbers that begin with 0 or have more than 15 digits.

    Parameters
    ----------
    path : str or path
        The file; may be compressed (.gz).
    separator : str, default=","
        One character.
    decimal : str, default="."
        The decimal point, "," in many European files.
    thousands : str, default=""
        What stands between groups of three digits, "," in 1,234,567.
    encoding : str, default="utf-8"
        Of the file. A byte order mark is skipped, and tells UTF-16 and UTF-32.
    missing : list of str, default=()
        Further texts that mean a missing cell, for example "?".
    kinds : dict or None, default=None
        What columns are read as, by name: "text", "number", "datetime", "boolean";
        the others as their cells look.

    Returns
    -------
    df : pandas.DataFrame
        Whole numbers with missing cells come as Int64. ``attrs["layout"]`` is the
        ``Layout`` of the file. A column without a name is named "column 1", by place.

    Raises
    ------
    TableError
        If the file is absent, unreadable, ragged, or not a table.
    """
    header, columns = _read_rows(_read_text(path, encoding), path, separator)
    names = [name or f"column {k}" for k, name in enumerate(header, 1)]
    markers = {*MISSING_TEXTS, *missing}
    layout = Layout(header, {}, columns, [], separator, [])
    series = {}
    for name, cells in zip(names, columns, strict=True):
        column = _Column(f"{path}: column {name!r}", cells, markers)
        formats = _formats(column, decimal, thousands, (kinds or {}).get(name))
        series[name], observed = column.read(formats, layout.notes)
        layout.formats[name] = column.format
        layout.observed.append(observed)
    df = pd.DataFrame(series)
    if not df.notna().to_numpy().any():
        raise TableError(
            f"{path}: every cell is missing, so there is nothing to learn. Check the "
            "separator (--sep) and the markers of missing cells."
        )
    df.attrs["layout"] = layout
    return df


class _Column:
    """The distinct texts of one column, and what they are."""

    def __init__(self, place, cells, markers):
        self.place, self.markers = place, markers
        self.codes, self.distinct = pd.factorize(cells)
        self.counts = np.bincount(self.codes)
        self.plain = [text.strip() for text in self.distinct]
        self.filled = [text for text in self.plain if text not in markers]

    def read(self, formats, notes):
        """Return the cells by the first format that fits, and which are observed."""
        for self.format, forced in formats:
            text = self.format.kind == "text"
            cells = self.distinct if text else self.plain
            gap = np.array([cell in self.markers for cell in cells])
            values = [
                None if missing else self.format.parse(cell)
                for cell, missing in zip(cells, gap, strict=True)
            ]
            odd = np.array([value is None for value in values]) & ~gap
            if forced or self._allows(gap, odd):
                break
        self._report(gap, odd, notes)
        standard = [cell in MISSING_TEXTS for cell in cells]
        if any(standard):
            self.format.missing = str(cells[np.argmax(self.counts * standard)])
        # An odd cell with a digit, as "<0.5", is no mark of a missing one.
        digits = [any(map(str.isdigit, cell)) for cell in self.plain]
        observed = ~gap & (~odd | digits)
        values = self.format.series([values[code] for code in self.codes])
        return values, observed[self.codes]

    def _allows(self, gap, odd):
        n_filled, n_odd = self.counts[~gap].sum(), self.counts[odd].sum()
        few = n_odd <= MAX_ODD_SHARE * n_filled or (
            n_odd == 1 and n_filled > MIN_FILLED
        )
        codes = (
            LETTERED_CODE.match(t) for t, o in zip(self.plain, odd, strict=True) if o
        )
        return n_odd == 0 or (few and not any(codes))

    def _report(self, gap, odd, notes):
        n_odd, n_filled = self.counts[odd].sum(), self.counts[~gap].sum()
        if n_odd == 0:
            return
        what = {"number": "number", "datetime": "date"}.get(
            self.format.kind, "truth value"
        )
        told = f"{self.place}: {n_odd} of {n_filled} cells hold no {what}"
        if n_odd == n_filled:
            raise TableError(
                f"{told}, which the schema, or the first table, says they are. "
                "Change the column's kind there, or its cells."
            )
        notes.append(
            f"{told} and are taken as missing. Name a text that means missing by "
            '--missing; "dtype": "str" in a --schema keeps such cells, as levels.'
        )


def _formats(column, decimal, thousands, kind):
    """Return the formats to try for a column, and whether each is taken in any case."""
    filled = column.filled
    make = {
        "number": lambda: NumberFormat(filled, decimal, thousands),
        "datetime": lambda: DateFormat(filled),
        "boolean": lambda: BooleanFormat(filled, TRUTHS if kind else TRUTHS[:1]),
    }
    if kind in make:
        return [(make[kind](), True)]
    if kind == "text":
        return [(TextFormat(), True)]
    guesses = [make["boolean"](), make["datetime"]()]
    number = make["number"]()
    sign = _thousands(column, number)
    number = NumberFormat(filled, decimal, sign) if sign else number
    if not any(CODE.match(text) and number.parse(text) is not None for text in filled):
        guesses.insert(0, number)
    return [*((guess, False) for guess in guesses), (TextFormat(), True)]


def _thousands(column, number):
    """Return the thousands separator of a column of numbers, "" where it has none.

    Refuses what may be decimals as well, and numbers with a decimal comma.
    """
    others = [text for text in column.filled if number.parse(text) is None]
    few = MAX_ODD_SHARE * len(column.filled)
    point = re.escape(number.decimal)
    for sign in (",", ".", "'", "\xa0"):
        if sign in (number.decimal, number.thousands):
            continue
        group = re.escape(sign) + r"\d{3}"
        groups = re.compile(rf"[+-]?[1-9]\d{{0,2}}({group})+({point}\d*)?")
        hits = [text for text in others if groups.fullmatch(text)]
        if len(hits) > few and len(others) - len(hits) <= few:
            if any(text.count(sign) > 1 for text in hits):
                return sign  # decimals have one sign only
            raise TableError(
                f"{column.place} writes numbers with a thousands separator. Add "
                f"--thousands {sign!r}; or --decimal {sign!r}, if it marks decimals."
            )
    hits = [text for text in others if DECIMAL_COMMA.fullmatch(text)]
    if number.decimal != "," and len(hits) > 0.5 * len(column.filled):
        raise TableError(
            f"{column.place} writes numbers with a decimal comma. Add --decimal ','."
        )
    return ""


def _read_text(path, encoding):
    """Return the decoded text of a file."""
    try:
        opener = gzip.open if str(path).endswith(".gz") else open
        with opener(path, "rb") as file:
            most = max(LEAST_LIMIT, MAX_INFLATION * os.path.getsize(path))
            raw = file.read(most + 1)
    except FileNotFoundError as exc:
        raise TableError(f"{path} does not exist. Check the path.") from exc
    except IsADirectoryError as exc:
        raise TableError(f"{path} is a directory; give a CSV file.") from exc
    except (OSError, EOFError, zlib.error) as exc:
        raise TableError(f"{path} cannot be read: {_one_line(exc)}") from exc
    if len(raw) > most:
        raise TableError(
            f"{path} unpacks to more than {MAX_INFLATION} times its size, which no "
            "honest table does. Unpack it yourself (gunzip) if you trust it."
        )
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


def _read_rows(text, path, separator):
    """Return the header, and the texts of each column."""
    # Spaces behind separators are no part of the cells if the header has them, too.
    first = text.lstrip().partition("\n")[0].split(separator)[1:]
    spaced = bool(first) and all(name.startswith(" ") for name in first)
    rows = csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=spaced)
    try:
        header = next((row for row in rows if row), None)
        if header is None:
            raise TableError(f"{path} is empty. A header line and rows are needed.")
        _check_header(header, path, separator)
        table = []
        for row in rows:
            if not row:
                continue
            if len(row) != len(header):
                way_out = f"Mend that line, or quote fields that hold {separator!r}."
                if not table and len(row) == len(header) + 1:
                    way_out = "If the lines begin with row names, name that column too."
                raise TableError(
                    f"{path}, line {rows.line_num} has {len(row)} fields, but the "
                    f"header has {len(header)}. {way_out}"
                )
            table.append(row)
    except csv.Error as exc:
        raise TableError(f"{path}, line {rows.line_num}: {_one_line(exc)}") from exc
    if len(table) < 2:
        raise TableError(
            f"{path} has {len(table)} row(s) below its header; at least 2 are needed, "
            "and some hundreds to learn well."
        )
    return header, [np.array(cells, dtype=object) for cells in zip(*table, strict=True)]


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
    # By number: in a file without a header, its names are a patient's cells.
    twice = [str(k) for k, name in enumerate(header, 1) if header.count(name) > 1]
    if twice:
        raise TableError(
            f"{path}: columns {', '.join(twice[:10])} share their names with others. "
            "Rename them in the header; a file without one needs one."
        )


def _one_line(exc):
    return " ".join(str(exc).split())
