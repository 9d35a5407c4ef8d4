"""The sliced Wasserstein distance: the mean cost of transport along directions."""

import numpy as np

from gaussflow._common.checks import check_integer
from gaussflow._common.seeds import as_generator
from gaussflow.metrics._rows import blocks, check_two


def sliced_wasserstein(A, B, n_directions=256, *, p=2, random_state=0):
    """Return the sliced Wasserstein distance of two samples.

    (mean over random directions w of W_p(w.A, w.B)^p)^(1/p), each one-dimensional
    distance being exact. It goes on where a Gaussian's moments end, but a few odd
    directions among many hardly count.

    Parameters
    ----------
    A, B : array-like of shape (n, n_features), (m, n_features)
        Two samples, of any sizes. The distance of samples of the same law is above 0:
        compare with that of two samples of real rows.
    n_directions : int, default=256
        Directions drawn uniformly from the sphere.
    p : {1, 2}, default=2
        The order.
    random_state : int, RandomState, Generator or None, default=0
        Randomness of the directions. The same seed gives the same directions, so that
        distances can be compared.

    Returns
    -------
    distance : float
        In the units of the features.

    References
    ----------
    N. Bonneel, J. Rabin, G. Peyre and H. Pfister (2015), "Sliced and Radon Wasserstein
    barycenters of measures", Journal of Mathematical Imaging and Vision 51.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.metrics import sliced_wasserstein
    >>> A = np.random.default_rng(0).standard_normal((500, 1))
    >>> round(sliced_wasserstein(A, A + 3.0), 6)
    3.0
    """
    A, B = check_two(A, B)
    check_integer("n_directions", n_directions, 1)
    if p not in (1, 2):
        raise ValueError(f"p must be 1 or 2, got {p!r}.")
    rng = as_generator(random_state)
    W = rng.standard_normal((A.shape[1], n_directions))
    W /= np.linalg.norm(W, axis=0)
    rows_a, rows_b, weights = _coupling(len(A), len(B))
    total = 0.0
    for some in blocks(n_directions, 2 * (len(A) + len(B))):
        a, b = (np.sort((X @ W[:, some]).T, axis=1) for X in (A, B))
        gaps = np.abs(a[:, rows_a] - b[:, rows_b])
        total += float((gaps**p @ weights).sum())
    return (total / n_directions) ** (1.0 / p)


def _coupling(n, m):
    """Return which sorted values are coupled, and with what weight.

    The optimal plan couples equal quantiles: both samples' steps i/n and j/m cut the
    levels from 0 to 1; between two cuts one value of each is coupled.
    """
    # In units of 1 / (n m), where all cuts are whole.
    cuts = np.union1d(np.arange(n + 1) * m, np.arange(m + 1) * n)
    return cuts[:-1] // m, cuts[:-1] // n, np.diff(cuts) / (n * m)
