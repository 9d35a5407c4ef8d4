"""What one column of a table is made of: its kind, precision and levels."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from gaussflow._common.checks import Choice, Flag, Integer, Number, Rule
from gaussflow.persistence.shapes import Items, Scalar, Text
from gaussflow.persistence.state import Persistent, check_that
from gaussflow.tabular.columns.dates import DATE_NAMES

#: Kinds that a flow learns, and kinds that are excluded from learning.
LEARNED_KINDS = (
    "continuous",
    "integer",
    "datetime",
    "boolean",
    "categorical",
    "ordinal",
)
EXCLUDED_KINDS = ("constant", "identifier", "text")
#: Most decimals of a grid: 10**18 is the largest power of ten of 64 bits.
MAX_DECIMALS = 18


@dataclass
class Column(Persistent):
    """One column of a table, as found in the data.

    Numbers and dates lie on the column's own grid: a value is
    ``(origin + step * k) / 10**decimals`` with a whole number k >= 0. Columns
    in full floating-point precision have no grid (``decimals`` is None).

    Attributes
    ----------
    name : str
        Column name.
    kind : str
        "continuous", "integer", "datetime", "boolean", "categorical" and
        "ordinal" are learned; "constant", "identifier" and "text" are not.
    dtype : str
        The pandas dtype that generated columns get.
    missing : int
        Number of missing cells.
    missing_marker : str
        How an object column writes a missing cell: "nan" or "None".
    distinct : int
        Number of distinct values, without the missing.
    repeated : float
        Share of the filled cells whose value another row holds too.
    decimals, origin, step : int or None, int, int
        The grid of a numeric or date column.
    low, high : int, float or str
        Bounds of a numeric or date column; of fitted keys, ``high`` is where new ones
        begin.
    levels : list or None
        Distinct values of a discrete column; ordered if ``kind`` is "ordinal".
    categories : list or None
        For a categorical dtype, all its categories, unused ones included.
    declared : bool
        Whether the user listed the levels, so that a dtype may name the rare ones too.
    note : str
        Why a column is excluded, or what the user should know.
    """

    name: object
    kind: str
    dtype: str
    missing: int = 0
    missing_marker: str = "nan"
    distinct: int = 0
    repeated: float = 0.0
    decimals: int | None = None
    origin: int = 0
    step: int = 1
    low: object = None
    high: object = None
    levels: list | None = None
    categories: list | None = None
    categories_dtype: str | None = None
    declared: bool = False
    note: str = ""

    _state: ClassVar[dict[str, Rule]] = {
        "name": Scalar(),
        "kind": Choice(LEARNED_KINDS + EXCLUDED_KINDS),
        "dtype": Text(),
        "missing": Integer(0),
        "missing_marker": Choice(("nan", "None")),
        "distinct": Integer(0),
        "repeated": Number("[0, 1]"),
        "decimals": Integer(0, MAX_DECIMALS, None),
        "origin": Integer(-(2**64), 2**64),
        "step": Integer(1, 2**64),
        "low": Scalar(),
        "high": Scalar(),
        "levels": Items(Scalar(), None, list, None),
        "categories": Items(Scalar(), None, list, None),
        "categories_dtype": Text(None),
        "declared": Flag(),
        "note": Text(),
    }

    def covers(self, numbers):
        """Return whether numbers, NaN aside, are codes of the levels, if it has any."""
        codes = numbers[~np.isnan(numbers)]
        return self.is_number or np.isin(codes, range(len(self.levels or ()))).all()

    def _check_state(self):
        try:
            known = pd.api.types.pandas_dtype(self.dtype.removeprefix("ordered "))
            sound = getattr(known, "kind", "O") in "biufcmMO"
        except (NotImplementedError, ImportError):  # a type of Arrow
            sound = True
        except (TypeError, ValueError):
            sound = False
        check_that(self, sound, f"column {self.name!r} has a dtype that pandas has not")
        if self.is_number:
            ends = (self.low, self.high)
            texts = self.kind == "datetime"
            kinds = Text() if texts else Number("(-inf, inf)")
            sound = ends == (None, None) or all(map(kinds.accepts, ends))
            sound = sound and (texts or ends[0] is None or ends[0] <= ends[1])
            check_that(
                self, sound, f"column {self.name!r} has low and high that bound nothing"
            )

    @property
    def is_number(self):
        """Whether values are numbers or dates, placed on a line."""
        return self.kind in ("continuous", "integer", "datetime")

    @property
    def is_learned(self):
        """Whether a flow learns this column."""
        return self.kind in LEARNED_KINDS

    @property
    def is_complete(self):
        """Whether it has the levels, or the bounds, that its kind needs."""
        if self.is_number:
            return self.low is not None
        if self.kind == "boolean":
            return self.levels == [False, True]
        return self.levels is not None or not self.is_learned

    @property
    def cell_kind(self):
        """What a file's cells are read as: number, datetime, boolean or text.

        None for objects that may be of several kinds.
        """
        if self.kind in ("datetime", "boolean"):
            return self.kind
        dtype = self.dtype.lower()
        kinds = {("int", "uint", "float", "double"): "number", ("bool",): "boolean"}
        kinds |= {DATE_NAMES: "datetime"}
        found = [kind for names, kind in kinds.items() if dtype.startswith(names)]
        if self.kind in ("continuous", "integer") or found:
            return found[0] if found else "number"
        plain = self.levels is None or all(isinstance(v, str) for v in self.levels)
        return "text" if plain else None

    def __str__(self):
        """Describe the column in one line."""
        parts = [f"{self.name!s:<26.26} {self.kind:<12} {self.dtype:<16.16}"]
        if self.is_number:
            if self.low is not None:
                parts.append(f"{self.low} to {self.high}")
            if self.decimals and self.kind == "continuous":
                parts.append(f"{self.decimals} decimals")
        elif self.levels is not None and self.kind != "constant":
            parts.append(f"{self.distinct} levels")
        if self.missing:
            parts.append(f"{self.missing} missing")
        if self.note:
            parts.append(self.note)
        return ", ".join(parts)


def check_column(column):
    """Raise a ValueError unless the column can be of its kind."""
    known = LEARNED_KINDS + EXCLUDED_KINDS
    if column.kind not in known:
        raise ValueError(
            f"Column {column.name!r} has kind {column.kind!r}; "
            f"choose one of {', '.join(known)}."
        )
    _check_excluded(column)


def _check_excluded(column):
    """Raise a ValueError if such cells cannot be left empty, or made anew."""
    numbers = ("int", "uint", "float", "double")
    text = ("str", "object", "large_string", "utf8")
    dtype, name = column.dtype.lower(), column.name
    if column.kind == "identifier" and not dtype.startswith((*numbers, *text)):
        raise ValueError(
            f"Column {name!r} cannot become an identifier: keys are whole numbers or "
            f"text, not {column.dtype}. Choose 'text' to leave it empty."
        )
    if column.kind == "text" and column.dtype.startswith(("int", "uint", "bool")):
        if column.dtype != "boolean":
            raise ValueError(
                f"Column {name!r} cannot become text, which is left empty: "
                f"{column.dtype} has no missing cells. Choose 'identifier', or drop "
                "the column."
            )
    one = column.distinct <= 1 or (column.levels is not None and len(column.levels) < 2)
    if column.kind == "constant" and not one:
        raise ValueError(
            f"Column {name!r} cannot become constant: it holds {column.distinct} "
            "values. Choose 'text' to leave it empty, or drop the column."
        )
