"""Which synthesizer's tables are hard to tell from real ones, and private too?

Every method on every table, split 70/30, scored by the judge that the environment
variable GAUSSFLOW_JUDGE points to (the folder of ``synth_eval.py``); tables come
from GAUSSFLOW_DATA. ``resample`` (training rows with replacement) and
``independent`` (columns drawn on their own) mark the ends of every scale; ``arfpy``
and ``forestdiffusion`` run where they are installed. Run:
``python benchmarks/tables/tabular.py --tables pima heart --seeds 0 1``.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import warnings

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from benchmarks.common.measure import in_new_process, timed
from benchmarks.common.results import ResultFile, arguments
from benchmarks.tables.cart import cart
from benchmarks.tables.health_tables import TABLES, load
from benchmarks.tables.peers import PEERS

SCORES = (
    "c2st mia_auc mia_cal_auc dcr_share util_gap pair_tv shape copy_rate "
    "copy_rate_ref valid_rows miss_pattern"
).split()


class GaussianFlow:
    """One Gaussian on the scores: the copula that has no layers."""

    def fit(self, Z, y=None):
        self.mean_ = Z.mean(axis=0)
        self.covariance_ = np.atleast_2d(np.cov(Z, rowvar=False))
        return self

    def sample(self, n_samples=1, random_state=None):
        rng = np.random.default_rng(random_state)
        return rng.multivariate_normal(self.mean_, self.covariance_, n_samples)


def gaussflow(train, target, seed):
    from gaussflow.tabular import TabularSynthesizer

    model = TabularSynthesizer(target=target, random_state=seed).fit(train)
    return model.sample(len(train), random_state=seed)


def copula(train, target, seed):
    from gaussflow.tabular import CopulaSynthesizer

    model = CopulaSynthesizer(GaussianFlow(), target=target, random_state=seed)
    return model.fit(train).sample(len(train), random_state=seed)


def resample(train, target, seed):
    return train.sample(len(train), replace=True, random_state=seed)


def independent(train, target, seed):
    columns = [
        train[c].sample(frac=1.0, replace=True, random_state=seed + 100 * j)
        for j, c in enumerate(train)
    ]
    return pd.concat([c.reset_index(drop=True) for c in columns], axis=1)


METHODS = {
    "gaussflow": gaussflow,
    "cart": cart,
    "copula": copula,
    **PEERS,
    "resample": resample,
    "independent": independent,
}


def evaluate(table, method, seed):
    """Split, synthesize and score; return a record."""
    if os.environ.get("GAUSSFLOW_JUDGE"):
        sys.path.insert(0, os.environ["GAUSSFLOW_JUDGE"])
    from synth_eval import evaluate as judge

    warnings.simplefilter("ignore")  # of the judge's own models
    df, kinds, target = load(table)
    df = df[df[target].notna()]
    train, test = train_test_split(
        df, test_size=0.3, random_state=seed, stratify=df[target]
    )
    train, test = (part.reset_index(drop=True) for part in (train, test))
    METHODS[method](train[:200], target, seed)  # compile outside the clock
    synthetic, seconds = timed(METHODS[method], train, target, seed)
    scores = judge(train, test, synthetic, kinds, target, "classification", seed)
    return {k: float(scores[k]) for k in SCORES} | {
        "rows": len(train),
        "seconds": seconds,
    }


def main(argv=None):
    parser = arguments(__doc__, __file__)
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=[*TABLES])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=[*METHODS])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    args = parser.parse_args(argv)
    out = ResultFile(args.out, keys=("table", "method", "seed"))
    for table in args.tables:
        for method in args.methods:
            records = []
            for seed in args.seeds:
                record = in_new_process(evaluate, table, method, seed)
                keys = {"table": table, "method": method, "seed": seed}
                out.add({**keys, **record})
                records.append(record)
            print(f"{table:14} {method:12} {_summary(records)}", flush=True)


def _summary(records):
    """Return one line of the means over the seeds."""
    errors = [r["error"] for r in records if "error" in r]
    if errors:
        return errors[0]
    names = ("c2st", "mia_cal_auc", "mia_auc", "util_gap", "pair_tv", "shape")
    means = {k: np.mean([r[k] for r in records]) for k in (*names, "seconds")}
    return " ".join(f"{k} {v:.3f}" for k, v in means.items())


if __name__ == "__main__":
    main()
