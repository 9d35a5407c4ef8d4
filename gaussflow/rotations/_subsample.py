"""The bounded number of rows that a search of directions looks at."""

import numpy as np


def subsample(Z, max_rows, rng):
    """Return at most ``max_rows`` rows of Z, chosen at random."""
    if len(Z) <= max_rows:
        return Z
    # Sorted, so that a memory map is read in one direction.
    return Z[np.sort(rng.choice(len(Z), max_rows, replace=False, shuffle=False))]


def search_rows(Z, target, max_rows, rng):
    """Return at most ``max_rows`` rows of Z, and of the target where there is one.

    Both are divided by one number where they are too large to square: where Z and
    target differ does not depend on their common unit.
    """
    Z = np.asarray(subsample(Z, max_rows, rng), dtype=np.float64)
    if target is None:
        return Z, None
    target = np.asarray(subsample(target, max_rows, rng), dtype=np.float64)
    largest = max(np.abs(Z).max(), np.abs(target).max())
    return (Z, target) if largest < 1e6 else (Z / largest, target / largest)


def whiten(Z):
    """Return (white rows, map): white = (Z - mean) @ map.T.

    Directions with next to no variance are left out, so that ``map`` has
    fewer than n_features rows where columns are constant or duplicated.
    """
    Z = Z - Z.mean(axis=0)
    values, vectors = np.linalg.eigh(Z.T @ Z / len(Z))
    kept = values > max(values[-1], 0.0) * 1e-8
    white_map = (vectors[:, kept] / np.sqrt(values[kept])).T
    return Z @ white_map.T, white_map
