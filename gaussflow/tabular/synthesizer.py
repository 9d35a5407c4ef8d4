"""The synthesizer by trees: a table in, new rows of the same table out."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from gaussflow._common.checks import Integer
from gaussflow._common.seeds import as_generator, draw_seed
from gaussflow.layers.tree_triangular import TreeTriangular
from gaussflow.persistence.shapes import Part
from gaussflow.tabular.base import BaseSynthesizer
from gaussflow.tabular.encoding.ranks import RankEncoder
from gaussflow.tabular.sampling.conditional import draw_given, draw_until
from gaussflow.tabular.sampling.density import log_density
from gaussflow.tabular.sampling.imputation import impute_table
from gaussflow.tabular.sampling.redraw import Redraw


class TabularSynthesizer(BaseSynthesizer):
    """Learn a table of mixed columns by trees, and draw synthetic rows from it.

    An encoder carries the table to ranks (``RankEncoder``), bagged trees learn each
    column of them given the columns before it (``TreeTriangular``), and what the
    trees draw is decoded to a table again. It keeps logic between discrete columns,
    and missing cells as they were. ``CopulaSynthesizer`` takes other models.

    Parameters
    ----------
    schema : "infer" or Schema, default="infer"
        What the columns are, and the rules that ``Schema.infer`` proposes between
        them, which every synthetic row keeps: print ``schema_`` to see them, and pass
        ``Schema.infer(df, constraints=False)`` to go without.
    constraints : iterable of str, tuple or Constraint, default=()
        Further rules that every synthetic row keeps, such as ``"low <= high"``; see
        ``Constraint``. The table must keep them too.
    target : str or None, default=None
        The column that the table is meant to predict, which is drawn first.
    min_category_count : int, default=5
        A category held by fewer rows never comes out, nor does an extreme
        value. With 1, both may.
    min_leaf : int or "auto", default="auto"
        Least rows of a leaf of the trees, as drawn for a tree with replacement: some
        two thirds as many are distinct. "auto" is 50, or a tenth of the rows of a
        table of fewer than 500, but at least 10. Smaller leaves follow strong ties
        more closely, and tell more of the training rows;
        ``benchmarks/tables/membership.py`` measures the curve.
    random_state : int, RandomState, Generator or None, default=None
        Randomness of ``fit``.

    Attributes
    ----------
    schema_ : Schema
        What the columns are, and which of them are excluded.
    rules_ : Rules
        The constraints, and the columns that are computed by them from others.
    encoder_ : RankEncoder
        The fitted encoder of the columns that are learned.
    flow_ : TreeTriangular
        The fitted layer of trees.
    n_rows_ : int
        Rows that were learned from.

    Notes
    -----
    With conditions the method of ``sample`` is "exact" wherever it can be: columns are
    drawn within what the conditions allow, and rows are accepted in proportion to
    the probability of that, so that they follow the model's own conditional
    law. Where conditions are so rare that this would take millions of draws, it
    is "importance": rows are chosen by their weights from a large pool, which is
    correct as the pool grows; "effective" tells as how many rows it counts, and
    a warning is given where that is less than ``n_samples``.

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

    _rules = {**BaseSynthesizer._rules, "min_leaf": Integer(1, None, "auto")}
    _state = {"encoder_": Part("RankEncoder"), "flow_": Part("TreeTriangular")}

    def __init__(
        self,
        schema="infer",
        constraints=(),
        target=None,
        min_category_count=5,
        min_leaf="auto",
        random_state=None,
    ):
        self.schema = schema
        self.constraints = constraints
        self.target = target
        self.min_category_count = min_category_count
        self.min_leaf = min_leaf
        self.random_state = random_state

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

        Notes
        -----
        What ``sample`` never emits, whether too few rows held it
        (``min_category_count``) or none, is scored alike, which tells nobody apart: a
        number as the nearest that comes out, a category or a pattern of missing cells
        as one that was not observed. Over all rows that the flow can draw,
        probabilities sum to 1: rows that break a constraint, which ``sample`` draws
        again, count.

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
        self._check_rows(df)
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
        self._check_rows(df)
        Integer(1).check("n_imputations", n_imputations)
        rng = as_generator(random_state)
        parts = self.encoder_, self.flow_.map_, self.rules_
        tables = impute_table(*parts, df, int(n_imputations), rng)
        return tables if len(tables) > 1 else tables[0]

    # -- how codes are learned and drawn --------------------------------------

    def _fit_model(self, df, schema, rules, rng):
        min_count = self.min_category_count
        encoder = RankEncoder(schema, min_count=min_count, target=self.target)
        X = encoder.fit_matrix(df, rng)
        self.encoder_ = encoder
        self.flow_ = TreeTriangular(
            order=encoder.drawing_order(),
            nominal=encoder.unordered(),
            bounded=True,
            min_leaf=self.min_leaf,
            n_jobs=-1,  # threads; what comes out does not depend on it
            random_state=draw_seed(rng),
        ).fit(X)

    def _draw(self, n_samples, seed):
        ranks = self.flow_.sample(n_samples, random_state=seed)
        return self.encoder_.decode_ranks(ranks)

    def _draw_given(self, conditions, n_samples, rng):
        names = self.encoder_.schema_.names
        own = [c for c in conditions if c.column.name in names]
        if not own:
            return super()._draw_given(conditions, n_samples, rng)
        reports = []

        def draw(n_rows, seed=None):
            X, report = draw_given(self.encoder_, self.flow_.map_, own, n_rows, rng)
            reports.append(report)
            return self.encoder_.decode_ranks(X)

        if len(own) == len(conditions):
            return draw(n_samples), reports[0]
        # Conditions on computed columns are known to hold only after these are.
        df, report = draw_until(draw, self.rules_, conditions, n_samples, rng)
        report["probability"] *= reports[0]["probability"]
        return df, reports[0] | report | {"method": reports[0]["method"]}

    def _redraw(self, rng):
        return Redraw(self.encoder_, self.flow_.map_, rng)

    def _check_rows(self, df):
        check_is_fitted(self)
        self.schema_.check(df)
