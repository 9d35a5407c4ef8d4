"""The synthesizer: a table in, new rows of the same table out."""

import warnings
from dataclasses import replace

import numpy as np
from scipy.special import ndtri
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from gaussflow._common.checks import check_integer
from gaussflow._common.seeds import as_generator, draw_seed
from gaussflow.layers.tree_triangular import TreeTriangular
from gaussflow.persistence import Saved
from gaussflow.persistence.state import Persistent
from gaussflow.tabular.constraints.enforcement import Rules
from gaussflow.tabular.encoding.encoder import TableEncoder
from gaussflow.tabular.encoding.ranks import decode_ranks, rank_matrix
from gaussflow.tabular.sampling.conditional import draw_given, draw_until
from gaussflow.tabular.sampling.conditions import read_conditions
from gaussflow.tabular.sampling.density import log_density
from gaussflow.tabular.sampling.imputation import impute_table
from gaussflow.tabular.sampling.redraw import Redraw
from gaussflow.tabular.schema import Schema, check_frame

#: Draws of the flow, and quantiles of them, that calibrate its columns.
CALIBRATION_ROWS = 10_000
#: Gibbs sweeps that place the scores of flows other than trees.
SWEEPS = 20
LEVELS = (np.arange(500) + 0.5) / 500
SCORES = ndtri(LEVELS)
#: With fewer rows the target is drawn before the columns that it explains, which
#: keeps its weak relations; with more it is drawn from them, which keeps sharp ones.
TARGET_LAST_ROWS = 1000


class TabularSynthesizer(Saved, Persistent, BaseEstimator):
    """Learn a table of mixed columns and draw synthetic rows from it.

    Three parts, one after the other: an encoder carries the table to ranks or
    normal scores (``TableEncoder``), a flow learns their joint distribution, and
    what the flow draws is decoded to a table again.

    Parameters
    ----------
    flow : "auto" or estimator, default="auto"
        "auto" is a layer of bagged trees on the ranks (``TreeTriangular``), each
        column given the columns before it: it keeps logic between
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
        The column that the table is meant to predict. It is drawn first, or last
        in a table of 1,000 rows and more that has no rules to keep; for other flows
        than "auto", categories are ordered by their association with it.
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
        if isinstance(self.schema, str):
            _tell_aside(schema)
        rules = Rules(
            schema,
            df,
            self.constraints,
            target=self.target,
            min_count=self.min_category_count,
        )
        learned = rules.learned_schema(schema)
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
            # Rows that break a rule are drawn again from its last column on, which
            # would change the shares of a target that comes after.
            target_last = len(df) >= TARGET_LAST_ROWS and not rules.rule_columns
            X, nominal, order = rank_matrix(encoder, df, rng, target_last=target_last)
            flow = TreeTriangular(
                order=order,
                nominal=nominal,
                bounded=True,
                n_jobs=-1,  # threads; what comes out does not depend on it
                random_state=draw_seed(rng),
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

    def sample(self, n_samples=1, conditions=None, random_state=None):
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

        Notes
        -----
        With conditions the method is "exact" wherever it can be: columns are drawn
        within what the conditions allow, and rows are accepted in proportion to
        the probability of that, so that they follow the model's own conditional
        law. Where conditions are so rare that this would take millions of draws, it
        is "importance": rows are chosen by their weights from a large pool, which is
        correct as the pool grows; "effective" tells as how many rows it counts, and
        a warning is given where that is less than ``n_samples``. Other flows than
        "auto" are drawn from until enough rows meet the conditions.

        Examples
        --------
        >>> from gaussflow.datasets import load_breast_cancer_table
        >>> from gaussflow.tabular import TabularSynthesizer
        >>> df = load_breast_cancer_table()[["diagnosis", "mean radius"]]
        >>> synthesizer = TabularSynthesizer(random_state=0).fit(df)
        >>> large = synthesizer.sample(50, {"mean radius": (18, None)}, random_state=0)
        >>> bool(large["mean radius"].min() >= 18), large.attrs["conditions"]["method"]
        (True, 'exact')
        """
        check_is_fitted(self)
        check_integer("n_samples", n_samples, 1)
        conditions = {} if conditions is None else conditions
        wanted = read_conditions(conditions, self.schema_)
        rng, told = as_generator(random_state), {}

        def draw(rows):
            if not wanted:
                return self._draw(len(rows), draw_seed(rng))
            new, about = self._draw_given(wanted, len(rows), rng)
            told.setdefault("conditions", about)  # the first draw's is of most rows
            return new

        redraw = None
        if self.calibration_ is None and not wanted:
            redraw = Redraw(self.encoder_, self.flow_.map_, rng)
        df = self.rules_.rejection_sample(draw, int(n_samples), rng, redraw)
        df.attrs |= told
        return df

    def score_samples(self, df):
        """Return the log-density of each row, in nats.

        It is the learned law, from which ``sample`` draws. A discrete column, and a
        number on a grid (of two decimals, say), counts by its probability; a number
        in full precision by its density in the units of the table, and by its
        probability where it is a value that many rows hold; a missing cell by the
        probability of the row's pattern of missing cells. Constant columns, keys,
        free text and columns that constraints compute from others do not count.

        Parameters
        ----------
        df : pandas.DataFrame of shape (n_samples, n_columns)
            Rows with the columns of the table that was learned.

        Returns
        -------
        log_density : ndarray of shape (n_samples,)
            -inf where a number lies beyond what was seen at fit, or a cell is
            missing in a column that never was.

        Notes
        -----
        What ``sample`` never emits because too few rows held it
        (``min_category_count``) is scored as it was learned: a number as
        the nearest that comes out, a category or a pattern of missing cells as one
        that was not observed. Over all rows that the flow can draw, probabilities
        sum to 1: rows that break a constraint, which ``sample`` draws again, count.

        Examples
        --------
        >>> import numpy as np
        >>> import pandas as pd
        >>> from gaussflow.tabular import TabularSynthesizer
        >>> df = pd.DataFrame({"smoker": ["no", "no", "yes"] * 20})
        >>> synthesizer = TabularSynthesizer(random_state=0).fit(df)
        >>> rows = pd.DataFrame({"smoker": ["no", "yes"]})
        >>> np.exp(synthesizer.score_samples(rows)).round(3)
        array([0.667, 0.333])
        """
        self._check_rows(df, "score_samples")
        return log_density(self.encoder_, self.flow_.map_, df)

    def score(self, df, y=None):
        """Return the mean log-density of rows; see ``score_samples``.

        Parameters
        ----------
        df : pandas.DataFrame of shape (n_samples, n_columns)
            Rows with the columns of the table that was learned.
        y : None
            Ignored.

        Returns
        -------
        score : float
            In nats a row; higher is better.
        """
        return float(np.mean(self.score_samples(df)))

    def impute(self, df, n_imputations=1, random_state=None):
        """Fill missing cells by draws from their law given the row's other cells.

        Parameters
        ----------
        df : pandas.DataFrame of shape (n_samples, n_columns)
            Rows with the columns of the table that was learned.
        n_imputations : int, default=1
            How many times to draw, at least 1. The spread between several draws
            tells how sure an imputed value is.
        random_state : int, RandomState, Generator or None, default=None
            Randomness of the draws.

        Returns
        -------
        filled : pandas.DataFrame or list of them
            df with its missing cells filled, one table for each imputation; a list
            where these are several. What was observed comes back as it was, with its
            dtype. Cells of keys, free text and columns without any value stay missing.

        Notes
        -----
        Cells are taken to be missing at random: given what was observed in the row, a
        value does not depend on whether it is missing. Rows are completed by
        weighted draws ("particles"), column after column, each weighted by the
        probability of the observed cells that come later. A cell that an equality
        among the constraints gives from the row's others is computed. Draws
        that break a constraint are drawn again, as far as the observed cells
        leave room for it.

        Examples
        --------
        >>> import pandas as pd
        >>> from gaussflow.tabular import TabularSynthesizer
        >>> df = pd.DataFrame({"smoker": ["no", "yes"] * 30, "cigs": [0, 9] * 30})
        >>> synthesizer = TabularSynthesizer(random_state=0).fit(df)
        >>> rows = pd.DataFrame({"smoker": ["yes", None], "cigs": [None, 0]})
        >>> synthesizer.impute(rows, random_state=0)
          smoker  cigs
        0    yes   9.0
        1     no   0.0
        """
        self._check_rows(df, "impute")
        check_integer("n_imputations", n_imputations, 1)
        rng = as_generator(random_state)
        parts = self.encoder_, self.flow_.map_, self.rules_
        tables = impute_table(*parts, df, int(n_imputations), rng)
        return tables if len(tables) > 1 else tables[0]

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

    def _draw_given(self, conditions, n_samples, rng):
        """Return such rows that meet conditions, and what is told about them."""
        own, n_more = [], 0
        if self.calibration_ is None:
            names = self.encoder_.schema_.names
            own = [c for c in conditions if c.column.name in names]
            n_more = len(conditions) - len(own)
        if not own:
            return draw_until(self._draw, self.rules_, conditions, n_samples, rng)
        about = []

        def draw(n_rows, seed=None):
            X, told = draw_given(self.encoder_, self.flow_.map_, own, n_rows, rng)
            about.append(told)
            return decode_ranks(self.encoder_, X)

        if not n_more:
            return draw(n_samples), about[0]
        # Conditions on computed columns are known to hold only after these are.
        df, told = draw_until(draw, self.rules_, conditions, n_samples, rng)
        told["probability"] *= about[0]["probability"]
        return df, about[0] | told | {"method": about[0]["method"]}

    def _check_rows(self, df, caller):
        check_is_fitted(self)
        if self.calibration_ is not None:
            raise ValueError(
                f"{caller} needs the layer of trees, but this synthesizer was fitted "
                f"with {type(self.flow_).__name__}. Use flow='auto'."
            )
        self.schema_.check(df)

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
        check_integer("min_category_count", self.min_category_count, 1)
        if self.target is not None and self.target not in df.columns:
            raise ValueError(
                f"target {self.target!r} is not a column of the table. Columns: "
                f"{', '.join(map(str, df.columns))}."
            )


def _tell_aside(schema):
    """Warn about columns of keys and texts, which nobody asked to leave out."""
    aside = [
        f"{c.name!r} ({c.kind})" for c in schema if c.kind in ("identifier", "text")
    ]
    if aside:
        warnings.warn(
            f"Not learned: {', '.join(aside)}. Keys are made anew, texts left empty. "
            "Pass schema=Schema.infer(df) to agree, or edit that schema to change it.",
            stacklevel=3,
        )
