"""A linear model of one column's normal score, given the columns before it."""

import numpy as np
from scipy.optimize import minimize
from scipy.special import ndtr

#: Penalties among which the model's leave-one-out error chooses.
PENALTIES = 10.0 ** np.arange(-1, 4)
#: The same for ordered levels, where held-out rows choose; strong ones first.
ORDERED_PENALTIES = (100.0, 10.0, 1.0)
#: Most rows that a model is fitted on.
MODEL_ROWS = 20_000
#: Most steps of its search.
MAX_STEPS = 100
#: Least residual deviation of a score, and least probability of a level.
MIN_SCALE, TINY = 1e-3, 1e-300
SQRT_2PI = np.sqrt(2.0 * np.pi)


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
        design = _design(inputs, rows)
        ridge = RidgeCV(PENALTIES).fit(design, score)
        model.location = float(ridge.intercept_)
        residual = score - ridge.predict(design)
        freedom = max(1.0, len(score) - min(design.shape[1], 0.5 * len(score)))
        scale = np.sqrt(np.sum(residual**2) / freedom)
        model.scale = max(float(scale), MIN_SCALE)
        return model._with_weights(ridge.coef_, inputs)

    @classmethod
    def fit_ordered(cls, edges, codes, rows, inputs, n_features):
        """Fit to a few ordered levels by penalised maximum likelihood.

        The ordered probit model (McKelvey and Zavoina, 1975), with the
        thresholds where the levels' own shares put them.

        Parameters
        ----------
        edges : ndarray of shape (n_cells + 1,)
            Scores of the ends of the levels.
        codes : ndarray of shape (n_samples,)
            The rows' levels.
        rows : ndarray of int
            The rows to fit on, in random order.
        inputs, n_features : as for ``fit``
        """
        model = cls(n_features)
        design = _design(inputs, rows)
        centre, spread = design.mean(axis=0), design.std(axis=0)
        spread[spread == 0.0] = 1.0
        design = (design - centre) / spread
        ends = edges[codes[rows]], edges[codes[rows] + 1]
        held_out, rest = np.split(np.arange(len(rows)), [len(rows) // 3])
        best, chosen, theta = -np.inf, ORDERED_PENALTIES[0], None
        for penalty in ORDERED_PENALTIES:
            own = _ordered_probit(design, ends, rest, penalty, theta)
            value = _ordered_likelihood(own, design, ends, held_out)[0]
            if value <= best:
                break
            best, chosen, theta = value, penalty, own
        every = np.arange(len(rows))
        theta = _ordered_probit(design, ends, every, chosen, theta)
        model.scale = 1.0 / theta[1]
        weights = theta[2:] / theta[1] / spread
        model.location = float(theta[0] / theta[1] - centre @ weights)
        return model._with_weights(weights, inputs)

    def _with_weights(self, weights, inputs):
        at = 0
        for column, kind, block in inputs:
            weight = weights[at : at + block.shape[1]]
            at += block.shape[1]
            if kind == "score":
                self.weights[column] = weight[0]
            elif kind == "missing":
                self.gaps[column] = weight[0]
            else:
                self.effects[column] = weight.copy()
        return self

    def mean(self, inputs):
        """Return the mean score of every row."""
        mean = self.location
        for column, kind, block in inputs:
            if kind == "score":
                mean = mean + self.weights[column] * block[:, 0]
            elif kind == "missing":
                mean = mean + self.gaps[column] * block[:, 0]
            else:
                mean = mean + self.effects[column][block.argmax(axis=1)]
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
            # As booleans: an eighth of the memory, which hundreds of levels fill.
            levels = np.arange(cells[k].n_cells)
            blocks.append((k, "levels", codes[:, k, None] == levels))
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


def _design(inputs, rows):
    """Return the blocks of some rows side by side."""
    blocks = [block[rows] for _, _, block in inputs]
    return np.concatenate(blocks, axis=1, dtype=np.float64)


def _ordered_probit(design, ends, rows, penalty, start=None):
    """Return (location, 1, weights...) over the scale of an ordered probit model."""
    theta = np.zeros(2 + design.shape[1]) if start is None else start
    theta[1] = theta[1] or 1.0
    # With a single threshold, at one finite score, nothing tells the scale.
    finite = np.unique(np.concatenate([e[np.isfinite(e)] for e in ends]))
    least = MIN_SCALE if len(finite) > 1 else 1.0
    bounds = [(None, None)] * len(theta)
    bounds[1] = (least, 1.0 / MIN_SCALE if len(finite) > 1 else 1.0)

    def loss(theta):
        value, slope = _ordered_likelihood(theta, design, ends, rows)
        weights = theta[2:]
        slope[2:] -= penalty * weights
        return 0.5 * penalty * weights @ weights - value, -slope

    options = {"maxiter": MAX_STEPS}
    return minimize(loss, theta, jac=True, bounds=bounds, options=options).x


def _ordered_likelihood(theta, design, ends, rows):
    """Return the log-likelihood of some rows' levels, and its gradient."""
    low, high, design = ends[0][rows], ends[1][rows], design[rows]
    mean = theta[0] + design @ theta[2:]
    a, b = theta[1] * low - mean, theta[1] * high - mean
    # In the lower half of the normal law differences keep their digits.
    flip = a + b > 0.0
    mass = ndtr(np.where(flip, -a, b)) - ndtr(np.where(flip, -b, a))
    mass = np.maximum(mass, TINY)
    at_a = np.exp(-0.5 * a * a) / (SQRT_2PI * mass)
    at_b = np.exp(-0.5 * b * b) / (SQRT_2PI * mass)
    by_mean = at_a - at_b
    by_rate = np.where(np.isfinite(high), high, 0.0) * at_b
    by_rate -= np.where(np.isfinite(low), low, 0.0) * at_a
    slope = np.r_[by_mean.sum(), by_rate.sum(), design.T @ by_mean]
    return np.log(mass).sum(), slope
