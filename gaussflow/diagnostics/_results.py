"""What diagnostics return: numbers that know how to become JSON and text."""

from typing import NamedTuple

import numpy as np

from gaussflow._common.checks import check_integer


class Estimate(NamedTuple):
    """A mean over rows, and its standard error."""

    value: float
    error: float

    def __str__(self):
        return f"{self.value:.3f} ± {self.error:.3f}"

    def above(self, n_errors, least=0.0):
        """Tell whether it is above a number, and so by many standard errors."""
        return bool(self.value > max(least, n_errors * self.error))


def mean_of(values):
    """Return the mean of rows' values with its standard error."""
    values = np.asarray(values, dtype=np.float64)
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    return Estimate(float(np.mean(values)), float(error))


def difference(left, right):
    """Return left - right of two means over different rows."""
    return Estimate(left.value - right.value, float(np.hypot(left.error, right.error)))


class Result:
    """Base class: named fields, as a dict and as a text.

    Subclasses list their fields, all documented, in the class's attributes and
    implement ``summary``.
    """

    def __init__(self, **fields):
        vars(self).update(fields)

    def to_dict(self):
        """Return everything as numbers, strings, lists and dicts, fit for JSON."""
        return {name: _plain(value) for name, value in vars(self).items()}

    def __repr__(self):
        return self.summary()


def _plain(value):
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value


class LossCurve(NamedTuple):
    """Losses of one set of rows at every point of a flow, in nats a row.

    Attributes
    ----------
    total, total_error : ndarray of shape (n_points,)
        Estimated KL(law of the latent rows || N(0, I)), and its standard error.
    dependence, dependence_error : ndarray of shape (n_points,)
        What is left between the columns: the total less the marginals.
    marginals, marginals_error : ndarray of shape (n_points,)
        What is left in the columns, summed over them.
    per_column : ndarray of shape (n_points, n_features)
        What is left in each column.
    """

    total: np.ndarray
    total_error: np.ndarray
    dependence: np.ndarray
    dependence_error: np.ndarray
    marginals: np.ndarray
    marginals_error: np.ndarray
    per_column: np.ndarray


class LossDecomposition(Result):
    """What :func:`loss_decomposition` measured.

    Attributes
    ----------
    points : list of str
        Where in the flow: "data", then layers and iterations.
    layer, iteration : list of int or None
        The same as numbers: None for the data, and 0 for a layer's standardisation.
    train, held_out : LossCurve
        Losses of the rows given; ``held_out`` is None where no such rows were.
    reference : str
        What losses are counted from: "exact density" or "best point" of the flow.
    best : int
        The point of the lowest loss of held-out rows, or else of the rows given.
    remaining : Estimate or None
        What gated iterations still find in the held-out latent rows of the last
        point: a lower bound of their loss, apart from noise. None without such rows.
    gap : Estimate or None
        By how much the log-likelihood of training rows is above that of held-out
        rows, at the last point.
    rise : Estimate or None
        By how much the loss of held-out rows has risen since the best point.
    converged, overfits : bool or None
        The verdicts; None where they would need held-out rows.
    warnings : list of str
        The verdicts in words, where there is something to say.
    n_features : int
        Columns.
    """

    def summary(self, max_lines=12):
        """Return a table of the losses, and the verdicts, as text.

        Parameters
        ----------
        max_lines : int, default=12
            Points to show, at least 2: the first, the last, and some between.

        Returns
        -------
        text : str
        """
        max_lines = check_integer("max_lines", max_lines, 2)
        judge, rows = self.held_out, "held-out rows"
        if judge is None:
            judge, rows = self.train, "the rows given"
        head = "".join(f"  {part:>16}" for part in ("total", "dependence", "marginals"))
        lines = [
            f"Loss of {rows}, nats a row, counted from the {self.reference}:",
            " " * 24 + head,
        ]
        for k in evenly(len(self.points), max_lines):
            cells = (
                Estimate(judge.total[k], judge.total_error[k]),
                Estimate(judge.dependence[k], judge.dependence_error[k]),
                Estimate(judge.marginals[k], judge.marginals_error[k]),
            )
            lines.append(
                f"{self.points[k]:24}" + "".join(f"  {c!s:>16}" for c in cells)
            )
        if self.gap is not None:
            lines += [
                f"Training rows are ahead of held-out rows by {self.gap}.",
                f"Gated iterations after the flow still find {self.remaining}.",
            ]
        return "\n".join([*lines, *self.warnings])


def evenly(n, most):
    """Return at most so many of the indices 0 to n - 1, first and last among them."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(int)).tolist()
