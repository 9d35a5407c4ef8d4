"""What the measures of information refuse."""

import numpy as np
from sklearn.utils import check_array

from gaussflow._common.seeds import as_generator
from gaussflow.marginals.ties import spread_ties


def check_rows(X, name):
    """Return validated rows; one column may be given flat."""
    X = np.asarray(X)
    if X.ndim == 1:
        X = X[:, None]
    return check_array(X, dtype=np.float64, input_name=name)


def check_same_rows(**parts):
    """Return sets of columns of the same rows, validated."""
    checked = {name: check_rows(part, name) for name, part in parts.items()}
    sizes = {name: len(part) for name, part in checked.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(
            f"All must be columns of the same rows, but have different lengths: "
            f"{sizes}. For two samples use kl_divergence."
        )
    return list(checked.values())


def check_density(X, name, caller):
    """Return validated rows, if every column can have a density."""
    X = check_rows(X, name)
    # Spread ties are how flows give a density to what has none.
    spread = (spread_ties(X, as_generator(0)) != X).any(axis=0)
    spread |= X.min(axis=0) == X.max(axis=0)
    if spread.any():
        raise ValueError(
            f"Column {int(np.argmax(spread))} of {name} holds one value in a large "
            f"share of its rows: it has no density, and {caller} is not defined. "
            f"Drop the column; the dependence of discrete columns is measured by "
            f"total_correlation and mutual_information."
        )
    return X


def check_copies(ranks):
    """Refuse continuous columns that are monotone maps of one another."""
    n = len(ranks)
    seen = {}
    for column, rank in enumerate(ranks.T):
        if len(np.unique(rank)) <= n // 2:
            continue  # discrete: what it shares with its copy is finite
        first = seen.setdefault(rank.tobytes(), column)
        seen.setdefault((n + 1.0 - rank).tobytes(), column)
        if first != column:
            raise ValueError(
                f"Columns {first} and {column}, counted over all arguments in order, "
                f"are monotone maps of one another: their dependence is infinite. "
                f"Drop one of them."
            )
