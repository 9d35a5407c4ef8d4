"""Find groups of columns that look independent of each other."""

import numpy as np
from scipy.sparse.csgraph import connected_components
from scipy.stats import chi2

#: Pairs are held for dependent below this p-value. It and the limits below trade a
#: dependence overlooked, which held-out rows catch, for time; chosen by hand.
P_VALUE = 1e-3
#: Bins of each column in a pair's table.
BINS = 8
#: Beyond so many columns or groups, the columns stay together.
MAX_COLUMNS = 64
MAX_GROUPS = 8


def column_groups(X):
    """Return sorted index arrays of columns that no pair's table links.

    Columns are cut in bins of equal counts; a pair is linked where the
    likelihood-ratio test of its table rejects independence. Dependence that
    no pair shows goes unseen: whoever uses the groups must compare the
    result with that of all columns together, on rows not used here.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.mixtures.column_groups import column_groups
    >>> X = np.random.default_rng(0).normal(size=(1000, 3))
    >>> X[:, 2] += X[:, 0]
    >>> [group.tolist() for group in column_groups(X)]
    [[0, 2], [1]]
    """
    n_rows, n_features = X.shape
    together = [np.arange(n_features)]
    if n_features == 1 or n_features > MAX_COLUMNS or n_rows < 5 * BINS**2:
        return together
    inner = np.quantile(X, np.arange(1, BINS) / BINS, axis=0)
    codes = [np.searchsorted(inner[:, j], X[:, j]) for j in range(n_features)]
    linked = np.eye(n_features, dtype=bool)
    for i in range(n_features):
        for j in range(i):
            table = np.bincount(BINS * codes[i] + codes[j], minlength=BINS**2)
            linked[i, j] = _dependent(table.reshape(BINS, BINS))
    n_groups, labels = connected_components(linked, directed=False)
    if n_groups > MAX_GROUPS:
        return together
    return [np.flatnonzero(labels == label) for label in range(n_groups)]


def _dependent(table):
    """Return whether a table's rows and columns are dependent (G test)."""
    table = table[table.any(axis=1)][:, table.any(axis=0)]
    freedom = (table.shape[0] - 1) * (table.shape[1] - 1)
    if freedom == 0:
        return False
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    filled = table > 0
    statistic = 2.0 * np.sum(table[filled] * np.log(table[filled] / expected[filled]))
    return chi2.sf(statistic, freedom) < P_VALUE
