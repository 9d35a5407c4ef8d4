"""What density do unseen images get from patches and mixtures, beside plain flows?

Mean test log-likelihood in nats a row. "digits": 8 x 8 digits, data and split of
``density.py``, columns standardised by the training rows. "bsds": 200,000 patches
of natural images of 63 columns, recipe of
:func:`gaussflow.datasets.bsds300_rows` (seeds 0 and 2 for training and test noise),
in the units of the recipe; needs GAUSSFLOW_DATA. Choices were made on other splits of
the digits (seeds 1 to 3) and on the validation patches, whose score is given too.
Run: ``python benchmarks/images/images_density.py digits bsds``.
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
from benchmarks.common.measure import PeakMemory, in_new_process
from benchmarks.common.results import ResultFile, arguments
from gaussflow import GenFlow
from gaussflow._common.normal import log_standard_normal
from gaussflow.architectures import multiscale
from gaussflow.datasets import bsds300_rows, fetch_bsds300_patches
from gaussflow.layers import Conv, Elliptical, Linear, ScaleMixture

DIGITS = (8, 8, 1)
#: ``ScaleMixture(1, 1)`` is one Gaussian of full covariance.
METHODS = {
    "digits": {
        "gaussian": lambda: [ScaleMixture(1, 1)],
        "linear": lambda: [Linear(n_iter=60)],
        "gaussflow": lambda: "auto",
        "conv_alone": lambda: [Conv(DIGITS, 4), Conv(DIGITS, 2)],
        "multiscale": lambda: multiscale(DIGITS),
    },
    "bsds": {
        "mixture_linear": lambda: [ScaleMixture(), Linear(n_iter=15, rotation="ica")],
        "gaussian": lambda: [ScaleMixture(1, 1)],
        "elliptical": lambda: [Elliptical()],
        "linear": lambda: [Elliptical(), Linear(n_iter=30, rotation="ica")],
    },
}


def digits_rows():
    """Return training rows, and rows to score by name."""
    train, test, _ = next(iter(load("digits").splits(0)))
    return train, {"test": test}


def bsds_rows():
    """Return training rows, and rows to score by name."""
    train, validation, test = (
        bsds300_rows(fetch_bsds300_patches(subset).data, random_state=seed)
        for seed, subset in enumerate(("train", "val", "test"))
    )
    return train, {"validation": validation, "test": test}


ROWS = {"digits": digits_rows, "bsds": bsds_rows}


def evaluate(dataset, method, quick=False):
    """Fit one layer list; return a record."""
    train, scored = ROWS[dataset]()
    if quick:
        train, scored = train[:500], {k: v[:500] for k, v in scored.items()}
    layers = METHODS[dataset][method]
    if not quick:  # compile the kernels outside the clock
        GenFlow(layers(), random_state=0).fit(train[:300]).score(train[:300])
    with PeakMemory() as peak:
        start = time.perf_counter(), time.process_time()
        flow = GenFlow(layers(), random_state=0).fit(train)
        seconds = time.perf_counter() - start[0], time.process_time() - start[1]
    record = {
        "rows": len(train),
        "fit_seconds": seconds[0],
        "fit_cpu_seconds": seconds[1],
        "peak_megabytes": peak.megabytes,
        "layers": [repr(layer) for layer in flow.layers_],
    }
    for name, X in scored.items():
        start = time.process_time()
        after = after_each_layer(flow, X)
        record[f"{name}_cpu_seconds"] = time.process_time() - start
        record[f"{name}_after_each_layer"] = [float(one.mean()) for one in after]
        log_density = after[-1]
        record[f"{name}_log_likelihood"] = float(log_density.mean())
        # Patches of one photograph are alike: this is too small for "bsds".
        record[f"{name}_standard_error"] = float(log_density.std() / np.sqrt(len(X)))
    back = flow.inverse_transform(flow.transform(X[:200]))
    record["inverse_error"] = float(np.abs(back - X[:200]).max())
    return record


def after_each_layer(flow, X):
    """Return the log density of X by the first layer, the first two, and so on."""
    X, log_det, densities = X.copy(), np.zeros(len(X)), []
    for layer in flow.layers_:
        X, added = layer.forward_and_log_det(X)
        log_det += added
        densities.append(log_standard_normal(X) + log_det)
    return densities


def main(argv=None):
    parser = arguments(__doc__, __file__, quick="500 rows")
    parser.add_argument("datasets", nargs="+", choices=METHODS)
    parser.add_argument("--methods", nargs="+", help="by name; default: all")
    args = parser.parse_args(argv)
    out = ResultFile(args.out, keys=("dataset", "method"))
    pairs = itertools.chain.from_iterable(
        itertools.product([dataset], METHODS[dataset]) for dataset in args.datasets
    )
    for dataset, method in pairs:
        if args.methods and method not in args.methods:
            continue
        record = in_new_process(evaluate, dataset, method, args.quick)
        out.add({"dataset": dataset, "method": method} | record)
        print(
            f"{dataset:8} {method:22} {record.get('test_log_likelihood', np.nan):9.3f} "
            f"nats  fit {record.get('fit_cpu_seconds', np.nan):7.1f} CPU s  "
            f"{record.get('error', '')}",
            flush=True,
        )


if __name__ == "__main__":
    main()
