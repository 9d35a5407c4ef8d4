"""A table as a matrix of normal scores for a flow, and back."""

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.special import ndtr

from gaussflow._common.seeds import as_generator
from gaussflow.persistence.state import Persistent
from gaussflow.tabular.columns.cells import from_numbers, to_numbers, to_series
from gaussflow.tabular.columns.inference import plain_levels
from gaussflow.tabular.columns.value_maps import FEW_VALUES, GridMap, LevelMap
from gaussflow.tabular.encoding.missing import MissingPatterns
from gaussflow.tabular.encoding.normal_scores import (
    gibbs_sweeps,
    initial_scores,
    latent_correlation,
    spread_evenly,
)
from gaussflow.tabular.schema import Schema, check_frame

#: Rows on which the scores' correlation and the levels' order are learned.
LEARNING_ROWS = 5000


class TableEncoder(Persistent):
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

    def __init__(self, schema=None, *, min_count=5, target=None, n_sweeps=20):
        self.schema = schema
        self.min_count = min_count
        self.target = target
        self.n_sweeps = n_sweeps

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
        self._fit(df, as_generator(random_state))
        return self

    def fit_encode(self, df, random_state=None):
        """Fit to df and return its scores."""
        rng = as_generator(random_state)
        low, high = self._fit(df, rng)
        return self._place(low, high, rng)

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
        return self._place(low, high, as_generator(random_state))

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

    def decode_ranks(self, ranks):
        """Return the table of ranks in [0, 1], as ``decode`` of their scores."""
        numbers = [m.values(ranks[:, j]) for j, m in enumerate(self.maps_)]
        n_learned = len(self.learned_)
        missing = self.missing_.missing(numbers[n_learned:], len(self.schema_))
        if not self.missing_.maps_:
            missing = np.zeros((len(ranks), len(self.schema_)), dtype=bool)
        learned = dict(zip(self.learned_, numbers, strict=False))
        series = {}
        for i, column in enumerate(self.schema_):
            if i in learned:
                cells = np.where(missing[:, i], np.nan, learned[i])
                series[column.name] = from_numbers(cells, column)
            else:
                series[column.name] = _made_anew(column, missing[:, i])
        return pd.concat(series.values(), axis=1)[self.schema_.names]

    def intervals(self, df):
        """Return the lower and upper rank of every cell; 0 and 1 if missing.

        Parameters
        ----------
        df : pandas.DataFrame of shape (n_samples, n_columns)
            A table with the columns of the one that was fitted.

        Returns
        -------
        low, high : ndarray of shape (n_samples, n_features)
        """
        columns = [self.schema_.columns[i] for i in self.learned_]
        values = [to_numbers(df[c.name], c) for c in columns]
        values += self.missing_.values(self.missing_cells(df))
        low = np.zeros((len(df), len(values)))
        high = np.ones_like(low)
        for j, (numbers, m) in enumerate(zip(values, self.maps_, strict=True)):
            filled = ~np.isnan(numbers)
            low[filled, j], high[filled, j] = m.intervals(numbers[filled])
        return low, high

    def missing_cells(self, df):
        """Return which cells are missing, leaving out what is always missing.

        Parameters
        ----------
        df : pandas.DataFrame of shape (n_samples, n_columns)
            A table with the columns of the schema.

        Returns
        -------
        missing : ndarray of shape (n_samples, n_columns), bool
        """
        mask = df[self.schema_.names].isna().to_numpy().copy()
        for i, column in enumerate(self.schema_):
            if column.kind in ("text", "identifier") or column.distinct == 0:
                mask[:, i] = False
        return mask

    # -- helpers ------------------------------------------------------------

    def _fit(self, df, rng):
        schema = Schema.infer(df) if self.schema is None else self.schema
        check_frame(df)
        schema.check(df)
        self.schema_ = schema
        self.learned_, self.maps_, self.suppressed_ = [], [], {}
        for i, column in enumerate(schema):
            if column.is_learned:
                self._fit_column(i, column, to_numbers(df[column.name], column))
        if not self.maps_:
            raise ValueError(
                "The table has no column to learn: every column is constant, an "
                "identifier, free text or too rare. Columns found:\n" + str(schema)
            )
        self.missing_ = MissingPatterns(
            self.missing_cells(df), min_count=self.min_count
        )
        self.maps_ += self.missing_.maps_
        names = [str(schema.columns[i].name) for i in self.learned_]
        self.feature_names_ = names + self.missing_.labels
        low, high = self.intervals(df)
        self._learn_scores(low, high, rng)
        return self.intervals(df)

    def _fit_column(self, i, column, numbers):
        """Add the map of one column, or set the column aside."""
        values, counts = np.unique(numbers[~np.isnan(numbers)], return_counts=True)
        few = len(values) <= FEW_VALUES and (counts >= self.min_count).any()
        if column.is_number and not few:
            origin = None
            if column.decimals and column.step == 1:
                origin = column.origin
            grid = column.decimals is not None
            new = GridMap(
                values, counts, min_count=self.min_count, grid=grid, origin=origin
            )
        else:
            new = LevelMap(
                values, counts, min_count=self.min_count, merge=column.is_number
            )
            if new.n_suppressed_:
                self.suppressed_[str(column.name)] = {
                    "levels": new.n_suppressed_,
                    "rows": new.rows_suppressed_,
                }
            if len(new.order_) < 2:
                return self._set_aside(i, column, new.order_)
        self.learned_.append(i)
        self.maps_.append(new)
        return None

    def _set_aside(self, i, column, kept):
        """Turn a column with fewer than two common levels into a constant."""
        if len(kept):
            level = from_numbers(kept, column).iloc[0]
            changed = {
                "kind": "constant",
                "levels": plain_levels([level], column.name),
                "note": f"one level only has {self.min_count} rows or more",
            }
        else:
            self.suppressed_.pop(str(column.name), None)
            changed = {
                "kind": "text",
                "note": f"every level has fewer than {self.min_count} rows; left empty",
            }
        columns = list(self.schema_.columns)
        columns[i] = replace(column, **changed)
        self.schema_ = Schema(columns=columns, n_rows=self.schema_.n_rows)

    def _learn_scores(self, low, high, rng):
        """Learn the order of the levels and the correlation of the scores."""
        rows = np.arange(len(low))
        if len(rows) > LEARNING_ROWS:
            rows = np.sort(rng.choice(len(rows), LEARNING_ROWS, replace=False))
        low, high = low[rows].copy(), high[rows].copy()
        for _ in range(3):
            Z = self._place_freely(low, high, rng)
            for j in self._nominal():
                self._order_levels(j, Z, low, high)
        self._place_freely(low, high, rng)

    def _place_freely(self, low, high, rng):
        """Alternate between drawing the scores and their correlation."""
        Z = initial_scores(low, high, rng)
        for _ in range(self.n_sweeps):
            self.correlation_ = latent_correlation(Z)
            gibbs_sweeps(Z, low, high, self.correlation_, rng, 1)
            spread_evenly(Z, low, high, rng)
        self.correlation_ = latent_correlation(Z)
        return Z

    def _place(self, low, high, rng):
        """Place the scores of rows, given the correlation."""
        Z = initial_scores(low, high, rng)
        gibbs_sweeps(Z, low, high, self.correlation_, rng, self.n_sweeps)
        spread_evenly(Z, low, high, rng)
        return Z

    def _nominal(self):
        """Return the features whose levels have no order of their own."""
        schema = self.schema_
        own = [
            j
            for j, i in enumerate(self.learned_)
            if schema.columns[i].kind == "categorical" and len(self.maps_[j].order_) > 2
        ]
        first = len(self.learned_)
        return own + [
            j for j in range(first, len(self.maps_)) if len(self.maps_[j].order_) > 2
        ]

    def _order_levels(self, j, Z, low, high):
        """Order levels along the axis on which the other columns' means differ."""
        level_map = self.maps_[j]
        n_levels = len(level_map.order_)
        closed = (low[:, j] > 0.0) | (high[:, j] < 1.0)
        middle = 0.5 * (low[:, j] + high[:, j])
        place = np.searchsorted(level_map.edges_, middle, side="right") - 1
        place = np.clip(place, 0, n_levels - 1)
        others = np.delete(Z, j, axis=1)
        if others.shape[1] == 0:
            return
        others = others * self._weights(j)
        size = np.bincount(place[closed], minlength=n_levels)
        sums = np.zeros((n_levels, others.shape[1]))
        np.add.at(sums, place[closed], others[closed])
        # Means of few rows are drawn to the centre, so that noise sorts nothing.
        means = sums / (size + 5.0)[:, None]
        scaled = means * np.sqrt(size)[:, None]
        axis = np.linalg.svd(scaled, full_matrices=False)[2][0]
        axis = axis * np.sign(axis[np.argmax(np.abs(axis))])
        positions = np.argsort(means @ axis, kind="stable")
        moved = np.argsort(positions)[place]
        level_map.reorder(positions)
        low[closed, j] = level_map.edges_[moved[closed]]
        high[closed, j] = level_map.edges_[moved[closed] + 1]

    def _weights(self, j):
        """Return the weights of the other features when levels are ordered."""
        weights = np.ones(len(self.maps_))
        if self.target is not None and self.target in self.feature_names_:
            weights[self.feature_names_.index(self.target)] = len(weights) ** 0.5
        return np.delete(weights, j)


def _made_anew(column, missing):
    """Return a column that is not learned: constant, numbered anew, or empty."""
    n_rows = len(missing)
    if column.kind == "identifier":
        return _new_keys(column, n_rows)
    if column.kind == "text" or column.distinct == 0:
        empty = np.ones(n_rows, dtype=bool)
        values = np.full(n_rows, None, dtype=object)
        if column.dtype.startswith(("datetime", "timedelta")):
            return pd.Series(values, name=column.name, dtype=column.dtype)
        return to_series(values, empty, column)
    if column.levels is None:
        dates = replace(column, kind="datetime")
        return from_numbers(np.where(missing, np.nan, 0.0), dates)
    return to_series(np.full(n_rows, column.levels[0], dtype=object), missing, column)


def _new_keys(column, n_rows):
    """Return fresh keys: whole numbers beyond the real ones, or short texts."""
    if column.high is not None:
        first = int(column.high) + 1
        keys = np.arange(first, first + n_rows).astype(object)
    else:
        keys = np.array([f"synthetic-{i}" for i in range(1, n_rows + 1)], dtype=object)
    return to_series(keys, np.zeros(n_rows, dtype=bool), column)
