"""How alike a synthetic table is to the real one: arrays in, a number out.

A table comes as a float matrix: numbers as they are, categories as whole codes,
missing cells as NaN; ``categorical`` marks the columns of codes.
"""

import numpy as np
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold

from gaussflow._random import as_generator, draw_seed

#: Below so many rows a forest judges: boosting needs more.
FEW_ROWS = 1000
#: More distinct codes than this are too many for a categorical split.
MAX_CODES = 255


def column_shapes(real, synthetic, categorical):
    """Return how alike each column's distribution is, from 0 to 1.

    Numbers: one minus the Kolmogorov-Smirnov distance, a missing cell counting as
    lower than every number. Categories: one minus the total variation.

    Parameters
    ----------
    real, synthetic : ndarray of shape (n, n_columns), (m, n_columns)
        The two tables.
    categorical : ndarray of shape (n_columns,), bool
        Which columns hold codes.

    Returns
    -------
    scores : ndarray of shape (n_columns,)
        1 is ideal.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.metrics.tabular import column_shapes
    >>> X = np.array([[1.0, 0.0], [2.0, 1.0], [3.0, 1.0], [4.0, 1.0]])
    >>> column_shapes(X, X[:2], [False, True]).tolist()
    [0.5, 0.75]
    """
    real, synthetic = fill_missing(real), fill_missing(synthetic)
    scores = np.empty(real.shape[1])
    for j, is_code in enumerate(categorical):
        a, b = np.sort(real[:, j]), np.sort(synthetic[:, j])
        points = np.unique(np.r_[a, b])
        below = np.searchsorted(a, points, "right") / len(a)
        below = below - np.searchsorted(b, points, "right") / len(b)
        if is_code:
            distance = 0.5 * np.abs(np.diff(below, prepend=0.0)).sum()
        else:
            distance = np.abs(below).max()
        scores[j] = 1.0 - distance
    return scores


def pair_trends(real, synthetic, categorical, n_bins=10):
    """Return how alike each pair of columns is distributed, from 0 to 1.

    One minus the total variation between the two-way tables; numbers are cut
    at quantiles of the real ones, missing cells are a class of their own.

    Parameters
    ----------
    real, synthetic : ndarray of shape (n, n_columns), (m, n_columns)
        The two tables.
    categorical : ndarray of shape (n_columns,), bool
        Which columns hold codes.
    n_bins : int, default=10
        Classes of a number.

    Returns
    -------
    scores : ndarray of shape (n_columns, n_columns)
        Symmetric; 1 is ideal. The diagonal holds single columns.
    """
    edges = [
        _quantile_edges(real[:, j], is_code, n_bins)
        for j, is_code in enumerate(categorical)
    ]
    a, b = _classes(real, edges), _classes(synthetic, edges)
    sizes = np.maximum(a.max(axis=0), b.max(axis=0)) + 1
    scores = np.ones((len(edges), len(edges)))
    for i in range(len(edges)):
        for j in range(i, len(edges)):
            n_cells = int(sizes[i] * sizes[j])
            p = np.bincount(a[:, i] * sizes[j] + a[:, j], minlength=n_cells) / len(a)
            q = np.bincount(b[:, i] * sizes[j] + b[:, j], minlength=n_cells) / len(b)
            scores[i, j] = scores[j, i] = 1.0 - 0.5 * np.abs(p - q).sum()
    return scores


def missing_patterns(real, synthetic):
    """Return how alike the patterns of missing cells are, from 0 to 1.

    One minus the total variation between the shares of whole-row patterns; 1
    is ideal, and is returned where neither table misses a cell.
    """
    patterns, code = np.unique(
        np.isnan(np.concatenate([real, synthetic])), axis=0, return_inverse=True
    )
    code = code.ravel()
    p = np.bincount(code[: len(real)], minlength=len(patterns)) / len(real)
    q = np.bincount(code[len(real) :], minlength=len(patterns)) / len(synthetic)
    return float(1.0 - 0.5 * np.abs(p - q).sum())


def detection_auc(real, synthetic, categorical, *, n_splits=5, max_rows=5000, rng=0):
    """Return how well a classifier tells synthetic rows from real ones.

    The cross-validated area under the ROC curve of gradient boosting (below 1,000
    rows of a random forest, the better of the two there): a classifier
    two-sample test (Lopez-Paz and Oquab, 2017). 0.5 is ideal: it
    cannot tell; 1 is the worst. Equal rows stay in one fold, so that the classifier
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
    max_rows : int, default=5000
        Rows used of each table.
    rng : int, RandomState or Generator, default=0
        Randomness of the cut, the folds and the classifier.

    Returns
    -------
    auc : float
    """
    rng = as_generator(rng)
    n = min(len(real), len(synthetic), max_rows)
    # Few rows make one run noisy: average over several cuts, folds and models.
    n_runs = int(np.clip(1000 // n, 1, 3))
    return float(
        np.mean(
            [
                _one_detection(
                    some_rows(real, n, rng),
                    some_rows(synthetic, n, rng),
                    categorical,
                    n_splits,
                    draw_seed(rng),
                )
                for _ in range(n_runs)
            ]
        )
    )


def _one_detection(real, synthetic, categorical, n_splits, seed):
    """Return the mean AUC over the folds of one cross-validation."""
    X, y = np.concatenate([real, synthetic]), np.repeat([0, 1], len(real))
    groups = np.unique(fill_missing(X), axis=0, return_inverse=True)[1].ravel()
    n_splits = min(n_splits, len(np.unique(groups)), len(real))
    if n_splits < 2:
        return 0.5
    folds = StratifiedGroupKFold(n_splits, shuffle=True, random_state=seed)
    aucs = []
    for train, test in folds.split(X, y, groups):
        if len(np.unique(y[train])) < 2 or len(np.unique(y[test])) < 2:
            continue
        model = _classifier(X[train], y[train], categorical, len(real), seed)
        aucs.append(roc_auc_score(y[test], model.predict_proba(X[test])[:, 1]))
    return float(np.mean(aucs)) if aucs else 0.5


def auc_standard_error(auc, n_real, n_synthetic):
    """Return the standard error of an area under the ROC curve.

    Hanley and McNeil, 1982, "The meaning and use of the area under a ROC curve".
    """
    q1, q2 = auc / (2.0 - auc), 2.0 * auc**2 / (1.0 + auc)
    variance = auc * (1.0 - auc)
    variance += (n_real - 1) * (q1 - auc**2) + (n_synthetic - 1) * (q2 - auc**2)
    return float(np.sqrt(max(variance, 0.0) / (n_real * n_synthetic)))


def target_utility(train, test, target, categorical, *, max_rows=20000, rng=0):
    """Return how well a model fitted on ``train`` predicts real ``test`` rows.

    Area under the ROC curve (mean of one against the rest) for a categorical
    target, R squared for a number, by gradient boosting or, below 1,000 rows,
    a random forest. Compare a model fitted on synthetic rows with one
    fitted on real ones.

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
    rng : int, RandomState or Generator, default=0
        Randomness of the cut and the model.

    Returns
    -------
    score : float
        NaN where the test rows hold one class only.
    """
    rng = as_generator(rng)
    categorical = np.asarray(categorical, dtype=bool)
    train = train[~np.isnan(train[:, target])]
    test = test[~np.isnan(test[:, target])]
    train = some_rows(train, min(len(train), max_rows), rng)
    X, y = np.delete(train, target, axis=1), train[:, target]
    X_test, y_test = np.delete(test, target, axis=1), test[:, target]
    codes = np.delete(categorical, target)
    seed = draw_seed(rng)
    if not categorical[target]:
        if len(y_test) < 2 or len(y) < 2:
            return float("nan")
        model = _regressor(X, y, codes, len(X), seed)
        return float(r2_score(y_test, model.predict(X_test)))
    classes = [c for c in np.unique(y_test) if 0 < (y_test == c).sum() < len(y_test)]
    if not classes:
        return float("nan")
    if len(np.unique(y)) < 2:
        return 0.5
    model = _classifier(X, y, codes, len(X), seed)
    probability = model.predict_proba(X_test)
    aucs = []
    for c in classes:
        known = np.flatnonzero(model.classes_ == c)
        score = probability[:, known[0]] if len(known) else np.zeros(len(y_test))
        aucs.append(roc_auc_score(y_test == c, score))
    return float(np.mean(aucs))


def fill_missing(X):
    """Return X with missing cells as the lowest number."""
    return np.where(np.isnan(X), -np.inf, X)


def some_rows(X, n, rng):
    """Return n rows of X, drawn without replacement."""
    return X[rng.choice(len(X), n, replace=False)]


def _quantile_edges(cells, is_code, n_bins):
    cells = cells[~np.isnan(cells)]
    if is_code or len(cells) == 0:
        return None if is_code else np.empty(0)
    return np.unique(np.quantile(cells, np.linspace(0, 1, n_bins + 1)[1:-1]))


def _classes(X, edges):
    out = np.empty(X.shape, dtype=np.int64)
    for j, cuts in enumerate(edges):
        cells = np.where(np.isnan(X[:, j]), -1.0, X[:, j])
        codes = cells if cuts is None else np.searchsorted(cuts, cells, "right")
        out[:, j] = np.where(np.isnan(X[:, j]), 0, codes.astype(np.int64) + 1)
    return out


def _learner(forest, boosting, X, y, categorical, n, seed):
    """Fit a forest where rows are few, gradient boosting elsewhere."""
    if n < FEW_ROWS:
        model = forest(100, min_samples_leaf=3, random_state=seed, n_jobs=1)
        return model.fit(X, y)
    codes = [
        bool(is_code) and np.nanmax(X[:, j], initial=0) < MAX_CODES
        for j, is_code in enumerate(categorical)
    ]
    model = boosting(
        max_iter=80,
        learning_rate=0.1,
        early_stopping=False,
        categorical_features=codes,
        random_state=seed,
    )
    return model.fit(X, y)


def _classifier(*data):
    return _learner(RandomForestClassifier, HistGradientBoostingClassifier, *data)


def _regressor(*data):
    return _learner(RandomForestRegressor, HistGradientBoostingRegressor, *data)
