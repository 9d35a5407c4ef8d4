"""What a table is made of: the kind, precision and levels of every column."""

import json
from dataclasses import asdict, dataclass, field

import pandas as pd

from gaussflow._state import Persistent
from gaussflow.tabular._inference import describe_column

#: Kinds that a flow learns, and kinds that are set aside.
LEARNED_KINDS = (
    "continuous",
    "integer",
    "datetime",
    "boolean",
    "categorical",
    "ordinal",
)
ASIDE_KINDS = ("constant", "identifier", "text")


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
        Number of distinct values, missing aside.
    repeated : float
        Share of the filled cells whose value another row holds too.
    decimals, origin, step : int or None, int, int
        The grid of a numeric or date column.
    low, high : int, float or str
        Bounds of a numeric or date column.
    levels : list or None
        Distinct values of a discrete column; ordered if ``kind`` is "ordinal".
    categories : list or None
        For a categorical dtype, all its categories, unused ones included.
    note : str
        Why a column is set aside, or what the user should know.
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
    note: str = ""

    @property
    def is_number(self):
        """Whether values are numbers or dates, placed on a line."""
        return self.kind in ("continuous", "integer", "datetime")

    @property
    def is_learned(self):
        """Whether a flow learns this column."""
        return self.kind in LEARNED_KINDS

    def __str__(self):
        """Describe the column in one line."""
        parts = [f"{self.name!s:<26.26} {self.kind:<12} {self.dtype:<16.16}"]
        if self.is_number:
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


@dataclass
class Schema(Persistent):
    """The columns of a table, in order.

    ``Schema.infer`` reads it off a DataFrame; print it, edit the columns in
    place (``schema["site"].kind = "identifier"``), and save it as JSON.

    Attributes
    ----------
    columns : list of Column
        In table order.
    n_rows : int
        Rows of the table it was inferred from.

    Examples
    --------
    >>> import pandas as pd
    >>> from gaussflow.tabular import Schema
    >>> df = pd.DataFrame({"age": [61, 58, 61], "sex": ["f", "m", "f"]})
    >>> schema = Schema.infer(df)
    >>> [column.kind for column in schema]
    ['integer', 'categorical']
    >>> Schema.from_dict(schema.to_dict()) == schema
    True
    """

    columns: list = field(default_factory=list)
    n_rows: int = 0

    @classmethod
    def infer(cls, df):
        """Infer the schema of a table.

        Parameters
        ----------
        df : pandas.DataFrame of shape (n_samples, n_columns)
            The table.

        Returns
        -------
        schema : Schema
        """
        check_frame(df)
        columns = [
            Column(name=name, **describe_column(df[name], name)) for name in df.columns
        ]
        return cls(columns=columns, n_rows=len(df))

    @property
    def names(self):
        """Column names, in table order."""
        return [column.name for column in self.columns]

    def learned(self):
        """Return the columns that a flow learns."""
        return [column for column in self.columns if column.is_learned]

    def aside(self):
        """Return the columns that are set aside, each with a note."""
        return [column for column in self.columns if not column.is_learned]

    def check(self, df):
        """Raise a ValueError unless df has exactly the schema's columns."""
        check_frame(df)
        absent = [name for name in self.names if name not in df.columns]
        extra = [name for name in df.columns if name not in self.names]
        if absent or extra:
            raise ValueError(
                "The table's columns differ from the schema's: "
                f"absent {absent}, unexpected {extra}. Pass the columns that the "
                "schema was inferred from, or infer a new one."
            )

    def to_dict(self):
        """Return the schema as plain dicts, lists, numbers and strings."""
        return {"n_rows": self.n_rows, "columns": [asdict(c) for c in self.columns]}

    @classmethod
    def from_dict(cls, data):
        """Build a schema from what ``to_dict`` returned."""
        try:
            columns = [Column(**column) for column in data["columns"]]
            n_rows = int(data.get("n_rows", 0))
        except (TypeError, KeyError, AttributeError, ValueError) as exc:
            raise ValueError(
                "This is not a schema: expected a dict with a list 'columns' of "
                f"column descriptions ({exc}). Write it with Schema.to_dict or save."
            ) from exc
        known = LEARNED_KINDS + ASIDE_KINDS
        for column in columns:
            if column.kind not in known:
                raise ValueError(
                    f"Column {column.name!r} has kind {column.kind!r}; "
                    f"choose one of {', '.join(known)}."
                )
        return cls(columns=columns, n_rows=n_rows)

    def save(self, path):
        """Write the schema as a JSON file."""
        with open(path, "w", encoding="utf-8") as file:
            json.dump(self.to_dict(), file, indent=1, ensure_ascii=False)

    @classmethod
    def load(cls, path):
        """Read a schema from a JSON file."""
        with open(path, encoding="utf-8") as file:
            try:
                data = json.load(file)
            except ValueError as exc:
                raise ValueError(
                    f"{path} is not a JSON file ({exc}). Write one with Schema.save."
                ) from exc
        return cls.from_dict(data)

    def __getitem__(self, name):
        """Return the column of that name."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def __iter__(self):
        """Iterate over the columns."""
        return iter(self.columns)

    def __len__(self):
        """Return the number of columns."""
        return len(self.columns)

    def __str__(self):
        """List the columns, one a line."""
        head = f"{self.n_rows} rows, {len(self.columns)} columns"
        return "\n".join([head, *(f"  {column}" for column in self.columns)])


def check_frame(df):
    """Raise unless df is a DataFrame with rows and distinct column names."""
    if not isinstance(df, pd.DataFrame):
        raise TypeError(
            f"Expected a pandas DataFrame, got {type(df).__name__}. "
            "Wrap an array with pandas.DataFrame(array, columns=[...])."
        )
    if isinstance(df.columns, pd.MultiIndex):
        raise ValueError(
            "The table has several levels of column names. Flatten them, for "
            "example with df.columns = ['_'.join(c) for c in df.columns]."
        )
    twice = df.columns[df.columns.duplicated()].unique().tolist()
    if twice:
        raise ValueError(
            f"Column names must be distinct, but {twice} occur more than once. "
            "Rename or drop the duplicates."
        )
    if df.shape[0] < 2 or df.shape[1] == 0:
        raise ValueError(
            f"The table has {df.shape[0]} rows and {df.shape[1]} columns; at least "
            "2 rows and 1 column are needed."
        )
    if not df.notna().to_numpy().any():
        raise ValueError(
            "Every cell of the table is missing, so there is nothing to learn. "
            "Check the separator and the markers of missing values."
        )
