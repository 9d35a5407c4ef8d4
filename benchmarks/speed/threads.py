"""What does a fit cost with a BLAS thread a core, with one, and as it comes?

"all" is a thread a core for the whole fit, which is what an untouched process has;
"one" is an environment that allows one; "shipped" is an untouched process in which
the package sets its own limit. Each in new processes, median of several fits after
one that compiles. Run: ``python benchmarks/speed/threads.py``.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.common.results import ResultFile, arguments

#: Rows and columns of the five sets.
SETS = ((60, 4), (455, 30), (2_000, 10), (6_000, 3), (500, 100))
VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def make_rows(n_samples, n_features):
    """Return normal rows, one column of which bends with another."""
    import numpy as np

    X = np.random.default_rng(0).standard_normal((n_samples, n_features))
    X[:, 1] += X[:, 0] ** 2
    return X


def measure(n_samples, n_features, n_runs, limited):
    """Return the median seconds and CPU seconds of ``GenFlow().fit``."""
    import time

    from gaussflow import GenFlow
    from gaussflow._common import threads

    if not limited:
        threads.SMALL_COLUMNS = 0
    X = make_rows(n_samples, n_features)
    GenFlow(random_state=0).fit(X)
    runs = []
    for _ in range(n_runs):
        wall, cpu = time.perf_counter(), time.process_time()
        GenFlow(random_state=0).fit(X)
        runs.append((time.perf_counter() - wall, time.process_time() - cpu))
    return [sorted(column)[n_runs // 2] for column in zip(*runs, strict=True)]


def in_environment(kind, shape, n_runs):
    """Return ``measure`` of a new process with the threads of a kind."""
    env = {k: v for k, v in os.environ.items() if k not in VARIABLES}
    if kind == "one":
        env.update(dict.fromkeys(VARIABLES, "1"))
    job = [*map(str, shape), str(n_runs), str(int(kind != "all"))]
    command = [sys.executable, __file__, "--job", *job]
    done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def main(argv=None):
    parser = arguments(__doc__, __file__, quick="one tiny set")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--job", type=int, nargs=4)
    args = parser.parse_args(argv)
    if args.job:
        *sizes, limited = args.job
        print(json.dumps(measure(*sizes, bool(limited))))
        return
    out = ResultFile(args.out, keys=("rows", "columns"))
    for shape in ((30, 2),) if args.quick else SETS:
        record = dict(zip(("rows", "columns"), shape, strict=True))
        for kind in ("all", "one", "shipped"):
            seconds, cpu = in_environment(kind, shape, 1 if args.quick else args.runs)
            record |= {f"{kind}_seconds": seconds, f"{kind}_cpu_seconds": cpu}
        record["shipped_over_one"] = record["shipped_seconds"] / record["one_seconds"]
        record["all_over_shipped_cpu"] = (
            record["all_cpu_seconds"] / record["shipped_cpu_seconds"]
        )
        out.add(record)
        print(*(f"{k} {v:.3g}" for k, v in record.items()), sep="  ", flush=True)


if __name__ == "__main__":
    main()
