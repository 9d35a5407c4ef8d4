"""Does the gate refuse directions that were learned from pure noise?

Rows of N(0, I) have no structure: every direction that a layer admits is a false
admission, and every nat that a flow loses on new rows is what it learned by heart.
Layers of 8 iterations of each learned rotation, of random ones beside them, and of an
adversary that hands over the direction that looks most bimodal, over 20 seeds. Run:
``python benchmarks/density/gate.py``.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
os.environ.setdefault("OMP_NUM_THREADS", "1")


import numpy as np
from scipy.stats import norm

from benchmarks.common.results import ResultFile, arguments
from gaussflow import GenFlow, Linear
from gaussflow.theory import spurious_projection

#: Rows and columns.
SIZES = ((500, 4), (500, 16), (2_000, 16), (2_000, 64))
N_SEEDS, N_ITER, N_NEW = 20, 8, 5_000
LEARNED = ("pca", "ica", "sliced", "auto", "bimodal")
ROTATIONS = (*LEARNED, "random")
#: The default, one normal quantile of 1 %, and none.
GATES = {"auto": "auto", "2.33": 2.33, "none": None}


def bimodal(Z, rng):
    """Return the direction along which rows look most bimodal, as a rotation."""
    seed = int(rng.integers(2**31))
    return spurious_projection(Z, n_starts=1, random_state=seed).direction[None]


def one_seed(n_rows, n_columns, rotation, gate, seed):
    """Return (false admissions, candidates, nats lost on new rows a row)."""
    rng = np.random.default_rng([seed, n_rows, n_columns])
    X = rng.standard_normal((n_rows, n_columns))
    new = rng.standard_normal((N_NEW, n_columns))
    strategy = bimodal if rotation == "bimodal" else rotation
    layer = Linear(N_ITER, rotation=strategy, gate=gate, tol=0)
    flow = GenFlow([layer], validation_fraction=0, random_state=seed).fit(X)
    admitted = sum(point["admitted"] for point in flow.loss_curve_)
    candidates = sum(point["candidates"] for point in flow.loss_curve_)
    loss = norm.logpdf(new).sum(axis=1).mean() - flow.score(new)
    return admitted, candidates, loss


def measure(n_rows, n_columns, rotation, gate, n_seeds):
    """Return the record of one rotation."""
    runs = [one_seed(n_rows, n_columns, rotation, gate, s) for s in range(n_seeds)]
    admitted, candidates, losses = (
        np.array(column) for column in zip(*runs, strict=True)
    )
    shares = admitted / candidates
    return {
        "seeds": n_seeds,
        "candidates": int(candidates.sum()),
        "false_admissions": int(admitted.sum()),
        "share": float(admitted.sum() / candidates.sum()),
        "share_standard_error": float(shares.std(ddof=1) / np.sqrt(n_seeds)),
        # Standardising the columns alone costs about this much.
        "nats_lost_by_standardising": n_columns / n_rows,
        "nats_lost": float(losses.mean()),
        "nats_lost_standard_error": float(losses.std(ddof=1) / np.sqrt(n_seeds)),
    }


def main(argv=None):
    parser = arguments(__doc__, __file__, quick="2 seeds")
    parser.add_argument("--rotations", nargs="+", choices=ROTATIONS, default=ROTATIONS)
    parser.add_argument("--sizes", nargs="+", default=SIZES, type=_size, metavar="NxD")
    parser.add_argument("--gates", nargs="+", choices=GATES, default=tuple(GATES))
    args = parser.parse_args(argv)
    out = ResultFile(args.out, keys=("rows", "columns", "rotation", "gate"))
    for n_rows, n_columns in args.sizes:
        for rotation in args.rotations:
            for name, gate in GATES.items():
                if name not in args.gates:
                    continue
                n_seeds = 2 if args.quick else N_SEEDS
                record = measure(n_rows, n_columns, rotation, gate, n_seeds)
                keys = {"rows": n_rows, "columns": n_columns, "rotation": rotation}
                out.add(keys | {"gate": name} | record)
                print(
                    f"{n_rows:6} x {n_columns:3} {rotation:8} gate {name:5}"
                    f"{record['share']:8.2%} of {record['candidates']:6} admitted, "
                    f"{record['nats_lost']:7.3f} nats lost",
                    flush=True,
                )


def _size(text):
    rows, columns = text.lower().split("x")
    return int(rows), int(columns)


if __name__ == "__main__":
    main()
