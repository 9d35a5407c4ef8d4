"""Fit averaged Gaussian mixtures, one for each independent group of columns.

The search sees a bounded number of rows; what it picks goes on with EM on
more, and is averaged: the average of mixtures is a mixture again.
"""

import warnings
from dataclasses import replace

import numpy as np
from joblib import Parallel, delayed
from sklearn.exceptions import ConvergenceWarning

from gaussflow.mixtures.column_groups import column_groups
from gaussflow.mixtures.map import GroupedMap, MixtureMap
from gaussflow.mixtures.members import Member, background
from gaussflow.mixtures.search import Settings, search

#: Rows that the search and the last EM iterations see at most: time for accuracy,
#: chosen by hand.
SEARCH_ROWS = 5000
FIT_ROWS = 20000
#: Held-out share of each split; small samples get one split more.
HELD_OUT = 0.25
FEW_ROWS = 1000


def fit_mixture(
    X,
    rng,
    *,
    n_components="auto",
    covariance_type="auto",
    n_bags=6,
    n_jobs=None,
    start=None,
):
    """Fit averaged mixtures to the rows of X; return a GroupedMap in their units.

    Options are those of :class:`~gaussflow.layers.triangular.Triangular`. With
    ``start``, the report of a fit to some of these rows, its mixtures go on with EM,
    and nothing is searched.

    The report that comes second is a dict: ``covariance_type`` and ``n_components``,
    lists over the mixtures; ``held_out`` (rows in the units of X) and ``log_density``
    (of these rows, by mixtures that never saw them); ``found``, what the search found
    for each group of columns, and ``units``, the offset and unit of each column there.
    """
    seen = rng.permutation(len(X))[:FIT_ROWS]
    if start is None:
        S, offset, unit = standardise(X[seen])
    else:
        # The mixtures go on in the units that they were found in.
        offset, unit = start["units"]
        S = (np.asarray(X[seen], dtype=np.float64) - offset) / unit
    parallel = Parallel(n_jobs=n_jobs, prefer="threads")
    with warnings.catch_warnings():
        # Few iterations are the point of the search, and equal rows give
        # k-means fewer clusters than asked for.
        warnings.simplefilter("ignore", ConvergenceWarning)
        if start is None:
            settings = Settings(n_components, covariance_type, n_bags, parallel)
            groups, founds, held_out = _search_groups(S[:SEARCH_ROWS], rng, settings)
            held_out = X[seen[held_out]]
        else:
            (groups, founds), held_out = start["found"], start["held_out"]
        for group, found in zip(groups, founds, strict=True):
            found.members = parallel(
                delayed(Member.refit)(member, S[:, group]) for member in found.members
            )
    maps = [
        average(found, S[:, group], offset[group], unit[group])
        for group, found in zip(groups, founds, strict=True)
    ]
    members = [member for found in founds for member in found.members]
    log_density = sum(found.log_density for found in founds) - np.log(unit).sum()
    return GroupedMap(groups, maps), {
        "covariance_type": [member.family for member in members],
        "n_components": [len(member.weights) for member in members],
        "held_out": held_out,
        "log_density": log_density,
        "found": (groups, founds),
        "units": (offset, unit),
    }


def _search_groups(S, rng, settings):
    """Search independent groups of columns apart, or all columns together.

    Returns the groups of columns, what was found for each, and the rows of S
    that judged.
    """
    n_rows = len(S)
    n_held = max(1, int(HELD_OUT * n_rows))
    splits = []
    for _ in range(min(settings.n_bags, 3 if n_rows < FEW_ROWS else 2)):
        order = rng.permutation(n_rows)
        splits.append((order[n_held:], order[:n_held]))
    judges = np.concatenate([held for _, held in splits])
    apart = column_groups(S)
    if len(apart) > 1:
        founds = [search(S[:, group], splits, rng, settings) for group in apart]
        # One split tells whether the groups hide a dependence.
        n_bags = max(1, settings.n_bags // len(splits))
        joint = search(S, splits[:1], rng, replace(settings, n_bags=n_bags))
        gain = sum(found.log_density[:n_held] for found in founds) - joint.log_density
        if np.mean(gain) > 0.0:
            return apart, founds, judges
    return [np.arange(S.shape[1])], [search(S, splits, rng, settings)], judges


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


def average(found, S, offset, unit):
    """Concatenate members, and the background, into one map of raw rows."""
    weight, centre, spread = background(S)
    weights = [
        (1.0 - weight) * share * member.weights
        for share, member in zip(found.shares, found.members, strict=True)
    ]
    covariances = [member.covariances for member in found.members]
    if all(c.ndim == 2 for c in covariances):
        factors = np.sqrt(np.concatenate([*covariances, np.diag(spread)[None]])) * unit
    else:
        eye = np.eye(len(unit))
        whole = [c[:, None, :] * eye if c.ndim == 2 else c for c in covariances]
        factors = np.linalg.cholesky(np.concatenate([*whole, spread[None]]))
        factors *= unit[:, None]
    means = np.concatenate([*(m.means for m in found.members), centre[None]])
    shares = np.append(np.concatenate(weights), weight)
    kept = shares > 1e-12
    return MixtureMap(shares[kept], (offset + unit * means)[kept], factors[kept])
