"""Centre and scatter of rows: robust, by a multivariate t, and regular.

Two fits share the t's EM weights. :class:`TScatter` chooses degrees of freedom and
shrinkage by likelihood and stops when it has converged: it is a layer's map.
:func:`robust_scatter` runs a fixed number of steps at 3 degrees of freedom: it only
gives concentric components of a mixture their common shape, and EM goes on from it.
"""

import numpy as np
from scipy.special import gammaln

from gaussflow._common.normal import LOG_2PI

#: Degrees of freedom to choose from.
DEGREES = (1.0, 2.0, 3.0, 4.0, 6.0, 10.0, 20.0, 50.0, np.inf)
#: Shares of the average variance mixed into the scatter, to choose from.
SHRINKAGES = (0.0, 1e-3, 1e-2, 0.03, 0.1, 0.3, 0.6, 0.9, 1.0)
#: Variance added to every component, in units of the columns' variance.
REG_COVAR = 1e-6
#: Least ratio of a principal axis' variance to the largest one: two columns
#: that are copies of each other stay equal to five digits in samples.
MIN_RATIO = 1e-10
#: Least variance, of columns in units near their deviations: rows that are all
#: equal come back to nine digits.
MIN_VARIANCE = 1e-18
#: A place that holds many rows is looked for in windows of this width, in the
#: column's deviations with the rows beyond these levels drawn in to them.
WINDOW = 0.1
INNER = (0.015, 0.985)
#: So many times the least degrees of freedom are asked for: near it, a scatter
#: is still far too small.
SAFETY = 2.0


def t_weights(distance, dof, n_features):
    """Return the weight of rows at squared distances: the E-step of a t."""
    return (dof + n_features) / (dof + distance)


def robust_scatter(S, n_iter=20, dof=3.0):
    """Return location and scatter of a t, after a fixed number of EM steps."""
    n_features = S.shape[1]
    centre = np.median(S, axis=0)
    scatter = np.eye(n_features)
    for _ in range(n_iter):
        D = S - centre
        distance = np.einsum("ij,ij->i", D, np.linalg.solve(scatter, D.T).T)
        weight = t_weights(distance, dof, n_features)
        centre = weight @ S / weight.sum()
        D = S - centre
        scatter = (weight[:, None] * D).T @ D / len(S)
        scatter[np.diag_indices(n_features)] += REG_COVAR
    return centre, scatter


def shrunk_covariance(S):
    """Return a covariance that is regular for any rows, even for one."""
    # Imported at use, as it imports much of scikit-learn.
    from sklearn.covariance import ledoit_wolf

    n_rows, n_features = S.shape
    if n_rows < 3:
        # Too few rows to estimate anything: the columns are standardised.
        return np.eye(n_features)
    covariance = ledoit_wolf(S)[0]
    covariance[np.diag_indices(n_features)] += REG_COVAR
    return covariance


def least_dof(X):
    """Return the degrees of freedom below which a t would collapse on the rows.

    A t of few degrees of freedom reads a place that holds many rows, such as
    the 0 of a column of zeros and ones, as its centre and all other rows as
    outliers: its likelihood has no maximum, and its scatter shrinks to that
    place. It has one where every flat of D - m dimensions holds a share of the
    rows below (dof + D - m) / (dof + D) (Kent and Tyler, 1991, "Redescending
    M-estimates of multivariate location and scatter"). Checked are the flats on
    which the m columns with the fullest places keep to them.
    It is inf where only a Gaussian will do.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.mixtures.scatter import least_dof
    >>> rng = np.random.default_rng(0)
    >>> round(least_dof(rng.standard_normal((1000, 2))), 1)
    0.0
    >>> least_dof(np.repeat([[0.0, 0.0], [1.0, 2.0]], [75, 25], axis=0))
    12.0
    """
    n, d = X.shape
    fullest = []
    for column in X.T:
        # Of heavy tails and of outliers a bare deviation tells nothing.
        width = WINDOW * np.std(np.clip(column, *np.quantile(column, INNER)))
        if width > 0.0:
            ordered = np.sort(column)
            ends = np.searchsorted(ordered, ordered + width, side="right")
            first = int(np.argmax(ends - np.arange(n)))
            low, high = ordered[first], ordered[ends[first] - 1]
            fullest.append((column >= low) & (column <= high))
    fullest.sort(key=np.mean, reverse=True)
    within, least = np.ones(n, dtype=bool), 0.0
    for m, there in enumerate(fullest, start=1):
        within &= there
        elsewhere = 1.0 - np.mean(within)
        least = max(least, m / elsewhere - d if elsewhere > 0.0 else np.inf)
    return float(SAFETY * least)


class TScatter:
    """Centre and scatter of a multivariate t by EM (Lange et al., 1989)."""

    def fit(self, X, shrinkage, least=0.0):
        """Fit, choosing at least so many degrees of freedom by likelihood."""
        best = None
        self._set(X.mean(0), X.T @ (X - X.mean(0)) / len(X), shrinkage)
        for dof in DEGREES[np.searchsorted(DEGREES, least) :]:
            self.dof = dof
            previous = -np.inf
            for _ in range(100):
                likelihood = float(np.mean(self.log_likelihood(X)))
                if likelihood - previous < 1e-5:
                    break
                previous = likelihood
                self.set_from_sums(*self.weighted_sums(X), len(X))
            if best is None or likelihood > best[0]:
                best = (likelihood, dof, self.loc, self.values, self.vectors)
            elif likelihood < best[0] - 0.1:
                break
        _, self.dof, self.loc, self.values, self.vectors = best
        return self

    def _set(self, loc, scatter, shrinkage):
        self.loc, self.shrinkage = loc, shrinkage
        sphere = np.trace(scatter) / len(scatter) * np.eye(len(scatter))
        values, vectors = np.linalg.eigh(
            (1.0 - shrinkage) * (scatter + scatter.T) / 2.0 + shrinkage * sphere
        )
        least = max(MIN_RATIO * values[-1], MIN_VARIANCE)
        self.values, self.vectors = np.maximum(values, least), vectors

    def squared_distances(self, X):
        """Return the squared Mahalanobis distance of each row."""
        Y = (X - self.loc) @ (self.vectors / np.sqrt(self.values))
        return np.einsum("ij,ij->i", Y, Y)

    def weighted_sums(self, X):
        """Return the sums of the E-step, which add up over blocks of rows."""
        X = np.asarray(X, dtype=np.float64)
        weights = np.ones(len(X))
        if np.isfinite(self.dof):
            weights = t_weights(self.squared_distances(X), self.dof, X.shape[1])
        Y = X - self.loc
        return weights.sum(), weights @ Y, Y.T @ (weights[:, None] * Y)

    def set_from_sums(self, total, first, second, n_samples):
        """Set centre and scatter from the sums: the M-step."""
        shift = first / total
        # The second moment about the new centre, of the weighted rows.
        scatter = (second - total * np.outer(shift, shift)) / n_samples
        self._set(self.loc + shift, scatter, self.shrinkage)

    def log_likelihood(self, X):
        """Return the log-density of each row."""
        d = X.shape[1]
        delta = self.squared_distances(X)
        constant = -0.5 * np.log(self.values).sum()
        if not np.isfinite(self.dof):
            return constant - 0.5 * (delta + d * LOG_2PI)
        dof = self.dof
        constant += gammaln((dof + d) / 2) - gammaln(dof / 2)
        constant -= d / 2 * np.log(dof * np.pi)
        return constant - (dof + d) / 2 * np.log1p(delta / dof)


def choose_shrinkage(X, searched, least):
    """Return the shrinkage whose scatter predicts the held-out rows best."""
    best, best_score = SHRINKAGES[0], -np.inf
    for shrinkage in SHRINKAGES:
        score = np.mean(
            TScatter().fit(X[searched], shrinkage, least).log_likelihood(X[~searched])
        )
        if score > best_score:
            best, best_score = shrinkage, score
        elif score < best_score - 1.0:
            break
    return best
