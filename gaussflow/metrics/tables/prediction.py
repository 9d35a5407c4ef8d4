"""Scores by models, which tell synthetic rows from real or predict a target.

Tables are float matrices as in ``gaussflow.metrics.tables.similarity``. The models
run on one thread: on a busy machine boosting's threads wait for each other sixty times
longer than one alone works, and one thread gives the same bits everywhere.
"""

import warnings
from functools import partial
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
    """Return how well a classifier tells synthetic rows from real ones, as a Detection.

    The area under the ROC curve of cross-validated predictions of gradient boosting
    and of a random forest, whichever is higher: a classifier two-sample test (Lopez-Paz
    and Oquab, 2017, "Revisiting classifier two-sample tests"). 0.5 is ideal: they
    cannot tell; 1 is the worst. Equal rows stay in one fold, so that a classifier
    cannot recognise a row by having seen its copy. The better of the two of pure chance
    is a little above 0.5: compare with what real rows reach.

    Real rows must be ones that the synthesizer did not see. Both tables are cut at
    random to the same size, ``max_rows`` at most.
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

    ``target`` is the number of the column to predict from the others, ``regression``
    whether it is a number (None asks ``is_regression`` of ``test``). The Estimate is
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
    if len(y_test) == 0 or (y_test == y_test[0]).all() or (regression and len(y) < 2):
        return Estimate(float("nan"), float("nan"))
    if regression:
        kind, n_trees, linear, score = (
            HistGradientBoostingRegressor,
            150,
            Ridge(1.0),
            _r2,
        )
    else:
        kind, n_trees, known = HistGradientBoostingClassifier, 100, np.unique(y)
        linear, score = LogisticRegression(max_iter=500), partial(_mean_auc, known)
        if len(known) < 2:
            n_first = int(np.sum(y_test == y_test.min()))
            return Estimate(
                0.5, auc_standard_error(0.75, n_first, len(y_test) - n_first)
            )
    boosting = _boosting(kind, X, codes, len(X), seed, n_trees, 0.06)
    linear = make_pipeline(StandardScaler(), linear)
    answers = _ask(boosting, X, y, X_test), _ask(linear, A, y, B)
    scores = [score(y_test, answer) for answer in answers]
    return max(scores, key=lambda estimate: estimate.value)


def _mean_auc(known, truth, probability):
    """Return the mean area of one class against the rest, 0.5 for one not known."""
    columns = dict(zip(known, probability.T, strict=True))
    unknown, classes = np.zeros(len(truth)), np.unique(truth)
    areas = [roc_auc_score(truth == c, columns.get(c, unknown)) for c in classes]
    area, n_first = float(np.mean(areas)), int(np.sum(truth == classes[0]))
    return Estimate(area, auc_standard_error(area, n_first, len(truth) - n_first))


def _r2(truth, answer):
    """Return R squared, one minus a ratio of means; the error is the delta method's."""
    errors, spread = (truth - answer) ** 2, (truth - truth.mean()) ** 2
    score = float(1.0 - errors.mean() / spread.mean())
    part = (errors - (1.0 - score) * spread) / spread.mean()
    return Estimate(score, float(part.std() / np.sqrt(len(part))))


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
        empty = np.isnan(X).all(axis=0)  # boosting has no bins for it
        X, asked = (np.where(empty, 0.0, rows) for rows in (X, asked))
        model.fit(X, y)
        classifies = hasattr(model, "predict_proba")
        return model.predict_proba(asked) if classifies else model.predict(asked)
