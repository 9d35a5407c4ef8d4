"""What a table is made of: its columns, and the rules between them."""

import json
from dataclasses import asdict, dataclass, field, replace
from typing import ClassVar

import pandas as pd

from gaussflow._common.checks import Integer, Rule
from gaussflow._common.files import write_files
from gaussflow._common.optional import import_optional
from gaussflow.persistence.shapes import Items, Part, Text, check_state
from gaussflow.persistence.state import Persistent, check_that
from gaussflow.tabular.columns.column import EXCLUDED_KINDS, Column, check_column
from gaussflow.tabular.columns.inference import (
    describe_column,
    describe_kind,
    fits_kind,
)
from gaussflow.tabular.constraints.constraint import Constraint
from gaussflow.tabular.constraints.proposal import propose_constraints
from gaussflow.tabular.gate import public


@dataclass
class Schema(Persistent):
    """The columns of a table, in order, and the rules between them.

    ``Schema.infer`` reads it off a DataFrame. Print it; change what a column is by
    ``Schema.infer(df, kinds={"ward": "categorical"})`` or ``schema.edit("ward",
    kind="identifier")``; add and remove rules in the list ``constraints``; save it as
    JSON or YAML.

    Attributes
    ----------
    columns : list of Column
        In table order.
    n_rows : int
        Rows of the table it was inferred from.
    constraints : list of str
        Rules that the rows keep, as ``Constraint`` writes them.

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

    _state: ClassVar[dict[str, Rule]] = {
        "columns": Items(Part("Column")),
        "n_rows": Integer(0),
        "constraints": Items(Text()),
    }
    columns: list = field(default_factory=list)
    n_rows: int = 0
    constraints: list = field(default_factory=list)

    def _check_state(self):
        check_that(self, len(set(self.names)) == len(self), "a name occurs twice")

    @classmethod
    def infer(cls, df, *, kinds=None, constraints=True):
        """Infer the schema of a table.

        Parameters
        ----------
        df : pandas.DataFrame of shape (n_samples, n_columns)
            The table.
        kinds : dict or None, default=None
            Kinds of some columns, by name, where you know better: a ward number is
            "categorical". For "ordinal", the levels in their order, as a list.
        constraints : bool, default=True
            Whether to propose the rules that hold in every row, and hardly by chance:
            sums, columns that decide others, inequalities and implications.

        Returns
        -------
        schema : Schema

        Examples
        --------
        >>> import pandas as pd
        >>> from gaussflow.tabular import Schema
        >>> df = pd.DataFrame({"ward": [3, 7, 3], "stage": ["II", "I", "II"]})
        >>> kinds = {"ward": "categorical", "stage": ["I", "II"]}
        >>> schema = Schema.infer(df, kinds=kinds)
        >>> [column.kind for column in schema]
        ['categorical', 'ordinal']
        """
        check_frame(df)
        kinds = dict(kinds or {})
        unknown = [name for name in kinds if name not in df.columns]
        if unknown:
            raise ValueError(
                f"kinds names the columns {unknown}, which the table does not have. "
                f"Columns: {', '.join(map(str, df.columns))}."
            )
        columns = []
        for name in df.columns:
            if name in kinds:
                found = describe_kind(df[name], name, kinds[name])
            else:
                found = describe_column(df[name], name)
            columns.append(Column(name=name, **found))
            check_column(columns[-1])
        rules = propose_constraints(columns, df) if constraints else []
        return cls(columns=columns, n_rows=len(df), constraints=rules)

    @classmethod
    def of(cls, df, schema=None):
        """Return the schema of a table: a given one, or what is inferred.

        What a kind of a given one needs and it does not say, is read off the table:
        the levels of a column that ``edit``, or a hand in the saved file, made
        "categorical".
        """
        if schema is None:
            return cls.infer(df)
        schema.check(df)
        columns = []
        for column in schema:
            if not column.is_complete:
                found = describe_kind(df[column.name], column.name, column.kind)
                found["note"] = column.note or found.get("note", "")
                column = Column(name=column.name, **found)
            columns.append(column)
        return replace(schema, columns=columns)

    def public(self, df, min_count=5):
        """Return the schema as it may be shown: each part rests on enough rows.

        Rare levels are absent, and so are the bounds and grids of numbers, which a fit
        reads off its table again.

        Parameters
        ----------
        df : pandas.DataFrame
            The table that the schema describes.
        min_count : int, default=5
            Rows that a level, a constant or a count must rest on.

        Returns
        -------
        schema : Schema

        Examples
        --------
        >>> import pandas as pd
        >>> from gaussflow.tabular import Schema
        >>> df = pd.DataFrame({"site": ["a"] * 9 + ["b"] * 6 + ["rare"]})
        >>> Schema.infer(df).public(df)["site"].levels
        ['a', 'b']
        """
        return public(self, df, min_count)

    def edit(self, name, /, **changes):
        """Change what the schema says of one column, in place.

        Parameters
        ----------
        name : str
            The column.
        **changes : object
            Attributes of ``Column``, such as ``kind="identifier"`` to have keys made
            anew, ``kind="text"`` to leave the column empty, or ``note="..."``.

        Returns
        -------
        self : Schema

        Examples
        --------
        >>> import pandas as pd
        >>> from gaussflow.tabular import Schema
        >>> schema = Schema.infer(pd.DataFrame({"site": [1, 2, 1], "age": [5, 6, 7]}))
        >>> schema.edit("site", kind="identifier")["site"].is_learned
        False
        """
        if name not in self.names:
            raise ValueError(
                f"The schema has no column {name!r}. Columns: "
                f"{', '.join(map(str, self.names))}."
            )
        at = self.names.index(name)
        wrong = [key for key in changes if key not in Column.__dataclass_fields__]
        if wrong or "name" in changes:
            raise ValueError(
                f"A column has no attribute {', '.join(wrong) or 'name'} to change. "
                f"Attributes: {', '.join(list(Column.__dataclass_fields__)[1:])}."
            )
        changed = replace(self.columns[at], **changes)
        if changed.kind not in EXCLUDED_KINDS and "note" not in changes:
            changed.note = ""
        check_column(changed)
        self.columns[at] = changed
        return self

    @property
    def names(self):
        """Column names, in table order."""
        return [column.name for column in self.columns]

    def learned(self):
        """Return the columns that a flow learns."""
        return [column for column in self.columns if column.is_learned]

    def excluded(self):
        """Return the columns that are not learned, each with a note."""
        return [column for column in self.columns if not column.is_learned]

    def check(self, df):
        """Raise a ValueError unless df has exactly the schema's columns.

        Also if a column holds another kind of values than it did.
        """
        check_names(df)
        absent = [name for name in self.names if name not in df.columns]
        extra = [name for name in df.columns if name not in self.names]
        if absent or extra:
            raise ValueError(
                "The table's columns differ from the schema's: "
                f"absent {absent}, unexpected {extra}. Pass the columns that the "
                "schema was inferred from, or infer a new one."
            )
        for column in self.columns:
            check_column(column)
            if column.is_learned and not fits_kind(df[column.name], column):
                raise ValueError(
                    f"Column {column.name!r} is {column.kind} ({column.dtype}) in the "
                    f"schema, but holds {df[column.name].dtype} values in this table. "
                    f"Convert it, for example with df[{column.name!r}].astype("
                    f"{column.dtype!r}), or infer a new schema."
                )

    def to_dict(self):
        """Return the schema as plain dicts, lists, numbers and strings."""
        return {
            "n_rows": self.n_rows,
            "constraints": [str(c) for c in self.constraints],
            "columns": [asdict(c) for c in self.columns],
        }

    @classmethod
    def from_dict(cls, data):
        """Build a schema from what ``to_dict`` returned."""
        try:
            columns = [Column(**column) for column in data["columns"]]
            schema = cls(columns=columns, n_rows=data.get("n_rows", 0))
            for part in (*columns, schema):
                check_state(part)
        except (TypeError, KeyError, AttributeError, ValueError) as exc:
            raise ValueError(
                "This is not a schema: expected a dict with a list 'columns' of "
                f"column descriptions ({exc}). Write it with Schema.to_dict or save."
            ) from exc
        for column in columns:
            check_column(column)
        constraints = data.get("constraints", [])
        if not isinstance(constraints, list):
            raise ValueError(
                "The schema's constraints must be a list of texts, got "
                f"{constraints!r}."
            )
        schema.constraints = [Constraint(c).text for c in constraints]
        return schema

    def save(self, path):
        """Write the schema as a JSON file, or as YAML if the name ends so.

        Parameters
        ----------
        path : str or os.PathLike
            File to write; ``.yaml`` and ``.yml`` need the package PyYAML.
        """
        if _is_yaml(path):
            yaml = import_optional("yaml", extra="yaml", caller="Schema.save")
            text = yaml.safe_dump(self.to_dict(), sort_keys=False, allow_unicode=True)
        else:
            text = json.dumps(self.to_dict(), indent=1, ensure_ascii=False)
        write_files({path: text})

    @classmethod
    def load(cls, path):
        """Read a schema from a file that ``save`` wrote, or one written by hand."""
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if _is_yaml(path):
            yaml = import_optional("yaml", extra="yaml", caller="Schema.load")
            read, wrong = yaml.safe_load, yaml.YAMLError
        else:
            read, wrong = json.loads, ValueError
        try:
            data = read(text)
        except wrong as exc:
            raise ValueError(
                f"{path} is not a {'YAML' if _is_yaml(path) else 'JSON'} file ({exc}). "
                "Write one with Schema.save."
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
        """List the columns and the constraints, one a line."""
        lines = [f"{self.n_rows} rows, {len(self.columns)} columns"]
        lines += [f"  {column}" for column in self.columns]
        if self.constraints:
            lines.append(f"{len(self.constraints)} constraints")
            lines += [f"  {constraint}" for constraint in self.constraints]
        return "\n".join(lines)


def _is_yaml(path):
    return str(path).lower().endswith((".yaml", ".yml"))


def check_names(df):
    """Raise unless df is a DataFrame with distinct column names."""
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


def check_frame(df):
    """Raise unless df is a DataFrame that something can be learned from."""
    check_names(df)
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
