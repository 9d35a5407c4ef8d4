"""Which estimator gives unseen rows the highest density, and at what price?

Mean test log-likelihood in nats a row, on columns standardised by the training
rows; times, memory, and the quality of samples beside it. Every estimator with
its defaults and ``random_state=0``. Run: ``python benchmarks/density/density.py``.
``--split-seeds`` cuts the rows in other ways than the ones that defaults were
chosen beside: ``density_other_splits.json`` holds such a run.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import itertools
import warnings

import numpy as np

from benchmarks.common.datasets import DATASETS, EXTRA_DATASETS, load
from benchmarks.common.measure import PeakMemory, in_new_process, timed
from benchmarks.common.results import ResultFile, arguments
from benchmarks.density.methods import METHODS

N_SAMPLES = 10_000
N_DIRECTIONS = 500
SLICED_SETS = ("breast_cancer", "breast_cancer_split", "digits")


def sliced_w2(A, B):
    """Return the sliced 2-Wasserstein distance of two sets of rows."""
    rng = np.random.default_rng(0)
    directions = rng.standard_normal((A.shape[1], N_DIRECTIONS))
    directions /= np.linalg.norm(directions, axis=0)
    levels = (np.arange(2000) + 0.5) / 2000
    a, b = (
        np.quantile(X @ directions, levels, axis=0, method="inverted_cdf")
        for X in (A, B)
    )
    return float(np.sqrt(np.mean((a - b) ** 2)))


def evaluate(dataset, method, quick=False, split_seed=0):
    """Fit one method on each split of one data set; return a record."""
    warnings.simplefilter("ignore")  # of the peers: convergence, bandwidths
    rows = load(dataset)
    if quick:
        rows.X = rows.X[:300]
    else:  # compile the kernels outside the clock
        METHODS[method]().fit(rows.X[:200]).sample(10, random_state=0)
    folds = [_evaluate_split(method, *split) for split in rows.splits(split_seed)]
    record = {key: float(np.mean([f[key] for f in folds])) for key in folds[0]}
    scores = [f["test_log_likelihood"] for f in folds]
    if len(folds) > 1:
        record["standard_error"] = float(np.std(scores, ddof=1) / np.sqrt(len(folds)))
        record["folds"] = scores
    if dataset not in SLICED_SETS:
        record = {k: v for k, v in record.items() if not k.startswith("sliced")}
    return record


def _evaluate_split(method, train, test, exact):
    with PeakMemory() as peak:
        model, fit_seconds = timed(METHODS[method]().fit, train)
    samples, sample_seconds = timed(model.sample, N_SAMPLES, 0)
    log_density = model.score_samples(test)
    floor = sliced_w2(train, test)
    # As many samples as training rows, so that both distances have like noise.
    parts = samples[: 5 * len(train)]
    parts = np.array_split(parts, max(1, len(parts) // len(train)))
    record = {
        "test_log_likelihood": log_density.mean(),
        "train_log_likelihood": model.score_samples(train).mean(),
        "standard_error": log_density.std() / np.sqrt(len(test)),
        "fit_seconds": fit_seconds,
        "sample_seconds_10000": sample_seconds,
        "peak_megabytes": peak.megabytes,
        "sliced_w2": np.mean([sliced_w2(part, test) for part in parts]),
        "sliced_w2_train": floor,
    }
    record["sliced_w2_ratio"] = record["sliced_w2"] / floor
    if exact is not None:
        record["exact"] = exact
    return {k: float(v) for k, v in record.items()}


def main(argv=None):
    known = [*DATASETS, *EXTRA_DATASETS]
    parser = arguments(__doc__, __file__, quick="300 rows")
    parser.add_argument("--datasets", nargs="+", choices=known, default=[*DATASETS])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=[*METHODS])
    parser.add_argument("--split-seeds", nargs="+", type=int, default=[0])
    args = parser.parse_args(argv)
    out = ResultFile(args.out, keys=("dataset", "method", "split_seed"))
    for dataset, method in itertools.product(args.datasets, args.methods):
        for seed in args.split_seeds:
            record = in_new_process(evaluate, dataset, method, args.quick, seed)
            keys = {"dataset": dataset, "method": method, "split_seed": seed}
            out.add(keys | record)
            score = record.get("test_log_likelihood", np.nan)
            seconds = record.get("fit_seconds", np.nan)
            print(
                f"{dataset:20} {method:14} {score:9.3f} nats  fit {seconds:7.2f} s  "
                f"{record.get('error', '')}",
                flush=True,
            )


if __name__ == "__main__":
    main()
