"""Spline marginals: penalised likelihood, mapped by a rational-quadratic spline."""

import numpy as np

from gaussflow.kernels.density import penalized_densities
from gaussflow.marginals.counts import BIN_WIDTH, CENTRES, GRID_HALF, N_BINS
from gaussflow.marginals.density import DensityMarginal

#: Intervals between the knots of the log-density's B-splines: a fifth of a unit
#: each, fine enough that the penalty alone smooths. Chosen by hand, as are the
#: penalties, from a normal density to hardly any smoothing.
N_INTERVALS = 60
PENALTIES = 10.0 ** np.arange(6.0, -3.5, -1.0)


def _cubic_basis():
    """Values of the four cubic B-splines at every bin, and the first one's index."""
    place = (CENTRES + GRID_HALF) / (2 * GRID_HALF) * N_INTERVALS
    start = np.minimum(place.astype(np.int64), N_INTERVALS - 1)
    u = place - start
    values = [
        (1 - u) ** 3,
        3 * u**3 - 6 * u**2 + 4,
        -3 * u**3 + 3 * u**2 + 3 * u + 1,
        u**3,
    ]
    return np.ascontiguousarray(np.stack(values, axis=1) / 6.0), start


BASIS, BASIS_START = _cubic_basis()


class SplineMarginal(DensityMarginal):
    """Maps from a penalised-likelihood density (``marginal="spline"``).

    The log-ratio of the density to N(0, 1) is a cubic spline; the integral of
    its squared third derivative is penalised (Silverman, 1982, "On the
    estimation of a probability density function by the maximum penalized
    likelihood method"; as B-splines, Eilers and Marx, 1996, section 8). With
    infinite penalty the density is normal and the map a straight line, so that
    coordinates that are already normal cost almost nothing. The penalty is
    chosen by the likelihood minus the effective parameters (Akaike, 1974).

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.marginals import SplineMarginal
    >>> from gaussflow.marginals.counts import Counts, Grid
    >>> rng = np.random.default_rng(0)
    >>> Y = rng.exponential(size=(2000, 1)) - 1
    >>> marginal = SplineMarginal().fit(Counts(Grid.standard(1)).add(Y))
    >>> Z = marginal.forward_and_log_det(Y.copy(), np.zeros(2000))
    >>> print(round(float(np.std(Z)), 1))
    1.0
    """

    def candidates(self, counts):
        density = np.empty((2, len(PENALTIES), N_BINS))
        score = np.empty((2, len(PENALTIES)))
        grid = -GRID_HALF, BIN_WIDTH, BASIS, BASIS_START, PENALTIES
        for part, bounded in enumerate((False, True)):
            penalized_densities(counts, *grid, bounded, density[part], score[part])
        return density.reshape(-1, N_BINS), score.ravel()
