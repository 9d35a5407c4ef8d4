"""Values that many rows share, spread so that densities stay finite."""

import numpy as np

from gaussflow._common.blocks import some_rows
from gaussflow.marginals.counts import bulk

#: A column needs spreading where one value holds this share of its rows; then
#: every value that holds the smaller share is spread.
ATOM_SHARE, MIN_SHARE = 0.05, 0.01
#: How far to each side, in units of the column: four bins of the grids that
#: densities are counted on.
REACH = 0.05
#: Rows that ties are looked for in.
LOOK_ROWS = 20_000


def spread_ties(X, rng):
    """Return rows whose often repeated values are spread evenly, a little.

    A value that many rows share, such as a 0 of a column of zeros and ones, has
    no density. Every map would find it narrower than the one before and stretch
    it further, without end: likelihoods of hundreds of nats, and samples that
    nothing brings back. So flows learn such a value as a narrow uniform law
    around it (uniform dequantisation, Theis et al., 2016, "A note on the
    evaluation of generative models", section 3.1, on a part of the step).

    X is left as it is: what comes back is a copy, or the same array where nothing is
    often repeated.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.marginals.ties import spread_ties
    >>> rng = np.random.default_rng(0)
    >>> X = np.c_[rng.normal(size=1000), np.arange(1000) % 2]
    >>> spread = spread_ties(X, rng)
    >>> (spread[:, 0] == X[:, 0]).all().item(), len(np.unique(spread[:, 1]))
    (True, 1000)
    >>> bool(np.abs(spread - X).max() < 0.05)
    True
    """
    look_rng, place_rng = rng.spawn(2)
    sample = some_rows(X, LOOK_ROWS, look_rng)
    out = X
    for k in range(X.shape[1]):
        atoms, reach = _atoms(np.asarray(sample[:, k], dtype=np.float64))
        if len(atoms) == 0:
            continue
        if out is X:
            out = np.array(X, order="C")
        tied = np.flatnonzero(np.isin(X[:, k], atoms.astype(X.dtype)))
        moves = reach * place_rng.uniform(-1.0, 1.0, len(tied))
        out[tied, k] += moves.astype(X.dtype)
    return out


def _atoms(column):
    """Return the values to be spread, and how far."""
    values, counts = np.unique(column, return_counts=True)
    least = max(MIN_SHARE * len(column), 2)
    if len(values) < 2 or counts.max() < max(ATOM_SHARE * len(column), 3):
        return values[:0], 0.0
    _, unit = bulk(column, column.mean(), column.std())
    return values[counts >= least], REACH * unit
