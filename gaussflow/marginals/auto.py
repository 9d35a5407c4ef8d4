"""The automatic marginal: for each coordinate the densities that generalise best."""

import numpy as np

from gaussflow.kernels.density import stack_densities
from gaussflow.marginals.density import NORMAL, DensityMarginal
from gaussflow.marginals.kde import kernel_estimates

#: From a third of a bin, for atoms and grids of values, to most of a unit.
BANDWIDTHS = 0.008 * 2.4 ** np.arange(6)
#: Rows that an estimate must explain, or it leaves the mixture, by the number of
#: rows in all; in between, straight lines.
MIN_EXPLAINED = ([0, 30, 900], [0.0, 0.5, 3.0])


class AutoMarginal(DensityMarginal):
    """Weigh the estimators per coordinate by held-out likelihood.

    Kernel densities of every bandwidth, with free ends and with bounded ones,
    and N(0, 1) itself compete for each coordinate. Their weights maximise the
    likelihood of rows left out of their own estimate (stacking: Smyth and
    Wolpert, 1999, "Linearly combining density estimators via stacking"), and
    an estimate that explains hardly a row gets none. So an atom keeps its
    narrow peak and what lies around it a smooth density, and a coordinate that
    is normal already keeps the identity.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.marginals import AutoMarginal
    >>> from gaussflow.marginals.counts import Counts, Grid
    >>> Y = np.random.default_rng(0).standard_normal((500, 1))
    >>> counts = Counts(Grid.standard(1)).add(Y)
    >>> mean, error = AutoMarginal().fit(counts).gain(counts)
    >>> bool(abs(mean[0]) < 0.02)
    True
    """

    def candidates(self, counts):
        """Return the best mixture of one column's counts, and its score."""
        density, left_out = kernel_estimates(counts, BANDWIDTHS)
        density = np.vstack([density, NORMAL])
        left_out = np.vstack([left_out, NORMAL])
        least = float(np.interp(counts.sum(), *MIN_EXPLAINED))
        weights = np.empty(len(density))
        score = stack_densities(counts, left_out, least, weights)
        return (weights @ density)[None], np.array([score])
