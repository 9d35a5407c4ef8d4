"""Rules that hold between the columns of a table, row by row."""

import pandas as pd

from gaussflow.persistence.shapes import Text
from gaussflow.persistence.state import Persistent
from gaussflow.tabular.constraints.parser import parse
from gaussflow.tabular.constraints.syntax import quote_name


class Constraint(Persistent):
    """A rule that every row of a table keeps.

    A rule is written as text:

    - comparisons of columns, sums and constants: ``"worst >= mean"``,
      ``"low <= middle <= high"``, ``"a + b == total"``, ``"grams == 1000 * kilos"``,
      ``"admitted <= '2024-12-31'"``;
    - sets: ``"stage in {'I', 'II'}"``, ``"ward not in {3, 4}"``;
    - missing cells: ``"skin is missing -> insulin is missing"``, ``"age is not
      missing"``;
    - implications, with ``and`` and ``or``: ``"smoker == 'no' -> cigs == 0"``;
    - fixed combinations, only those that the table holds: ``"fixed: city, country"``,
      or a tuple of column names;
    - ``"city determines country"``: one value of a column, one of another.

    A column name that is not one word stands in backticks: `` `mean radius` ``.

    Parameters
    ----------
    rule : str, tuple of column names, or Constraint
        The rule. A tuple means fixed combinations of these columns.

    Attributes
    ----------
    text : str
        The rule as text.

    Notes
    -----
    A comparison with a missing cell is unknown, as in databases, and a row breaks
    a rule only where the rule is certainly false: with ``cigs`` missing,
    ``"smoker == 'no' -> cigs == 0"`` is kept. Sums of decimal numbers are compared up
    to rounding in the last place of a float (0.1 + 0.2 equals 0.3), whole numbers
    exactly.

    Examples
    --------
    >>> import pandas as pd
    >>> from gaussflow.tabular import Constraint
    >>> df = pd.DataFrame({"smoker": ["no", "yes", "no"], "cigs": [0, 20, 5]})
    >>> rule = Constraint("smoker == 'no' -> cigs == 0")
    >>> rule.holds(df).tolist()
    [True, True, False]
    >>> rule.violations(df).index.tolist()
    [2]
    """

    _state = {"text": Text()}

    def _check_state(self):
        parse(self.text)

    def __init__(self, rule):
        if isinstance(rule, Constraint):
            rule = rule.text
        if isinstance(rule, (tuple, list)):
            if len(set(map(str, rule))) < max(2, len(rule)):
                raise ValueError(
                    f"A tuple names two or more columns whose combinations are fixed, "
                    f"got {rule!r}. Write other constraints as text."
                )
            rule = "fixed: " + ", ".join(quote_name(name) for name in rule)
        if not isinstance(rule, str):
            raise TypeError(
                "A constraint is a text such as 'a <= b', or a tuple of columns whose "
                f"combinations are fixed; got {type(rule).__name__} {rule!r}."
            )
        parse(rule)
        self.text = rule

    @property
    def tree(self):
        """The parsed rule."""
        return parse(self.text)

    @property
    def columns(self):
        """Names of the columns in the rule."""
        return self.tree.names()

    def bind(self, columns):
        """Return the parsed rule with a table's labels in the place of names.

        If the table lacks a column of the rule, a ValueError says so.
        """
        try:
            return self.tree.bind(columns)
        except ValueError as exc:
            raise ValueError(f"Constraint {self.text!r}: {exc}") from exc

    def holds(self, df, reference=None):
        """Return which rows keep the rule.

        Parameters
        ----------
        df : pandas.DataFrame
            The rows.
        reference : pandas.DataFrame or None, default=None
            For "fixed" and "determines", the table whose combinations are kept; None
            takes ``df`` itself.

        Returns
        -------
        kept : pandas.Series of bool
            True where the rule is not certainly false.
        """
        tree = self.bind(df.columns)
        try:
            _, broken = tree.truth(df, reference)
        except ValueError as exc:
            raise ValueError(f"Constraint {self.text!r}: {exc}") from exc
        return pd.Series(~broken, index=df.index, name=self.text)

    def violations(self, df, reference=None):
        """Return the rows that break the rule, with all their columns."""
        return df[~self.holds(df, reference).to_numpy()]

    def __str__(self):
        """Return the rule's text."""
        return self.text

    def __repr__(self):
        """Return the call that makes the rule."""
        return f"Constraint({self.text!r})"

    def __eq__(self, other):
        """Compare the rules' texts."""
        return isinstance(other, Constraint) and other.text == self.text

    def __hash__(self):
        """Hash the text."""
        return hash(self.text)
