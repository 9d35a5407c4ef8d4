"""A table as ranks of its cells, each on its column's own grid, and back."""

import numpy as np
import pandas as pd

from gaussflow._common.checks import Integer
from gaussflow._common.seeds import as_generator
from gaussflow.persistence.shapes import Items, Part, Plain, Scalar
from gaussflow.persistence.state import Persistent, check_that
from gaussflow.tabular.columns.cells import from_numbers, to_numbers
from gaussflow.tabular.columns.value_maps import FEW_VALUES, GridMap, LevelMap
from gaussflow.tabular.encoding.missing import MissingPatterns
from gaussflow.tabular.encoding.normal_scores import learn_scores
from gaussflow.tabular.encoding.unlearned import unlearned_column
from gaussflow.tabular.gate import gate

#: A value that owns a longer interval of ranks is one rank, its middle; within
#: shorter ones the ranks are spread, and the grid brings the value back. Chosen by
#: hand.
ATOM = 1.0 / 256.0


class RankEncoder(Persistent):
    """Map the cells of a DataFrame to intervals of ranks, and ranks to cells.

    Every learned column becomes one column of ranks on its own grid; repeated values
    own an interval as long as their share, so that they come back as often as they
    were. Missing cells are one discrete column more (or several): the pattern of the
    whole row.

    Parameters
    ----------
    schema : Schema
        What the columns are. Tables are taken to be checked against it.
    min_count, target : see TableEncoder

    Attributes
    ----------
    learned_ : list of int
        Places of the learned columns in the schema.
    maps_ : list of LevelMap and GridMap
        One per column of ranks: the learned columns', then the patterns'.
    missing_ : MissingPatterns
        Which cells are missing together.
    schema_, feature_names_, suppressed_ : see TableEncoder
    """

    _state = {
        "schema": Part("Schema"),
        "min_count": Integer(1),
        "target": Scalar(),
        "schema_": Part("Schema"),
        "learned_": Items(Integer(0)),
        "maps_": Items(Part("LevelMap GridMap"), "maps"),
        "suppressed_": Plain(),
        "missing_": Part("MissingPatterns"),
        "feature_names_": Items(Scalar(), "maps"),
    }

    def _check_state(self):
        if "maps_" in vars(self):
            n_columns, missing = len(self.schema_), self.missing_
            places = np.append(self.learned_, missing.columns_)
            fits = (places < n_columns).all()
            fits &= len(self.maps_) == len(self.learned_) + len(missing.maps_)
            check_that(self, fits, "its maps are not those of its columns")
            for i, one in zip(self.learned_, self.maps_, strict=False):
                codes = one.order_ if one.discrete else one.knots_
                fits = self.schema_.columns[i].covers(codes)
                check_that(self, fits, "a map has values that are no levels")

    def __init__(self, schema, *, min_count=5, target=None):
        self.schema = schema
        self.min_count = min_count
        self.target = target

    def fit_matrix(self, df, random_state=None):
        """Learn the maps of all columns, and return one rank for each cell.

        Parameters
        ----------
        df : pandas.DataFrame of shape (n_samples, n_columns)
            The table.
        random_state : int, RandomState, Generator or None, default=None
            Randomness of the levels' order, of the places within short intervals,
            and of the levels in the place of rare ones.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            Ranks in (0, 1), NaN where missing; a value that many rows hold is one
            rank, as a layer of trees takes it.
        """
        rng = as_generator(random_state)
        low, high, _ = self._fit(df, self.schema, rng, n_sweeps=0)
        return self._matrix(low, high, rng)

    def decode_ranks(self, ranks):
        """Return the table of ranks in [0, 1], (n_samples, n_features).

        The last columns, the pattern's, say which cells are missing: NaN is any rank.
        """
        ranks = np.where(np.isnan(ranks), 0.5, ranks)
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
                series[column.name] = unlearned_column(column, missing[:, i])
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
        numbers = [to_numbers(df[c.name], c) for c in columns]
        numbers += self.missing_.values(self.missing_cells(df))
        return self._intervals(numbers)

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

    def drawing_order(self):
        """Return the columns of ranks as they are drawn, as a list of int.

        The pattern of missing cells first, then the target, then the table's order.
        """
        learned = range(len(self.learned_))
        patterns = range(len(self.learned_), len(self.maps_))
        target = [j for j in learned if self.feature_names_[j] == self.target]
        return [*patterns, *target, *(j for j in learned if j not in target)]

    def unordered(self):
        """Return which columns of ranks hold levels without an order, as booleans."""
        return np.array([m.unordered for m in self.maps_])

    # -- helpers ------------------------------------------------------------

    def _fit(self, df, schema, rng, n_sweeps):
        """Learn the maps; return the cells' intervals and the scores' correlation."""
        self.schema_, self.suppressed_ = gate(schema, df, self.min_count)
        columns = list(enumerate(self.schema_))
        self.learned_ = [i for i, column in columns if column.is_learned]
        columns = [self.schema_.columns[i] for i in self.learned_]
        numbers = [to_numbers(df[column.name], column) for column in columns]
        self.maps_ = [
            self._fit_column(*pair) for pair in zip(columns, numbers, strict=True)
        ]
        if not self.maps_:
            raise ValueError(
                "The table has no column to learn: every column is constant, an "
                "identifier, free text or too rare. Columns found:\n"
                + str(self.schema_)
            )
        missing = self.missing_cells(df)
        self.missing_ = MissingPatterns(missing, min_count=self.min_count)
        self.maps_ += self.missing_.maps_
        numbers += self.missing_.values(missing)
        names = [str(schema.columns[i].name) for i in self.learned_]
        self.feature_names_ = names + self.missing_.labels
        correlation = learn_scores(self, *self._intervals(numbers), rng, n_sweeps)
        low, high = self._intervals(numbers)
        for j, (values, m) in enumerate(zip(numbers, self.maps_, strict=True)):
            if not m.discrete:
                m.spread_ends(values, low[:, j], high[:, j])
        return low, high, correlation

    def _intervals(self, numbers):
        low = np.zeros((len(numbers[0]), len(numbers)))
        high = np.ones_like(low)
        for j, (values, m) in enumerate(zip(numbers, self.maps_, strict=True)):
            filled = ~np.isnan(values)
            low[filled, j], high[filled, j] = m.intervals(values[filled])
        return low, high

    def _matrix(self, low, high, rng):
        """Return one rank for each interval, NaN where missing; overwrites them."""
        X = low + rng.random(low.shape) * (high - low)
        n_learned = len(self.learned_)
        for j, column_map in enumerate(self.maps_):
            open_cells = (low[:, j] == 0.0) & (high[:, j] == 1.0)
            if column_map.discrete:
                # A level too rare to be learned is drawn as if it had not been seen.
                at = np.searchsorted(column_map.edges_, X[open_cells, j], "right") - 1
                at = np.clip(at, 0, len(column_map.order_) - 1)
                low[open_cells, j] = column_map.edges_[at]
                high[open_cells, j] = column_map.edges_[at + 1]
            atom = column_map.discrete | (high[:, j] - low[:, j] >= ATOM)
            atom &= ~open_cells | column_map.discrete
            X[atom, j] = 0.5 * (low[atom, j] + high[atom, j])
        patterns = [
            m.values(X[:, n_learned + k]) for k, m in enumerate(self.missing_.maps_)
        ]
        if patterns:
            missing = self.missing_.missing(patterns, len(self.schema_))
            X[:, :n_learned][missing[:, self.learned_]] = np.nan
        return X

    def _fit_column(self, column, numbers):
        """Return the map of one column."""
        min_count = self.min_count
        values, counts = np.unique(numbers[~np.isnan(numbers)], return_counts=True)
        if not column.is_number:
            listed = values >= 0  # the gate held the others back
            return LevelMap(values[listed], counts[listed], min_count=min_count)
        if len(values) > FEW_VALUES or not (counts >= min_count).any():
            whole = column.decimals and column.step == 1
            return GridMap(
                values,
                counts,
                min_count=min_count,
                grid=column.decimals is not None,
                origin=column.origin if whole else None,
            )
        new = LevelMap(values, counts, min_count=min_count, merge=True)
        if new.n_suppressed_:
            found = {"levels": new.n_suppressed_, "rows": new.rows_suppressed_}
            self.suppressed_[str(column.name)] = found
        return new
