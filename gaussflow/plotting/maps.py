"""Marginal maps of an iteration: what each direction is bent by."""

import numpy as np

from gaussflow._common.checks import check_integer, keep_params
from gaussflow.layers.iterations.iterated import Iterated
from gaussflow.layers.iterations.iteration import Iteration
from gaussflow.plotting._axes import Display, check_columns, one_axes

#: How far maps are drawn, in standard deviations.
REACH, N_POINTS = 4.0, 401


class MarginalMapDisplay(Display):
    """Monotone maps along the directions of one iteration.

    Parameters
    ----------
    y : ndarray of shape (n_points,)
        Where the maps are drawn.
    values : ndarray of shape (n_maps, n_points)
        Their values.
    layer, iteration : int
        Where in the flow they are.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    lines_ : list of matplotlib Line2D

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow import GenFlow, Linear
    >>> from gaussflow.plotting import MarginalMapDisplay
    >>> X = np.random.default_rng(0).uniform(size=(800, 2))
    >>> flow = GenFlow([Linear(1, rotation="identity")], random_state=0).fit(X)
    >>> display = MarginalMapDisplay.from_estimator(flow)
    >>> len(display.lines_)
    2
    """

    def __init__(self, y, values, layer, iteration):
        keep_params(locals())

    @classmethod
    def from_estimator(
        cls, estimator, *, layer=None, iteration=0, directions=None, ax=None, **kwargs
    ):
        """Draw the maps of an iteration of a fitted flow.

        Parameters
        ----------
        estimator : GenFlow or Linear
            Fitted.
        layer : int or None, default=None
            Index into ``layers_``; None takes the first layer of iterations.
        iteration : int, default=0
            Index into the layer's ``iterations_``.
        directions : list of int or None, default=None
            Maps to draw; None draws the first 20.
        """
        layers = getattr(estimator, "layers_", [estimator])
        drawn = [
            index
            for index, one in enumerate(layers)
            if isinstance(one, Iterated)
            and any(isinstance(it, Iteration) for it in getattr(one, "iterations_", []))
        ]
        if layer is None and drawn:
            layer = drawn[0]
        if layer not in drawn:
            raise ValueError(
                f"layer must be a fitted layer with iterations of rotations and maps, "
                f"one of {drawn} here, got {layer!r}."
            )
        iterations = layers[layer].iterations_
        iteration = check_integer("iteration", iteration, 0, len(iterations) - 1)
        marginal = iterations[iteration].marginal
        chosen = check_columns(directions, marginal.n_maps, 20)
        y = np.linspace(-REACH, REACH, N_POINTS)
        Y = np.tile(y[:, None], (1, len(chosen)))
        values = marginal.select(chosen).forward_and_log_det(Y, np.zeros(len(y)))
        return cls(y, values.T.copy(), layer, iteration).plot(ax=ax, **kwargs)

    def plot(self, ax=None, **kwargs):
        ax = one_axes(ax, "MarginalMapDisplay", figsize=(4.5, 4))
        ax.plot(self.y, self.y, color="0.8", lw=0.8, zorder=0)
        self.lines_ = ax.plot(self.y, self.values.T, **({"lw": 1.2} | kwargs))
        ax.set(
            xlabel="coordinate along a direction",
            ylabel="its image",
            ylim=(-REACH - 0.5, REACH + 0.5),
        )
        title = f"layer {self.layer}, iteration {self.iteration}"
        ax.set_title(title, fontsize="medium")
        self.ax_, self.figure_ = ax, ax.figure
        return self
