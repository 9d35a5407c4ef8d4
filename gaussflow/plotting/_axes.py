"""Where a display draws: the caller's axes, or a figure of its own."""

import numpy as np

from gaussflow._common.docstrings import complete_docstrings
from gaussflow._common.optional import import_optional


class Display:
    """Base of the displays, which describe only what is not described here."""

    def __init_subclass__(cls, **options):
        """Complete the docstrings."""
        super().__init_subclass__(**options)
        complete_docstrings(cls)

    @classmethod
    def from_estimator(cls, estimator, **kwargs):
        """Compute what is to be drawn, and draw it.

        Parameters
        ----------
        estimator : GenFlow or Layer
            Fitted.
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.
        axes : array of matplotlib Axes or None, default=None
            Where to draw, one for each panel; None makes a figure.
        **kwargs : dict
            Passed to ``Axes.plot``.

        Returns
        -------
        display : object
            What was computed, drawn.
        """
        raise NotImplementedError

    def plot(self, ax=None, **kwargs):
        """Draw; see ``from_estimator``."""
        raise NotImplementedError


def one_axes(ax, caller, **size):
    """Return the axes given, or those of a new figure."""
    if ax is not None:
        return ax
    plt = import_optional("matplotlib.pyplot", extra="viz", caller=caller)
    return plt.subplots(layout="constrained", **size)[1]


def grid_of_axes(axes, n_rows, n_columns, caller, **size):
    """Return axes as an array (n_rows, n_columns): those given, or a new figure's."""
    if axes is None:
        plt = import_optional("matplotlib.pyplot", extra="viz", caller=caller)
        return plt.subplots(
            n_rows, n_columns, squeeze=False, layout="constrained", **size
        )[1]
    axes = np.asarray(axes, dtype=object)
    if axes.size != n_rows * n_columns:
        raise ValueError(
            f"axes must hold {n_rows} x {n_columns} axes for {caller}, got "
            f"{axes.size}. Pass axes=None for a new figure."
        )
    return axes.reshape(n_rows, n_columns)


def check_columns(columns, n_features, most=None):
    """Return columns to draw as a list; None takes the first ones."""
    if columns is None:
        return list(range(n_features if most is None else min(n_features, most)))
    columns = [int(column) for column in columns]
    if not columns or not all(0 <= column < n_features for column in columns):
        raise ValueError(
            f"columns must name columns 0 to {n_features - 1}, got {columns}."
        )
    return columns
