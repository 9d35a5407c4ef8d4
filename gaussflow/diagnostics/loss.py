"""The loss along a flow: how much is left, and whether in or between the columns."""

import numpy as np

from gaussflow._common.checks import check_integer
from gaussflow._common.normal import log_standard_normal
from gaussflow._common.seeds import as_generator
from gaussflow.diagnostics._losses import (
    fold_of_rows,
    marginal_ratios,
    remaining_ratios,
)
from gaussflow.diagnostics._results import (
    LossCurve,
    LossDecomposition,
    difference,
    evenly,
    mean_of,
)
from gaussflow.diagnostics._stages import (
    as_fitted,
    check_flow,
    run_stage,
    stages,
    working_rows,
)

#: Least rows that a loss is split on: each column's density is estimated.
MIN_ROWS = 40
#: Standard errors beyond which a difference is one. A rise takes more: the best of
#: many points is compared with the last.
NOTICED, RISEN = 2.0, 3.0
#: Nats a row and column of a remainder below which nothing is reported. By hand.
NEGLIGIBLE = 0.002
#: Part of the loss's fall by which the training loss may be below the held-out one. By
#: hand.
LARGE_GAP = 0.5


def loss_decomposition(
    flow,
    X,
    *,
    held_out=None,
    log_density=None,
    n_points=25,
    max_rows=5_000,
    random_state=None,
):
    """Split the loss after each iteration of a flow in dependence and marginals.

    The loss KL(law of the latent rows || N(0, I)) is the sum of the columns' own
    losses, which maps of the columns can remove, and of the dependence between the
    columns, which only a rotation can turn into losses of columns (Draxler et al.,
    2023). How each is estimated:

    - *total*: the mean of log p(x) - log p_k(x), where p_k is the exact density of
      the flow up to point k. With ``log_density`` this has no bias on held-out rows.
      Without it, p is the flow's density at the point that held-out rows like best,
      and what gated iterations still find there. The total is then too low by the
      loss that neither sees: the same at every point.
    - *marginals*: one-dimensional densities, cross-fitted on the rows of the point;
      too low by what they miss, which falls with the number of rows.
    - *dependence*: the difference, with the errors of both: too high where the
      marginals are too low.

    On training rows the total is also too low because the flow has seen them: that
    is what both are compared for.

    Parameters
    ----------
    flow : GenFlow or Layer
        Fitted.
    X : array-like of shape (n_samples, n_features)
        Rows that it was fitted on.
    held_out : array-like of shape (n_rows, n_features) or None, default=None
        Rows that it has never seen. Without them losses are counted from the flow's
        best point on X, and nothing can be said on overfitting.
    log_density : callable or None, default=None
        ``log_density(X)`` returns the exact log density of rows, where it is known.
    n_points : int, default=25
        Points along the flow to split the loss at, at least 2: the data, the end,
        and others evenly between.
    max_rows : int, default=5000
        Rows used of each set, drawn at random, at least 40.
    random_state : int, RandomState, Generator or None, default=None
        Randomness of the rows drawn and of the folds.

    Returns
    -------
    decomposition : LossDecomposition
        Numbers, verdicts and, by ``summary()``, a text. Its first point are the
        columns standardised by X: losses in other units would mean nothing.

    References
    ----------
    F. Draxler, L. Kuehmichel, A. Rousselot, J. Mueller, C. Schnoerr, U. Koethe
    (2023), "On the convergence rate of Gaussianization with random rotations".

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from gaussflow import GenFlow, Linear
    >>> from gaussflow.diagnostics import loss_decomposition
    >>> X, _ = make_moons(3000, noise=0.1, random_state=0)
    >>> flow = GenFlow([Linear(n_iter=2)], random_state=0).fit(X[:2000])
    >>> losses = loss_decomposition(flow, X[:2000], held_out=X[2000:], random_state=0)
    >>> losses.converged, losses.overfits
    (False, False)
    >>> bool(losses.held_out.total[0] > losses.held_out.total[-1])
    True
    """
    check_flow(flow)
    n_points = check_integer("n_points", n_points, 2)
    max_rows = check_integer("max_rows", max_rows, MIN_ROWS)
    *streams, tie_rng, fold_rng, search_rng = as_generator(random_state).spawn(5)
    sets = {"train": working_rows(flow, X, "X", max_rows, streams[0])}
    if held_out is not None:
        rows = working_rows(flow, held_out, "held_out", max_rows, streams[1])
        sets["held_out"] = rows
    _check_rows(sets)
    spread, without_density = as_fitted(flow, list(sets.values()), tie_rng)
    sets = dict(zip(sets, spread, strict=True))
    path = stages(flow)
    at = evenly(len(path) + 1, n_points)
    enter = _standardiser(sets["train"])
    walks = {
        name: _Walk(path, at, rows, enter, fold_rng) for name, rows in sets.items()
    }
    judge = walks.get("held_out", walks["train"])
    remaining = None
    if held_out is not None:
        remaining = remaining_ratios(judge.last, search_rng)
    if log_density is None:
        more = remaining
        if held_out is not None and judge.best < len(at) - 1:
            more = remaining_ratios(judge.at_best, search_rng)
        curves = _curves_from_best(walks, judge, more)
    else:
        curves = {
            name: _curve(walk, _exact(log_density, sets[name]))
            for name, walk in walks.items()
        }
    names = ["data", *(str(stage) for stage in path)]
    return LossDecomposition(
        points=[names[k] for k in at],
        layer=[None if k == 0 else path[k - 1].layer for k in at],
        iteration=[None if k == 0 else path[k - 1].iteration for k in at],
        train=curves["train"],
        held_out=curves.get("held_out"),
        reference="best point" if log_density is None else "exact density",
        best=judge.best,
        n_features=int(flow.n_features_in_),
        **_verdicts(walks, remaining, [names[k] for k in at], without_density),
    )


def _standardiser(X):
    """Return the standardisation by which rows enter: a flow's own comes later."""
    loc, scale = X.mean(axis=0, dtype=np.float64), X.std(axis=0, dtype=np.float64)
    scale = np.where(scale > 0.0, scale, 1.0)
    return lambda X: ((X - loc) / scale, -np.full(len(X), np.log(scale).sum()))


class _Walk:
    """What rows show along a flow, at n_points points of it.

    log_p : (n_points, n_rows) log density of each row by the flow up to the point ;
    in_columns : of that shape, rows' contributions to the marginal losses ; per_column
    : (n_points, n_features) ; last, at_best : latent rows of the last point, and of the
    one of the best density, which is ``best``.
    """

    def __init__(self, path, at, X, enter, rng):
        # The same folds at every point, so that differences along it are smooth.
        self.folds = fold_of_rows(len(X), rng)
        self.log_p, self.in_columns, self.per_column = [], [], []
        self._record(*enter(X))
        Z, log_det = X.copy(), np.zeros(len(X))
        for k, stage in enumerate(path, start=1):
            Z, added = run_stage(stage, Z)
            log_det += added
            if k in at:
                self._record(Z, log_det)
        self.last = Z
        self.log_p, self.in_columns = np.array(self.log_p), np.array(self.in_columns)
        self.per_column = np.array(self.per_column)

    def _record(self, Z, log_det):
        log_p = log_standard_normal(Z) + log_det
        if not self.log_p or log_p.mean() > self.log_p[self.best].mean():
            self.best, self.at_best = len(self.log_p), Z.copy()
        ratios = marginal_ratios(Z, self.folds)
        self.log_p.append(log_p)
        self.in_columns.append(ratios.sum(axis=1))
        self.per_column.append(ratios.mean(axis=0))


def _curves_from_best(walks, judge, more):
    """Return losses counted from a judge's best point, and what is left there."""
    reference = judge.log_p[judge.best]
    if more is not None and mean_of(more).above(NOTICED):
        reference = reference + more
    level = mean_of(reference)
    # Rows of another set are compared with the reference's mean.
    return {
        name: _curve(walk, reference)
        if walk is judge
        else _curve(walk, level.value, level.error)
        for name, walk in walks.items()
    }


def _curve(walk, reference, error=0.0):
    """Return losses counted from a reference: of each row, or one with an error."""
    total = reference - walk.log_p
    parts = []
    for rows, offset in (
        (total, error),
        (total - walk.in_columns, error),
        (walk.in_columns, 0.0),
    ):
        own = rows.std(axis=1, ddof=1) / np.sqrt(rows.shape[1])
        parts += [rows.mean(axis=1), np.hypot(own, offset)]
    return LossCurve(*parts, walk.per_column)


def _verdicts(walks, remaining, points, without_density):
    """Return the fields that judge a flow."""
    warnings = []
    if without_density:
        named = ", ".join(str(column) for column in without_density[:5])
        more = len(without_density) - 5
        warnings.append(
            f"Columns {named}{f' and {more} more' if more > 0 else ''} hold one value "
            f"in all or many rows, which has no density: losses mean nothing before a "
            f"layer spreads it."
        )
    if "held_out" not in walks:
        unknown = dict.fromkeys(("remaining", "gap", "rise", "converged", "overfits"))
        warnings.append(
            "No held-out rows were given: whether the flow has converged or overfits "
            "is not known. Pass held_out=."
        )
        return {**unknown, "warnings": warnings}
    train, judge = walks["train"], walks["held_out"]
    remaining = mean_of(remaining)
    gap = difference(mean_of(train.log_p[-1]), mean_of(judge.log_p[-1]))
    rise = mean_of(judge.log_p[judge.best] - judge.log_p[-1])
    fall = mean_of(judge.log_p[judge.best] - judge.log_p[0])
    n_features = judge.last.shape[1]
    left = remaining.above(NOTICED, NEGLIGIBLE * n_features)
    rose = rise.above(RISEN, NEGLIGIBLE * n_features)
    ahead = gap.above(RISEN, LARGE_GAP * max(fall.value, NEGLIGIBLE * n_features))
    if rose:
        warnings.append(
            f"The flow overfits: since {points[judge.best]} held-out rows have lost "
            f"{rise} nats a row. Gate every direction (gate='auto'), hold rows out "
            f"(validation_fraction) or use fewer iterations."
        )
    elif ahead:
        warnings.append(
            f"The flow overfits: training rows are ahead of held-out rows by {gap} "
            f"nats a row, more than half of what the fit has gained on held-out rows "
            f"({fall}). Pass more rows or a simpler list of layers."
        )
    if left and not rose:
        warnings.append(
            f"The flow has not converged: gated iterations after it still gain "
            f"{remaining} nats a row on held-out rows. Add iterations or layers."
        )
    return {
        "remaining": remaining,
        "gap": gap,
        "rise": rise,
        "converged": not left,
        "overfits": rose or ahead,
        "warnings": warnings,
    }


def _check_rows(sets):
    for name, rows in sets.items():
        if len(rows) < MIN_ROWS:
            raise ValueError(
                f"{'X' if name == 'train' else name} has {len(rows)} rows, but the "
                f"losses of its columns need at least {MIN_ROWS}."
            )
    if np.array_equal(sets["train"], sets.get("held_out")):
        raise ValueError(
            "held_out holds the same rows as X: pass rows that the flow has never "
            "seen, or held_out=None."
        )


def _exact(log_density, X):
    values = np.asarray(log_density(X.copy()), dtype=np.float64)
    if values.shape != (len(X),) or not np.isfinite(values).all():
        raise ValueError(
            f"log_density must return one finite number for each of {len(X)} rows, "
            f"got an array of shape {values.shape}, "
            f"{np.count_nonzero(~np.isfinite(values))} of them not finite."
        )
    return values
