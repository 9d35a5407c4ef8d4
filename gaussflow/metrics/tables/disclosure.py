"""What a synthetic table gives away of its training rows, by distances.

Tables are float matrices as in ``gaussflow.metrics.tables.similarity``; distances
are Gower's. Everywhere ``train`` are rows that were learned from, ``holdout`` real rows
that were not, and ``rng`` (a seed, RandomState or Generator) draws ``max_rows`` rows
of each table, where there are more.
"""

from dataclasses import dataclass

import numpy as np

from gaussflow._common.seeds import as_generator
from gaussflow.kernels.gower import nearest_two
from gaussflow.metrics.tables.intervals import Estimate, attack_power, mean_attack
from gaussflow.metrics.tables.similarity import fill_missing, some_rows

#: Added to a distance, in columns, before its logarithm: copies stay finite;
#: chosen by hand: larger hides closeness, smaller lets one copy outweigh the rest.
DISTANCE_FLOOR = 1e-3


@dataclass
class GowerRows:
    """Rows of a mixed table, ready for distances.

    Attributes
    ----------
    numbers : ndarray of shape (n, n_numbers)
        Numbers over the training range, missing ones at the training median.
    codes : ndarray of shape (n, n_codes), int64
        Categories, and for each number whether it is missing.
    n_columns : int
        Columns of the table, which distances are a mean over.
    """

    numbers: np.ndarray
    codes: np.ndarray
    n_columns: int

    def __len__(self):
        """Return the number of rows."""
        return len(self.numbers)

    def take(self, rows):
        """Return some of the rows."""
        return GowerRows(self.numbers[rows], self.codes[rows], self.n_columns)


def gower_rows(tables, categorical):
    """Return the GowerRows of tables.

    The first table, the training rows, sets the range and median of the numbers.
    """
    numbers = [np.empty((len(t), 0)) for t in tables]
    codes = [np.empty((len(t), 0), dtype=np.int64) for t in tables]
    for j, is_code in enumerate(categorical):
        for k, table in enumerate(tables):
            cells = table[:, j]
            absent = np.isnan(cells)
            if is_code:
                code = np.where(absent, -1, cells).astype(np.int64)
            else:
                scaled = _scale(cells, tables[0][:, j])
                numbers[k] = np.column_stack([numbers[k], scaled])
                code = absent.astype(np.int64)
            codes[k] = np.column_stack([codes[k], code])
    # Columns that tell rows apart come first, so that a search gives up early; one
    # that is the same everywhere only costs time.
    differs = [1.0 - _chance_of_equal(c) for c in np.concatenate(codes).T]
    order = np.argsort(-np.array(differs), kind="stable")
    order = order[: np.count_nonzero(differs)]
    spread = np.argsort(-np.concatenate(numbers).std(axis=0), kind="stable")
    return [
        GowerRows(
            np.ascontiguousarray(x[:, spread]),
            np.ascontiguousarray(c[:, order]),
            t.shape[1],
        )
        for x, c, t in zip(numbers, codes, tables, strict=True)
    ]


def _chance_of_equal(codes):
    counts = np.unique(codes, return_counts=True)[1]
    return float(((counts / len(codes)) ** 2).sum())


def _scale(cells, train):
    filled = train[~np.isnan(train)] if not np.isnan(train).all() else np.zeros(1)
    low, width = filled.min(), np.ptp(filled) or 1.0
    cells = np.where(np.isnan(cells), np.median(filled), cells)
    return np.clip((cells - low) / width, -0.5, 1.5)


def closest(rows, reference):
    """Find each row's closest reference rows, from the same call of ``gower_rows``.

    Returned are the Gower distances of the closest and the second closest, (n, 2), and
    the number of the closest. A distance is the mean over columns of |a - b| / range
    for numbers (one more where only one is missing), 0 or 1 for categories.
    """
    distances = np.empty((len(rows), 2))
    nearest = np.empty(len(rows), dtype=np.int64)
    nearest_two(
        rows.numbers, rows.codes, reference.numbers, reference.codes, distances, nearest
    )
    return distances / rows.n_columns, nearest


def dcr_share(train, holdout, synthetic, categorical, *, max_rows=2500, rng=0):
    """Return the share of synthetic rows closer to training than to unseen rows.

    Both real tables are cut to the same size first. 0.5 is ideal: having been
    seen makes no difference; 1 means copies. It misses much of what an
    attack finds: a good value is necessary, not sufficient.

    Returns
    -------
    share : Estimate
        The error is that of shuffling who was seen, in which all the synthetic rows
        around one real row move together.
    """
    rng = as_generator(rng)
    n = min(len(train), len(holdout), max_rows)
    S = some_rows(synthetic, min(len(synthetic), max_rows), rng)
    T, H, S = gower_rows([train, holdout, S], categorical)
    H = H.take(rng.choice(len(H), n, replace=False))
    to_holdout, near_holdout = closest(S, H)
    shares, errors = [], []
    for _ in range(3):
        members = T.take(rng.choice(len(T), n, replace=False))
        to_train, near_train = closest(S, members)
        gap = to_holdout[:, 0] - to_train[:, 0]
        shares.append(np.mean(gap > 0) + 0.5 * np.mean(gap == 0))
        owner = np.where(gap > 0, near_train, n + near_holdout)
        errors.append(0.5 * np.sqrt((np.bincount(owner) ** 2).sum()) / len(S))
    return Estimate(float(np.mean(shares)), float(np.mean(errors)))


def neighbour_ratio(train, rows, categorical, *, quantile=0.05, max_rows=2500, rng=0):
    """Return a low quantile of the ratio of distances to the two closest training rows.

    Near 0, a row sits on one training row and far from all others, as a copy does;
    compare with the ratio of unseen real rows. The Estimate's error is that of the
    quantile's rank.
    """
    rows = some_rows(rows, min(len(rows), max_rows), as_generator(rng))
    T, R = gower_rows([train, rows], categorical)
    distances = closest(R, T)[0] + 1e-12
    ratio = distances[:, 0] / distances[:, 1]
    spread = np.sqrt(quantile * (1 - quantile) / len(ratio))
    ends = np.quantile(ratio, np.clip([quantile - spread, quantile + spread], 0, 1))
    return Estimate(float(np.quantile(ratio, quantile)), float(np.ptp(ends) / 2))


def exact_copies(reference, rows):
    """Return the share of ``rows`` that equal a reference row in every cell."""
    known = {row.tobytes() for row in fill_missing(reference) + 0.0}
    return float(np.mean([row.tobytes() in known for row in fill_missing(rows) + 0.0]))


def chance_copies(train, rows, *, rng=0):
    """Return the share of rows that would equal a training row by chance.

    Rows of one patient on both sides of a split are equal too, and that is no chance:
    it is estimated from training rows that agree with a row in all columns but one.
    Of n such rows, and c the probability that two distinct training rows agree in that
    column, about n c / (1 - c) other ones agree in that column too.

    Parameters
    ----------
    train, rows : ndarray of shape (n, n_columns)
        Rows that were learned from, and other real rows.
    rng : int, RandomState or Generator, default=0
        Randomness of the codes by which rows are compared.

    Returns
    -------
    share : float
    """
    both = fill_missing(np.concatenate([train, rows]))
    rng = as_generator(rng)
    codes = np.empty(both.shape, dtype=np.uint64)
    for j, cells in enumerate(both.T):
        values, place = np.unique(cells, return_inverse=True)
        code = rng.integers(0, 2**64, len(values), dtype=np.uint64)
        codes[:, j] = code[place.ravel()]
    whole = codes.sum(axis=1, dtype=np.uint64)  # modulo 2**64
    n = len(train)
    distinct = np.unique(whole[:n], return_index=True)[1]
    same = _counts(whole[:n], whole[n:])
    expected = np.zeros(len(rows))
    for code in codes.T:
        agree = _chance_of_equal(code[:n][distinct])
        if agree < 1.0:
            others = _counts((whole - code)[:n], (whole - code)[n:]) - same
            expected = np.maximum(expected, others * agree / (1.0 - agree))
    return float(-np.expm1(-expected).mean())


def _counts(reference, values):
    """Return how often each value is among the reference's."""
    reference = np.sort(reference)
    ends = (np.searchsorted(reference, values, side) for side in ("right", "left"))
    return next(ends) - next(ends)


def membership_attacks(
    train, holdout, synthetic, categorical, *, max_rows=2500, n_repeats=4, rng=0
):
    """Return how well two attackers tell training rows from unseen ones.

    The plain attacker calls a row a member when a synthetic row lies close to it.
    The calibrated one also holds half of the holdout as a sample of the population,
    and asks whether the synthetic rows lie closer than that sample (after van
    Breugel et al., 2023, "Membership inference attacks against synthetic data through
    overfitting detection"), which finds far more.

    Both are returned as an Attack, the mean of ``n_repeats`` draws of the rows.
    """
    rng = as_generator(rng)
    T, H, S = gower_rows([train, holdout, synthetic], categorical)
    T = T.take(rng.choice(len(T), min(len(T), 2 * max_rows), replace=False))
    H = H.take(rng.choice(len(H), min(len(H), max_rows), replace=False))
    to_synthetic = [closest(rows, S)[0][:, 0] for rows in (T, H)]
    n, half = min(len(T), len(H)), min(len(T), len(H) // 2)
    plain, calibrated = [], []
    for _ in range(n_repeats):
        members = rng.choice(len(T), n, replace=False)
        plain.append(attack_power(-to_synthetic[0][members], -to_synthetic[1]))
        shuffled, members = rng.permutation(len(H)), members[:half]
        sample = H.take(shuffled[half:])
        scores = [
            _closer(closest(rows.take(some), sample)[0][:, 0], near[some], T.n_columns)
            for rows, some, near in zip(
                (T, H), (members, shuffled[:half]), to_synthetic, strict=True
            )
        ]
        calibrated.append(attack_power(*scores))
    return mean_attack(plain), mean_attack(calibrated)


def _closer(to_sample, to_synthetic, n_columns):
    """Return by how much, in logarithms, the synthetic rows lie closer."""
    smallest = DISTANCE_FLOOR / n_columns
    return np.log(to_sample + smallest) - np.log(to_synthetic + smallest)


@dataclass
class RowRisks:
    """How much each training row stands out from unseen rows in the synthetic table.

    Attributes
    ----------
    gap : ndarray of shape (n_train,)
        By how much, in logarithms, synthetic rows lie closer than unseen real rows.
    rank : ndarray of shape (n_train,)
        Share of unseen rows with as large a gap; small is risky.
    to_synthetic, to_unseen : ndarray of shape (n_train,)
        Distances to the closest synthetic and unseen real row.
    nearest : ndarray of shape (n_train,)
        The closest synthetic row.
    """

    gap: np.ndarray
    rank: np.ndarray
    to_synthetic: np.ndarray
    to_unseen: np.ndarray
    nearest: np.ndarray


def row_risks(train, holdout, synthetic, categorical, *, rng=0):
    """Return how exposed each training row is to the calibrated attack, as RowRisks.

    One half of the holdout, drawn by ``rng``, is the attacker's sample; the other shows
    what gaps unseen rows have.
    """
    T, H, S = gower_rows([train, holdout, synthetic], categorical)
    order = as_generator(rng).permutation(len(H))
    half = len(H) // 2
    sample, outsiders = H.take(order[:half]), H.take(order[half:])
    (near, nearest), (far, _) = closest(T, S), closest(T, sample)
    gap = _closer(far[:, 0], near[:, 0], T.n_columns)
    unseen = _closer(
        closest(outsiders, sample)[0][:, 0], closest(outsiders, S)[0][:, 0], T.n_columns
    )
    above = len(unseen) - np.searchsorted(np.sort(unseen), gap, "left")
    rank = (1 + above) / (1 + len(unseen))
    return RowRisks(gap, rank, near[:, 0], far[:, 0], nearest)
