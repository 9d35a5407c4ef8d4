"""Do rows drawn under conditions look like the real rows that meet them?

Each table is split 70/30. The synthesizer learns the larger part, draws rows under
a condition, and every column that the condition does not name is compared with the
held-out rows that meet it: one minus the Kolmogorov-Smirnov distance of numbers, one
minus the total variation of categories (``shape``: the mean over columns). Beside
it the same of real rows, which no synthesizer can be asked to beat: the training rows
that meet the condition (``training_rows``), and one half of the held-out rows
against the other (``halves``). Fewer rows differ more by chance alone: ``ceiling`` is
what rows of the true law would score, were they as many as those drawn, judging by
the halves. Run: ``python benchmarks/tables/conditions.py``.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import itertools
import warnings

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from benchmarks.common.measure import in_new_process, timed
from benchmarks.common.results import ResultFile, arguments
from benchmarks.tables.health_tables import load

CONDITIONS = {
    "adult": [
        {"sex": "Female"},
        {"income": ">50K"},
        {"education": ["Bachelors", "Masters", "Doctorate"]},
        {"age": (50, 65)},
        {"sex": "Female", "age": (30, 50)},
        {"occupation": ["Sales", "Exec-managerial"], "sex": "Male"},
        {"workclass": "Private", "hours": (45, None), "marital": "Married-civ-spouse"},
        {"education_num": (None, 9), "income": "<=50K", "race": "White"},
    ],
    "support2": [
        {"sex": "female"},
        {"hospdead": "yes"},
        {"ca": ["yes", "metastatic"]},
        {"age": (70, None)},
        {"dzclass": "ARF/MOSF"},
        {"glucose": None},
        {"sex": "male", "age": (50, 75)},
        {"hospdead": "no", "age": (40, 80), "meanbp": (60, 120), "num.co": (1, 3)},
    ],
}
N_DRAWN = 10_000
N_HALVES = 20
#: Conditions that fewer held-out rows meet are not scored.
MIN_ROWS = 500


def meets(df, conditions):
    """Return which rows meet conditions, written as for ``sample``."""
    out = np.ones(len(df), dtype=bool)
    for name, wanted in conditions.items():
        cells = df[name]
        if wanted is None:
            out &= cells.isna()
        elif isinstance(wanted, tuple):
            low, high = wanted
            out &= cells.notna()
            out &= True if low is None else cells >= low
            out &= True if high is None else cells <= high
        else:
            out &= cells.isin(wanted if isinstance(wanted, list) else [wanted])
    return out.to_numpy()


def shape(real, other, categorical):
    """Return the mean over columns of how alike their distributions are."""
    from gaussflow.metrics.tables.similarity import column_shapes

    matrix = np.empty((len(real) + len(other), real.shape[1]))
    for j, c in enumerate(real):
        both = pd.concat([real[c], other[c]])
        matrix[:, j] = pd.factorize(both)[0] if categorical[j] else both
    scores = column_shapes(matrix[: len(real)], matrix[len(real) :], categorical)
    return float(scores.mean())


def evaluate(table, seed, n_drawn):
    """Learn one split and draw under each condition; return the records."""
    from gaussflow.tabular import TabularSynthesizer

    warnings.simplefilter("ignore")
    df, kinds, target = load(table)
    train, test = train_test_split(df, test_size=0.3, random_state=seed)
    rng = np.random.default_rng(seed)
    model = TabularSynthesizer(target=target, random_state=seed)
    model, fit_seconds = timed(model.fit, train.reset_index(drop=True))
    first = CONDITIONS[table][0]
    model.sample(10, conditions=first, random_state=seed)  # compile outside the clock
    records = []
    for conditions in CONDITIONS[table]:
        others = [c for c in df if c not in conditions]
        categorical = np.array([kinds[c] == "categorical" for c in others])
        rows = test.loc[meets(test, conditions), others]
        if len(rows) < MIN_ROWS:
            continue
        drawn, seconds = timed(
            model.sample, n_drawn, conditions=conditions, random_state=seed
        )
        assert meets(drawn, conditions).all()
        known = train.loc[meets(train, conditions), others]
        halves = []
        for _ in range(N_HALVES):
            order = rng.permutation(len(rows))
            parts = (rows.iloc[order[k::2]] for k in (0, 1))
            halves.append(shape(*parts, categorical))
        record = {
            "conditions": str(conditions),
            "shape": shape(rows, drawn[others], categorical),
            "training_rows": shape(rows, known, categorical),
            "halves": float(np.mean(halves)),
            "real_rows": len(rows),
            "drawn_rows": n_drawn,
            "fit_seconds": fit_seconds,
            "sample_seconds": seconds,
            "method": drawn.attrs["conditions"]["method"],
            "probability": drawn.attrs["conditions"]["probability"],
        }
        chance = np.sqrt((1 / len(rows) + 1 / n_drawn) / (4 / len(rows)))
        record["ceiling"] = 1.0 - (1.0 - record["halves"]) * float(chance)
        records.append(record)
    return {"records": records}


def main(argv=None):
    parser = arguments(__doc__, __file__)
    parser.add_argument(
        "--tables", nargs="+", choices=CONDITIONS, default=[*CONDITIONS]
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--rows", type=int, default=N_DRAWN)
    args = parser.parse_args(argv)
    out = ResultFile(args.out, keys=("table", "seed", "conditions"))
    for table, seed in itertools.product(args.tables, args.seeds):
        result = in_new_process(evaluate, table, seed, args.rows)
        if "error" in result:
            raise SystemExit(f"{table}, seed {seed}: {result['error']}")
        for record in result["records"]:
            out.add({"table": table, "seed": seed, **record})
            print(
                f"{table:9} {seed} {record['conditions']:75} {record['real_rows']:5} "
                f"rows  shape {record['shape']:.3f}  ceiling {record['ceiling']:.3f} "
                f" {record['method']} in {record['sample_seconds']:.1f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
