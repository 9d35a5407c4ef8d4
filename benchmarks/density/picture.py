"""Draw the README's picture: data, latent rows, samples and density.

Run: ``python benchmarks/density/picture.py``.
"""

import argparse
from pathlib import Path

import matplotlib as mpl
import numpy as np
from sklearn.datasets import make_moons, make_swiss_roll

mpl.use("Agg")

from matplotlib import pyplot as plt

RESULTS = Path(__file__).parent / "results"
TITLES = ("data", "latent: transform(X)", "samples: sample(n)", "density")


def examples(n_samples):
    """Return the two data sets, by name."""
    roll = make_swiss_roll(n_samples, noise=0.5, random_state=0)[0][:, [0, 2]]
    moons = make_moons(n_samples, noise=0.1, random_state=0)[0]
    return {"two moons": moons, "swiss roll": roll}


def draw_row(axes, X, flow):
    """Draw one data set's four panels."""
    shown = X[:2000]
    low, high = X.min(axis=0), X.max(axis=0)
    low, high = low - 0.1 * (high - low), high + 0.1 * (high - low)
    x, y = (np.linspace(a, b, 200) for a, b in zip(low, high, strict=True))
    grid = np.stack(np.meshgrid(x, y), axis=-1)
    density = np.exp(flow.score_samples(grid.reshape(-1, 2))).reshape(200, 200)
    dots = {"s": 2, "lw": 0, "alpha": 0.5}
    axes[0].scatter(*shown.T, c="C0", **dots)
    axes[1].scatter(*flow.transform(shown).T, c="C2", **dots)
    axes[2].scatter(*flow.sample(len(shown), random_state=0).T, c="C1", **dots)
    axes[3].pcolormesh(x, y, density, cmap="magma", vmax=np.quantile(density, 0.995))
    for ax in axes[[0, 2, 3]]:
        ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    axes[1].set(xlim=(-4, 4), ylim=(-4, 4))
    for ax in axes:
        ax.set(xticks=[], yticks=[])


def main(argv=None):
    from gaussflow import GenFlow

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default=RESULTS / "frontpage.png", type=Path)
    parser.add_argument("--rows", default=5000, type=int)
    args = parser.parse_args(argv)
    data = examples(args.rows)
    figure, axes = plt.subplots(
        len(data), 4, figsize=(9, 4.6), dpi=110, layout="constrained"
    )
    for row, (name, X) in zip(axes, data.items(), strict=True):
        draw_row(row, X, GenFlow(random_state=0).fit(X))
        row[0].set_ylabel(name)
    for ax, title in zip(axes[0], TITLES, strict=True):
        ax.set_title(title, fontsize=10)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(args.out, metadata={"Software": None})


if __name__ == "__main__":
    main()
