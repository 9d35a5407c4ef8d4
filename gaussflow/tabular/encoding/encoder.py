"""A table as a matrix of normal scores for a flow, and back."""

import numpy as np
from scipy.special import ndtr

from gaussflow._common.checks import Integer
from gaussflow._common.refit import keep_old_on_failure
from gaussflow._common.seeds import as_generator
from gaussflow.persistence.shapes import Array
from gaussflow.tabular.encoding.normal_scores import place_scores
from gaussflow.tabular.encoding.ranks import RankEncoder
from gaussflow.tabular.schema import Schema, check_frame


class TableEncoder(RankEncoder):
    """Map a DataFrame to normal scores and exactly back.

    Every learned column becomes one column of scores, through ranks on the
    column's own grid; repeated values own an interval of ranks as long as
    their share, so that they come back as often as they were. Scores are placed in
    these intervals jointly, given the whole row, so that a rotation sees what
    discrete columns have in common. Missing cells are one discrete column more
    (or several): the pattern of the whole row.

    Parameters
    ----------
    schema : Schema or None, default=None
        What the columns are; None infers it from the table.
    min_count : int, default=5
        A category held by fewer rows is learned as if it had not been seen, and
        never comes out; a numeric column's extreme comes out only if as
        many rows hold it. With 1, everything comes back exactly.
    target : str or None, default=None
        Column by whose association the levels of categories are ordered.
    n_sweeps : int, default=20
        Gibbs sweeps that place the scores.

    Attributes
    ----------
    schema_ : Schema
        What the columns are.
    feature_names_ : list of str
        One name per column of scores.
    suppressed_ : dict
        Per column with suppressed levels: their number and their rows.
    correlation_ : ndarray of shape (n_features, n_features)
        Correlation of the scores.

    Examples
    --------
    >>> import pandas as pd
    >>> from gaussflow.tabular import TableEncoder
    >>> df = pd.DataFrame({"age": [61, 58, 61, None], "sex": ["f", "m", None, "f"]})
    >>> encoder = TableEncoder(min_count=1).fit(df, random_state=0)
    >>> Z = encoder.encode(df, random_state=1)
    >>> Z.shape
    (4, 3)
    >>> encoder.decode(Z).equals(df)
    True
    """

    _state = {"n_sweeps": Integer(0), "correlation_": Array("f8", "maps", "maps")}

    def __init__(self, schema=None, *, min_count=5, target=None, n_sweeps=20):
        super().__init__(schema, min_count=min_count, target=target)
        self.n_sweeps = n_sweeps

    @keep_old_on_failure
    def fit(self, df, random_state=None):
        """Learn the maps of all columns.

        Parameters
        ----------
        df : pandas.DataFrame of shape (n_samples, n_columns)
            The table.
        random_state : int, RandomState, Generator or None, default=None
            Randomness of the scores' places.

        Returns
        -------
        self : TableEncoder
        """
        self._fit_scores(df, as_generator(random_state))
        return self

    @keep_old_on_failure
    def fit_encode(self, df, random_state=None):
        """Fit to df and return its scores."""
        rng = as_generator(random_state)
        low, high = self._fit_scores(df, rng)
        return place_scores(low, high, self.correlation_, rng, self.n_sweeps)

    def encode(self, df, random_state=None):
        """Return the normal scores of a table.

        Parameters
        ----------
        df : pandas.DataFrame of shape (n_samples, n_columns)
            A table with the columns of the one that was fitted.
        random_state : int, RandomState, Generator or None, default=None
            Randomness of the places within the values' intervals.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_features)
        """
        self.schema_.check(df)
        low, high = self.intervals(df)
        rng = as_generator(random_state)
        return place_scores(low, high, self.correlation_, rng, self.n_sweeps)

    def decode(self, Z):
        """Return the table of such scores.

        Parameters
        ----------
        Z : ndarray of shape (n_samples, n_features)
            Normal scores.

        Returns
        -------
        df : pandas.DataFrame of shape (n_samples, n_columns)
            Columns, dtypes, categories, grids and bounds of the fitted table.
        """
        Z = np.asarray(Z, dtype=np.float64)
        if Z.ndim != 2 or Z.shape[1] != len(self.maps_):
            raise ValueError(
                f"Z has shape {Z.shape}, but this encoder has {len(self.maps_)} "
                "features. Pass scores as encode returns them."
            )
        return self.decode_ranks(ndtr(Z))

    # -- helpers ------------------------------------------------------------

    def _fit_scores(self, df, rng):
        """Learn maps and correlation; return the intervals of the cells."""
        check_frame(df)
        schema = Schema.of(df, self.schema)
        low, high, self.correlation_ = self._fit(df, schema, rng, self.n_sweeps)
        return low, high
