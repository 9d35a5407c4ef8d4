"""Real rows beside synthetic ones: every pair of columns."""

import numpy as np
from sklearn.utils import check_array

from gaussflow._common.checks import check_integer, keep_params
from gaussflow._common.seeds import as_generator
from gaussflow.plotting._axes import Display, check_columns, grid_of_axes


class PairsDisplay(Display):
    """Scatters of pairs of columns, real and synthetic, and both histograms.

    Above the diagonal real rows, below it synthetic ones, on it both.

    Parameters
    ----------
    real, synthetic : ndarray of shape (n_rows, n_columns)
        The columns drawn, at most ``max_rows`` rows of each.
    names : list of str
        Names of the columns.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes, of shape (n_columns, n_columns)
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from gaussflow import GenFlow, Linear
    >>> from gaussflow.plotting import PairsDisplay
    >>> X, _ = make_moons(400, noise=0.1, random_state=0)
    >>> flow = GenFlow([Linear(5)], random_state=0).fit(X)
    >>> display = PairsDisplay.from_estimator(flow, X, random_state=0)
    >>> display.axes_.shape
    (2, 2)
    """

    def __init__(self, real, synthetic, names):
        keep_params(locals())

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        columns=None,
        max_rows=1_000,
        random_state=None,
        axes=None,
        **kwargs,
    ):
        """Sample a fitted flow, and draw its rows beside real ones.

        Parameters
        ----------
        estimator : estimator
            Fitted, with ``sample``.
        X : array-like of shape (n_samples, n_features)
            Real rows.
        columns : list of int or None, default=None
            Columns to draw; None draws the first 5.
        max_rows : int, default=1000
            Rows of each kind, at most those of X.
        random_state : int, RandomState, Generator or None, default=None
            Randomness of the samples and of the rows drawn.
        **kwargs : dict
            Passed to ``Axes.scatter``.
        """
        names = getattr(X, "columns", None)
        X = check_array(X, dtype=np.float64, input_name="X")
        max_rows = check_integer("max_rows", max_rows, 2)
        columns = check_columns(columns, X.shape[1], 5)
        rng = as_generator(random_state)
        n = min(max_rows, len(X))
        real = X[rng.permutation(len(X))[:n]]
        synthetic = np.asarray(estimator.sample(n, random_state=rng), dtype=np.float64)
        names = [
            f"column {column}" if names is None else str(names[column])
            for column in columns
        ]
        return cls(real[:, columns], synthetic[:, columns], names).plot(axes, **kwargs)

    def plot(self, axes=None, **kwargs):
        d = len(self.names)
        size = 1.8 * d + 0.6
        axes = grid_of_axes(axes, d, d, "PairsDisplay", figsize=(size, size))
        both = np.concatenate([self.real, self.synthetic])
        # All but 0.4 % of the rows decide: one far sample would shrink all others.
        low, high = np.quantile(both, [0.002, 0.998], axis=0)
        margin = 0.05 * np.where(high > low, high - low, 1.0)
        low, high = low - margin, high + margin
        kinds = (("real", self.real, "C0"), ("synthetic", self.synthetic, "C1"))
        for i in range(d):
            for j in range(d):
                ax = axes[i, j]
                ax.set_xlim(low[j], high[j])
                if i == j:
                    edges = np.linspace(low[j], high[j], 31)
                    for label, rows, color in kinds:
                        style = {"histtype": "step", "color": color, "label": label}
                        ax.hist(rows[:, j], edges, density=True, **style)
                    ax.set_yticks([])
                else:
                    _, rows, color = kinds[int(i > j)]
                    style = {"s": 3, "lw": 0, "alpha": 0.6, "color": color} | kwargs
                    ax.scatter(rows[:, j], rows[:, i], **style)
                    ax.set_ylim(low[i], high[i])
                if i == d - 1:
                    ax.set_xlabel(self.names[j])
                else:
                    ax.set_xticklabels([])
                if j == 0:
                    ax.set_ylabel(self.names[i])
                elif i == 0 and j == d - 1:
                    ax.yaxis.tick_right()  # the first panel of the row has no scale
                elif i != j:
                    ax.set_yticklabels([])
        axes[0, 0].legend(fontsize="small")
        self.axes_, self.figure_ = axes, axes[0, 0].figure
        return self
