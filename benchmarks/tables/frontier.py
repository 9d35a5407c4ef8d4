"""Draw the frontier: how real synthetic tables look, against how private they are.

From ``tabular.json``: a large point for each method, its mean over the tables; small
ones for the tables. The corner at (0.5, 0.5) is where no classifier tells synthetic
rows from real ones, and no attacker training rows from unseen ones. Run:
``python benchmarks/tables/frontier.py``.
"""

import argparse
import json
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MultipleLocator

RESULTS = Path(__file__).parent / "results"
X, Y = "c2st", "mia_cal_auc"
HALO = withStroke(linewidth=3, foreground="white")
#: Label and colour of each method, and where its label stands beside its point.
STYLES = {
    "resample": ("training rows, resampled", "#707070", (12, 0)),
    "independent": ("independent columns", "#707070", (0, -14)),
    "cart": ("sequential CART", "#c0392b", (12, 0)),
    "copula": ("Gaussian copula", "#8e6bb5", (0, 14)),
    "mixture": ("Gaussian mixture", "#2a7f9e", (0, 14)),
    "arfpy": ("arfpy", "#b7791f", (12, 0)),
    "forestdiffusion": ("ForestDiffusion", "#4f7a28", (12, 0)),
    "gaussflow": ("gaussflow", "#1f4e9c", (0, 17)),
}


def table_means(records):
    """Return the two scores of each method and table, as means over the seeds."""
    df = pd.DataFrame([r for r in records if X in r and Y in r])
    if df.empty:
        raise SystemExit(
            "The results hold no scores: run benchmarks/tables/tabular.py first."
        )
    means = df.groupby(["method", "table"])[[X, Y]].mean().reset_index()
    # Methods are compared on the tables that all of them have.
    counts = means.groupby("table")["method"].nunique()
    common = counts.index[counts == means["method"].nunique()]
    return means[means["table"].isin(common)]


def draw(ax, means):
    """Draw points, labels and the corner that every method aims at."""
    n_tables = means["table"].nunique()
    # Copies of training rows leak so much that the others would lie on one line.
    copies = means["method"] == "resample"
    top = 0.03 + (means if copies.all() else means[~copies])[Y].max()
    for method, (label, colour, offset) in STYLES.items():
        own = means[means["method"] == method]
        if own.empty:
            continue
        ours = method == "gaussflow"
        at = own[X].mean(), own[Y].mean()
        style = {"s": 330, "marker": "*"} if ours else {"s": 90, "marker": "o"}
        if at[1] > top:
            label += f": {at[1]:.2f}, off the scale"
            at, style = (at[0], top - 0.008), {"s": 90, "marker": "^"}
        else:
            ax.scatter(own[X], own[Y], s=16, c=colour, alpha=0.4, lw=0, zorder=2)
            for x, y in own[[X, Y]].to_numpy():
                ax.plot([at[0], x], [at[1], y], c=colour, lw=0.6, alpha=0.25, zorder=1)
        ax.scatter(*at, c=colour, edgecolors="white", lw=1, zorder=4, **style)
        ax.annotate(
            label,
            at,
            offset,
            textcoords="offset points",
            ha={-1: "right", 0: "center", 1: "left"}[int(np.sign(offset[0]))],
            va="center",
            color=colour,
            size=12 if ours else 10,
            weight="bold" if ours else "normal",
            path_effects=[HALO],
            zorder=5,
        )
    ax.scatter(0.5, 0.5, s=160, marker="o", c="none", edgecolors="#1a7f37", lw=2)
    ax.annotate(
        "ideal",
        (0.5, 0.5),
        (10, -11),
        textcoords="offset points",
        va="center",
        color="#1a7f37",
    )
    for line in (ax.axvline, ax.axhline):
        line(0.5, c="#1a7f37", lw=0.8, ls=":", zorder=0)
    ax.set_xlabel("detection AUC (c2st):  0.5 = looks real, 1 = told apart")
    ax.set_ylabel("membership AUC (calibrated):  0.5 = private, 1 = leaks")
    ax.set_title("Synthetic tables: hard to tell from real, and private", loc="left")
    tables = f"means over {n_tables} tables; small points: each table"
    ax.set_title(tables, loc="right", size=9, color="#555555")
    ax.yaxis.set_major_locator(MultipleLocator(0.05))
    ax.xaxis.set_major_locator(MultipleLocator(0.05))
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(color="#eeeeee", lw=0.8)
    ax.set_axisbelow(True)
    ax.set_ylim(min(0.48, means[Y].min() - 0.01), top)
    ax.set_xlim(min(0.48, means[X].min() - 0.01), means[X].max() + 0.04)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", default=RESULTS / "tabular.json", type=Path)
    parser.add_argument("--out", default=RESULTS / "frontier.png", type=Path)
    args = parser.parse_args(argv)
    means = table_means(json.loads(args.results.read_text())["results"])
    figure, ax = plt.subplots(figsize=(8, 5), dpi=120, layout="constrained")
    draw(ax, means)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(args.out, metadata={"Software": None})


if __name__ == "__main__":
    main()
