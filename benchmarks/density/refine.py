"""What do maps gain by being improved together, after or instead of one by one?

Mean test log-likelihood, in nats a row, of the simulated sets of ``density.py``
(same rows, splits and units), for a stack of rotations alone and for the automatic
one. "greedy" is ``GenFlow`` as it comes, "joint" the same with
``refinement="joint"``, "end_to_end_<k>" trains k random rotations and identity maps
from nothing. Settings were chosen on other draws of the same laws.
Run: ``python benchmarks/density/refine.py``.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import itertools
import time

import numpy as np

from benchmarks.common.datasets import load
from benchmarks.common.measure import in_new_process
from benchmarks.common.results import ResultFile, arguments

DATASETS = ("moons", "eight_gaussians", "swiss_roll", "student_t")
VARIANTS = {
    "rotations": ("greedy", "joint", "end_to_end_4", "end_to_end_8"),
    "auto": ("greedy", "joint"),
}


def fit(stack, variant, X):
    """Return a flow fitted to rows."""
    from gaussflow import GenFlow
    from gaussflow.layers import Linear

    if variant.startswith("end_to_end"):
        flow = GenFlow([Linear(n_iter=0)], random_state=0).fit(X)
        n_iter = int(variant.rsplit("_", 1)[1])
        return flow.refine(X, start="random", n_iter=n_iter, random_state=0)
    layers = [Linear(n_iter=50)] if stack == "rotations" else "auto"
    refinement = "joint" if variant == "joint" else None
    return GenFlow(layers, refinement=refinement, random_state=0).fit(X)


def evaluate(dataset, stack, variants, split_seed, quick=False):
    """Fit the variants on one split; return a record of each."""
    rows = load(dataset)
    if quick:
        rows.X = rows.X[:300]
    train, test, exact = next(rows.splits(split_seed))
    fit(stack, "end_to_end_2", train[:100])  # compile the kernels outside the clock
    records, greedy = [], None
    for variant in variants:
        start = time.process_time()
        flow = fit(stack, variant, train)
        seconds = time.process_time() - start
        log_density = flow.score_samples(test)
        record = {
            "test_log_likelihood": float(log_density.mean()),
            "train_log_likelihood": flow.score(train),
            "n_iterations": len(flow.layers_[-1].iterations_),
            "cpu_seconds": seconds,
        }
        if exact is not None:
            record["exact"] = float(exact)
        if variant == "greedy":
            greedy = log_density
        else:
            gain = log_density - greedy
            record["gain"] = float(gain.mean())
            record["gain_standard_error"] = float(gain.std() / np.sqrt(len(gain)))
            told = flow.refinement_
            record |= {key: told[key] for key in ("start", "stages", "admitted")}
        records.append(record)
    return {"records": records}


def main(argv=None):
    parser = arguments(__doc__, __file__, quick="300 rows")
    parser.add_argument("--datasets", nargs="+", choices=DATASETS, default=DATASETS)
    parser.add_argument("--stacks", nargs="+", choices=VARIANTS, default=[*VARIANTS])
    parser.add_argument("--split-seeds", nargs="+", type=int, default=[0])
    args = parser.parse_args(argv)
    out = ResultFile(args.out, keys=("dataset", "stack", "variant", "split_seed"))
    for stack, dataset in itertools.product(args.stacks, args.datasets):
        for seed in args.split_seeds:
            variants = VARIANTS[stack]
            done = in_new_process(evaluate, dataset, stack, variants, seed, args.quick)
            failed = [{"error": done.get("error")}] * len(variants)
            found = done.get("records", failed)
            for variant, record in zip(variants, found, strict=True):
                keys = {"dataset": dataset, "stack": stack, "variant": variant}
                out.add({**keys, "split_seed": seed, **record})
                score = record.get("test_log_likelihood", np.nan)
                print(
                    f"{stack:9} {dataset:15} {variant:12} {score:8.4f} nats  "
                    f"{record.get('n_iterations', 0):3d} iterations  "
                    f"{record.get('cpu_seconds', np.nan):6.1f} s",
                    flush=True,
                )


if __name__ == "__main__":
    main()
