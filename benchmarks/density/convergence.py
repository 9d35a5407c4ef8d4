"""How many layers does a Gaussian take, beside what theory says?

Losses of layers of random rotations and exact marginal maps, computed from
covariances (no rows are drawn, so that no fit can be good or bad), in D = 2 to 256
columns: the contraction measured over the loss's last tenfold fall divided by
theorem 2's, and the layers until the loss is a hundredth of its start. Run:
``python benchmarks/density/convergence.py``.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
os.environ.setdefault("OMP_NUM_THREADS", "1")


import numpy as np

from benchmarks.common.results import ResultFile, arguments
from gaussflow import theory

DIMENSIONS = (2, 4, 8, 16, 32, 64, 128, 256)
#: Fall of the loss that layers are counted for, and that a rate is taken over.
RATIO, LATE_RATIO = 1e-2, 1e-3
#: Rows of results are means over so many draws of rotations, fewer where D is large.
N_RUNS = {2: 2000, 4: 500, 8: 100, 16: 40, 32: 20, 64: 8, 128: 3, 256: 1}


def covariance(n_features):
    """Return eigenvalues from 1 to 10, geometric, of trace D."""
    eigenvalues = np.logspace(0, 1, n_features)
    return np.diag(eigenvalues * n_features / eigenvalues.sum())


def measure(n_features, n_runs):
    """Return the record of one dimension."""
    S = covariance(n_features)
    n_layers = int(1.4 * theory.layers_for_loss_ratio(LATE_RATIO, n_features)) + 2
    losses = theory.random_rotation_losses(S, n_layers, n_runs=n_runs)
    mean = losses.mean(axis=0)
    layers = int(np.argmax(mean < RATIO * mean[0]))
    late = int(np.argmax(mean < LATE_RATIO * mean[0]))
    bound = theory.rotation_contraction(n_features)
    # Geometric mean over the layers between the two falls.
    contraction = (mean[late] / mean[layers]) ** (1.0 / (late - layers))
    return {
        "runs": n_runs,
        "first_loss": float(mean[0]),
        "first_contraction": float(mean[1] / mean[0]),
        "first_contraction_exact": theory.loss_after_step(S) / theory.gaussian_kl(S),
        "late_contraction": float(contraction),
        "theorem_2": bound,
        # In layers, so that it compares across dimensions.
        "late_rate_ratio": float(np.log(contraction) / np.log(bound)),
        "layers": layers,
        "layers_theorem_2": theory.layers_for_loss_ratio(RATIO, n_features),
        "layers_theorem_1": theory.least_layers(n_features),
        "layers_coupling": theory.layers_for_loss_ratio(
            RATIO, n_features, blocks="coupling"
        ),
        "losses": [float(f"{loss:.4g}") for loss in mean[: late + 1]],
    }


def main(argv=None):
    parser = arguments(__doc__, __file__, quick="2 runs")
    parser.add_argument("--dimensions", nargs="+", type=int, default=DIMENSIONS)
    args = parser.parse_args(argv)
    out = ResultFile(args.out, keys=("dimension",))
    for n_features in args.dimensions:
        n_runs = 2 if args.quick else N_RUNS.get(n_features, 1)
        record = measure(n_features, n_runs)
        out.add({"dimension": n_features} | record)
        print(
            f"D {n_features:4}  layers {record['layers']:4} (theorem 2 "
            f"{record['layers_theorem_2']:6.1f}, coupling "
            f"{record['layers_coupling']:.1f})  rate / theorem 2 "
            f"{record['late_rate_ratio']:.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
