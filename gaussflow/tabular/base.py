"""What both synthesizers share: the schema, the rules, and the loop of draws."""

import warnings
from dataclasses import replace

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from gaussflow._common.checks import Integer, check_params
from gaussflow._common.seeds import as_generator, draw_seed
from gaussflow.persistence import Saved
from gaussflow.persistence.shapes import Part
from gaussflow.persistence.state import Persistent, check_that
from gaussflow.tabular.constraints.enforcement import Rules
from gaussflow.tabular.encoding.unlearned import unlearned_column
from gaussflow.tabular.gate import gate
from gaussflow.tabular.sampling.conditional import draw_until
from gaussflow.tabular.sampling.conditions import read_conditions
from gaussflow.tabular.schema import Schema, check_frame


class BaseSynthesizer(Saved, Persistent, BaseEstimator):
    """Learn a table's columns by a model of codes, and keep its rules.

    A class of it says how codes are learned (``_fit_model``, which sets ``encoder_``
    and ``flow_``) and drawn (``_draw``); it may draw better within conditions
    (``_draw_given``) and mend rows (``_redraw``).
    """

    _state = {"schema_": Part("Schema"), "rules_": Part("Rules"), "n_rows_": Integer(1)}

    def _check_state(self):
        if "flow_" in vars(self):
            fits = self.flow_.n_features_in_ == len(self.encoder_.maps_)
            fits &= self.rules_.names == self.schema_.names
            fits &= self.rules_.kept == self.encoder_.schema_.names
            check_that(self, fits, "its parts are of different tables")

    _rules = {"min_category_count": Integer(1)}

    def fit(self, df, y=None):
        """Learn the table.

        Parameters
        ----------
        df : pandas.DataFrame of shape (n_samples, n_columns)
            The real rows.
        y : None
            Ignored.

        Returns
        -------
        self : object
        """
        check_frame(df)
        self._check_parameters(df)
        rng = as_generator(self.random_state)
        infer = isinstance(self.schema, str)
        schema = Schema.of(df, None if infer else self.schema)
        schema, _ = gate(schema, df, self.min_category_count)
        if infer:
            _warn_excluded(schema)
        rules = Rules(
            schema,
            df,
            self.constraints,
            target=self.target,
            min_count=self.min_category_count,
        )
        learned = rules.learned_schema(schema)
        self._fit_model(df[learned.names], learned, rules, rng)
        found = {column.name: column for column in self.encoder_.schema_}
        columns = [found.get(column.name, column) for column in schema]
        self.schema_ = replace(schema, columns=columns, constraints=rules.texts)
        self.rules_ = rules
        self.n_rows_ = len(df)
        return self

    def sample(self, n_samples=1, *, conditions=None, random_state=None):
        """Draw synthetic rows, all of them or those that meet conditions.

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows, at least 1.
        conditions : dict or None, default=None
            What columns must hold: a value, a list of values, or a range as a tuple
            of its two ends, which count, or None for no end. None, NaN or
            ``pandas.NA`` as a value stands for a missing cell.
        random_state : int, RandomState, Generator or None, default=None
            Randomness of this draw.

        Returns
        -------
        df : pandas.DataFrame of shape (n_samples, n_columns)
            Rows with the columns, dtypes, categories, precision and bounds of
            the table that was learned. With conditions, ``df.attrs["conditions"]``
            tells how they were met: the "method", the "probability" of the
            conditions, and how many rows were "drawn".

        Examples
        --------
        >>> from gaussflow.datasets import load_breast_cancer_table
        >>> from gaussflow.tabular import TabularSynthesizer
        >>> df = load_breast_cancer_table()[["diagnosis", "mean radius"]]
        >>> synthesizer = TabularSynthesizer(random_state=0).fit(df)
        >>> conditions = {"mean radius": (18, None)}
        >>> large = synthesizer.sample(50, conditions=conditions, random_state=0)
        >>> bool(large["mean radius"].min() >= 18), large.attrs["conditions"]["method"]
        (True, 'exact')
        """
        check_is_fitted(self)
        Integer(1).check("n_samples", n_samples)
        conditions = {} if conditions is None else conditions
        wanted = read_conditions(conditions, self.schema_)
        rng, report = as_generator(random_state), {}

        def draw(rows):
            if not wanted:
                return self._draw(len(rows), draw_seed(rng))
            new, about = self._draw_given(wanted, len(rows), rng)
            report.setdefault("conditions", about)  # the first draw is of most rows
            return new

        redraw = None if wanted else self._redraw(rng)
        df = self.rules_.rejection_sample(draw, int(n_samples), rng, redraw)
        for column in self.schema_:
            if column.kind == "identifier":  # rows of several draws share their keys
                df[column.name] = unlearned_column(column, np.zeros(len(df), bool))
        df.attrs |= report
        return df

    def __sklearn_is_fitted__(self):
        """Tell scikit-learn whether ``fit`` has run."""
        return hasattr(self, "flow_")

    # -- what a class says --------------------------------------------------

    def _fit_model(self, df, schema, rules, rng):
        """Set ``encoder_`` and ``flow_``, learned from the columns of ``schema``."""
        raise NotImplementedError

    def _draw(self, n_samples, seed):
        """Return rows of the model, without the columns that rules compute."""
        raise NotImplementedError

    def _draw_given(self, conditions, n_samples, rng):
        """Return such rows that meet conditions, and a report of how; by rejection."""
        return draw_until(self._draw, self.rules_, conditions, n_samples, rng)

    def _redraw(self, rng):
        """Return what draws later columns of rows again; None for whole rows only."""
        return

    # -- helpers ------------------------------------------------------------

    def _check_parameters(self, df):
        check_params(self)
        is_schema = isinstance(self.schema, Schema)
        if not is_schema and self.schema != "infer":
            raise ValueError(
                f"schema must be 'infer' or a Schema, got {self.schema!r}. Read one "
                "from a file with Schema.load."
            )
        if self.target is not None and self.target not in df.columns:
            raise ValueError(
                f"target {self.target!r} is not a column of the table. Columns: "
                f"{', '.join(map(str, df.columns))}."
            )


def _warn_excluded(schema):
    """Warn about columns of keys and texts, which nobody asked to leave out."""
    excluded = [
        f"{c.name!r} ({c.kind})" for c in schema if c.kind in ("identifier", "text")
    ]
    if excluded:
        warnings.warn(
            f"Not learned: {', '.join(excluded)}. Keys are made anew, texts left "
            "empty. Pass schema=Schema.infer(df) to agree, or edit that schema to "
            "change it.",
            stacklevel=3,
        )
