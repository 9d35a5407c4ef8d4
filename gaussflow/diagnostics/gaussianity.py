"""Are latent rows standard normal: tests by family, corrected for their number."""

from typing import NamedTuple

import numpy as np
from scipy import stats
from sklearn.utils import check_array

from gaussflow._common.checks import Number, check_integer
from gaussflow._common.seeds import as_generator
from gaussflow.diagnostics._results import Result

#: Least rows: the tests' null laws are those of many rows.
MIN_ROWS = 20
#: Random directions that are tested.
MAX_DIRECTIONS = 32


class GaussianityTest(NamedTuple):
    """One family of tests, and its strongest evidence.

    Attributes
    ----------
    name : str
        "columns", "spreads", "extremes", "directions", "radius", "ranks" or "sizes".
    n_tests : int
        Tests in the family.
    where : tuple of int
        The column, pair or direction of the smallest p-value.
    statistic : float
        Its statistic.
    p_value : float
        Its p-value, corrected for all tests of all families.
    """

    name: str
    n_tests: int
    where: tuple
    statistic: float
    p_value: float


class Gaussianity(Result):
    """What :func:`gaussianity` found.

    Attributes
    ----------
    tests : list of GaussianityTest
        One for each family.
    p_value : float
        The smallest of theirs: the evidence against N(0, I) as a whole.
    level : float
        Below it, N(0, I) is rejected.
    rejected : bool
        Whether it is.
    distance : float
        Largest gap between a column's distribution function and the normal one: how
        far, where the p-value says how surely.
    n_samples, n_features : int
        Rows and columns tested.
    warnings : list of str
        The verdict in words, where N(0, I) is rejected.
    """

    def summary(self):
        """Return the tests as a table, and the verdict, as text."""
        lines = [
            f"{self.n_samples} latent rows of {self.n_features} columns against "
            f"N(0, I); largest gap of a column's distribution function "
            f"{self.distance:.3f}",
            f"{'tests of':14}{'number':>8}{'strongest at':>16}{'statistic':>12}"
            f"{'p-value':>12}",
        ]
        for test in self.tests:
            where = ", ".join(str(place) for place in test.where) or "-"
            lines.append(
                f"{test.name:14}{test.n_tests:8}{where:>16}{test.statistic:12.3f}"
                f"{test.p_value:12.3g}"
            )
        return "\n".join([*lines, *self.warnings])


def gaussianity(Z, *, level=0.05, n_directions=None, random_state=None):
    """Test whether latent rows are draws of N(0, I).

    Families of tests, each against what N(0, I) says:

    - columns: Cramer-von Mises, each column against N(0, 1);
    - spreads: Cramer-von Mises, each column's absolute values against theirs;
    - extremes: the largest absolute value of each column, exactly;
    - directions: Cramer-von Mises along random orthonormal directions;
    - radius: Cramer-von Mises of the squared norms against their chi-squared law;
    - ranks: Spearman's rank correlation of each pair of columns;
    - sizes: the same of their absolute values, which sees dependence without
      correlation.

    P-values are Bonferroni's within a family and Holm's between families: where the
    rows are standard normal, anything at all is rejected with probability ``level``
    or less.

    Parameters
    ----------
    Z : array-like of shape (n_samples, n_features)
        ``flow.transform(X)`` of at least 20 rows that the flow was *not* fitted on:
        on those it was, latent rows are more normal than chance has them. With far
        more of them than training rows every flow is rejected, for its maps carry the
        noise of their fit: look at ``distance`` then, and at ``loss_decomposition``.
    level : float, default=0.05
        Probability to reject what is normal.
    n_directions : int or None, default=None
        Random directions; None takes as many as columns, at most 32.
    random_state : int, RandomState, Generator or None, default=None
        Randomness of the directions.

    Returns
    -------
    gaussianity : Gaussianity

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.diagnostics import gaussianity
    >>> Z = np.random.default_rng(0).standard_normal((500, 3))
    >>> gaussianity(Z, random_state=0).rejected
    False
    >>> Z[:, 1] = np.abs(Z[:, 1]) * np.sign(Z[:, 0])
    >>> gaussianity(Z, random_state=0).rejected
    True
    """
    Z = check_array(Z, dtype=np.float64, input_name="Z")
    Number("(0, 1)").check("level", level)
    n, d = Z.shape
    if n < MIN_ROWS:
        raise ValueError(
            f"Z has {n} rows, but the tests need at least {MIN_ROWS}. Pass more "
            f"held-out rows."
        )
    if n_directions is None:
        n_directions = min(d, MAX_DIRECTIONS)
    n_directions = check_integer("n_directions", n_directions, 1, d, " or None")
    basis = as_generator(random_state).standard_normal((d, n_directions))
    families = {
        "columns": _fits(Z),
        "spreads": _fits(np.abs(Z), "halfnorm"),
        "extremes": _extremes(Z),
        "directions": _fits(Z @ np.linalg.qr(basis)[0]) if d > 1 else [],
        "radius": _radius(Z) if d > 1 else [],
        "ranks": _pairs(Z),
        "sizes": _pairs(np.abs(Z)),
    }
    tests = _corrected({name: found for name, found in families.items() if found})
    p_value = min(test.p_value for test in tests)
    distance = max(stats.kstest(z, "norm").statistic for z in Z.T)
    rejected = p_value < level
    return Gaussianity(
        tests=tests,
        p_value=p_value,
        level=float(level),
        rejected=rejected,
        distance=float(distance),
        n_samples=n,
        n_features=d,
        warnings=[_words(tests, level)] if rejected else [],
    )


class _Single(NamedTuple):
    where: tuple
    statistic: float
    p_value: float


def _parts(result):
    return float(result.statistic), float(result.pvalue)


def _fits(Y, law="norm"):
    return [
        _Single((k,), *_parts(stats.cramervonmises(y, law))) for k, y in enumerate(Y.T)
    ]


def _radius(Z):
    levels = stats.chi2.cdf(np.einsum("ij,ij->i", Z, Z), Z.shape[1])
    return [_Single((), *_parts(stats.cramervonmises(levels, "uniform")))]


def _extremes(Z):
    """Return two-sided tests of the columns' largest sizes: too far, or too near."""
    largest = np.abs(Z).max(axis=0)
    log_below = len(Z) * stats.halfnorm.logcdf(largest)
    p_value = 2.0 * np.minimum(np.exp(log_below), -np.expm1(log_below))
    pairs = zip(largest, np.minimum(p_value, 1.0), strict=True)
    return [_Single((k,), float(s), float(p)) for k, (s, p) in enumerate(pairs)]


def _pairs(Z):
    if Z.shape[1] < 2:
        return []
    result = stats.spearmanr(Z)
    # Two columns give two numbers, more give matrices.
    statistic, p_value = (
        np.broadcast_to(a, (Z.shape[1], Z.shape[1]))
        for a in (result.statistic, result.pvalue)
    )
    return [
        _Single((int(i), int(j)), float(statistic[i, j]), float(p_value[i, j]))
        for i, j in zip(*np.triu_indices(Z.shape[1], 1), strict=True)
    ]


def _corrected(families):
    """Return the strongest test of each family, by Bonferroni and Holm."""
    best = {
        name: min(found, key=lambda one: one.p_value)
        for name, found in families.items()
    }
    within = {name: min(len(families[name]) * best[name].p_value, 1.0) for name in best}
    corrected, floor = {}, 0.0
    for rank, name in enumerate(sorted(within, key=within.get)):
        floor = max(floor, min((len(within) - rank) * within[name], 1.0))
        corrected[name] = floor
    return [
        GaussianityTest(
            name, len(families[name]), one.where, one.statistic, corrected[name]
        )
        for name, one in best.items()
    ]


def _words(tests, level):
    found = ", ".join(
        f"{test.name} (p = {test.p_value:.2g})"
        for test in tests
        if test.p_value < level
    )
    return (
        f"The latent rows are not standard normal: {found}. If they were held out, the "
        f"flow has not converged, or overfits; loss_decomposition tells which."
    )
