"""Draw some columns of rows anew, given the columns drawn before them."""

import numpy as np
import pandas as pd

from gaussflow.forests.map import BLOCK_NUMBERS
from gaussflow.tabular.sampling.density import patterns_of_rows
from gaussflow.tabular.sampling.observed import ObservedRows


class Redraw:
    """The later columns of rows, drawn again by the layer of trees.

    Parameters
    ----------
    encoder : TableEncoder
    forest_map : ForestMap
        Of the encoder's ranks.
    rng : numpy.random.Generator

    Attributes
    ----------
    names : list
        Learned columns in the order in which they are drawn.
    """

    def __init__(self, encoder, forest_map, rng):
        self.encoder, self.map, self.rng = encoder, forest_map, rng
        columns = [encoder.schema_.columns[i].name for i in encoder.learned_]
        self.features = [j for j in forest_map.arrays["order"] if j < len(columns)]
        self.names = [columns[j] for j in self.features]

    def __call__(self, frame, start, n_copies):
        """Return each row ``n_copies`` times, with new cells from a column on.

        Parameters
        ----------
        frame : pandas.DataFrame of shape (n, n_columns)
            The rows.
        start : ndarray of shape (n,)
            Of each row, the first place in ``names`` that is drawn anew.
        n_copies : int
            Number of draws.

        Returns
        -------
        frame : pandas.DataFrame of shape (n * n_copies, n_columns)
            The draws of a row follow each other.
        """
        rows = ObservedRows(self.encoder, self.map, frame)
        rows.set_patterns(patterns_of_rows)
        for place, j in enumerate(self.features):
            rows.book.of[place >= start, j] = -1
        step = max(1, BLOCK_NUMBERS // (n_copies * len(self.encoder.maps_)))
        parts = []
        for at in range(0, len(frame), step):
            regions = rows.book.regions(slice(at, at + step))
            X, _ = self.map.particles(regions, n_copies, self.rng)
            parts.append(X.reshape(-1, X.shape[2]))
        X = np.concatenate(parts)
        new = self.encoder.decode_ranks(X)
        old = frame.iloc[np.repeat(np.arange(len(frame)), n_copies)]
        old = old.reset_index(drop=True)[new.columns]
        start = np.repeat(start, n_copies)
        columns = []
        for name in new.columns:
            place = self.names.index(name) if name in self.names else 0
            columns.append(new[name].where(place >= start, old[name]))
        return pd.concat(columns, axis=1).astype(dict(new.dtypes))
