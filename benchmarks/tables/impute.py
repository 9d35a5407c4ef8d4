"""How well are hidden cells filled in, beside scikit-learn's imputers?

Each method learns 70 % of a table's rows as they are. Of the other rows a tenth of
the filled cells is hidden at random; short tables' rows are taken several times,
each time with other cells hidden. Numbers are scored in standard deviations of
their column, by the root mean square error of the imputations' mean (``nrmse``) and
the mean absolute error of their median (``nmae``); by how many hidden values lie in
the imputations' 90 % interval (``coverage``), and by that interval's width plus 20
times how far a value misses it (``interval_score``: lower is better, and neither
too wide nor too narrow an interval helps). Categories are scored by how often the
most frequent imputation is right (``accuracy``). Means over the columns. Run:
``python benchmarks/tables/impute.py``.
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
from scipy.stats import t as student
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer
from sklearn.metrics.pairwise import nan_euclidean_distances
from sklearn.model_selection import train_test_split

from benchmarks.common.measure import in_new_process, timed
from benchmarks.common.results import ResultFile, arguments
from benchmarks.tables.health_tables import TABLES, load

HIDDEN = 0.1
N_DRAWS = 40
#: Test rows, repeated or chosen at random to be as many.
N_ROWS = 1000
#: A column with fewer hidden cells is not scored.
MIN_HIDDEN = 20
LEVELS = (0.05, 0.95)
N_NEIGHBORS = 5  # KNNImputer's default


class Coded:
    """Tables as standardised numbers beside a column for each category, and back."""

    def __init__(self, train, numbers):
        self.numbers = numbers
        self.mean, self.std = train[numbers].mean(), train[numbers].std()
        self.levels = {c: train[c].dropna().unique() for c in train if c not in numbers}

    def matrix(self, df):
        parts = [((df[self.numbers] - self.mean) / self.std).to_numpy(float)]
        for c, levels in self.levels.items():
            dummies = (df[c].to_numpy()[:, None] == levels).astype(float)
            dummies[df[c].isna()] = np.nan
            parts.append(dummies)
        return np.concatenate(parts, axis=1)

    def table(self, matrix):
        n = len(self.numbers)
        out = pd.DataFrame(matrix[:, :n], columns=self.numbers)
        out = out * self.std + self.mean
        for c, levels in self.levels.items():
            out[c] = levels[matrix[:, n : n + len(levels)].argmax(axis=1)]
            n += len(levels)
        return out


def gaussflow(train, test, numbers, seed):
    from gaussflow.tabular import TabularSynthesizer

    model = TabularSynthesizer(random_state=seed).fit(train)
    return from_draws(model.impute(test, N_DRAWS, random_state=seed))


def iterative_draws(train, test, numbers, seed):
    """Draw from the posterior of one fit, once for each imputation."""
    coded = Coded(train, numbers)
    imputer = IterativeImputer(sample_posterior=True, random_state=seed)
    imputer.fit(coded.matrix(train))
    X = coded.matrix(test)
    return from_draws([coded.table(imputer.transform(X)) for _ in range(N_DRAWS)])


def iterative(train, test, numbers, seed):
    """Fill in conditional means, scikit-learn's default: it has no intervals."""
    coded = Coded(train, numbers)
    imputer = IterativeImputer(random_state=seed).fit(coded.matrix(train))
    filled = coded.table(imputer.transform(coded.matrix(test)))
    return {"mean": filled, "median": filled}


def neighbors(train, test, numbers, seed):
    """Fill in neighbours' means; intervals as of a new draw from their normal law.

    Of the five neighbours' mean m and standard deviation s: m +- t s sqrt(1 + 1/5),
    with Student's t of four degrees of freedom.
    """
    coded = Coded(train, numbers)
    X, Y = coded.matrix(train), coded.matrix(test)
    imputer = KNNImputer(n_neighbors=N_NEIGHBORS).fit(X)
    filled = coded.table(imputer.transform(Y))
    order = np.argsort(nan_euclidean_distances(Y, X), axis=1)
    factor = student.ppf(LEVELS[1], N_NEIGHBORS - 1) * np.sqrt(1 + 1 / N_NEIGHBORS)
    half = pd.DataFrame(index=filled.index, columns=numbers, dtype=float)
    for j, c in enumerate(numbers):
        donors = order[~np.isnan(X[:, j])[order]].reshape(len(Y), -1)[:, :N_NEIGHBORS]
        half[c] = factor * X[donors, j].std(axis=1, ddof=1) * coded.std[c]
    low, high = filled[numbers] - half, filled[numbers] + half
    return {"mean": filled, "median": filled, "low": low, "high": high}


def column_means(train, test, numbers, seed):
    """Ignore what else is known of a row; intervals from the column's quantiles."""
    repeat = np.zeros(len(test), dtype=int)
    rows = {
        "mean": train[numbers].mean(),
        "median": train[numbers].median(),
        "low": train[numbers].quantile(LEVELS[0]),
        "high": train[numbers].quantile(LEVELS[1]),
    }
    out = {k: row.to_frame().T.iloc[repeat] for k, row in rows.items()}
    modes = train.drop(columns=numbers).mode().iloc[repeat]
    out["mean"] = pd.concat([out["mean"], modes], axis=1)
    return {k: df.reset_index(drop=True) for k, df in out.items()}


METHODS = {
    "gaussflow": gaussflow,
    "iterative_draws": iterative_draws,
    "iterative": iterative,
    "neighbors": neighbors,
    "column_means": column_means,
}


def from_draws(draws):
    """Return the summaries of several imputations; categories by majority."""
    out = {k: {} for k in ("mean", "median", "low", "high")}
    for c in draws[0]:
        cells = pd.concat([d[c] for d in draws], axis=1)
        if not pd.api.types.is_numeric_dtype(draws[0][c]):
            codes, levels = pd.factorize(cells.to_numpy().ravel())
            codes = codes.reshape(cells.shape)
            counts = (codes[:, :, None] == np.arange(len(levels))).sum(axis=1)
            out["mean"][c] = np.append(levels, None)[counts.argmax(axis=1)]
            continue
        cells = cells.to_numpy(float)
        out["mean"][c] = cells.mean(axis=1)
        out["median"][c] = np.median(cells, axis=1)
        # The (n + 1) p-th draw: one more draw lies between the two with 90 %.
        ends = np.quantile(cells, LEVELS, axis=1, method="weibull")
        out["low"][c], out["high"][c] = ends
    return {k: pd.DataFrame(columns) for k, columns in out.items()}


def score(real, hidden, filled, numbers, std, min_hidden=MIN_HIDDEN):
    """Return the scores of one method's summaries on the hidden cells."""
    scores = {"nrmse": [], "nmae": [], "coverage": [], "interval_score": []}
    scores["accuracy"] = []
    for c in real:
        rows = hidden[c].to_numpy()
        if rows.sum() < min_hidden:
            continue
        y = real[c].to_numpy()[rows]
        part = {k: df[c].to_numpy()[rows] for k, df in filled.items() if c in df}
        if c not in numbers:
            scores["accuracy"].append(np.mean(part["mean"] == y))
            continue
        error, offset = part["mean"] - y, part["median"] - y
        scores["nrmse"].append(np.sqrt(np.mean(error**2)) / std[c])
        scores["nmae"].append(np.mean(np.abs(offset)) / std[c])
        if "low" in part:
            low, high = part["low"], part["high"]
            scores["coverage"].append(np.mean((y >= low) & (y <= high)))
            missed = np.maximum(low - y, 0) + np.maximum(y - high, 0)
            width = np.mean(high - low + missed / LEVELS[0])
            scores["interval_score"].append(width / std[c])
    n_columns = {"n_numbers": len(scores["nrmse"])}
    n_columns["n_categories"] = len(scores["accuracy"])
    return {k: float(np.mean(v)) for k, v in scores.items() if v} | n_columns


def evaluate(table, method, seed, n_rows):
    """Split, hide, fill in and score; return a record."""
    warnings.simplefilter("ignore")  # imputers that did not converge
    df, kinds, _ = load(table)
    # A number with two values is a category; imputers see it as text.
    for c in (c for c in df if kinds[c] == "categorical"):
        df[c] = df[c].map(str, na_action="ignore").astype(object)
    numbers = [c for c in df if kinds[c] != "categorical"]
    train, test = train_test_split(df, test_size=0.3, random_state=seed)
    rng = np.random.default_rng(seed)
    rows = np.concatenate([rng.permutation(len(test)) for _ in range(n_rows)])
    test = test.iloc[rows[:n_rows]].reset_index(drop=True)
    train = train.reset_index(drop=True)
    hidden = test.notna() & (rng.random(test.shape) < HIDDEN)
    masked = test.mask(hidden)
    METHODS[method](train[:200], masked[:20], numbers, seed)  # compile, warm up
    filled, seconds = timed(METHODS[method], train, masked, numbers, seed)
    scores = score(test, hidden, filled, numbers, train[numbers].std())
    return scores | {"rows": len(train), "filled_rows": n_rows, "seconds": seconds}


def main(argv=None):
    parser = arguments(__doc__, __file__)
    parser.add_argument(
        "--tables", nargs="+", choices=TABLES, default=["hcv", "support2"]
    )
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=[*METHODS])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--rows", type=int, default=N_ROWS)
    args = parser.parse_args(argv)
    out = ResultFile(args.out, keys=("table", "method", "seed"))
    for table, method in itertools.product(args.tables, args.methods):
        records = []
        for seed in args.seeds:
            record = in_new_process(evaluate, table, method, seed, args.rows)
            out.add({"table": table, "method": method, "seed": seed, **record})
            records.append(record)
        means = pd.DataFrame(records).mean(numeric_only=True)
        shown = " ".join(f"{k} {v:.3f}" for k, v in means.items() if k[:2] != "n_")
        print(f"{table:10} {method:16} {shown}", *errors(records), flush=True)


def errors(records):
    return sorted({r["error"] for r in records if "error" in r})


if __name__ == "__main__":
    main()
