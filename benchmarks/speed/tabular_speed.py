"""How long do synthetic tables take to learn and to draw, and in how much memory?

Made-up mixed tables of three sizes, and with GAUSSFLOW_DATA the whole of diabetes130
without its keys (101,766 rows). Fits use as many threads as there are cores. Run:
``python benchmarks/speed/tabular_speed.py``.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
os.environ.setdefault("OMP_NUM_THREADS", "1")


import numpy as np
import pandas as pd

from benchmarks.common.measure import PeakMemory, in_new_process, timed
from benchmarks.common.results import ResultFile, arguments

DRAWN_ROWS = 200_000


def make_table(n_rows, n_columns, seed=0):
    """Return numbers on grids, counts, categories and gaps that hang together."""
    rng = np.random.default_rng(seed)
    factors = rng.standard_normal((n_rows, 4))
    columns = {}
    for j in range(n_columns):
        score = factors @ rng.standard_normal(4) + rng.standard_normal(n_rows)
        kind = j % 4
        if kind == 0:
            column = pd.Series(np.round(60.0 + 9.0 * score, 1))
        elif kind == 1:
            column = pd.Series(np.round(np.exp(0.5 * score), 3))
            column[rng.random(n_rows) < 0.1] = np.nan
        elif kind == 2:
            column = pd.Series(rng.poisson(np.exp(0.4 * score)))
        else:
            cuts = [-2.0, 0.0, 1.5]
            column = pd.Series(np.array(list("abcd"))[np.searchsorted(cuts, score)])
        columns[f"{'xyzc'[kind]}{j}"] = column
    return pd.DataFrame(columns)


def diabetes130():
    from benchmarks.tables.health_tables import read

    df = read("diabetes130.csv.gz", na_values="?", low_memory=False)
    return df.drop(columns=["encounter_id", "patient_nbr"])


def measure(make, *args):
    """Fit once and draw many rows, after a small fit that compiles."""
    from gaussflow.tabular import TabularSynthesizer

    df = make(*args)
    small = TabularSynthesizer(random_state=0).fit(df[:300])
    small.sample(100, random_state=0)
    with PeakMemory() as peak:
        model, fit_seconds = timed(TabularSynthesizer(random_state=0).fit, df)
    drawn, sample_seconds = timed(model.sample, DRAWN_ROWS, random_state=0)
    assert len(drawn) == DRAWN_ROWS
    return {
        "rows": len(df),
        "columns": df.shape[1],
        "fit_seconds": fit_seconds,
        "sampled_rows_per_second": DRAWN_ROWS / sample_seconds,
        "fit_peak_megabytes": peak.megabytes,
        "process_peak_megabytes": peak.highest,
    }


TASKS = {
    "hundreds_of_rows": (make_table, 700, 12),
    "thousands_of_rows": (make_table, 5000, 20),
    "many_rows": (make_table, 50_000, 12),
    "diabetes130": (diabetes130,),
}


def main(argv=None):
    parser = arguments(__doc__, __file__)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=[*TASKS])
    args = parser.parse_args(argv)
    out = ResultFile(args.out, keys=("task",))
    for name in args.tasks:
        record = in_new_process(measure, *TASKS[name])
        out.add({"task": name, **record})
        numbers = (f"{k} {v:.5g}" for k, v in record.items() if not isinstance(v, str))
        print(name, *numbers, record.get("error", ""), sep="  ", flush=True)


if __name__ == "__main__":
    main()
