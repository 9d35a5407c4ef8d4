"""The synthesizer: a table in, new rows of the same table out."""

from dataclasses import replace

import numpy as np
from scipy.special import ndtri
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from gaussflow._random import as_generator, draw_seed
from gaussflow._state import Persistent
from gaussflow.layers.tree_layer import TreeTriangular
from gaussflow.tabular._enforce import Rules
from gaussflow.tabular._ranks import decode_ranks, rank_matrix
from gaussflow.tabular.encoder import TableEncoder
from gaussflow.tabular.schema import Schema, check_frame

#: Draws of the flow, and quantiles of them, that calibrate its columns.
CALIBRATION_ROWS = 10_000
#: Gibbs sweeps that place the scores of flows other than trees.
SWEEPS = 20
LEVELS = (np.arange(500) + 0.5) / 500
SCORES = ndtri(LEVELS)


class TabularSynthesizer(Persistent, BaseEstimator):
    """Learn a table of mixed columns and draw synthetic rows from it.

    Three parts, one after the other: an encoder carries the table to ranks or
    normal scores (``TableEncoder``), a flow learns their joint distribution, and
    what the flow draws is decoded to a table again.

    Parameters
    ----------
    flow : "auto" or estimator, default="auto"
        "auto" is a layer of bagged trees on the ranks (``TreeTriangular``), each
        column given the target and the columns before it: it keeps logic between
        discrete columns, and missing cells as they were. Any other density estimator
        of the scores, with ``fit(Z)`` and ``sample(n, random_state)``, such as
        ``GenFlow()``, is cloned, never fitted.
    schema : "infer" or Schema, default="infer"
        What the columns are, and the rules that ``Schema.infer`` proposes between
        them, which every synthetic row keeps: print ``schema_`` to see them, and pass
        ``Schema.infer(df, constraints=False)`` to go without.
    constraints : iterable of str, tuple or Constraint, default=()
        Further rules that every synthetic row keeps, such as ``"low <= high"``; see
        ``Constraint``. The table must keep them too.
    target : str or None, default=None
        The column that the table is meant to predict. It is drawn first; for
        other flows than "auto", categories are ordered by their association with it.
    min_category_count : int, default=5
        A category held by fewer rows never comes out, nor does an extreme
        value. With 1, both may.
    random_state : int, RandomState, Generator or None, default=None
        Randomness of ``fit``.

    Attributes
    ----------
    schema_ : Schema
        What the columns are, and which of them were set aside.
    rules_ : Rules
        The constraints, and the columns that are computed by them from others.
    encoder_ : TableEncoder
        The fitted encoder of the columns that are learned.
    flow_ : estimator
        The fitted flow.
    calibration_ : ndarray of shape (500, n_features) or None
        Quantiles of the flow's own draws, which calibrate each column's shares; None
        for "auto".
    n_rows_ : int
        Rows that were learned from.

    Examples
    --------
    >>> from gaussflow.datasets import load_breast_cancer_table
    >>> from gaussflow.tabular import TabularSynthesizer
    >>> df = load_breast_cancer_table().iloc[:, :4]
    >>> synthesizer = TabularSynthesizer(random_state=0).fit(df)
    >>> synthetic = synthesizer.sample(100, random_state=0)
    >>> synthetic.shape, (synthetic.dtypes == df.dtypes).all().item()
    ((100, 4), True)
    """

    def __init__(
        self,
        flow="auto",
        schema="infer",
        constraints=(),
        target=None,
        min_category_count=5,
        random_state=None,
    ):
        self.flow = flow
        self.schema = schema
        self.constraints = constraints
        self.target = target
        self.min_category_count = min_category_count
        self.random_state = random_state

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
        self : TabularSynthesizer
        """
        check_frame(df)
        self._check_parameters(df)
        rng = as_generator(self.random_state)
        schema = Schema.infer(df) if isinstance(self.schema, str) else self.schema
        rules = Rules(
            schema,
            df,
            self.constraints,
            target=self.target,
            min_count=self.min_category_count,
        )
        learned = rules.learned(schema)
        df = df[learned.names]
        trees = isinstance(self.flow, str)
        encoder = TableEncoder(
            learned,
            min_count=self.min_category_count,
            target=self.target,
            n_sweeps=0 if trees else SWEEPS,  # trees need no places of scores
        )
        self.calibration_ = None
        if trees:
            encoder.fit(df, rng)
            X, nominal, order = rank_matrix(encoder, df, rng)
            flow = TreeTriangular(
                order=order, nominal=nominal, bounded=True, random_state=draw_seed(rng)
            ).fit(X)
        else:
            Z = encoder.fit_encode(df, rng)
            flow = self._new_flow(draw_seed(rng)).fit(Z)
            draws = flow.sample(CALIBRATION_ROWS, draw_seed(rng))
            self.calibration_ = np.quantile(draws, LEVELS, axis=0)
        self.encoder_, self.flow_ = encoder, flow
        found = {column.name: column for column in encoder.schema_}
        columns = [found.get(column.name, column) for column in schema]
        self.schema_ = replace(schema, columns=columns, constraints=rules.texts)
        self.rules_ = rules
        self.n_rows_ = len(df)
        return self

    def sample(self, n_samples=1, random_state=None):
        """Draw synthetic rows.

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows, at least 1.
        random_state : int, RandomState, Generator or None, default=None
            Randomness of this draw.

        Returns
        -------
        df : pandas.DataFrame of shape (n_samples, n_columns)
            Rows with the columns, dtypes, categories, precision and bounds of
            the table that was learned.
        """
        check_is_fitted(self)
        whole = isinstance(n_samples, (int, np.integer))
        if not whole or isinstance(n_samples, bool) or n_samples < 1:
            raise ValueError(
                f"n_samples must be an integer of at least 1, got {n_samples!r}."
            )
        rng = as_generator(random_state)
        return self.rules_.settle(
            lambda rows: self._draw(len(rows), draw_seed(rng)), int(n_samples), rng
        )

    def __sklearn_is_fitted__(self):
        """Tell scikit-learn whether ``fit`` has run."""
        return hasattr(self, "flow_")

    # -- helpers ------------------------------------------------------------

    def _draw(self, n_samples, seed):
        """Return rows as the flow draws them, without the columns computed after."""
        Z = self.flow_.sample(n_samples, seed)
        if self.calibration_ is None:
            return decode_ranks(self.encoder_, Z)
        return self.encoder_.decode(self._calibrate(Z))

    def _calibrate(self, Z):
        """Give each column of the flow's draws its exact shape, a standard normal.

        The encoder's scores have it by construction; a flow meets it only up to its
        own error, which would show in every column's shares.
        """
        out = np.empty(Z.shape)
        for j, knots in enumerate(self.calibration_.T):
            inside = np.interp(Z[:, j], knots, SCORES)
            beyond = Z[:, j] - np.clip(Z[:, j], knots[0], knots[-1])
            out[:, j] = inside + beyond
        return out

    def _new_flow(self, seed):
        flow = clone(self.flow, safe=False)
        if hasattr(flow, "get_params") and "random_state" in flow.get_params():
            if flow.get_params()["random_state"] is None:
                flow.set_params(random_state=seed)
        return flow

    def _check_parameters(self, df):
        if isinstance(self.flow, str) and self.flow != "auto":
            raise ValueError(
                f"flow must be 'auto' or an estimator with fit and sample, got "
                f"{self.flow!r}."
            )
        is_schema = isinstance(self.schema, Schema)
        if not is_schema and self.schema != "infer":
            raise ValueError(
                f"schema must be 'infer' or a Schema, got {self.schema!r}. Read one "
                "from a file with Schema.load."
            )
        count = self.min_category_count
        if not isinstance(count, (int, np.integer)) or isinstance(count, bool):
            count = 0
        if count < 1:
            raise ValueError(
                "min_category_count must be an integer of at least 1, got "
                f"{self.min_category_count!r}."
            )
        if self.target is not None and self.target not in df.columns:
            raise ValueError(
                f"target {self.target!r} is not a column of the table. Columns: "
                f"{', '.join(map(str, df.columns))}."
            )
