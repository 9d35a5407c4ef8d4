"""Does low density under a flow tell anomalies as well as the usual detectors do?

ROC-AUC of rows that no detector saw: each is fitted to 5,000 rows drawn at random,
outliers among them and unmarked, and scores 20,000 others. Every detector with its
defaults, on columns standardised by the training rows (GaussianMixture: components
by BIC); "gaussflow_auto" is the detector around ``GenFlow()``. The detector's default
was chosen on seeds 7 and 8. Needs ``GAUSSFLOW_DATA``.
Run: ``python benchmarks/density/outliers.py``.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import itertools
import time
import warnings

import numpy as np
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import LocalOutlierFactor

from benchmarks.common.measure import in_new_process
from benchmarks.common.results import ResultFile, arguments

N_TRAIN, N_TEST = 5_000, 20_000
COMPONENTS = (1, 2, 4, 8, 16, 32)


def load(dataset, seed, n_train=N_TRAIN, n_test=N_TEST):
    """Return standardised rows to fit to, rows to score and which are anomalies."""
    path = Path(os.environ.get("GAUSSFLOW_DATA", ""), "density", f"{dataset}.npz")
    if not path.exists():
        raise FileNotFoundError(
            f"{path} was not found. Set GAUSSFLOW_DATA to the folder that holds "
            f"density/{dataset}.npz."
        )
    with np.load(path) as data:
        X, y = data["X"].astype(np.float64), data["y"]
    chosen = np.random.default_rng(seed).permutation(len(X))[: n_train + n_test]
    train, test = chosen[:n_train], chosen[n_train:]
    mean, std = X[train].mean(axis=0), X[train].std(axis=0)
    X = (X - mean) / np.where(std > 0, std, 1.0)
    return X[train], X[test], y[test] == 1


def mixture(X):
    """Return the Gaussian mixture of the lowest BIC."""
    fits = [GaussianMixture(k, random_state=0).fit(X) for k in COMPONENTS]
    return min(fits, key=lambda one: one.bic(X))


def flow(X):
    from gaussflow import DensityOutlierDetector

    return DensityOutlierDetector(random_state=0).fit(X)


def automatic_flow(X):
    from gaussflow import DensityOutlierDetector, GenFlow

    return DensityOutlierDetector(GenFlow(), random_state=0).fit(X)


METHODS = {
    "gaussflow": flow,
    "isolation_forest": lambda X: IsolationForest(random_state=0).fit(X),
    "local_outlier_factor": lambda X: LocalOutlierFactor(novelty=True).fit(X),
    "mixture": mixture,
    "gaussflow_auto": automatic_flow,
}


def evaluate(dataset, method, seed, quick=False):
    """Fit one detector on one draw of rows; return its record."""
    warnings.simplefilter("ignore")  # of the peers: convergence
    train, test, odd = load(dataset, seed, *((500, 2_000) if quick else ()))
    start = time.process_time()
    detector = METHODS[method](train)
    middle = time.process_time()
    score = detector.score_samples(test)
    return {
        "roc_auc": float(roc_auc_score(odd, -score)),
        "average_precision": float(average_precision_score(odd, -score)),
        "share_of_anomalies": float(odd.mean()),
        "fit_cpu_seconds": middle - start,
        "score_cpu_seconds": time.process_time() - middle,
    }


def main(argv=None):
    parser = arguments(__doc__, __file__, quick="few rows")
    known = ("shuttle", "cover")
    parser.add_argument("--datasets", nargs="+", choices=known, default=known)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=[*METHODS])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    args = parser.parse_args(argv)
    out = ResultFile(args.out, keys=("dataset", "method", "seed"))
    for dataset, method in itertools.product(args.datasets, args.methods):
        for seed in args.seeds:
            record = in_new_process(evaluate, dataset, method, seed, args.quick)
            out.add({"dataset": dataset, "method": method, "seed": seed, **record})
            print(
                f"{dataset:8} {method:21} seed {seed}  "
                f"AUC {record.get('roc_auc', np.nan):.4f}  {record.get('error', '')}",
                flush=True,
            )


if __name__ == "__main__":
    main()
