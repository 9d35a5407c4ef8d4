"""From the rows' contributions to a number, and an interval around it."""

from typing import NamedTuple

import numpy as np

from gaussflow._common.checks import Choice, Number

UNITS = {"nats": 1.0, "bits": 1.0 / float(np.log(2.0))}
#: Least rows that an interval is given for: the bootstrap's own quantiles are poor on
#: fewer. Chosen by hand.
MIN_ROWS = 50
#: Bootstrap samples of an interval: a rough minimum for quantiles (Efron, 1987, "Better
#: bootstrap confidence intervals").
N_DRAWS = 1000


class Interval(NamedTuple):
    """A measure, and the interval around it."""

    value: float
    low: float
    high: float


def check_summary(unit, interval):
    """Refuse a unit or a level that does not exist."""
    Choice(UNITS).check("unit", unit)
    Number("(0, 1)", None).check("interval", interval)


def check_interval_rows(n_rows, name):
    """Refuse rows that are too few for an interval."""
    if n_rows < MIN_ROWS:
        raise ValueError(
            f"{name} has {n_rows} rows, too few for an interval: at least "
            f"{MIN_ROWS} are needed. Leave interval=None."
        )


def summary(contributions, unit, interval, rng, influence=None):
    """Return the mean of the rows' contributions, with an interval if asked.

    contributions : (2, n_samples), by flows that did not see the row, and by flows that
    did ; interval : level or None ; rng : randomness of the bootstrap ; influence :
    (m_samples,) or None, what each row of an independent sample adds, in the mean.
    """
    contributions = contributions * UNITS[unit]
    value = float(contributions.mean())
    if interval is None:
        return value
    n, tail = contributions.shape[1], 50.0 * (1.0 - float(interval))
    means = np.empty((N_DRAWS, 2))
    for draw in means:
        draw[:] = contributions[:, rng.integers(0, n, n)].mean(axis=1)
        if influence is not None:
            m = len(influence)
            draw += influence[rng.integers(0, m, m)].mean() * UNITS[unit]
    low, high = np.percentile(means, [tail, 100.0 - tail], axis=0)
    # From the lower end of what unseen rows say to the upper end of what seen rows
    # say: what is left of the bias is about the distance between the two.
    return Interval(value, float(low.min()), float(high.max()))
