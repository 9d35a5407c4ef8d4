"""Do the model's file and its densities tell who was in the training table?

Two attackers hold rows that half were trained on, and the fitted synthesizer. One
counts how many of a row's numbers are knots of the columns' grids; the other takes
``score_samples``. Their areas under the ROC curve, .5 where they know nothing, stand
beside the judge's scores of a table as long as the training rows (``tabular.py``), for
several numbers of rows that a leaf rests on: the curve of privacy and fidelity. Run:
``python benchmarks/tables/membership.py --tables pima --seeds 0 --min-leaf 5 auto``.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import warnings
from itertools import product

import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

from benchmarks.common.measure import in_new_process, timed
from benchmarks.common.results import ResultFile, arguments
from benchmarks.tables.health_tables import TABLES, load

#: More rows than that make the attackers no wiser, and the judge slow.
MAX_ROWS = 6000
SCORES = ("c2st", "mia_auc", "mia_cal_auc", "util_gap", "pair_tv", "shape")


def knots_held(model, df):
    """Return how large a part of each row's numbers are knots."""
    from gaussflow.tabular.columns.cells import to_numbers

    encoder, held = model.encoder_, []
    for j, i in enumerate(encoder.learned_):
        column, column_map = encoder.schema_.columns[i], encoder.maps_[j]
        if not column_map.discrete:
            numbers = to_numbers(df[column.name], column)
            held.append(np.isin(numbers, column_map.knots_))
    return np.mean(held, axis=0) if held else np.zeros(len(df))


def attack(inside, outside):
    """Return the area under the ROC curve of a score of members and of others."""
    truth = np.r_[np.ones(len(inside)), np.zeros(len(outside))]
    # What was impossible at fit was no member: below every finite score.
    return float(
        roc_auc_score(truth, np.nan_to_num(np.r_[inside, outside], neginf=-1e9))
    )


def evaluate(table, seed, min_leaf):
    """Split, fit, attack and score; return a record."""
    if os.environ.get("GAUSSFLOW_JUDGE"):
        sys.path.insert(0, os.environ["GAUSSFLOW_JUDGE"])
    from synth_eval import evaluate as judge

    from gaussflow.tabular import TabularSynthesizer

    warnings.simplefilter("ignore")  # of the judge's own models
    df, kinds, target = load(table)
    df = df[df[target].notna()]
    if len(df) > MAX_ROWS:
        df = df.sample(MAX_ROWS, random_state=seed)
    train, test = train_test_split(
        df, test_size=0.3, random_state=seed, stratify=df[target]
    )
    train, test = (part.reset_index(drop=True) for part in (train, test))
    model = TabularSynthesizer(target=target, min_leaf=min_leaf, random_state=seed)
    model, seconds = timed(model.fit, train)
    drawn = model.sample(len(train), random_state=seed)
    scores = judge(train, test, drawn, kinds, target, "classification", seed)
    # As many members as others.
    members = train.sample(min(len(train), len(test)), random_state=seed)
    return {
        "rows": len(train),
        "knots_auc": attack(knots_held(model, members), knots_held(model, test)),
        "likelihood_auc": attack(
            model.score_samples(members), model.score_samples(test)
        ),
        **{k: float(scores[k]) for k in SCORES},
        "fit_seconds": seconds,
    }


def main(argv=None):
    parser = arguments(__doc__, __file__)
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=[*TABLES])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--min-leaf", nargs="+", type=_leaf, default=[5, 20, "auto"])
    args = parser.parse_args(argv)
    out = ResultFile(args.out, keys=("table", "min_leaf", "seed"))
    for table, leaf, seed in product(args.tables, args.min_leaf, args.seeds):
        record = in_new_process(evaluate, table, seed, leaf)
        out.add({"table": table, "min_leaf": leaf, "seed": seed, **record})
        line = (f"{k} {v:.3g}" for k, v in record.items() if k != "error")
        print(f"{table:14} {leaf:5}", *line, record.get("error", ""), flush=True)


def _leaf(text):
    return text if text == "auto" else int(text)


if __name__ == "__main__":
    main()
