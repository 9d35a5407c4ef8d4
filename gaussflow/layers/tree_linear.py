"""A linear model of one column's normal score, given the columns before it."""

import numpy as np
from scipy.special import ndtr

#: Penalties among which the model's leave-one-out error chooses.
PENALTIES = 10.0 ** np.arange(-1, 4)
#: Least residual deviation of a score.
LEAST_SCALE = 1e-3


class LinearScore:
    """Mean and deviation of a score: the Gaussian copula's conditional law.

    Trees need many leaves for a slope that this has in one number; they are
    grown on what it leaves.

    Attributes
    ----------
    location, scale : float
        Intercept and residual deviation.
    weights, gaps : ndarray of shape (n_features,)
        Weight of each column's score, and of its being missing.
    effects : dict of int to ndarray
        For columns of unordered levels, the effect of each.
    """

    def __init__(self, n_features):
        self.weights, self.gaps = np.zeros(n_features), np.zeros(n_features)
        self.effects = {}

    @classmethod
    def fit(cls, score, rows, inputs, n_features):
        """Fit by ridge regression.

        Parameters
        ----------
        score : ndarray of shape (n_rows,)
            The column's score in these rows.
        rows : ndarray of int
            The rows to fit on.
        inputs : list of (int, str, ndarray)
            Of each block of the design: its column, what it is ("score",
            "missing", "levels"), and its values of shape (n_samples, k).
        n_features : int
        """
        # Loads a good part of scikit-learn, which only a fit needs.
        from sklearn.linear_model import RidgeCV

        model = cls(n_features)
        design = np.concatenate([block[rows] for _, _, block in inputs], axis=1)
        ridge = RidgeCV(PENALTIES).fit(design, score)
        model.location = float(ridge.intercept_)
        residual = score - ridge.predict(design)
        freedom = max(1.0, len(score) - min(design.shape[1], 0.5 * len(score)))
        scale = np.sqrt(np.sum(residual**2) / freedom)
        model.scale = max(float(scale), LEAST_SCALE)
        at = 0
        for column, kind, block in inputs:
            weight = ridge.coef_[at : at + block.shape[1]]
            at += block.shape[1]
            if kind == "score":
                model.weights[column] = weight[0]
            elif kind == "missing":
                model.gaps[column] = weight[0]
            else:
                model.effects[column] = weight.copy()
        return model

    def mean(self, inputs):
        """Return the mean score of every row."""
        mean = self.location
        for column, kind, block in inputs:
            if kind == "score":
                mean = mean + self.weights[column] * block[:, 0]
            elif kind == "missing":
                mean = mean + self.gaps[column] * block[:, 0]
            else:
                mean = mean + block @ self.effects[column]
        return mean

    def ranks(self, edges, codes, inputs):
        """Return the ranks of the ends of each row's cell that the model leaves."""
        mean = self.mean(inputs)
        low = ndtr((edges[codes] - mean) / self.scale)
        high = ndtr((edges[codes + 1] - mean) / self.scale)
        return low, high


def design_blocks(codes, share, cells, nominal, before):
    """Return the blocks of the linear models' design for some columns."""
    blocks = []
    for k in map(int, before):
        if nominal[k]:
            levels = np.arange(cells[k].n_cells)
            blocks.append((k, "levels", (codes[:, k, None] == levels).astype(float)))
            continue
        _, low, high = cells[k].scores()
        low, high = low[codes[:, k]], high[codes[:, k]]
        inside = np.where(high > low, np.nan_to_num(share[:, k]), 0.0)
        score = low + inside * (high - low)
        gap = np.zeros(len(codes), dtype=bool)
        if cells[k].has_missing:
            gap = codes[:, k] == 0
            blocks.append((k, "missing", gap[:, None].astype(float)))
        blocks.append((k, "score", np.where(gap, 0.0, score)[:, None]))
    return blocks
