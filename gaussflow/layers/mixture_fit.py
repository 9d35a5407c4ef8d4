"""Fit an averaged Gaussian mixture whose settings are chosen on held-out rows.

A few random splits of the rows each try a ladder of mixtures on one part and
pick, greedily, the small ensemble whose mean density is best on the other
(Caruana et al., 2004, "Ensemble selection from libraries of models"). The
picked mixtures go on with EM on all rows and are averaged: the average of
mixtures is a mixture again.
"""

import warnings

import numpy as np
from joblib import Parallel, delayed
from scipy.special import logsumexp
from sklearn.covariance import ledoit_wolf
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from gaussflow.layers.mixture_map import MixtureMap

#: Components tried by n_components="auto".
LADDER = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
#: The same for concentric components, which only model tails.
LADDER_SCALED = (2, 3, 5, 8)
FAMILIES = ("full", "tied", "diag", "scaled")

#: Rows that search and final fit see at most.
SEARCH_ROWS = 5000
FIT_ROWS = 20000
#: Least rows that a search can learn anything from.
LEAST_ROWS = 20
#: Held-out share of each split.
HELD_OUT = 0.25
#: EM iterations in the search, and when a picked mixture sees all rows.
SEARCH_ITER = 30
FINAL_ITER = 30
#: Components of the whole average: they set the cost of sampling.
MOST_COMPONENTS = 128
#: Most rows x components x features^2 of one EM iteration.
MOST_WORK = 1e9
#: Variance added to every component, in units of the columns' variance.
REG_COVAR = 1e-6
#: Rows' worth of pooled covariance mixed into each component's own.
PRIOR_ROWS = 2.0
#: Standard deviations of the background component, in those of the data.
BACKGROUND_SCALE = 2.0


def standardise(X):
    """Return (standardised float64 copy, offset, unit) of the rows of X.

    A constant column gets its own magnitude as unit, so that the floor on
    variances stays small beside it.
    """
    X = np.asarray(X, dtype=np.float64)
    size = np.abs(X).max(axis=0)
    size[size == 0.0] = 1.0
    # Divide first: sums and squares of very large values would overflow.
    S = X / size
    offset = S.mean(axis=0)
    S -= offset
    unit = np.sqrt(np.mean(S**2, axis=0))
    unit[unit < 1e-14] = 1.0
    S /= unit
    return S, offset * size, unit * size


def robust_scatter(S, n_iter=20, dof=3.0):
    """Return location and scatter of a multivariate t fitted to the rows."""
    n_features = S.shape[1]
    centre = np.median(S, axis=0)
    scatter = np.eye(n_features)
    for _ in range(n_iter):
        D = S - centre
        distance = np.einsum("ij,ij->i", D, np.linalg.solve(scatter, D.T).T)
        weight = (dof + n_features) / (dof + distance)
        centre = weight @ S / weight.sum()
        D = S - centre
        scatter = (weight[:, None] * D).T @ D / len(S)
        scatter[np.diag_indices(n_features)] += REG_COVAR
    return centre, scatter


def shrunk_covariance(S):
    """Return a covariance that is regular for any rows, even for one."""
    n_rows, n_features = S.shape
    if n_rows < 3:
        # Too few rows to estimate anything: the columns are standardised.
        return np.eye(n_features)
    covariance = ledoit_wolf(S)[0]
    covariance[np.diag_indices(n_features)] += REG_COVAR
    return covariance


def log_density(S, weights, means, covariances):
    """Return the log density of each row under a mixture."""
    terms = np.empty((len(weights), len(S)))
    for k, (mean, covariance) in enumerate(zip(means, covariances, strict=True)):
        D = S - mean
        if covariance.ndim == 1:
            scales = np.sqrt(covariance)
            U = D / scales
        else:
            factor = np.linalg.cholesky(covariance)
            scales = np.diag(factor)
            U = np.linalg.solve(factor, D.T).T
        terms[k] = -0.5 * np.einsum("ij,ij->i", U, U) - np.log(scales).sum()
    terms += np.log(weights)[:, None] - 0.5 * S.shape[1] * np.log(2.0 * np.pi)
    return logsumexp(terms, axis=0)


class Member:
    """One mixture of a family: fitted by EM on some rows, then on all."""

    def __init__(self, family, n_components, init, seed):
        self.family = family
        self.n_components = n_components
        self.em = GaussianMixture(
            n_components,
            covariance_type={"scaled": "spherical", "shrunk": "full"}.get(
                family, family
            ),
            reg_covar=REG_COVAR,
            max_iter=SEARCH_ITER,
            init_params=init,
            random_state=seed,
        )

    def fit(self, S):
        """Fit by EM from a fresh start."""
        if self.family == "scaled":
            # Concentric components that share one shape: the law of heavy
            # tails (a multivariate t is such a mixture), for few parameters.
            n_components = self.n_components
            rng = np.random.default_rng(self.em.random_state)
            self.em.means_init = 0.05 * rng.standard_normal((n_components, S.shape[1]))
            spread = np.linspace(-0.7, 1.8, n_components)
            self.em.precisions_init = np.exp(-2.0 * spread)
            self.em.weights_init = np.full(n_components, 1.0 / n_components)
        return self._fit(S)

    def refit(self, S):
        """Go on with EM on more rows."""
        self.em.set_params(warm_start=True, max_iter=FINAL_ITER)
        return self._fit(S)

    def _fit(self, S):
        if self.family == "shrunk":
            self.weights = np.ones(1)
            self.means = S.mean(axis=0, keepdims=True)
            self.covariances = shrunk_covariance(S)[None]
            return self
        if self.family == "scaled":
            centre, scatter = robust_scatter(S)
            factor = np.linalg.cholesky(scatter)
            S = np.linalg.solve(factor, (S - centre).T).T
        em = self.em.fit(S)
        self.weights, self.means = em.weights_, em.means_
        shape = (len(em.weights_), S.shape[1])
        covariances = em.covariances_
        if self.family == "scaled":
            self.means = centre + em.means_ @ factor.T
            covariances = covariances[:, None, None] * scatter
        elif self.family == "spherical":
            covariances = np.repeat(covariances[:, None], shape[1], axis=1)
        elif self.family == "tied":
            covariances = np.broadcast_to(covariances, (*shape, shape[1]))
        else:
            pooled = np.tensordot(self.weights, covariances, axes=1)
            own = self.weights * len(S)
            own = own.reshape(-1, *[1] * (covariances.ndim - 1))
            covariances = own * covariances + PRIOR_ROWS * pooled
            covariances /= own + PRIOR_ROWS
        self.covariances = covariances
        return self

    def log_density(self, S):
        """Return the log density of each row."""
        return log_density(S, self.weights, self.means, self.covariances)


def background(S):
    """Return the (weight, mean, covariance) of one broad component.

    It weighs about as much as one row. It makes the map well conditioned
    between and beyond the clusters, where the conditional CDFs of the others
    are flat to the last bit, and bounds what an outlier can cost.
    """
    covariance = BACKGROUND_SCALE**2 * shrunk_covariance(S)
    return 1.0 / (len(S) + 10.0), S.mean(axis=0), covariance


def climb(S, held_out, family, ladder, init, seeds):
    """Fit a family's ladder of mixtures until held-out likelihood falls."""
    members, densities = [], []
    best, misses = -np.inf, 0
    for n_components, seed in zip(ladder, seeds, strict=True):
        member = Member(family, n_components, init, seed)
        try:
            density = member.fit(S).log_density(held_out)
        except (ValueError, np.linalg.LinAlgError):
            # EM could not start or a component collapsed: no candidate.
            break
        members.append(member)
        densities.append(density)
        mean = density.mean()
        misses = 0 if mean > best else misses + 1
        best = max(best, mean)
        if misses == 2:
            break
    return members, densities


def pick(members, densities, n_picks, most_components):
    """Choose members greedily, with repetition; return (member, count)s.

    Each pick makes the mean density of those picked most likely on the
    held-out rows.
    """
    counts = np.zeros(len(members), dtype=int)
    sizes = np.array([member.n_components for member in members])
    total = np.full(densities.shape[1], -np.inf)
    for _ in range(n_picks):
        room = most_components - sizes[counts > 0].sum()
        scores = np.logaddexp(total, densities).mean(axis=1)
        scores[(sizes > room) & (counts == 0) & counts.any()] = -np.inf
        best = int(np.argmax(scores))
        counts[best] += 1
        total = np.logaddexp(total, densities[best])
    return counts, total - np.log(n_picks)


def ladders(n_components, covariance_type, n_rows, n_features):
    """Return the (family, numbers of components) to try."""
    families = FAMILIES if covariance_type == "auto" else (covariance_type,)
    jobs = []
    for family in families:
        if covariance_type == "auto" and (
            # In one dimension "full" and "tied" say it all.
            (n_features == 1 and family in ("diag", "scaled"))
            or (family == "scaled" and n_rows < 4 * n_features)
        ):
            continue
        if n_components != "auto":
            jobs.append((family, (min(n_components, n_rows),)))
            continue
        work = n_features if family in ("diag", "spherical") else n_features**2
        most = min(n_rows / 5, MOST_WORK / (n_rows * work))
        ladder = LADDER_SCALED if family == "scaled" else LADDER
        ladder = tuple(k for k in ladder if k <= most) or ladder[:1]
        jobs.append((family, ladder))
    if n_components == "auto" and covariance_type == "auto":
        jobs.append(("shrunk", (1,)))
    return jobs


def fit_mixture(
    X, rng, *, n_components="auto", covariance_type="auto", n_bags=6, n_jobs=None
):
    """Fit an averaged mixture to the rows of X.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Rows, left as they are.
    rng : numpy.random.Generator
        Draws subsamples, splits and seeds.
    n_components, covariance_type, n_bags, n_jobs
        As in :class:`~gaussflow.layers.triangular.Triangular`.

    Returns
    -------
    mixture : MixtureMap
        The average, in the units of X.
    report : dict
        ``covariance_types`` and ``n_components`` of the members; ``held_out``
        (rows in the units of X) and ``log_density`` (of these rows, by
        mixtures that never saw them).
    """
    seen = rng.permutation(len(X))[:FIT_ROWS]
    S, offset, unit = standardise(X[seen])
    searched = S[:SEARCH_ROWS]
    n_rows, n_features = searched.shape
    n_splits = min(n_bags, 2 if n_rows >= 1000 else 3)
    n_held = max(1, int(HELD_OUT * n_rows))
    few = n_rows < LEAST_ROWS
    n_distinct = len(np.unique(searched, axis=0))
    splits = [rng.permutation(n_rows) for _ in range(n_splits)]
    jobs = ladders(
        1 if few and n_components == "auto" else n_components,
        covariance_type,
        max(1, min(n_distinct, n_rows - n_held)),
        n_features,
    )
    tasks = [
        (
            searched[order[n_held:]],
            searched[order[:n_held]],
            family,
            ladder,
            "kmeans" if split % 2 else "k-means++",
            [int(seed) for seed in rng.integers(2**31 - 1, size=len(ladder))],
        )
        for split, order in enumerate(splits)
        for family, ladder in jobs
    ]
    parallel = Parallel(n_jobs=n_jobs, prefer="threads")
    with warnings.catch_warnings():
        # Too few iterations are the point of the search, and equal rows give
        # k-means fewer clusters than asked for.
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = parallel(delayed(climb)(*task) for task in tasks)
        members, shares, log_densities = [], [], []
        for split, order in enumerate(splits):
            mine = found[split * len(jobs) : (split + 1) * len(jobs)]
            candidates = [member for part in mine for member in part[0]]
            densities = [row for part in mine for row in part[1]]
            if not candidates:
                # One Gaussian always works.
                kept = climb(
                    *tasks[split * len(jobs)][:2], "shrunk", (1,), "kmeans", [0]
                )
                candidates, densities = kept
            densities = np.array(densities)
            n_picks = (n_bags + split) // n_splits
            counts, ensemble = pick(
                candidates, densities, n_picks, MOST_COMPONENTS // n_splits
            )
            members += [candidates[i] for i in np.flatnonzero(counts)]
            shares += [count / n_bags for count in counts[counts > 0]]
            weight, mean, covariance = background(searched[order[n_held:]])
            broad = log_density(
                searched[order[:n_held]], np.ones(1), mean[None], covariance[None]
            )
            log_densities.append(
                np.logaddexp(ensemble + np.log1p(-weight), broad + np.log(weight))
            )
        members = parallel(delayed(Member.refit)(member, S) for member in members)
    held = np.concatenate([order[:n_held] for order in splits])
    return average(members, shares, S, offset, unit), {
        "covariance_types": [member.family for member in members],
        "n_components": [member.n_components for member in members],
        "held_out": X[seen[held]],
        "log_density": np.concatenate(log_densities) - np.log(unit).sum(),
    }


def average(members, shares, S, offset, unit):
    """Concatenate members, and the background, into one map of raw rows."""
    weight, centre, spread = background(S)
    diagonal = all(member.covariances.ndim == 2 for member in members)
    weights = [
        (1.0 - weight) * share * member.weights
        for share, member in zip(shares, members, strict=True)
    ]
    means = [member.means for member in members]
    if diagonal:
        factors = [np.sqrt(member.covariances) for member in members]
        factors.append(np.sqrt(np.diag(spread))[None])
    else:
        factors = []
        for covariances in (*(m.covariances for m in members), spread[None]):
            if covariances.ndim == 2:
                covariances = covariances[:, None, :] * np.eye(len(unit))
            factors.append(np.linalg.cholesky(covariances))
    weights = np.concatenate([*weights, [weight]])
    means = offset + unit * np.concatenate([*means, centre[None]])
    factors = np.concatenate(factors)
    factors *= unit if diagonal else unit[:, None]
    kept = weights > 1e-12
    return MixtureMap(weights[kept], means[kept], factors[kept])
