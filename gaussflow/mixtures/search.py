"""Choose mixtures, and how to average them, by held-out likelihood.

On each of a few random splits, a ladder of mixtures of every family is fitted
to one part of the rows; the small ensemble whose mean density is best on the
other part is picked greedily (Caruana et al., 2004, "Ensemble selection from
libraries of models").
"""

from dataclasses import dataclass

import numpy as np
from joblib import delayed

from gaussflow.mixtures.members import Member, background, log_density

FAMILIES = ("full", "tied", "diag", "scaled")
#: Components tried by n_components="auto".
LADDER = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
#: The same for concentric components, which only model tails.
LADDER_SCALED = (2, 3, 5, 8)
#: Least rows that a search can learn anything from; this and the limits below are
#: chosen by hand, for time.
MIN_ROWS = 20
#: Components of the whole average, and numbers in their covariances: they set
#: the cost of mapping a row. A column costs as much as MIN_NUMBERS of them.
MAX_COMPONENTS = 128
MAX_NUMBERS = 1e5
MIN_NUMBERS = 20
#: From so many rows on, later splits only try what is near the first's picks.
MANY_ROWS = 1000
#: Most rows x components x features^2 of one EM iteration.
MAX_WORK = 1e9


@dataclass
class Settings:
    """What a user may fix, see Triangular, and how to run in parallel."""

    n_components: int | str
    covariance_type: str
    n_bags: int
    parallel: object


@dataclass
class Found:
    """Picked mixtures with their shares, and what held-out rows say of them.

    ``log_density`` joins the splits' held-out rows, in standardised units.
    """

    members: list
    shares: list
    log_density: np.ndarray


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
    """Choose members greedily, with repetition.

    Each pick makes the mean density of those picked most likely on the
    held-out rows. Returns how often each member was picked, and the log of
    that mean density.
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


def ladders(n_components, covariance_type, n_rows, n_features, most_components):
    """Return the (family, numbers of components) to try."""
    families = FAMILIES if covariance_type == "auto" else (covariance_type,)
    jobs: list[tuple[str, list[int]]] = []
    for family in families:
        if covariance_type == "auto" and (
            # In one dimension "full" and "tied" say it all.
            (n_features == 1 and family in ("diag", "scaled"))
            or (family == "scaled" and n_rows < 4 * n_features)
            or (family == "scaled" and n_rows * n_features**2 > MAX_WORK / 4)
        ):
            continue
        if n_components != "auto":
            jobs.append((family, [min(n_components, n_rows)]))
            continue
        work = n_features if family in ("diag", "spherical") else n_features**2
        most = min(n_rows / 5, MAX_WORK / (n_rows * work), most_components)
        steps = LADDER_SCALED if family == "scaled" else LADDER
        ladder = [k for k in steps if k <= most] or [steps[0]]
        jobs.append((family, ladder))
    if n_components == "auto" and covariance_type == "auto":
        jobs.append(("shrunk", [1]))
    return jobs


def narrow(jobs, members, counts):
    """Return the ladders' steps next to the members picked."""
    near = []
    for family, ladder in jobs:
        sizes = [
            member.n_components
            for member, count in zip(members, counts, strict=True)
            if count and member.family == family
        ]
        if sizes:
            first = max(ladder.index(min(sizes)) - 1, 0)
            near.append((family, ladder[first : ladder.index(max(sizes)) + 2]))
    return near


def _climb_all(S, held_out, split, jobs, rng, settings):
    """Climb every ladder; return all members and their held-out log densities."""
    tasks = []
    for family, ladder in jobs:
        # The splits start differently, for variety. With k-means++ each
        # component starts on a single row: "tied" never leaves that.
        init = "kmeans" if split % 2 or family == "tied" else "k-means++"
        seeds = [int(seed) for seed in rng.integers(2**31 - 1, size=len(ladder))]
        tasks.append((S, held_out, family, ladder, init, seeds))
    climbed = settings.parallel(delayed(climb)(*task) for task in tasks)
    members = [member for part in climbed for member in part[0]]
    densities = [density for part in climbed for density in part[1]]
    if not members:
        # One Gaussian always works.
        return climb(S, held_out, "shrunk", (1,), "kmeans", [0])
    return members, densities


def search(S, splits, rng, settings):
    """Return the mixtures picked for standardised rows S, as Found.

    ``splits`` is a list of index arrays (fitted, held_out), and ``rng`` draws the seeds
    of the starts of EM.
    """
    n_components = settings.n_components
    if n_components == "auto" and len(S) < MIN_ROWS:
        n_components = 1
    n_rows = min(len(np.unique(S, axis=0)), len(splits[0][0]))
    n_features = S.shape[1]
    numbers = n_features * max(n_features, MIN_NUMBERS)
    most = min(MAX_COMPONENTS, int(MAX_NUMBERS / numbers)) // len(splits)
    jobs = ladders(n_components, settings.covariance_type, n_rows, n_features, most)
    found = Found([], [], np.empty(0))
    for split, (fitted, held_out) in enumerate(splits):
        members, densities = _climb_all(
            S[fitted], S[held_out], split, jobs, rng, settings
        )
        counts, density = pick(
            members, np.array(densities), (settings.n_bags + split) // len(splits), most
        )
        if len(S) >= MANY_ROWS:
            jobs = narrow(jobs, members, counts)
        for i in np.flatnonzero(counts):
            found.members.append(members[i])
            found.shares.append(counts[i] / settings.n_bags)
        weight, mean, covariance = background(S[fitted])
        broad = log_density(S[held_out], np.ones(1), mean[None], covariance[None])
        density = np.logaddexp(density + np.log1p(-weight), broad + np.log(weight))
        found.log_density = np.append(found.log_density, density)
    return found
