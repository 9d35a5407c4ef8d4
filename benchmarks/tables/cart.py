"""Sequential CART synthesis, the reference: short, and without any smoothing.

Each column is drawn from the leaf that a row falls in, of a tree on the columns
before it (Reiter, 2005; the default of the R package synthpop): leaves of at
least five rows, and the training values themselves.
"""

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

MIN_LEAF = 5


def cart(train, target, seed):
    """Return as many synthetic rows as ``train`` has."""
    rng = np.random.default_rng(seed)
    n_rows, columns = len(train), {}
    real, drawn = np.empty((n_rows, 0)), np.empty((n_rows, 0))
    for name in train:
        if pd.api.types.is_numeric_dtype(train[name]):
            y = train[name].to_numpy(dtype=float)
            new = _draw_numbers(real, y, drawn, seed, rng)
            columns[name] = new
            middle = np.nanmedian(y)
            blocks = [
                np.column_stack([np.nan_to_num(v, nan=middle), np.isnan(v)])
                for v in (y, new)
            ]
        else:
            y, levels = pd.factorize(train[name])
            new = _draw(DecisionTreeClassifier, real, y, drawn, seed, rng)
            new = new.astype(int)
            columns[name] = np.array([*levels, None], dtype=object)[new]
            codes = np.arange(-1, len(levels))
            blocks = [(v[:, None] == codes).astype(float) for v in (y, new)]
        real, drawn = np.c_[real, blocks[0]], np.c_[drawn, blocks[1]]
    return pd.DataFrame(columns)


def _draw_numbers(real, y, drawn, seed, rng):
    """Draw whether a number is missing first, then its value."""
    filled = ~np.isnan(y)
    if real.shape[1] == 0:
        return rng.choice(y, len(drawn))
    new, alive = np.full(len(drawn), np.nan), np.ones(len(drawn), dtype=bool)
    if not filled.all():
        alive = _draw(DecisionTreeClassifier, real, filled, drawn, seed, rng) > 0
    new[alive] = _draw(
        DecisionTreeRegressor, real[filled], y[filled], drawn[alive], seed, rng
    )
    return new


def _draw(tree, real, y, drawn, seed, rng):
    """Draw from the training values in the leaf of each row."""
    if real.shape[1] == 0 or len(drawn) == 0:
        return rng.choice(y, len(drawn))
    tree = tree(min_samples_leaf=MIN_LEAF, random_state=seed).fit(real, y)
    home, leaf = tree.apply(real), tree.apply(drawn)
    out = np.empty(len(drawn))
    for one in np.unique(leaf):
        rows = leaf == one
        out[rows] = rng.choice(y[home == one], rows.sum())
    return out
