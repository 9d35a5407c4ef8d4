"""The Knothe-Rosenblatt map of bagged trees, as arrays and three passes."""

import numpy as np
from scipy.special import ndtr, ndtri

from gaussflow._state import Persistent
from gaussflow.kernels.tree import Forest, forest_draw, forest_forward, forest_inverse
from gaussflow.layers.base import LOG_2PI
from gaussflow.layers.tree_cells import TINY


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
    forests : list of ColumnForest
        For each column its trees, equally many, and its linear model.
    """

    def __init__(self, cells, order, forests):
        self.cells = cells
        n_features = len(cells)
        n_cells = np.array([c.n_cells for c in cells], dtype=np.int64)
        scores = [c.scores() for c in cells]
        edges, low, high = (np.concatenate(part) for part in zip(*scores, strict=True))
        arrays = {
            "order": np.asarray(order, dtype=np.int64),
            "n_cells": n_cells,
            "n_bins": np.array([f.n_bins for f in forests], dtype=np.int64),
            "missing": np.array([c.has_missing for c in cells]),
            "cell_start": np.cumsum(n_cells) - n_cells,
            "edges": edges,
            "low": low,
            "high": high,
            "linear": np.array([f.model is not None for f in forests]),
        }
        arrays |= _lay_trees(forests) | _lay_gates([f.gate for f in forests])
        tables = [f.ranks for f in forests]
        starts, flat = _lay_tables(tables, n_features, np.int32)
        arrays |= {"rank_start": starts, "ranks": flat}
        arrays |= _lay_models([f.model for f in forests], n_features)
        self.arrays = arrays

    @property
    def forest(self):
        """The arrays, as the kernels take them."""
        return Forest(**self.arrays)

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
        share, log_density = np.empty(X.shape), np.zeros(len(X))
        for j, cells in enumerate(self.cells):
            codes[:, j], share[:, j], log_slope = cells.place(X[:, j])
            log_density += log_slope
        share = np.where(np.isnan(share), places, share)
        from_low = np.where(share < 0.0, 1.0 + share, share)
        from_high = np.where(share < 0.0, -share, 1.0 - share)
        below, inside, above = np.empty(X.shape), np.empty(X.shape), np.empty(X.shape)
        forest_forward(codes, from_low, self.forest, below, inside, above)
        lower = below + from_low * inside
        upper = above + from_high * inside
        Z = ndtri(np.maximum(np.minimum(lower, upper), TINY))
        Z[lower > upper] *= -1.0
        log_density += np.log(np.maximum(inside, TINY)).sum(axis=1)
        return Z, log_density - _log_normal(Z)

    def inverse_and_log_det(self, Z):
        """Return (X, log |det dX/dZ|)."""
        codes = np.empty(Z.shape, dtype=np.int32)
        share, inside = np.empty(Z.shape), np.empty(Z.shape)
        tails, upper = ndtr(-np.abs(Z)), Z > 0.0
        forest_inverse(tails, upper, self.forest, codes, share, inside)
        log_density = np.log(np.maximum(inside, TINY)).sum(axis=1)
        X = self._values(codes, share)
        for j, cells in enumerate(self.cells):
            log_density += cells.log_slope(codes[:, j], X[:, j])
        return X, _log_normal(Z) - log_density

    def draw(self, n_samples, rng):
        """Draw rows of the map's own law: the inverse of noise, but quicker."""
        shape = (n_samples, len(self.cells))
        codes, share = np.empty(shape, dtype=np.int32), np.empty(shape)
        forest_draw(rng.random(shape), self.forest, codes, share)
        return self._values(codes, share)

    # -- helpers ------------------------------------------------------------

    def _values(self, codes, share):
        X = np.empty(codes.shape)
        for j, cells in enumerate(self.cells):
            X[:, j] = cells.values(codes[:, j], share[:, j])
        return X


def _log_normal(Z):
    return -0.5 * (np.einsum("ij,ij->i", Z, Z) + Z.shape[1] * LOG_2PI)


def _lay_trees(forests):
    """Put all trees end to end, and their leaves' laws."""
    names = ("feature", "threshold", "left", "right", "table", "cumulative")
    parts = {name: [] for name in names}
    roots = np.empty((len(forests), len(forests[0].trees)), dtype=np.int32)
    n_nodes = n_values = 0
    for column, forest in enumerate(forests):
        for t, tree in enumerate(forest.trees):
            roots[column, t] = n_nodes
            leaf = tree.feature < 0
            starts = np.zeros(len(leaf), dtype=np.int64)
            starts[leaf] = n_values + (forest.n_bins + 1) * np.arange(leaf.sum())
            laws = np.cumsum(tree.laws[leaf], axis=1)
            laws = np.c_[np.zeros(len(laws)), laws[:, :-1], np.ones(len(laws))]
            parts["cumulative"].append(np.minimum(laws, 1.0).ravel())
            parts["feature"].append(tree.feature.astype(np.int32))
            parts["threshold"].append(tree.threshold.astype(np.int32))
            parts["left"].append((tree.left + n_nodes).astype(np.int32))
            parts["right"].append((tree.right + n_nodes).astype(np.int32))
            parts["table"].append(starts)
            n_nodes += len(leaf)
            n_values += laws.size
    return {"roots": roots} | {k: np.concatenate(v) for k, v in parts.items()}


def _lay_gates(gates):
    """Put what tells each column's missing values end to end."""
    gate = np.full(len(gates), -1, dtype=np.int64)
    start, closed, size = np.zeros_like(gate), [np.zeros(0, dtype=bool)], 0
    for column, own in enumerate(gates):
        if own is not None:
            gate[column], start[column] = own[0], size
            closed.append(own[1])
            size += len(own[1])
    return {"gate": gate, "gate_start": start, "closed": np.concatenate(closed)}


def _lay_tables(tables, n_features, dtype):
    """Put tables by (column, predictor) end to end; return their starts too."""
    starts = np.full((n_features, n_features), -1, dtype=np.int64)
    flat, size = [np.zeros(1, dtype=dtype)], 1
    for column, own in enumerate(tables):
        for predictor, table in own.items():
            starts[column, predictor] = size
            flat.append(table.astype(dtype))
            size += len(table)
    return starts, np.concatenate(flat)


def _lay_models(models, n_features):
    """Put the linear models in arrays by (column, predictor)."""
    location, scale = np.zeros(n_features), np.ones(n_features)
    weights, gaps = (np.zeros((n_features, n_features)) for _ in range(2))
    for column, model in enumerate(models):
        if model is not None:
            location[column], scale[column] = model.location, model.scale
            weights[column], gaps[column] = model.weights, model.gaps
    tables = [{} if m is None else m.effects for m in models]
    starts, effects = _lay_tables(tables, n_features, np.float64)
    return {
        "location": location,
        "scale": scale,
        "weights": weights,
        "gaps": gaps,
        "effect_start": starts,
        "effects": effects,
    }
