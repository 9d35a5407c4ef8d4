"""Calibration: whether regions of stated probability hold that share of new rows."""

import numpy as np
from scipy import stats
from sklearn.utils import check_array

from gaussflow._common.checks import check_integer
from gaussflow._common.seeds import as_generator
from gaussflow.diagnostics._results import Estimate, Result
from gaussflow.diagnostics._stages import as_fitted, check_flow

#: Probabilities of the regions that are counted: those that papers report.
LEVELS = (0.5, 0.8, 0.9, 0.95, 0.99)
#: Standard errors beyond which a region holds too many or too few rows: by chance in
#: at most one of 75 calls, for five regions.
GATE = 3.0
#: Least rows: fewer say nothing of the outer regions. Chosen by hand.
MIN_ROWS = 20


class Calibration(Result):
    """What :func:`calibration` counted.

    Attributes
    ----------
    levels : list of float
        Probabilities of highest-density regions.
    coverage : list of Estimate
        Shares of the rows that lie in them.
    density_transform : ndarray of shape (n_samples,)
        For each row, the probability of the region of higher density than its own:
        uniform where the flow is calibrated.
    density_p_value : float
        Of its uniformity (two-sample Kolmogorov-Smirnov test of the log densities of
        rows and samples).
    column_transforms : ndarray of shape (n_samples, n_features)
        For each column, the share of samples below the row's value.
    column_distance : ndarray of shape (n_features,)
        Largest gap of their distribution functions from the uniform one.
    column_p_value : float
        The smallest of the columns' Kolmogorov-Smirnov tests of rows against samples,
        corrected for the number of columns.
    n_samples, n_features : int
        Rows and columns.
    warnings : list of str
        The verdict in words, where there is something to say.
    """

    def summary(self):
        """Return the coverages and the verdicts as text."""
        lines = [f"Highest-density regions on {self.n_samples} rows:"]
        for level, share in zip(self.levels, self.coverage, strict=True):
            lines.append(f"{level:8.0%} region holds {share}")
        worst = int(np.argmax(self.column_distance))
        lines.append(
            f"p-values: log density {self.density_p_value:.3g}, columns "
            f"{self.column_p_value:.3g} (largest gap "
            f"{self.column_distance[worst]:.3f}, column {worst})"
        )
        return "\n".join([*lines, *self.warnings])


def calibration(flow, X, *, n_draws=10_000, random_state=None):
    """Count how many rows lie where the flow says they should.

    By two probability integral transforms, both estimated from samples of the flow:
    of the log density, which judges all columns at once through the flow's
    highest-density regions (Hyndman, 1996), and of each column, which judges what is
    sampled in the column's own units.

    Parameters
    ----------
    flow : estimator
        Fitted, with ``score_samples`` and ``sample``.
    X : array-like of shape (n_samples, n_features)
        At least 20 rows that it was not fitted on.
    n_draws : int, default=10000
        Samples drawn from the flow, at least 100.
    random_state : int, RandomState, Generator or None, default=None
        Randomness of the samples.

    Returns
    -------
    calibration : Calibration

    References
    ----------
    R. J. Hyndman (1996), "Computing and graphing highest density regions", The
    American Statistician 50. A. P. Dawid (1984), "Statistical theory: the
    prequential approach", Journal of the Royal Statistical Society A 147.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow import Elliptical
    >>> from gaussflow.diagnostics import calibration
    >>> X = np.random.default_rng(0).normal([0, 5], [1, 2], size=(3000, 2))
    >>> flow = Elliptical(random_state=0).fit(X[:2000])
    >>> found = calibration(flow, X[2000:], random_state=0)
    >>> bool(abs(found.coverage[2].value - 0.9) < 0.03)  # of the 90 % region
    True
    """
    check_flow(flow)
    n_draws = check_integer("n_draws", n_draws, 100)
    X = check_array(X, dtype=np.float64, input_name="X")
    n, d = X.shape
    if n < MIN_ROWS:
        raise ValueError(f"X has {n} rows, but calibration needs at least {MIN_ROWS}.")
    sample_rng, tie_rng = as_generator(random_state).spawn(2)
    (X,), _ = as_fitted(flow, [X], tie_rng)
    log_p = flow.score_samples(X)
    S = flow.sample(n_draws, random_state=sample_rng)
    log_s = np.sort(flow.score_samples(S))
    transform = 1.0 - _share_below(log_s, log_p)
    columns = np.stack(
        [_share_below(np.sort(s), x) for s, x in zip(S.T, X.T, strict=True)], axis=1
    )
    tests = [stats.ks_2samp(x, s) for x, s in zip(X.T, S.T, strict=True)]
    coverage = [_coverage(transform, level, n_draws) for level in LEVELS]
    return Calibration(
        levels=list(LEVELS),
        coverage=coverage,
        density_transform=transform,
        density_p_value=float(stats.ks_2samp(log_p, log_s).pvalue),
        column_transforms=columns,
        column_distance=np.array([test.statistic for test in tests]),
        column_p_value=float(min(1.0, d * min(test.pvalue for test in tests))),
        n_samples=n,
        n_features=d,
        warnings=_words(coverage),
    )


def _share_below(ordered, values):
    """Return the share of ordered draws below each value, ties counting half."""
    below = np.searchsorted(ordered, values, "left")
    upto = np.searchsorted(ordered, values, "right")
    return (below + upto) / (2.0 * len(ordered))


def _coverage(transform, level, n_draws):
    """Return the share of rows in the region of a level, and its standard error.

    The error is that of the rows and of the samples that the region is drawn by.
    """
    share = float(np.mean(transform <= level))
    variance = level * (1.0 - level) * (1.0 / len(transform) + 1.0 / n_draws)
    return Estimate(share, float(np.sqrt(variance)))


def _words(coverage):
    warnings = []
    gaps = [
        (share.value - level) / share.error
        for level, share in zip(LEVELS, coverage, strict=True)
    ]
    for sign, name, why in (
        (-1.0, "overconfident", "new rows lie outside more often than it says"),
        (1.0, "underconfident", "new rows lie inside more often than it says"),
    ):
        worst = int(np.argmax(sign * np.array(gaps)))
        if sign * gaps[worst] > GATE:
            warnings.append(
                f"The flow is {name}: its {LEVELS[worst]:.0%} region holds "
                f"{coverage[worst]} of the rows, {why}."
            )
    return warnings
