"""One self-contained HTML page: the scores, the pictures and what they mean."""

from html import escape

import numpy as np

from gaussflow.tabular import _svg
from gaussflow.tabular._coding import code_tables
from gaussflow.tabular._page import PAGE

#: Most columns whose distributions are drawn, and columns of the heat maps.
MAX_PANELS, MAX_HEAT = 48, 60
#: Most categories drawn of one column.
MAX_BARS = 6
#: Rows that a category needs to be drawn by name.
MIN_NAMED = 5


def html_report(quality, privacy, schema, holdout, synthetic, *, title, facts=()):
    """Write the report of a synthetic table as one HTML page.

    Parameters
    ----------
    quality : QualityReport
        Its fidelity.
    privacy : PrivacyReport
        Its privacy.
    schema : Schema
        What the columns are; the synthesizer's ``schema_``.
    holdout, synthetic : pandas.DataFrame
        Unseen real rows and synthetic rows, for the pictures.
    title : str
        What the table is, for the heading.
    facts : list of (str, str), default=()
        Further facts for the heading, for example the seed.

    Returns
    -------
    html : str
        A page without scripts or outside resources.
    """
    names, codes, (H, S) = code_tables(schema, holdout, synthetic)
    facts = [
        ("learned from", f"{quality.n_train:,} rows"),
        ("scored against", f"{quality.n_holdout:,} unseen rows"),
        ("synthetic", f"{quality.n_synthetic:,} rows"),
        *facts,
    ]
    return PAGE.substitute(
        title=escape(str(title)),
        facts="".join(
            f"<div><b>{escape(str(v))}</b><span>{escape(str(k))}</span></div>"
            for k, v in facts
        ),
        verdict=escape(_verdict(quality, privacy)),
        fidelity="".join(_fidelity_cards(quality)),
        privacy="".join(_privacy_cards(privacy)),
        panels=_panels(schema, names, holdout, synthetic, quality),
        heat=_heat_maps(names, H, S, quality),
        distances=_distances(privacy),
        columns=_column_rows(schema, quality),
        notes="".join(
            f"<li>{escape(n)}</li>" for n in _notes(schema, privacy, quality)
        ),
    )


def _verdict(quality, privacy):
    """Say in one sentence what the two leading scores show, with their noise."""
    tell = quality.detection - 2 * quality.detection_error
    if tell <= 0.5:
        seen = "A classifier cannot tell the synthetic rows from unseen real ones"
    elif quality.detection < 0.65:
        seen = "A classifier tells the synthetic rows from unseen real ones a little"
    elif quality.detection < 0.8:
        seen = "A classifier often tells the synthetic rows from unseen real ones"
    else:
        seen = "A classifier easily tells the synthetic rows from unseen real ones"
    leak = privacy.membership - 2 * privacy.membership_error
    if privacy.copies > privacy.copies_reference + 0.002:
        found = "there are more exact copies of training rows than chance explains"
    elif leak > 0.5:
        found = "an attacker finds out something about who was in the training rows"
    else:
        found = "no sign was found that training rows shine through"
    small = quality.n_holdout < 200
    noise = " The table is small: read every score with its error." if small else ""
    return (
        f"{seen} (AUC {quality.detection:.2f} ± {quality.detection_error:.2f}, ideal "
        f"0.5); {found}.{noise}"
    )


def _fidelity_cards(quality):
    q = quality
    yield _card(
        "Column shapes", f"{q.shape:.3f}", q.shape, q.shape_reference, 0.5, 1.0,
        "How alike each column is distributed, on average. Ideal 1.",
    )  # fmt: skip
    yield _card(
        "Pair trends", f"{q.pairs:.3f}", q.pairs, q.pairs_reference, 0.3, 1.0,
        "How alike each pair of columns goes together, on average. Ideal 1; few "
        "rows alone cost much of it, which is what the reference shows.",
    )  # fmt: skip
    yield _card(
        "Detection", f"{q.detection:.3f} ± {q.detection_error:.3f}", q.detection,
        q.detection_reference, 0.5, 1.0,
        "How well a classifier tells synthetic rows from real ones (area under the "
        "ROC curve). Ideal 0.5, worst 1.",
    )  # fmt: skip
    if q.utility is not None and np.isfinite(q.utility):
        yield _card(
            "Utility", f"{q.utility:.3f}", q.utility, q.utility_reference, 0.0, 1.0,
            f"How well a model fitted on synthetic rows predicts {q.target} of unseen "
            "real rows. Ideal: the reference, a model fitted on real rows.",
        )  # fmt: skip
    if q.missing is not None:
        yield _card(
            "Missing cells", f"{q.missing:.3f}", q.missing, q.missing_reference, 0.5, 1,
            "How alike the patterns of missing cells in a row are. Ideal 1.",
        )  # fmt: skip


def _privacy_cards(privacy):
    p = privacy
    yield _card(
        "Exact copies", f"{p.copies:.2%}", p.copies, p.copies_reference, 0.0, 0.05,
        "Synthetic rows that equal a training row in every cell. Ideal: no more than "
        "unseen real rows do by chance.",
    )  # fmt: skip
    yield _card(
        "Closer to training", f"{p.dcr_share:.3f}", p.dcr_share, 0.5, 0.3, 1.0,
        "Synthetic rows that lie closer to a training row than to an unseen real one. "
        "Ideal 0.5, copies give 1.", "ideal",
    )  # fmt: skip
    yield _card(
        "Membership attack", f"{p.membership:.3f} ± {p.membership_error:.3f}",
        p.membership, 0.5, 0.4, 1.0,
        "How well an attacker who knows the population tells training rows from "
        "unseen ones. Ideal 0.5, worst 1.", "ideal",
    )  # fmt: skip


def _card(name, shown, value, reference, low, high, sentence, tick="real rows"):
    real = "" if reference is None else f"{tick} {_number(reference, shown)}"
    picture = _svg.gauge(value, reference, low, high)
    return (
        f'<div class="card"><h3>{escape(name)}</h3><p class="score">'
        f"<b>{_smaller(shown)}</b><span>{real}</span></p>{picture}"
        f"<p>{escape(sentence)}</p></div>"
    )


def _smaller(shown):
    """Set the error behind a score in smaller type."""
    value, _, error = shown.partition(" ")
    return escape(value) + (f"<small>{escape(error)}</small>" if error else "")


def _number(value, like):
    return f"{value:.2%}" if like.endswith("%") else f"{value:.3f}"


def _panels(schema, names, holdout, synthetic, quality):
    parts = []
    for name in names[:MAX_PANELS]:
        column = schema[name]
        score = quality.columns[str(name)]["synthetic"]
        draw = _number_panel if column.is_number else _category_panel
        parts.append(
            f"<figure><figcaption><b>{escape(str(name))}</b><span>{score:.3f}</span>"
            f"</figcaption>{draw(column, holdout[name], synthetic[name])}</figure>"
        )
    if len(names) > MAX_PANELS:
        parts.append(f"<p>and {len(names) - MAX_PANELS} more columns, not drawn.</p>")
    return "".join(parts)


def _number_panel(column, real, synthetic):
    is_date = column.kind == "datetime"
    cells = []
    for series in (real.dropna(), synthetic.dropna()):
        as_number = series.astype("int64") if is_date else series
        cells.append(as_number.to_numpy(dtype=np.float64))
    both = np.concatenate(cells)
    if len(both) == 0:
        return "<p>no filled cell</p>"
    low, high = np.quantile(both, [0.005, 0.995])
    if low == high:
        low, high = both.min(), both.max() + (both.min() == both.max())
    edges = np.linspace(low, high, _n_bins(both, low, high) + 1)
    shares = [
        np.histogram(np.clip(c, low, high), edges)[0] / max(len(c), 1) for c in cells
    ]
    ends = (f"{low:.4g}", f"{high:.4g}")
    if is_date:
        ends = (str(synthetic.min())[:10], str(synthetic.max())[:10])
    return _svg.histogram_pair(*shares, labels=ends)


def _n_bins(cells, low, high):
    """Return one bin a value where values are few, else 30."""
    distinct = len(np.unique(cells[(cells >= low) & (cells <= high)]))
    return int(np.clip(distinct, 2, 30))


def _category_panel(column, real, synthetic):
    def label(series):
        return series.astype(object).map(str).where(series.notna(), "(missing)")

    a, b = label(real).value_counts(), label(synthetic).value_counts()
    common = a[a >= MIN_NAMED].index.union(b[b >= MIN_NAMED].index)
    share_a = a.reindex(common, fill_value=0) / max(len(real), 1)
    share_b = b.reindex(common, fill_value=0) / max(len(synthetic), 1)
    top = share_a.add(share_b).sort_values(ascending=False, kind="stable").index
    top = top[:MAX_BARS]
    if len(top) == 0:
        return "<p>rare categories only, not drawn</p>"
    values = [share[top].to_numpy(dtype=float) for share in (share_a, share_b)]
    return _svg.bar_pair(*values, [str(name) for name in top])


def _heat_maps(names, H, S, quality):
    names = [str(name) for name in names]
    if len(names) < 2 or len(names) > MAX_HEAT:
        return f"<p>Heat maps are drawn for 2 to {MAX_HEAT} columns.</p>"
    pairs = np.array(quality.pair_matrix)
    maps = [
        (
            "Correlation, real",
            _svg.heat_map(_rank_correlation(H), -1, 1, names, diverging=True),
        ),
        (
            "Correlation, synthetic",
            _svg.heat_map(_rank_correlation(S), -1, 1, names, diverging=True),
        ),
        ("Likeness of pairs", _svg.heat_map(pairs, 0, 1, names)),
    ]
    drawn = "".join(
        f"<figure><figcaption><b>{title}</b></figcaption>{svg}</figure>"
        for title, svg in maps
    )
    rows, columns = np.triu_indices(len(names), 1)
    worst = np.argsort(pairs[rows, columns], kind="stable")[:5]
    listed = "; ".join(
        f"{escape(names[rows[k]])} with {escape(names[columns[k]])} "
        f"({pairs[rows[k], columns[k]]:.2f})"
        for k in worst
    )
    return f'<div class="heat">{drawn}</div><p>Least alike: {listed}.</p>'


def _rank_correlation(X):
    """Spearman correlation with missing cells at their column's median rank."""
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
    spread[spread == 0] = np.nan
    return (ranks.T @ ranks) / np.outer(spread, spread)


def _distances(privacy):
    real = np.array(privacy.distances_reference)
    synthetic = np.array(privacy.distances)
    high = np.quantile(np.r_[real, synthetic], 0.995)
    edges = np.linspace(0, high if high > 0 else 1.0, 41)
    shares = [
        np.histogram(np.clip(d, 0, edges[-1]), edges)[0] / len(d)
        for d in (real, synthetic)
    ]
    return _svg.histogram_pair(
        *shares, labels=("0: a copy", f"{edges[-1]:.3g}"), width=640, height=150
    )


def _column_rows(schema, quality):
    rows = []
    for column in schema:
        score = quality.columns.get(str(column.name))
        shown = f"{score['synthetic']:.3f}" if score else ""
        real = f"{score['real']:.3f}" if score else ""
        cells = (
            column.name, column.kind, column.dtype, _describe(column),
            f"{column.missing / max(schema.n_rows, 1):.1%}", shown, real, column.note,
        )  # fmt: skip
        rows.append("<tr>" + "".join(f"<td>{escape(str(c))}</td>" for c in cells))
    return "".join(rows)


def _describe(column):
    if column.is_number and column.decimals is not None:
        places = f", {column.decimals} decimals" if column.decimals else ""
        return f"{column.distinct} values{places}"
    return f"{column.distinct} values"


def _notes(schema, privacy, quality):
    yield (
        f"The synthesizer saw {quality.n_train:,} rows; every score here is "
        f"taken against {quality.n_holdout:,} real rows that it did not see. Kinds and "
        "precision of the columns were read off the whole table."
    )
    yield (
        "“Real rows” beside a score is what the training rows themselves reach "
        "against the same unseen rows: no synthesizer can be expected to do better."
    )
    for column in schema.aside():
        yield f"{column.name}: {column.kind}; {column.note}."
    for name, what in privacy.suppressed.items():
        yield (
            f"{name}: {what['levels']} rare level(s), {what['rows']} row(s), "
            "suppressed or merged with the nearest value; they do not come out."
        )
    yield (
        "The privacy scores show what these attacks find, not what any attack "
        "could; they are no formal guarantee such as differential privacy."
    )
