"""What does a flow cost beside the products and quantiles it cannot do without?

Ratios are taken in one run, on one thread, median of several calls after one
that compiles. Run: ``python benchmarks/speed/speed.py``; ``--big`` adds ten million
rows from a memory map (400 MB on disk).
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import subprocess
import tempfile

import numpy as np

from benchmarks.common.measure import PeakMemory, in_new_process, median_seconds, timed
from benchmarks.common.results import ResultFile, arguments


def make_rows(n_samples, n_features, dtype=np.float64):
    """Return skewed, dependent rows, made in chunks to keep memory low."""
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((n_features, n_features)) / np.sqrt(n_features)
    X = np.empty((n_samples, n_features), dtype=dtype)
    for start in range(0, n_samples, 100_000):
        Z = rng.standard_normal((min(100_000, n_samples - start), n_features)) @ mixing
        Z[:, ::2] = np.exp(0.5 * Z[:, ::2])
        X[start : start + len(Z)] = Z
    return X


def iteration(n_samples=100_000, n_features=32, n_runs=7):
    """Time one Linear iteration against ``X @ Q`` and ``ndtri``."""
    from scipy.special import ndtri

    from gaussflow.layers import Linear

    X = make_rows(n_samples, n_features)
    rng = np.random.default_rng(1)
    Q = np.linalg.qr(rng.standard_normal((n_features, n_features)))[0]
    U = rng.random(X.shape)
    layer = Linear(n_iter=1, rotation="random", random_state=0)
    fit = median_seconds(lambda: layer.fit(X), n_runs)
    transform = median_seconds(lambda: layer.transform(X), n_runs)
    inverse = median_seconds(lambda: layer.inverse_transform(X), n_runs)
    floor = median_seconds(lambda: X @ Q, n_runs) + median_seconds(
        lambda: ndtri(U), n_runs
    )
    return {
        "rows": n_samples,
        "columns": n_features,
        "product_and_ndtri_seconds": floor,
        "transform_seconds": transform,
        "inverse_seconds": inverse,
        "fit_seconds": fit,
        "transform_over_product_and_ndtri": transform / floor,
        "fit_over_transform": fit / transform,
    }


def whole_fit(n_samples, n_features, n_jobs=None):
    """Time ``GenFlow().fit`` and weigh its memory against the rows'."""
    from gaussflow import GenFlow

    X = make_rows(n_samples, n_features)
    GenFlow(random_state=0).fit(X[:200])
    with PeakMemory() as peak:
        flow, fit_seconds = timed(GenFlow(n_jobs=n_jobs, random_state=0).fit, X)
    samples, sample_seconds = timed(flow.sample, 1000, random_state=0)
    assert np.isfinite(samples).all()
    megabytes = X.nbytes / 2**20
    return {
        "rows": n_samples,
        "columns": n_features,
        "n_jobs": n_jobs,
        "fit_seconds": fit_seconds,
        "sample_seconds_1000": sample_seconds,
        "rows_megabytes": megabytes,
        "peak_megabytes_over_rows": peak.megabytes,
        "peak_over_rows": peak.megabytes / megabytes,
    }


def wide_fit(n_samples=60_000, n_features=784, n_iter=50):
    """Time 50 random rotations on images' worth of columns."""
    from gaussflow import GenFlow
    from gaussflow.layers import Linear

    X = make_rows(n_samples, n_features, dtype=np.float32)
    layers = [Linear(n_iter=n_iter, rotation="random")]
    flow = GenFlow(layers, dtype=np.float32, random_state=0)
    flow.fit(X[:200])
    with PeakMemory() as peak:
        _, fit_seconds = timed(flow.fit, X)
    samples, sample_seconds = timed(flow.sample, 1000, random_state=0)
    assert np.isfinite(samples).all()
    return {
        "rows": n_samples,
        "columns": n_features,
        "fit_seconds": fit_seconds,
        "sample_seconds_1000": sample_seconds,
        "peak_over_rows": peak.megabytes / (X.nbytes / 2**20),
    }


def memory_map_fit(n_samples=10_000_000, n_features=10):
    """Fit a flow to float32 rows on disk; only the process' whole memory counts."""
    from gaussflow import GenFlow

    with tempfile.TemporaryDirectory() as folder:
        path, shape = Path(folder, "rows.dat"), (n_samples, n_features)
        X = np.memmap(path, dtype=np.float32, mode="w+", shape=shape)
        block = make_rows(100_000, n_features, dtype=np.float32)
        rng = np.random.default_rng(2)
        for start in range(0, n_samples, len(block)):
            part = X[start : start + len(block)]
            part[:] = block[rng.permutation(len(block))[: len(part)]]
        del X, part, block
        X = np.memmap(path, dtype=np.float32, mode="r", shape=shape)
        GenFlow(random_state=0).fit(np.array(X[:200]))
        with PeakMemory() as peak:
            _, fit_seconds = timed(GenFlow(random_state=0).fit, X)
        megabytes = X.nbytes / 2**20
        del X
    return {
        "rows": n_samples,
        "columns": n_features,
        "fit_seconds": fit_seconds,
        "rows_megabytes": megabytes,
        "peak_megabytes": peak.megabytes,
        "peak_megabytes_with_python": peak.highest,
    }


def import_times(n_runs=5):
    """Time the import in new processes, beside those of the requirements."""
    statements = {
        "gaussflow": "import gaussflow",
        "sklearn_and_numba": "import numba, scipy.special, sklearn.base, sklearn.utils",
    }
    seconds = {
        f"{name}_seconds": median_seconds(
            lambda s=statement: subprocess.run([sys.executable, "-c", s], check=True),
            n_runs,
        )
        for name, statement in statements.items()
    }
    ratio = seconds["gaussflow_seconds"] / seconds["sklearn_and_numba_seconds"]
    return {**seconds, "ratio": ratio}


TASKS = {
    "iteration": (iteration,),
    "million_rows": (whole_fit, 1_000_000, 10, 2),
    "few_rows_many_columns": (whole_fit, 200, 300),
    "images": (wide_fit,),
    "import": (import_times,),
}
BIG_TASKS = {"ten_million_rows_on_disk": (memory_map_fit,)}
QUICK_TASKS = {
    "iteration": (iteration, 500, 4, 1),
    "million_rows": (whole_fit, 500, 3, 2),
    "few_rows_many_columns": (whole_fit, 20, 30),
    "images": (wide_fit, 200, 16, 2),
    "import": (import_times, 1),
    "ten_million_rows_on_disk": (memory_map_fit, 3000, 3),
}


def main(argv=None):
    parser = arguments(__doc__, __file__, quick="tiny")
    parser.add_argument("--tasks", nargs="+", choices=[*TASKS, *BIG_TASKS])
    parser.add_argument("--big", action="store_true", help="ten million rows, too")
    args = parser.parse_args(argv)
    tasks = {**TASKS, **(BIG_TASKS if args.big or args.tasks else {})}
    if args.quick:
        tasks = QUICK_TASKS
    out = ResultFile(args.out, keys=("task",))
    for name in args.tasks or tasks:
        record = in_new_process(*tasks[name])
        out.add({"task": name, **record})
        print(name, *(f"  {k} = {_short(v)}" for k, v in record.items()), sep="\n")
        sys.stdout.flush()


def _short(value):
    return f"{value:.4g}" if isinstance(value, float) else value


if __name__ == "__main__":
    main()
