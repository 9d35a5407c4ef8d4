"""Reports as self-contained HTML pages: the scores, the pictures and what they mean."""

from html import escape

import numpy as np

from gaussflow.tabular.report import svg as _svg
from gaussflow.tabular.report.page import PAGE
from gaussflow.tabular.report.plots import MAX_HEAT

#: Statuses in words, for the page.
WORDS = {"pass": "pass", "fail": "fail", "unclear": "cannot tell", "": "no limit"}
MEANING = {
    "pass": "Every score keeps its threshold.",
    "unclear": "No score fails for sure, but the table is too small to tell for some.",
    "fail": "At least one score breaks its threshold by more than chance explains.",
    "": "",
}


def html_report(quality, privacy, *, title, facts=()):
    """Write both reports of a synthetic table as one HTML page.

    Parameters
    ----------
    quality : QualityReport
        Its fidelity.
    privacy : PrivacyReport
        Its privacy.
    title : str
        What the table is, for the heading.
    facts : list of (str, str), default=()
        Further facts for the heading, for example the seed.

    Returns
    -------
    html : str
        A page without scripts or outside resources.
    """
    scores, details = quality_sections(quality)
    sections = [*scores, *privacy_sections(privacy), *details]
    return page_of(title, sections, quality, privacy, facts=facts)


def page_of(title, sections, *reports, facts=()):
    """Fill the page with the sections of one or both reports."""
    one = reports[0]
    unseen = f"{one.n_holdout:,} unseen rows" if one.n_holdout else "no unseen rows"
    facts = [
        ("learned from", f"{one.n_train:,} rows"),
        ("scored against", unseen),
        ("synthetic", f"{one.n_synthetic:,} rows"),
        *facts,
    ]
    order = {"": 0, "pass": 1, "unclear": 2, "fail": 3}
    status = max((r.verdict for r in reports), key=order.get)
    return PAGE.substitute(
        title=escape(str(title)),
        pill=_pill(status),
        verdict=escape(_verdict(status, reports)),
        facts="".join(
            f"<div><b>{escape(str(v))}</b><span>{escape(str(k))}</span></div>"
            for k, v in facts
        ),
        sections="".join(sections),
        notes="".join(f"<li>{escape(n)}</li>" for n in _notes(reports)),
    )


def _verdict(status, reports):
    """Say in words what the verdict rests on."""
    scores = [s for r in reports for s in r.scores]
    named = ", ".join(s.title for s in scores if s.status == status)
    if status in ("fail", "unclear") and named:
        return f"{MEANING[status]} {WORDS[status].capitalize()}: {named}."
    if status == "unclear":
        return "Without unseen real rows no attack can be judged."
    return MEANING[status]


def quality_sections(quality):
    """Return the sections of a quality report: its scores, and its details."""
    parts = [_cards("Is it faithful?", "real rows reach on the same test", quality)]
    if quality.constraints:
        rows = [(name, f"{share:.2%}") for name, share in quality.constraints.items()]
        heads = ("constraint", "synthetic rows that keep it")
        parts.append("<h2>Logic</h2>" + _table(heads, rows))
    panels = "".join(_panel(p, quality.columns) for p in quality.plots["panels"])
    n_left = len(quality.names) - len(quality.plots["panels"])
    if n_left:
        panels += f"<p>and {n_left} more columns, not drawn.</p>"
    details = [
        '<h2>Column by column</h2><p class="key"><i class="real"></i>real rows<i></i>'
        "synthetic rows; the number is the likeness of the column, ideal 1</p>"
        f'<div class="grid">{panels}</div>',
        "<h2>Pairs of columns</h2>" + _heat_maps(quality),
        "<h2>The table</h2>" + _column_table(quality),
    ]
    return parts, details


def privacy_sections(privacy):
    """Return the sections of a privacy report."""
    tick = "unseen real rows show, or the ideal"
    parts = [_cards("Is it private?", tick, privacy)]
    if "distances" in privacy.plots:
        d = privacy.plots["distances"]
        drawn = _svg.histogram_pair(
            np.array(d["real"]), np.array(d["synthetic"]), labels=d["labels"],
            width=640, height=150,
        )  # fmt: skip
        parts.append(
            '<div class="box below"><h3>Distance to the closest training row</h3>'
            '<p class="key"><i class="real"></i>unseen real rows<i></i>synthetic rows'
            f"</p>{drawn}<p>Ideal: the two agree. A synthetic peak at 0 means copies."
            "</p></div>"
        )
    if privacy.riskiest:
        rows = [(r["row"], f"{r['rank']:.1%}", r["why"]) for r in privacy.riskiest]
        parts.append(
            "<h2>Training rows most at risk</h2><p>Those to which synthetic rows lie "
            "closest, measured by how close unseen real rows lie. Some always lead: "
            "the second column says how many of the unseen rows stand out as much.</p>"
            + _table(("row", "unseen rows as exposed", "why"), rows, long=2)
        )
    if privacy.attributes:
        rows = [
            (name, f"{a['synthetic']:.1%}", f"{a['unseen']:.1%}",
             f"{a['excess']:+.1%} ± {1.96 * a['error']:.1%}")
            for name, a in privacy.attributes.items()
        ]  # fmt: skip
        heads = (
            "guessed column", "right, from synthetic rows", "from unseen real rows",
            "leaked",
        )  # fmt: skip
        parts.append(
            "<h2>What an attacker can infer</h2><p>The attacker knows the other cells "
            "of a training row, and guesses one from the row most like it.</p>"
            + _table(heads, rows)
        )
    return parts


def _cards(heading, tick, report):
    """Return the cards of a report's scores below a heading."""
    return (
        f"<h2>{heading}</h2>"
        "<p>Dot: the synthetic table, its 95 % interval around it. Tick: what "
        f"{tick}. Green: passes.</p>"
        f'<div class="grid">{"".join(_card(s) for s in report.scores)}</div>'
    )


def _card(score):
    real = ""
    if score.reference is not None:
        real = f"real rows {score.write(score.reference)}"
    elif score.ideal is not None:
        real = f"ideal {score.write(score.ideal)}"
    interval = f" <small>{escape(score.interval)}</small>" if score.interval else ""
    rule = f"passes at {score.rule}" if score.rule else ""
    warning = f'<p class="warn">{escape(score.warning)}</p>' if score.warning else ""
    known = np.isfinite(score.value)
    return (
        f'<div class="card"><h3>{escape(score.title)}{_pill(score.status)}</h3>'
        f'<p class="score"><b>{score.write(score.value)}</b>{interval}'
        f"<span>{real}</span></p>{_gauge(score) if known else ''}"
        f'<p class="rule">{rule}</p><p>{escape(score.sentence)}</p>{warning}</div>'
    )


def _gauge(score):
    """Draw a score on a line that holds it, its reference and its limit."""
    tick = score.ideal if score.reference is None else score.reference
    shown = [score.value, score.low, score.high, tick, score.limit, score.ideal]
    shown = [v for v in shown if v is not None and np.isfinite(v)]
    pad = 0.12 * max(max(shown) - min(shown), 0.02)
    passes = None
    if score.limit is not None:
        passes = (score.limit, np.inf) if score.higher_is_better else (
            -np.inf, score.limit)  # fmt: skip
    return _svg.gauge(
        score.value, (score.low, score.high), tick,
        min(shown) - pad if min(shown) < 0 else max(min(shown) - pad, 0.0),
        max(shown) + pad, passes=passes,
    )  # fmt: skip


def _pill(status):
    if not status:
        return ""
    return f'<em class="pill {status}">{WORDS[status]}</em>'


def _table(heads, rows, long=None):
    """Return rows of cells as a table; those of column ``long`` may be folded."""
    head = "".join(f"<th>{escape(h)}</th>" for h in heads)
    marks = ["<td>"] * len(heads)
    if long is not None:
        marks[long] = '<td class="long">'
    body = "".join(
        "<tr>"
        + "".join(map("{}{}</td>".format, marks, map(escape, map(str, row))))
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="box wide"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _panel(panel, columns):
    name = panel["name"]
    if panel["kind"] == "none":
        picture = f"<p>{escape(panel['why'])}</p>"
    else:
        draw = _svg.bar_pair if panel["kind"] == "bars" else _svg.histogram_pair
        real, synthetic = np.array(panel["real"]), np.array(panel["synthetic"])
        picture = draw(real, synthetic, panel["labels"])
    return (
        f"<figure><figcaption><b>{escape(name)}</b>"
        f"<span>{columns[name]['synthetic']:.3f}</span></figcaption>{picture}</figure>"
    )


def _heat_maps(quality):
    names, plots = quality.names, quality.plots
    if not plots["real"]:
        return f"<p>Heat maps are drawn for 2 to {MAX_HEAT} columns.</p>"
    pairs = np.array(quality.pair_matrix)
    maps = [
        (f"Correlation, {which}", plots[which], -1, True)
        for which in ("real", "synthetic")
    ]
    maps.append(("Likeness of pairs", pairs, 0, False))
    drawn = "".join(
        f"<figure><figcaption><b>{title}</b></figcaption>"
        f"{_svg.heat_map(matrix, low, 1, names, diverging=two_sided)}</figure>"
        for title, matrix, low, two_sided in maps
    )
    rows, columns = np.triu_indices(len(names), 1)
    worst = np.argsort(pairs[rows, columns], kind="stable")[:5]
    listed = "; ".join(
        f"{escape(names[rows[k]])} / {escape(names[columns[k]])} "
        f"{pairs[rows[k], columns[k]]:.2f}"
        for k in worst
    )
    return (
        "<p>Blue: together; red: opposed. The first two should look the same; the "
        f'third should be dark all over.</p><div class="heat">{drawn}</div>'
        f"<p>Least alike: {listed}.</p>"
    )


def _column_table(quality):
    rows = []
    for column in quality.table:
        score = quality.columns.get(column["name"])
        shown = f"{score['synthetic']:.3f}" if score else ""
        real = f"{score['real']:.3f}" if score else ""
        rows.append((
            column["name"], column["kind"], column["dtype"], column["values"],
            f"{column['missing']:.1%}", shown, real, column["note"],
        ))  # fmt: skip
    heads = ("column", "kind", "dtype", "values", "missing", "likeness", "real rows",
             "note")  # fmt: skip
    return _table(heads, rows)


def _notes(reports):
    one = reports[0]
    if one.n_holdout:
        yield (
            f"The synthesizer saw {one.n_train:,} rows; every score here is taken "
            f"against {one.n_holdout:,} real rows that it did not see."
        )
    else:
        yield (
            "No unseen real rows were given: the scores are against the rows that were "
            "learned from, which rewards copying, and no attack could be judged."
        )
    yield (
        "“Real rows” beside a score is what real rows reach on the same test: no "
        "synthesizer can be expected to do better."
    )
    for report in reports:
        for column in getattr(report, "table", ()):
            if column["note"]:
                yield f"{column['name']}: {column['kind']}; {column['note']}."
        for name, what in getattr(report, "suppressed", {}).items():
            yield (
                f"{name}: {what['levels']} rare level(s), {what['rows']} row(s), "
                "suppressed or merged with the nearest value; they do not come out."
            )
        gap = getattr(report, "likelihood_gap", None)
        if gap is not None:
            yield (
                f"The model finds training rows {gap:.2f} nats likelier than unseen "
                "ones, on average: how much it has memorised."
            )
    yield (
        "An interval holds 95 % of what chance alone would give. “Cannot tell” means "
        "that the table is too small for that score: it is not a pass."
    )
    if any(hasattr(r, "riskiest") for r in reports):
        yield (
            "The privacy scores show what these attacks find, not what any attack "
            "could; they are no formal guarantee such as differential privacy."
        )
