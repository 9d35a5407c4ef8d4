"""A table as a matrix of ranks for trees: atoms repeat, missing cells are NaN."""

import numpy as np

from gaussflow.tabular.columns.value_maps import LevelMap

#: A value that owns a longer interval of ranks is one rank, its middle; within
#: shorter ones the ranks are spread, and the grid brings the value back.
ATOM = 1.0 / 256.0


def rank_matrix(encoder, df, rng, *, target_last=False):
    """Return the ranks of a table's cells, as a layer of trees takes them.

    Parameters
    ----------
    encoder : TableEncoder
        Fitted.
    df : pandas.DataFrame
        The table.
    rng : numpy.random.Generator
        Places within short intervals; levels in the place of rare ones.
    target_last : bool, default=False
        Whether the target is drawn from all other columns, instead of before them.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
        Ranks in (0, 1), NaN where missing; the columns are the encoder's.
    nominal : ndarray of shape (n_features,), bool
        Which columns hold unordered levels.
    order : list of int
        The pattern of missing cells first, then the table's order, the target
        before it or after it.
    """
    low, high = encoder.intervals(df)
    X = low + rng.random(low.shape) * (high - low)
    n_learned = len(encoder.learned_)
    for j, column_map in enumerate(encoder.maps_):
        open_cells = (low[:, j] == 0.0) & (high[:, j] == 1.0)
        if isinstance(column_map, LevelMap):
            # A level too rare to be learned is drawn as if it had not been seen.
            at = np.searchsorted(column_map.edges_, X[open_cells, j], "right") - 1
            at = np.clip(at, 0, len(column_map.order_) - 1)
            low[open_cells, j] = column_map.edges_[at]
            high[open_cells, j] = column_map.edges_[at + 1]
        atom = isinstance(column_map, LevelMap) | (high[:, j] - low[:, j] >= ATOM)
        atom &= ~open_cells | isinstance(column_map, LevelMap)
        X[atom, j] = 0.5 * (low[atom, j] + high[atom, j])
    patterns = [
        m.values(X[:, n_learned + k]) for k, m in enumerate(encoder.missing_.maps_)
    ]
    if patterns:
        missing = encoder.missing_.missing(patterns, len(encoder.schema_))
        X[:, :n_learned][missing[:, encoder.learned_]] = np.nan
    nominal = np.array(
        [isinstance(m, LevelMap) and not m.merge_ for m in encoder.maps_]
    )
    first = list(range(n_learned, len(encoder.maps_)))
    target = [
        j for j in range(n_learned) if encoder.feature_names_[j] == encoder.target
    ]
    middle = [j for j in range(n_learned) if j not in target]
    rest = middle + target if target_last else target + middle
    return X, nominal, first + rest


def decode_ranks(encoder, X):
    """Return the table of such ranks."""
    return encoder.decode_ranks(np.where(np.isnan(X), 0.5, X))
