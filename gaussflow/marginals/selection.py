"""The automatic marginal: for each coordinate the density that generalises best."""

import numpy as np

from gaussflow.marginals.density import DensityMarginal
from gaussflow.marginals.kde import KDEMarginal
from gaussflow.marginals.penalized import SplineMarginal


class AutoMarginal(DensityMarginal):
    """Choose the estimator per coordinate by held-out likelihood.

    Penalised likelihood and kernel estimates compete at every level of
    smoothing; each is scored by how well it predicts rows that it has not seen
    (one left out at a time, or the equivalent for a penalised likelihood).

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

    _members = (SplineMarginal(), KDEMarginal())

    def candidates(self, counts):
        """Densities and scores of every member at every level."""
        parts = [member.candidates(counts) for member in self._members]
        return np.concatenate([d for d, _ in parts]), np.concatenate(
            [s for _, s in parts]
        )
