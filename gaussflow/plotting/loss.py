"""Pictures of the loss: as a fit saw it, and split in dependence and marginals."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from gaussflow._common.checks import keep_params
from gaussflow.diagnostics import loss_decomposition
from gaussflow.plotting._axes import Display, one_axes


class LossCurveDisplay(Display):
    """Loss of training and held-out rows while a flow was fitted.

    Parameters
    ----------
    train, held_out : ndarray of shape (n_points,)
        Mean negative log-likelihoods, nats a row; NaN where unknown.
    layer : ndarray of shape (n_points,)
        Layer of each point.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    lines_ : list of matplotlib Line2D

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from gaussflow import GenFlow, Linear
    >>> from gaussflow.plotting import LossCurveDisplay
    >>> X, _ = make_moons(500, noise=0.1, random_state=0)
    >>> flow = GenFlow([Linear(5)], random_state=0).fit(X)
    >>> display = LossCurveDisplay.from_estimator(flow)
    >>> [line.get_label() for line in display.lines_]
    ['training rows', 'held-out rows']
    """

    def __init__(self, train, held_out, layer):
        keep_params(locals())

    @classmethod
    def from_estimator(cls, estimator, *, ax=None, **kwargs):
        """Draw the ``loss_curve_`` of a fitted GenFlow.

        Parameters
        ----------
        estimator : GenFlow
            Fitted in direction "gaussianize".
        """
        check_is_fitted(estimator)
        curve = getattr(estimator, "loss_curve_", None)
        if not curve or all(point["train"] is None for point in curve):
            raise ValueError(
                f"This {type(estimator).__name__} has no losses to draw: only a "
                f'GenFlow of direction "gaussianize" writes loss_curve_. '
                f"LossDecompositionDisplay takes any flow."
            )
        # None becomes NaN.
        train, held_out = (
            np.array([point[name] for point in curve], dtype=np.float64)
            for name in ("train", "held_out")
        )
        layer = np.array([point["layer"] for point in curve])
        return cls(train, held_out, layer).plot(ax=ax, **kwargs)

    def plot(self, ax=None, **kwargs):
        ax = one_axes(ax, "LossCurveDisplay", figsize=(6, 4))
        at = np.arange(1, len(self.train) + 1)
        self.lines_ = []
        for values, label, style in (
            (self.train, "training rows", {"color": "C0", "ls": "--"}),
            (self.held_out, "held-out rows", {"color": "C1"}),
        ):
            if np.isfinite(values).any():
                style = {"marker": ".", "label": label} | style | kwargs
                self.lines_ += ax.plot(at, values, **style)
        for k in np.flatnonzero(np.diff(self.layer)):
            ax.axvline(0.5 * (at[k] + at[k + 1]), color="0.85", lw=0.8, zorder=0)
        ax.set(xlabel="iteration", ylabel="loss (nats a row)")
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self


class LossDecompositionDisplay(Display):
    """Total loss, dependence and marginals along a flow, with two standard errors.

    Parameters
    ----------
    decomposition : LossDecomposition
        What :func:`gaussflow.diagnostics.loss_decomposition` returned.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    lines_ : dict of str to matplotlib Line2D
        "total", "dependence", "marginals" and, of both sets, "training total".

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from gaussflow import GenFlow, Linear
    >>> from gaussflow.plotting import LossDecompositionDisplay
    >>> X, _ = make_moons(800, noise=0.1, random_state=0)
    >>> flow = GenFlow([Linear(3)], random_state=0).fit(X[:400])
    >>> display = LossDecompositionDisplay.from_estimator(
    ...     flow, X[:400], held_out=X[400:], random_state=0)
    >>> sorted(display.lines_)
    ['dependence', 'marginals', 'total', 'training total']
    """

    def __init__(self, decomposition):
        self.decomposition = decomposition

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        held_out=None,
        log_density=None,
        n_points=25,
        max_rows=5_000,
        random_state=None,
        ax=None,
        **kwargs,
    ):
        """Split the loss along a flow, and draw it.

        Parameters
        ----------
        X, held_out, log_density, n_points, max_rows, random_state
            As in :func:`gaussflow.diagnostics.loss_decomposition`.
        """
        decomposition = loss_decomposition(
            estimator,
            X,
            held_out=held_out,
            log_density=log_density,
            n_points=n_points,
            max_rows=max_rows,
            random_state=random_state,
        )
        return cls(decomposition).plot(ax=ax, **kwargs)

    def plot(self, ax=None, **kwargs):
        ax = one_axes(ax, "LossDecompositionDisplay", figsize=(6.5, 4))
        found = self.decomposition
        judge = found.train if found.held_out is None else found.held_out
        at = np.arange(len(found.points))
        self.lines_ = {}
        for name, color in (("total", "k"), ("dependence", "C0"), ("marginals", "C1")):
            value, error = getattr(judge, name), getattr(judge, f"{name}_error")
            style = {"color": color, "marker": ".", "label": name} | kwargs
            (self.lines_[name],) = ax.plot(at, value, **style)
            # Errors of the mean: a band of two on either side.
            low, high = value - 2 * error, value + 2 * error
            ax.fill_between(at, low, high, color=color, alpha=0.15, lw=0)
        if found.held_out is not None:
            style = {"color": "0.5", "ls": "--", "label": "total, training rows"}
            (line,) = ax.plot(at, found.train.total, **(style | kwargs))
            self.lines_["training total"] = line
        ax.axhline(0.0, color="0.8", lw=0.8, zorder=0)
        _name_points(ax, found)
        # From the far start to the small remainder.
        ax.set_yscale("symlog", linthresh=max(0.02, 0.01 * float(judge.total[0])))
        ax.set_ylabel("loss (nats a row)")
        rows = "rows given" if found.held_out is None else "held-out rows"
        ax.set_title(f"{rows}, counted from the {found.reference}", fontsize="medium")
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _name_points(ax, found):
    """Label about eight points by their layer and iteration."""
    step = max(1, -(-(len(found.points) - 1) // 7))
    shown = sorted({*range(0, len(found.points), step), len(found.points) - 1})
    if len(shown) > 1 and shown[-1] - shown[-2] < (step + 1) // 2:
        del shown[-2]
    labels = []
    for k in shown:
        layer, iteration = found.layer[k], found.iteration[k]
        if layer is None:
            labels.append("data")
        else:
            labels.append(f"{layer}" if iteration is None else f"{layer}.{iteration}")
    ax.set_xticks(shown, labels)
    ax.set_xlabel("layer.iteration")
