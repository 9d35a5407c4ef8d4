"""How many fitted layers does a Gaussian take as its columns grow in number?

10,000 rows of a Gaussian with eigenvalues from 1 to 10 in a random basis; the exact
loss on new rows after each iteration of random rotations, of ``pca``, and after a
``Triangular`` layer; the layers until a quarter of the loss at the start is left. What
convergence.py computes without rows, here with fits and their errors. Run:
``python benchmarks/density/layers_needed.py`` (and with ``--figure`` to draw both).
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import json

import numpy as np
from scipy.stats import norm

from benchmarks.common.results import ResultFile, arguments
from benchmarks.density.convergence import covariance
from gaussflow import Linear, Triangular, theory

DIMENSIONS = (2, 4, 8, 16, 32, 64, 128, 256)
#: The loss to reach, of that at the start; and the iterations that a fit may take,
#: in those that theorem 2 implies.
RATIO, PATIENCE = 0.25, 1.5
N_ROWS, N_NEW = 10_000, 5_000
#: Beyond these columns a method is left out: random rotations take minutes there.
MAX_COLUMNS = {"random": 128}


def data(n_features, n_rows, rng):
    """Return rows, new rows, and the exact log density of the new ones."""
    variances = np.diag(covariance(n_features))
    Q = np.linalg.qr(rng.standard_normal((n_features, n_features)))[0]
    Y, new = (
        rng.standard_normal((n, n_features)) * np.sqrt(variances)
        for n in (n_rows, N_NEW)
    )
    log_p = norm.logpdf(new, scale=np.sqrt(variances)).sum(axis=1)
    return Y @ Q, new @ Q, log_p


def losses_along(layer, new, log_p):
    """Return the loss after each iteration of a Linear layer."""
    log_det = np.zeros(len(new))
    Z = layer.entry_.forward_and_log_det(new.copy(), log_det)
    losses = [_loss(Z, log_det, log_p)]
    for iteration in layer.iterations_:
        Z = iteration.forward(Z, log_det)
        losses.append(_loss(Z, log_det, log_p))
    return losses


def _loss(Z, log_det, log_p):
    return float(np.mean(log_p - norm.logpdf(Z).sum(axis=1) - log_det))


def measure(method, n_features, n_rows):
    """Return the record of one method in one dimension."""
    rng = np.random.default_rng([0, n_features])
    X, new, log_p = data(n_features, n_rows, rng)
    if method == "triangular":
        layer = Triangular(n_components=1, random_state=0).fit(X)
        start = losses_along(Linear(0).fit(X), new, log_p)[0]
        losses = [start, float(np.mean(log_p - layer.score_samples(new)))]
    else:
        theorem = theory.layers_for_loss_ratio(RATIO, n_features)
        n_iter = 3 if method == "pca" else int(PATIENCE * theorem) + 3
        # Ungated: from 32 columns on, a random direction gains less than such rows
        # can show, and a gate would refuse them all before the goal.
        layer = Linear(
            n_iter,
            rotation=method,
            marginal="spline",
            gate=None,
            tol=0,
            random_state=0,
        )
        losses = losses_along(layer.fit(X), new, log_p)
    below = np.flatnonzero(np.array(losses) < RATIO * losses[0])
    return {
        "rows": n_rows,
        "layers": int(below[0]) if len(below) else None,
        "layers_theorem_2": theory.layers_for_loss_ratio(RATIO, n_features),
        "layers_theorem_1": theory.least_layers(n_features),
        "first_loss_exact": theory.gaussian_kl(covariance(n_features)),
        "losses": [float(f"{loss:.4g}") for loss in losses],
    }


def draw(folder, out):
    """Draw losses against layers, and layers needed against columns."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    folder = Path(folder)
    exact = json.loads((folder / "convergence.json").read_text())["results"]
    fitted = json.loads((folder / "layers_needed.json").read_text())["results"]
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    colours = plt.get_cmap("viridis")(np.linspace(0, 0.9, len(exact)))
    for record, colour in zip(exact, colours, strict=True):
        losses = np.array(record["losses"]) / record["losses"][0]
        at = np.arange(len(losses))
        d = record["dimension"]
        left.plot(at, losses, color=colour, label=f"D = {d}")
        left.plot(at, theory.rotation_contraction(d) ** at, color=colour, ls=":", lw=1)
    left.set(
        xlabel="layers",
        ylabel="loss / loss at the start",
        yscale="log",
        xscale="symlog",
        ylim=(1e-3, 1.3),
        xlim=(0, None),
        title="random rotations, exact maps (dotted: theorem 2)",
    )
    left.legend(fontsize="small", loc="lower left")
    d = np.array([record["dimension"] for record in exact])
    needed = [
        int(np.argmax(np.array(r["losses"]) < RATIO * r["losses"][0])) for r in exact
    ]
    bound = [theory.layers_for_loss_ratio(RATIO, k) for k in d]
    least = [theory.least_layers(k) for k in d]
    blocks = [theory.layers_for_loss_ratio(RATIO, k, blocks="coupling") for k in d]
    right.plot(d, bound, "k:", label="theorem 2")
    right.plot(d, least, "0.6", ls="--", label="theorem 1, for none of it")
    right.plot(d, blocks, "0.6", ls="-.", label="coupling blocks (eq. 20)")
    right.plot(d, needed, "C0", label="random rotations, exact maps")
    for method, colour, marker in (
        ("random", "C0", "o"),
        ("pca", "C1", "s"),
        ("triangular", "C2", "^"),
    ):
        records = [r for r in fitted if r["method"] == method and r["layers"]]
        at = [r["dimension"] for r in records]
        layers = [r["layers"] for r in records]
        style = {"color": colour, "marker": marker, "ls": "", "mfc": "none"}
        right.plot(at, layers, **style, label=f"{method}, fitted to {N_ROWS:,} rows")
    right.set(
        xlabel="columns D",
        ylabel="layers until a quarter of the loss is left",
        xscale="log",
        yscale="log",
        title="layers needed",
    )
    right.set_xticks(d, d)
    right.minorticks_off()
    right.legend(fontsize="small")
    figure.savefig(out, dpi=110, metadata={"Software": None})


def main(argv=None):
    parser = arguments(__doc__, __file__, quick="1,000 rows")
    parser.add_argument("--dimensions", nargs="+", type=int, default=DIMENSIONS)
    parser.add_argument("--methods", nargs="+", default=("random", "pca", "triangular"))
    parser.add_argument("--figure", action="store_true", help="draw convergence.png")
    args = parser.parse_args(argv)
    if args.figure:
        draw(args.out.parent, args.out.with_name("convergence.png"))
        return
    out = ResultFile(args.out, keys=("dimension", "method"))
    for n_features in args.dimensions:
        for method in args.methods:
            if n_features > MAX_COLUMNS.get(method, n_features):
                continue
            record = measure(method, n_features, 1_000 if args.quick else N_ROWS)
            out.add({"dimension": n_features, "method": method} | record)
            print(
                f"D {n_features:4} {method:11} layers {record['layers']} (theorem 2 "
                f"{record['layers_theorem_2']:.1f}), loss {record['losses'][0]:.3f} "
                f"-> {record['losses'][-1]:.4f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
