"""The contract of marginal maps: strictly increasing, one per coordinate."""

import copy
from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from gaussflow.marginals.counts import CENTRES, N_BINS
from gaussflow.persistence.state import Persistent

#: No row that a map toward N(0, 1) is fitted on lands farther out.
FARTHEST = 12.0


class Marginal(Persistent, ABC):
    """K strictly increasing maps of standardised coordinates, fitted from counts.

    Value and log-slope come from one method in each direction, so that they
    cannot disagree. Both directions are defined on the whole line: outside the
    support that the data cover, a map goes on as a straight line.

    What a subclass learns per coordinate are arrays whose first axis runs over
    the coordinates; ``per_column`` names them.
    """

    per_column: ClassVar[tuple[str, ...]] = ()
    tail_: np.ndarray

    @abstractmethod
    def fit(self, counts, target=None):
        """Fit the maps from :class:`~gaussflow.marginals.counts.Counts`.

        ``target=None`` fits maps to N(0, 1); other counts fit maps to the
        distribution that those counts describe. Returns self.
        """

    @abstractmethod
    def forward_and_log_det(self, Y, log_det):
        """Map Y (n_samples, K) in place; add the log-slopes to log_det; return Y."""

    @abstractmethod
    def inverse_and_log_det(self, Z, log_det):
        """Undo the map in place; add the inverse's log-slopes; return Z."""

    @property
    @abstractmethod
    def ends(self):
        """Where the straight lines of slopes ``tail_`` begin, of shape (K, 2)."""

    def bound_tails(self, low, high):
        """Flatten the straight lines that carry coordinates beyond FARTHEST.

        A few rows far out, where a column has a rare value, would stay far out in
        all layers. Those that learn distances or spreads would throw samples as far,
        and in other columns.

        Parameters
        ----------
        low, high : ndarray of shape (K,)
            Least and greatest coordinates, finite.
        """
        far, edges = np.stack([low, high]), np.ascontiguousarray(self.ends.T)
        unused = np.zeros(2)
        reached = np.abs(self.forward_and_log_det(far.copy(), unused)).T
        started = np.abs(self.forward_and_log_det(edges.copy(), unused)).T
        outside = np.stack([far[0] < edges[0], far[1] > edges[1]], axis=1)
        flatten = outside & (reached > FARTHEST) & (started < FARTHEST)
        share = (FARTHEST - started[flatten]) / (reached - started)[flatten]
        self.tail_[flatten] *= share

    @property
    def n_maps(self):
        """Number of maps K, once fitted."""
        return len(getattr(self, self.per_column[0]))

    def select(self, columns):
        """Return the maps of some of the coordinates."""
        picked = copy.copy(self)
        for name in self.per_column:
            if hasattr(self, name):
                rows = getattr(self, name)[columns]
                setattr(picked, name, np.ascontiguousarray(rows))
        return picked

    def gain(self, counts):
        """Gain in log-likelihood of counted rows over the identity, per column.

        gain_i = E[log N(M(y)) + log M'(y) - log N(y)], which is exactly what
        the map adds to a flow's log-likelihood along coordinate i.

        Parameters
        ----------
        counts : Counts
            Counts of rows that took no part in fitting, for an honest figure.

        Returns
        -------
        mean, error : ndarray of shape (n_columns,)
            Mean gain in nats a row and its standard error.
        """
        per_bin = self.gain_per_bin(counts.grid)
        weights = counts.values / np.maximum(counts.values.sum(1, keepdims=True), 1)
        mean = (weights * per_bin).sum(1)
        variance = np.maximum((weights * per_bin**2).sum(1) - mean**2, 0.0)
        return mean, np.sqrt(variance / max(counts.n_samples, 1))

    def gain_per_bin(self, grid):
        """Gain at every bin's centre, of shape (n_columns, N_BINS)."""
        gains = np.empty((len(grid.loc), N_BINS))
        for k, (loc, scale) in enumerate(zip(grid.loc, grid.scale, strict=True)):
            before = loc + scale * CENTRES
            gains[k] = 0.5 * before**2
            after = before[:, None].copy()
            self.select([k]).forward_and_log_det(after, gains[k])
            gains[k] -= 0.5 * after[:, 0] ** 2
        return gains
