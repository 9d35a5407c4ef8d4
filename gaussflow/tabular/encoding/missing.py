"""Which cells are missing, as columns of their own, so that patterns survive."""

import numpy as np

from gaussflow._common.checks import Flag
from gaussflow.persistence.shapes import Array, Items, Part
from gaussflow.persistence.state import Persistent, check_that
from gaussflow.tabular.columns.value_maps import LevelMap

#: Most whole-row patterns that are kept as the levels of one column: more are too
#: rare each to be learned. Chosen by hand.
MAX_PATTERNS = 64
#: Share of the rows that these patterns must cover. Chosen by hand.
MIN_COVER = 0.95


class MissingPatterns(Persistent):
    """The missing cells of a row, as one or several discrete columns.

    Where few patterns cover nearly every row, the whole pattern is one
    discrete value, and comes out exactly as often as it went in. Otherwise each
    distinct mask of a column is a binary column; columns that are always
    missing together share one.

    Attributes
    ----------
    columns_ : ndarray of int
        Indices of the columns with missing cells.
    patterns_ : ndarray of shape (n_states, n_missing_columns), bool
        The patterns, or the distinct masks' members (one row each).
    joint_ : bool
        Whether the whole pattern is one discrete value.
    maps_ : list of LevelMap
        One per latent column.
    """

    _state = {
        "columns_": Array("i", "columns", within="[0, inf)", rising=True),
        "maps_": Items(Part("LevelMap")),
        "joint_": Flag(),
        "patterns_": Array("b", "patterns", "columns"),
    }

    def _check_state(self):
        n_maps, n_patterns = len(self.maps_), len(self.patterns_)
        fits = n_maps <= 1 if self.joint_ else n_maps == n_patterns
        for one in self.maps_:  # whose levels are numbers of patterns, or 0 and 1
            known = np.arange(n_patterns if self.joint_ else 2)
            fits = fits and np.isin(one.order_, known).all()
        check_that(self, fits, "the maps are not those of its patterns")

    def __init__(self, missing, *, min_count):
        self.columns_ = np.flatnonzero(missing.any(axis=0))
        self.maps_ = []
        self.joint_ = True
        self.patterns_ = np.zeros((0, len(self.columns_)), dtype=bool)
        if len(self.columns_) == 0:
            return
        masks = missing[:, self.columns_]
        patterns, code, counts = np.unique(
            masks, axis=0, return_inverse=True, return_counts=True
        )
        common = counts >= min_count
        covered = counts[common].sum() / len(missing)
        self.joint_ = bool(common.sum() <= MAX_PATTERNS and covered >= MIN_COVER)
        if self.joint_:
            self.patterns_ = patterns
            levels = np.arange(len(patterns))
            self.maps_ = [LevelMap(levels, counts, min_count=min_count)]
        else:
            shared = np.unique(masks, axis=1, return_inverse=True)[1].ravel()
            self.patterns_ = np.arange(shared.max() + 1)[:, None] == shared
            for members in self.patterns_:
                counts = np.bincount(masks[:, members][:, 0], minlength=2)
                least = min(min_count, counts.max())  # of a small table, one stays
                self.maps_.append(LevelMap(np.arange(2), counts, min_count=least))

    def values(self, missing):
        """Return the discrete value of each row, one array per latent column."""
        if not self.maps_:
            return []
        masks = missing[:, self.columns_]
        if not self.joint_:
            return [masks[:, m].all(axis=1).astype(float) for m in self.patterns_]
        state = {row.tobytes(): i for i, row in enumerate(self.patterns_)}
        return [np.array([state.get(row.tobytes(), -1) for row in masks], dtype=float)]

    def missing(self, values, n_columns):
        """Return the boolean mask of missing cells for such values."""
        n_rows = len(values[0]) if values else 0
        out = np.zeros((n_rows, n_columns), dtype=bool)
        if self.joint_ and values:
            out[:, self.columns_] = self.patterns_[values[0].astype(int)]
            return out
        for value, members in zip(values, self.patterns_, strict=True):
            out[:, self.columns_[members]] = value[:, None] == 1.0
        return out

    def states(self, k):
        """Return the places of latent column k's columns, and which miss per state."""
        if self.joint_:
            return self.columns_, self.patterns_
        columns = self.columns_[self.patterns_[k]]
        return columns, np.tile([[False], [True]], len(columns))

    @property
    def labels(self):
        """Names of the latent columns."""
        if not self.maps_:
            return []
        if self.joint_:
            return ["missing pattern"]
        return [f"missing {i}" for i in range(len(self.maps_))]
