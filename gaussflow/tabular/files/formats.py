"""How a CSV column writes its cells: its texts to values, and values to such texts."""

import re
from collections import Counter

import numpy as np
import pandas as pd

#: Whole numbers of more digits than a float64 keeps are codes, and so are those that
#: begin with 0: as numbers they would lose digits.
CODE = re.compile(r"[+-]?(0\d|\d{16})")
#: A letter and digits, as in V45 or E11-9: a code, and no number gone wrong.
LETTERED_CODE = re.compile(r"[A-Za-z]{1,3}[-.]?\d")
DATE = re.compile(
    r"((?!0000)\d{4}-\d\d-\d\d)"
    r"(?:([T ])(\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(Z|[+-]\d\d:?\d\d)?)?"
)
#: Pairs that a truth value is written by; only the first is taken for one unasked.
TRUTHS = (("false", "true"), ("no", "yes"), ("0", "1"), ("n", "y"), ("f", "t"))


class TextFormat:
    """Cells that stay as they are; also the base of the other formats.

    Attributes
    ----------
    kind : str
        "text", "number", "datetime" or "boolean".
    missing : str
        How the column writes a missing cell.
    """

    kind, missing = "text", ""

    def parse(self, text):
        """Return the value of one filled cell, None if it is none of this format."""
        return text

    def series(self, values):
        """Return parsed cells, None where missing, as a Series."""
        if all(value is None for value in values):
            return pd.Series(np.full(len(values), np.nan))
        return pd.Series(values)

    def texts(self, values):
        """Return the texts of a filled Series, as a list."""
        return [str(value) for value in values]


class NumberFormat(TextFormat):
    """Numbers, with the decimal point and the thousands separator of the file."""

    kind = "number"

    def __init__(self, texts, decimal=".", thousands=""):
        self.decimal, self.thousands = decimal, thousands
        point = re.escape(decimal)
        groups = rf"[1-9]\d{{0,2}}(?:{re.escape(thousands)}\d{{3}})+|"
        self._cell = re.compile(
            rf"[+-]?(?={point}?\d)(?:{groups if thousands else ''}\d*)(?:{point}\d*)?"
            r"(?:[eE][+-]?\d+)?|[+-]?inf(?:inity)?",
            re.ASCII | re.IGNORECASE,
        )
        numbers = [t for t in texts if self._cell.fullmatch(t)]
        digits = (t.lstrip("+-").replace(thousands, "") for t in numbers)
        pointed = [t for t, d in zip(numbers, digits, strict=True) if not d.isdigit()]
        self.whole, self.bare = not pointed, len(pointed) < len(numbers)
        self.grouped = bool(thousands) and any(thousands in t for t in numbers)
        places = {len(t.partition(decimal)[2]) for t in pointed}
        # 1.50 beside 2.25: every cell has as many decimals.
        self.places = places.pop() if len(places) == 1 and not self.bare else None
        if any("e" in t.lower() for t in pointed):
            self.places = None

    def parse(self, text):
        """Return the value of one cell, or None."""
        if not self._cell.fullmatch(text):
            return None
        plain = text.replace(self.thousands, "") if self.thousands else text
        return int(plain) if self.whole else float(plain.replace(self.decimal, "."))

    def series(self, values):
        """Return parsed cells as a Series."""
        gaps = any(value is None for value in values)
        if all(value is None for value in values):
            return super().series(values)
        dtype = ("Int64" if gaps else "int64") if self.whole else "float64"
        return pd.Series(values, dtype=dtype)

    def texts(self, values):
        """Return the texts of a filled Series."""
        group = "," if self.grouped else ""
        if pd.api.types.is_integer_dtype(values.dtype):
            plain = [f"{int(v):{group}d}" for v in values]
        elif self.places:
            plain = [f"{v:{group}.{self.places}f}" for v in values.astype(float)]
        else:
            plain = [f"{v:{group}}" if group else repr(v) for v in values.astype(float)]
            if self.bare:
                plain = [text.removesuffix(".0") for text in plain]
        signs = str.maketrans({",": self.thousands, ".": self.decimal})
        return [text.translate(signs) for text in plain]


class DateFormat(TextFormat):
    """ISO dates, with or without the time of day, all of one time zone."""

    kind = "datetime"

    def __init__(self, texts):
        found = [m.groups() for m in map(DATE.fullmatch, texts) if m]
        dates = [groups for groups in found if groups[1]]
        self.separator = (
            Counter(g[1] for g in dates).most_common(1)[0][0] if dates else ""
        )
        self.zone = (
            Counter(g[3] or "" for g in dates).most_common(1)[0][0] if dates else ""
        )
        self.length = max((len(g[2]) for g in dates), default=0)

    def parse(self, text):
        """Return the value of one cell, or None."""
        match = DATE.fullmatch(text)
        if not match or (match[2] and (match[4] or "") != self.zone):
            return None
        try:
            return np.datetime64(f"{match[1]}T{match[3] or '00:00'}", self._unit)
        except ValueError:
            return None

    def series(self, values):
        """Return parsed cells as a Series."""
        cells = [np.datetime64("NaT") if value is None else value for value in values]
        return pd.Series(np.array(cells, dtype=f"datetime64[{self._unit}]"))

    def texts(self, values):
        """Return the texts of a filled Series."""
        dates = values.to_numpy().astype(f"datetime64[{self._unit}]")
        whole = np.datetime_as_string(dates)
        if not self.length:
            return [text[:10] for text in whole]
        end = 11 + self.length
        return [f"{t[:10]}{self.separator}{t[11:end]}{self.zone}" for t in whole]

    @property
    def _unit(self):
        return "us" if self.length <= len("00:00:00.000000") else "ns"


class BooleanFormat(TextFormat):
    """Truth values, in the spelling of the column."""

    kind = "boolean"

    def __init__(self, texts, pairs):
        styles = (str.lower, str.upper, str.capitalize)
        spelled = [tuple(map(style, pair)) for pair in pairs for style in styles]
        fits = (pair for pair in spelled if set(texts) <= set(pair))
        self.pair = next(fits, spelled[0])

    def parse(self, text):
        """Return the value of one cell, or None."""
        return self.pair.index(text) == 1 if text in self.pair else None

    def texts(self, values):
        """Return the texts of a filled Series."""
        return [self.pair[bool(value)] for value in values]
