"""Scores by models, which tell synthetic rows from real or predict a target.

Tables are float matrices as in ``gaussflow.metrics.tables.similarity``. The models
run on one thread: on a busy machine boosting's threads wait for each other sixty times
longer than one alone works, and one thread gives the same bits everywhere.
"""

import warnings
from typing import NamedTuple

import numpy as np
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from gaussflow._common.seeds import as_generator, draw_seed
from gaussflow.metrics.tables.intervals import Estimate, auc_standard_error
from gaussflow.metrics.tables.similarity import fill_missing, some_rows

#: More distinct codes than this are too many for a categorical split: the most
#: bins of scikit-learn's HistGradientBoosting.
MAX_CODES = 255
#: Most categories of a column that a linear model sees one by one; chosen by hand,
#: it bounds the width of the matrix.
MAX_DUMMIES = 100


class Detection(NamedTuple):
    """How well the better of two classifiers tells synthetic rows from real ones."""

    value: float
    error: float
    boosting: float
    forest: float


def detection_auc(real, synthetic, categorical, *, n_splits=5, max_rows=2000, rng=0):
    """Return how well a classifier tells synthetic rows from real ones.

    The area under the ROC curve of cross-validated predictions of gradient boosting
    and of a random forest, whichever is higher: a classifier two-sample test (Lopez-Paz
    and Oquab, 2017, "Revisiting classifier two-sample tests"). 0.5 is ideal: they
    cannot tell; 1 is the worst. Equal rows stay in one fold, so that a classifier
    cannot recognise a row by having seen its copy.

    Parameters
    ----------
    real, synthetic : ndarray of shape (n, n_columns), (m, n_columns)
        The two tables; the larger one is cut at random to the other's size.
        Real rows must be ones that the synthesizer did not see.
    categorical : ndarray of shape (n_columns,), bool
        Which columns hold codes.
    n_splits : int, default=5
        Folds.
    max_rows : int, default=2000
        Rows used of each table.
    rng : int, RandomState or Generator, default=0
        Randomness of the cut, the folds and the classifiers.

    Returns
    -------
    detection : Detection
        The better of the two of pure chance is a little above 0.5: compare with what
        real rows reach.
    """
    rng = as_generator(rng)
    n = min(len(real), len(synthetic), max_rows)
    X = np.concatenate([some_rows(real, n, rng), some_rows(synthetic, n, rng)])
    y, seed = np.repeat([0, 1], n), draw_seed(rng)
    groups = np.unique(fill_missing(X), axis=0, return_inverse=True)[1].ravel()
    n_splits = min(n_splits, len(np.unique(groups)), n)
    if n_splits < 2:
        return Detection(0.5, auc_standard_error(0.5, n, n), 0.5, 0.5)
    models = [
        _boosting(HistGradientBoostingClassifier, X, categorical, n, seed, 60, 0.1),
        RandomForestClassifier(100, min_samples_leaf=3, random_state=seed, n_jobs=1),
    ]
    # Where no fold could be trained, nothing tells the rows apart.
    probability = np.full((2, 2 * n), 0.5)
    folds = StratifiedGroupKFold(n_splits, shuffle=True, random_state=seed)
    for train, test in folds.split(X, y, groups):
        if len(np.unique(y[train])) == 2:
            for k, model in enumerate(models):
                probability[k, test] = _ask(model, X[train], y[train], X[test])[:, 1]
    aucs = [float(roc_auc_score(y, p)) for p in probability]
    return Detection(max(aucs), auc_standard_error(max(aucs), n, n), *aucs)


def is_regression(cells, is_code, max_classes=10):
    """Return whether a target is predicted as a number, not as classes.

    A number of at most 10 distinct whole values, such as 0 and 1, counts as classes.
    """
    if is_code:
        return False
    values = np.unique(cells[~np.isnan(cells)])
    return len(values) > max_classes or not np.array_equal(values, np.rint(values))


def target_utility(
    train, test, target, categorical, *, max_rows=20000, regression=None, rng=0
):
    """Return how well a model fitted on ``train`` predicts real ``test`` rows.

    Area under the ROC curve (mean of one against the rest) for classes, R squared
    for a number, by gradient boosting and by a linear model, whichever is higher.
    Compare a model fitted on synthetic rows with one fitted on real ones.

    Parameters
    ----------
    train, test : ndarray of shape (n, n_columns), (m, n_columns)
        Rows to fit on, and real rows to predict.
    target : int
        The column to predict from the others.
    categorical : ndarray of shape (n_columns,), bool
        Which columns hold codes.
    max_rows : int, default=20000
        Training rows used.
    regression : bool or None, default=None
        Whether the target is a number; None asks ``is_regression`` of ``test``.
    rng : int, RandomState or Generator, default=0
        Randomness of the cut and the model.

    Returns
    -------
    score : Estimate
        NaN where the test rows hold one class only, or no filled target.
    """
    rng = as_generator(rng)
    categorical = np.asarray(categorical, dtype=bool)
    if regression is None:
        regression = is_regression(test[:, target], categorical[target])
    train = train[~np.isnan(train[:, target])]
    test = test[~np.isnan(test[:, target])]
    train = some_rows(train, min(len(train), max_rows), rng)
    X, y = np.delete(train, target, axis=1), train[:, target]
    X_test, y_test = np.delete(test, target, axis=1), test[:, target]
    codes, seed = np.delete(categorical, target), draw_seed(rng)
    A, B = dummies(X, X_test, codes)
    if regression:
        return _best_r2(X, A, y, X_test, B, y_test, codes, seed)
    shares = {c: np.mean(y_test == c) for c in np.unique(y_test)}
    classes = [c for c, share in shares.items() if share < 1]
    if not classes:
        return Estimate(float("nan"), float("nan"))
    n_first = int(np.sum(y_test == classes[0]))
    error = auc_standard_error(0.75, n_first, len(y_test) - n_first)
    if len(np.unique(y)) < 2:
        return Estimate(0.5, error)
    n = len(X)
    boosting = _boosting(HistGradientBoostingClassifier, X, codes, n, seed, 100, 0.06)
    linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
    scores = []
    for model, fit_on, asked in ((boosting, X, X_test), (linear, A, B)):
        probability = _ask(model, fit_on, y, asked)
        columns = dict(zip(np.unique(y), probability.T, strict=True))
        unknown = np.zeros(len(y_test))
        scores.append(
            np.mean(
                [roc_auc_score(y_test == c, columns.get(c, unknown)) for c in classes]
            )
        )
    best = float(max(scores))
    return Estimate(best, auc_standard_error(best, n_first, len(y_test) - n_first))


def _best_r2(X, A, y, X_test, B, y_test, codes, seed):
    """Return R squared of the better of boosting and a linear model."""
    spread = (y_test - y_test.mean()) ** 2 if len(y_test) else np.zeros(1)
    if not spread.any() or len(y) < 2:
        return Estimate(float("nan"), float("nan"))
    n = len(X)
    boosting = _boosting(HistGradientBoostingRegressor, X, codes, n, seed, 150, 0.06)
    linear = make_pipeline(StandardScaler(), Ridge(1.0))
    best = None
    for model, fit_on, asked in ((boosting, X, X_test), (linear, A, B)):
        errors = (y_test - _ask(model, fit_on, y, asked)) ** 2
        score = float(1.0 - errors.mean() / spread.mean())
        if best is None or score > best.value:
            # Delta method: R squared is one minus a ratio of means over the rows.
            part = (errors - (1.0 - score) * spread) / spread.mean()
            best = Estimate(score, float(part.std() / np.sqrt(len(part))))
    return best


def dummies(X, X_test, codes):
    """Return matrices for linear models: filled numbers, flags, one column a category.

    Medians and categories are those of ``X``; codes beyond the 100 most common ones
    share their zeros.
    """
    parts = []
    for j, is_code in enumerate(codes):
        cells = [X[:, j], X_test[:, j]]
        absent = [np.isnan(c) for c in cells]
        if is_code:
            values, counts = np.unique(cells[0][~absent[0]], return_counts=True)
            values = values[np.argsort(-counts, kind="stable")[:MAX_DUMMIES]]
            blocks = [(c[:, None] == values).astype(float) for c in cells]
        else:
            middle = np.median(cells[0][~absent[0]]) if not absent[0].all() else 0.0
            blocks = [
                np.where(a, middle, c) for c, a in zip(cells, absent, strict=True)
            ]
        parts.append(blocks)
        if absent[0].any():
            parts.append([a.astype(float) for a in absent])
    return [np.column_stack([part[k] for part in parts]) for k in (0, 1)]


def _boosting(kind, X, categorical, n, seed, n_trees, rate):
    """Return boosting that suits n rows; codes too many to split by are numbers."""
    codes = [
        bool(is_code) and np.nanmax(X[:, j], initial=0) < MAX_CODES
        for j, is_code in enumerate(categorical)
    ]
    return kind(
        max_iter=n_trees,
        learning_rate=rate,
        early_stopping=False,
        min_samples_leaf=max(5, min(20, n // 20)),
        categorical_features=codes,
        random_state=seed,
    )


def _ask(model, X, y, asked):
    """Fit a model on one thread; return its probabilities, or numbers."""
    with threadpool_limits(1), warnings.catch_warnings():
        # A linear model that needs more steps is as good as it gets here.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y)
        classifies = hasattr(model, "predict_proba")
        return model.predict_proba(asked) if classifies else model.predict(asked)
