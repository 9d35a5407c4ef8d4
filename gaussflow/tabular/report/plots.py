"""What the pictures of a report show, as plain numbers: nothing of a single row."""

import numpy as np

#: Most columns whose distributions are drawn, and columns of the heat maps.
MAX_PANELS, MAX_HEAT = 48, 60
#: Most categories drawn of one column.
MAX_BARS = 6
#: Rows that a category needs to be drawn by name.
MIN_NAMED = 5


def column_panels(schema, names, real, synthetic):
    """Return the distributions of the columns, real beside synthetic.

    Parameters
    ----------
    schema : Schema
        What the columns are.
    names : list
        Columns to draw.
    real, synthetic : pandas.DataFrame
        Unseen real rows and synthetic rows.

    Returns
    -------
    panels : list of dict
        ``name``, ``kind`` ("histogram", "bars" or "none"), shares ``real`` and
        ``synthetic``, and ``labels``.
    """
    panels = []
    for name in names[:MAX_PANELS]:
        column = schema[name]
        draw = _histogram if column.is_number else _bars
        panels.append({"name": str(name), **draw(column, real[name], synthetic[name])})
    return panels


def _histogram(column, real, synthetic):
    is_date = column.kind == "datetime"
    cells = []
    for series in (real.dropna(), synthetic.dropna()):
        if is_date:
            series = series.astype(real.dtype).astype("int64")
        cells.append(series.to_numpy(dtype=np.float64))
    both = np.concatenate(cells)
    if len(both) == 0:
        return {"kind": "none", "why": "no filled cell"}
    low, high = np.quantile(both, [0.005, 0.995])
    if low == high:
        low, high = both.min(), both.max() + (both.min() == both.max())
    distinct = len(np.unique(both[(both >= low) & (both <= high)]))
    # One bin a value where values are few.
    edges = np.linspace(low, high, int(np.clip(distinct, 2, 30)) + 1)
    shares = [
        np.histogram(np.clip(c, low, high), edges)[0] / max(len(c), 1) for c in cells
    ]
    ends = [f"{low:.4g}", f"{high:.4g}"]
    if is_date:
        ends = [str(synthetic.min())[:10], str(synthetic.max())[:10]]
    return {"kind": "histogram", **_pair(*shares), "labels": ends}


def _bars(column, real, synthetic):
    def label(series):
        return series.astype(object).map(str).where(series.notna(), "(missing)")

    a, b = label(real).value_counts(), label(synthetic).value_counts()
    common = a[a >= MIN_NAMED].index.union(b[b >= MIN_NAMED].index)
    share_a = a.reindex(common, fill_value=0) / max(len(real), 1)
    share_b = b.reindex(common, fill_value=0) / max(len(synthetic), 1)
    top = share_a.add(share_b).sort_values(ascending=False, kind="stable").index
    top = top[:MAX_BARS]
    if len(top) == 0:
        return {"kind": "none", "why": "rare categories only, not drawn"}
    shares = [share[top].to_numpy(dtype=float) for share in (share_a, share_b)]
    return {"kind": "bars", **_pair(*shares), "labels": [str(name) for name in top]}


def _pair(real, synthetic):
    return {
        "real": np.round(real, 6).tolist(),
        "synthetic": np.round(synthetic, 6).tolist(),
    }


def distance_histogram(real, synthetic, n_bins=40):
    """Return the distances to the closest training row as shares of bins."""
    high = float(np.quantile(np.r_[real, synthetic], 0.995))
    edges = np.linspace(0, high if high > 0 else 1.0, n_bins + 1)
    shares = [
        np.histogram(np.clip(d, 0, edges[-1]), edges)[0] / len(d)
        for d in (real, synthetic)
    ]
    return {**_pair(*shares), "labels": ["0: a copy", f"{edges[-1]:.3g}"]}


def rank_correlation(X):
    """Return Spearman correlations, missing cells at their column's median rank."""
    ranks = np.empty(X.shape)
    for j in range(X.shape[1]):
        filled = ~np.isnan(X[:, j])
        cells = X[filled, j]
        order = np.sort(cells)
        middle = np.searchsorted(order, cells, "left") + np.searchsorted(
            order, cells, "right"
        )
        ranks[filled, j] = middle / max(2 * len(cells), 1) - 0.5
        ranks[~filled, j] = 0.0
    ranks -= ranks.mean(axis=0)
    spread = np.sqrt((ranks**2).sum(axis=0))
    spread[spread == 0] = np.inf
    return np.round((ranks.T @ ranks) / np.outer(spread, spread), 4)
