"""What the pictures of a report show, as plain numbers: nothing of a single row."""

import numpy as np
import pandas as pd

#: Most columns whose distributions are drawn, and columns of the heat maps.
MAX_PANELS, MAX_HEAT = 48, 60
#: Most categories drawn of one column.
MAX_BARS = 6
#: Rows that a category needs to be drawn by name.
MIN_NAMED = 5


def column_panels(schema, names, train, real, synthetic):
    """Return the distributions of the columns, real beside synthetic.

    Parameters
    ----------
    schema : Schema
        What the columns are.
    names : list
        Columns to draw.
    train, real, synthetic : pandas.DataFrame
        Rows that were learned from, unseen real rows and synthetic rows.

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
        cells = (table[name] for table in (train, real, synthetic))
        panels.append({"name": str(name), **draw(column, *cells)})
    return panels


def _histogram(column, train, real, synthetic):
    is_date = column.kind == "datetime"
    cells = []
    for series in (train.dropna(), real.dropna(), synthetic.dropna()):
        if is_date:
            series = series.astype(real.dtype).astype("int64")
        cells.append(series.to_numpy(dtype=np.float64))
    known = np.sort(cells[0])
    if len(known) < MIN_NAMED:
        return {"kind": "none", "why": "too few filled cells"}
    both = np.concatenate(cells[1:])
    # The ends are means of some rows further in than the outermost.
    skip = max(MIN_NAMED, len(known) // 200)
    skip = min(skip, (len(known) - MIN_NAMED) // 2)
    low = known[skip : skip + MIN_NAMED].mean()
    high = known[::-1][skip : skip + MIN_NAMED].mean()
    if not high - low > 1e-9 * abs(low):
        high = low + max(abs(low), 1.0)
    distinct = len(np.unique(both[(both >= low) & (both <= high)]))
    # One bin a value where values are few.
    edges = np.linspace(low, high, int(np.clip(distinct, 2, 30)) + 1)
    shares = [
        np.histogram(np.clip(c, low, high), edges)[0] / max(len(c), 1)
        for c in cells[1:]
    ]
    ends = [f"{low:.4g}", f"{high:.4g}"]
    if is_date:
        ends = [
            str(pd.Series([end]).astype("int64").astype(real.dtype).iloc[0])[:10]
            for end in (low, high)
        ]
    return {"kind": "histogram", **_pair(*shares), "labels": ends}


def _bars(column, train, real, synthetic):
    def label(series):
        return series.astype(object).map(str).where(series.notna(), "(missing)")

    a, b = label(real).value_counts(), label(synthetic).value_counts()
    common = a[a >= MIN_NAMED].index.union(b[b >= MIN_NAMED].index)
    most = label(train).value_counts().combine(a, max, fill_value=0)
    common = common.difference(most[most < MIN_NAMED].index)
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
