"""The Knothe-Rosenblatt map of bagged trees, as arrays and three passes."""

import numpy as np
from scipy.special import ndtr, ndtri

from gaussflow._state import Persistent
from gaussflow.kernels.tree import forest_draw, forest_forward, forest_inverse
from gaussflow.layers.base import LOG_2PI

#: Least probability beyond a latent value.
TINY = 1e-300


class ForestMap(Persistent):
    """Carry rows to a standard normal, each column by the mean law of its trees.

    Column j becomes z_j = Phi^-1(F(x_j | x_<j)), where F is the average over the
    trees of the leaves' cumulative laws. Within an atom's step, the
    place is that of ``places``; within an interval it is the value's own.

    Parameters
    ----------
    cells : list of ColumnCells
        One per column.
    order : ndarray of shape (n_features,)
        Columns in the order in which they are conditioned.
    trees : list of list of Tree
        For each column, its trees; equally many.
    ranks : dict of (int, int) to ndarray
        Ranks of a predictor's unordered codes for the trees of a column.
    """

    def __init__(self, cells, order, trees, ranks):
        n_features = len(cells)
        self.cells = cells
        self.order = np.asarray(order, dtype=np.int64)
        self.n_cells = np.array([c.n_cells for c in cells], dtype=np.int64)
        self.roots = np.empty((n_features, len(trees[0])), dtype=np.int32)
        self.rank_start = np.full((n_features, n_features), -1, dtype=np.int32)
        self._lay_trees(trees)
        tables = [np.zeros(1, dtype=np.int32)]
        size = 1
        for (column, predictor), table in sorted(ranks.items()):
            self.rank_start[column, predictor] = size
            tables.append(table.astype(np.int32))
            size += len(table)
        self.ranks = np.concatenate(tables)

    def _lay_trees(self, trees):
        """Put all trees end to end, and their leaves' laws."""
        feature, threshold, left, right, table, cumulative = ([] for _ in range(6))
        n_nodes = n_values = 0
        for column, forest in enumerate(trees):
            width = self.n_cells[column] + 1
            for t, tree in enumerate(forest):
                self.roots[column, t] = n_nodes
                leaf = tree.feature < 0
                starts = np.zeros(len(leaf), dtype=np.int64)
                starts[leaf] = n_values + width * np.arange(leaf.sum())
                laws = np.cumsum(tree.laws[leaf], axis=1)
                laws = np.c_[np.zeros(len(laws)), laws[:, :-1], np.ones(len(laws))]
                cumulative.append(np.minimum(laws, 1.0).astype(np.float32).ravel())
                feature.append(tree.feature)
                threshold.append(tree.threshold)
                left.append(tree.left + n_nodes)
                right.append(tree.right + n_nodes)
                table.append(starts)
                n_nodes += len(leaf)
                n_values += laws.size
        self.feature = np.concatenate(feature).astype(np.int32)
        self.threshold = np.concatenate(threshold).astype(np.int32)
        self.left = np.concatenate(left).astype(np.int32)
        self.right = np.concatenate(right).astype(np.int32)
        self.table = np.concatenate(table)
        self.cumulative = np.concatenate(cumulative)

    def forward_and_log_det(self, X, places):
        """Return (Z, log |det dZ/dX|) with atoms placed at ``places``.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            Rows; NaN where missing.
        places : ndarray of shape (n_samples, n_features)
            Where in an atom's step a row lies, in (0, 1).
        """
        codes = np.empty(X.shape, dtype=np.int32)
        share = np.empty(X.shape)
        log_density = np.zeros(len(X))
        for j, cells in enumerate(self.cells):
            codes[:, j], share[:, j] = cells.place(X[:, j])
            log_density -= cells.log_width(codes[:, j])
        share = np.where(np.isnan(share), places, share)
        below, inside, above = np.empty(X.shape), np.empty(X.shape), np.empty(X.shape)
        forest_forward(codes, *self._arrays(), below, inside, above)
        lower = below + share * inside
        upper = above + (1.0 - share) * inside
        flip = lower > upper
        p = np.where(flip, upper, lower)
        log_p = np.log(np.maximum(inside, TINY))
        for j, cells in enumerate(self.cells):
            if cells.tail > 0.0:
                p[:, j] = cells.tail + (1.0 - 2.0 * cells.tail) * p[:, j]
                log_p[:, j] += np.log1p(-2.0 * cells.tail)
                self._tails_forward(cells, X[:, j], p, flip, log_p, j)
        Z = ndtri(np.maximum(p, TINY))
        Z[flip] *= -1.0
        log_normal = -0.5 * (np.einsum("ij,ij->i", Z, Z) + Z.shape[1] * LOG_2PI)
        return Z, log_density + log_p.sum(axis=1) - log_normal

    def inverse_and_log_det(self, Z):
        """Return (X, log |det dX/dZ|)."""
        upper = Z > 0.0
        p = ndtr(-np.abs(Z))
        core = p.copy()
        for j, cells in enumerate(self.cells):
            if cells.tail > 0.0:
                core[:, j] = (p[:, j] - cells.tail) / (1.0 - 2.0 * cells.tail)
        codes = np.empty(Z.shape, dtype=np.int32)
        share, inside = np.empty(Z.shape), np.empty(Z.shape)
        forest_inverse(
            np.maximum(core, 0.0), upper, *self._arrays(), codes, share, inside
        )
        log_p = np.log(np.maximum(inside, TINY))
        log_normal = -0.5 * (np.einsum("ij,ij->i", Z, Z) + Z.shape[1] * LOG_2PI)
        X = self._values(codes, share)
        for j, cells in enumerate(self.cells):
            log_p[:, j] -= cells.log_width(codes[:, j])
            if cells.tail > 0.0:
                log_p[:, j] += np.log1p(-2.0 * cells.tail)
                self._tails_inverse(cells, X, p[:, j], core, upper, log_p, j)
        return X, log_normal - log_p.sum(axis=1)

    def draw(self, n_samples, rng):
        """Draw rows of the map's own law: the inverse of noise, but quicker."""
        shape = (n_samples, len(self.cells))
        codes, share = np.empty(shape, dtype=np.int32), np.empty(shape)
        forest_draw(rng.random(shape), *self._arrays(), codes, share)
        X = self._values(codes, share)
        for j, cells in enumerate(self.cells):
            if cells.tail > 0.0:
                level = rng.random(n_samples)
                far = np.minimum(level, 1.0 - level) < cells.tail
                v = np.maximum(np.minimum(level, 1.0 - level)[far] / cells.tail, TINY)
                side = np.where(level[far] < 0.5, -1.0, 1.0)
                end = np.where(side < 0.0, *self._ends(cells))
                X[far, j] = end + side * cells.spread * (1.0 / v - 1.0)
        return X

    # -- helpers ------------------------------------------------------------

    def _arrays(self):
        return (
            self.order,
            self.n_cells,
            self.roots,
            self.feature,
            self.threshold,
            self.left,
            self.right,
            self.table,
            self.cumulative,
            self.rank_start,
            self.ranks,
        )

    def _values(self, codes, share):
        X = np.empty(codes.shape)
        for j, cells in enumerate(self.cells):
            X[:, j] = cells.values(codes[:, j], share[:, j])
        return X

    @staticmethod
    def _ends(cells):
        return cells.low[int(cells.has_missing)], cells.high[-1]

    def _tails_forward(self, cells, x, p, flip, log_p, j):
        """Overwrite p, its side and its log-density for values in the tails."""
        low, high = self._ends(cells)
        for rows, upper in ((x < low, False), (x > high, True)):
            beyond = (x[rows] - high if upper else low - x[rows]) / cells.spread
            p[rows, j] = cells.tail / (1.0 + beyond)
            flip[rows, j] = upper
            log_p[rows, j] = np.log(cells.tail) - 2.0 * np.log1p(beyond)
            # The width of the outermost cell was taken off as if x lay in it.
            at = len(cells.low) - 1 if upper else int(cells.has_missing)
            log_p[rows, j] += cells.log_width(np.array([at])) - np.log(cells.spread)

    def _tails_inverse(self, cells, X, p, core, upper, log_p, j):
        """Overwrite the values, and their log-densities, of levels in the tails."""
        low, high = self._ends(cells)
        far = core[:, j] < 0.0
        beyond = cells.tail / np.maximum(p[far], TINY) - 1.0
        side = upper[far, j]
        distance = cells.spread * beyond
        X[far, j] = np.where(side, high + distance, low - distance)
        log_p[far, j] = np.log(cells.tail / cells.spread) - 2.0 * np.log1p(beyond)
