"""Checks of what a density that can be sampled promises, beside scikit-learn's.

``sklearn.utils.estimator_checks`` knows nothing of inverses, densities or
samples. The laws here hold for every layer and flow, and for any estimator
with ``transform``, ``inverse_transform``, ``score_samples``, ``score`` and
``sample`` whose latent is standard normal.
"""

import pickle
from threading import Thread

import numpy as np
from sklearn.base import clone
from sklearn.utils.estimator_checks import set_random_state

from gaussflow._common.checks import Choice
from gaussflow._common.normal import log_standard_normal

__all__ = ["GENERATIVE_CHECKS", "check_generative_estimator"]

#: Nodes of the grids, a side, and how far they reach, in standard deviations from the
#: mean: tails of Student's t with 3 degrees of freedom hold less than 1e-4 beyond.
GRID_1D, GRID_2D, GRID_REACH = 20_001, 401, 50.0
#: What tails and kinks of maps may cost the integral. Chosen by hand.
INTEGRAL_TOLERANCE = 0.005
#: Rows whose Jacobian is compared: each takes two maps a column.
N_JACOBIANS = 25
#: Distances at which densities must fall, in standard deviations.
FAR_AWAY = (10.0, 30.0, 100.0, 300.0, 1000.0)

#: By the bytes of the latent rows: far above what rounding leaves, chosen by hand.
ROUND_TRIP_TOLERANCE = {8: 1e-8, 4: 1e-3}
JACOBIAN_TOLERANCE = {8: 1e-5, 4: 3e-2}


def check_generative_estimator(
    estimator, *, n_samples=500, n_features=3, random_state=0, on_fail="raise"
):
    """Check the laws of a density estimator that can be sampled.

    Parameters
    ----------
    estimator : object
        Unfitted estimator; it is cloned, never fitted itself.
    n_samples : int, default=500
        Rows of the synthetic data that it is fitted on.
    n_features : int, default=3
        Columns of those data. The integrals use 1 and 2 columns.
    random_state : int, default=0
        Seed of the data, and of the estimator where it has a seed.
    on_fail : {"raise", None}, default="raise"
        Raise at the first law that fails, or collect the failures.

    Returns
    -------
    results : list of dict
        For each law: ``check_name``, ``status`` ("passed" or "failed") and
        ``exception`` (None where it passed).

    Raises
    ------
    AssertionError
        If a law fails; the message names the estimator and the law.

    See Also
    --------
    sklearn.utils.estimator_checks.check_estimator :
        The rules of every scikit-learn estimator.

    Examples
    --------
    >>> from gaussflow.estimator_checks import check_generative_estimator
    >>> from gaussflow.layers import Linear
    >>> results = check_generative_estimator(Linear(n_iter=2, random_state=0))
    >>> {result["status"] for result in results}
    {'passed'}
    """
    Choice(["raise"], None).check("on_fail", on_fail)
    case = _Case(estimator, n_samples, n_features, random_state)
    results = []
    for check in GENERATIVE_CHECKS:
        try:
            check(case)
        except Exception as exc:
            law = (check.__doc__ or "").splitlines()[0].removeprefix("Check that ")
            failure = AssertionError(f"{estimator!r} breaks the law that {law} {exc}")
            if on_fail == "raise":
                raise failure from exc
            result = {"status": "failed", "exception": failure}
        else:
            result = {"status": "passed", "exception": None}
        results.append({"check_name": check.__name__, **result})
    return results


class _Case:
    """An estimator, fitted once, and the rows that the laws are tried on."""

    def __init__(self, estimator, n_samples, n_features, random_state):
        self.template = estimator
        self.random_state = random_state
        self.rng = np.random.default_rng(random_state)
        self.X = make_rows(2 * n_samples, n_features, self.rng)
        self.train, self.fresh = self.X[:n_samples], self.X[n_samples:]
        self.fitted = self.fit(self.train)

    def fit(self, X, **params):
        """Fit a clone on X, always with the same seed."""
        estimator = clone(self.template)
        set_random_state(estimator, self.random_state)
        return estimator.set_params(**params).fit(X)

    def far_rows(self, distance):
        """Return rows that many standard deviations off, every which way."""
        mean, std = self.train.mean(axis=0), self.train.std(axis=0)
        directions = self.rng.standard_normal((20, mean.size))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        axes = np.eye(mean.size)
        directions = np.vstack([directions, axes, -axes])
        return mean + distance * std * directions


def make_rows(n_samples, n_features, rng):
    """Return skewed, dependent rows with columns of different scales."""
    Z = rng.standard_normal((n_samples, n_features))
    X = Z.copy()
    X[:, 0] = np.exp(0.4 * Z[:, 0])
    X[:, 1:] += 0.5 * Z[:, :-1] ** 2
    return 3.0 + X * 10.0 ** np.linspace(-1.0, 1.0, n_features)


# -- the laws ------------------------------------------------------------------


def check_round_trip_inside(case):
    """Check that inverse_transform undoes transform, on rows like the training rows."""
    _assert_round_trip(case, case.X)


def check_round_trip_outside(case):
    """Check that inverse_transform undoes transform, 10 deviations outside."""
    _assert_round_trip(case, case.far_rows(10.0))


def _assert_round_trip(case, X):
    Z = case.fitted.transform(X)
    back = case.fitted.inverse_transform(Z)
    error = np.abs(back - X) / np.maximum(np.abs(X), case.train.std(axis=0))
    tolerance = ROUND_TRIP_TOLERANCE[Z.dtype.itemsize]
    assert error.max() <= tolerance, (
        f"relative error {error.max():.3g}, allowed {tolerance:g}"
    )


def check_log_det_matches_numeric_jacobian(case):
    """Check that score_samples is log N(z; 0, I) + log |det dz/dx|, numerically.

    By central differences, the median over points: a point beside a kink of a
    piecewise map has no Jacobian to compare with. The better of two steps.
    """
    X = case.fresh[:N_JACOBIANS]
    Z = case.fitted.transform(X)
    log_det = case.fitted.score_samples(X) - log_standard_normal(Z)
    step = np.finfo(Z.dtype).eps ** (1 / 3)
    numeric = [_numeric_log_det(case, X, step * s) for s in (1.0, 0.3)]
    error = np.median(np.abs(numeric - log_det), axis=1).min()
    tolerance = JACOBIAN_TOLERANCE[Z.dtype.itemsize]
    assert error <= tolerance, f"median error {error:.3g}, allowed {tolerance:g}"


def _numeric_log_det(case, X, step):
    n, d = X.shape
    shift = step * case.train.std(axis=0)
    columns = []
    for j in range(d):
        above, below = X.copy(), X.copy()
        above[:, j] += shift[j]
        below[:, j] -= shift[j]
        width = above[:, j] - below[:, j]
        difference = case.fitted.transform(above) - case.fitted.transform(below)
        columns.append(difference.astype(np.float64) / width[:, None])
    return np.linalg.slogdet(np.stack(columns, axis=2))[1]


def check_density_integrates_to_one_in_1d(case):
    """Check that the density of one column integrates to 1."""
    _assert_integral(case, n_features=1, n_nodes=GRID_1D)


def check_density_integrates_to_one_in_2d(case):
    """Check that the density of two columns integrates to 1."""
    _assert_integral(case, n_features=2, n_nodes=GRID_2D)


def _assert_integral(case, n_features, n_nodes):
    """Sum over a grid that is fine near the mean and reaches far: x = sinh t."""
    X = make_rows(len(case.train), n_features, np.random.default_rng(1))
    fitted = case.fit(X)
    reach = np.arcsinh(GRID_REACH)
    t, dt = np.linspace(-reach, reach, n_nodes, retstep=True)
    std = X.std(axis=0)
    axes = X.mean(axis=0)[:, None] + std[:, None] * np.sinh(t)
    weights = std[:, None] * np.cosh(t) * dt
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, n_features)
    weight = weights[0]
    if n_features == 2:
        weight = np.outer(weights[0], weights[1]).ravel()
    integral = float(np.sum(np.exp(fitted.score_samples(grid)) * weight))
    assert abs(integral - 1.0) <= INTEGRAL_TOLERANCE, (
        f"it integrates to {integral:.5f}, allowed 1 +- {INTEGRAL_TOLERANCE}"
    )


def check_density_falls_far_away(case):
    """Check that far from the data the log density is finite and falls."""
    case_rng, last = case.rng.bit_generator.state, np.inf
    for distance in FAR_AWAY:
        case.rng.bit_generator.state = case_rng  # the same directions each time
        log_density = case.fitted.score_samples(case.far_rows(distance))
        assert np.isfinite(log_density).all(), f"not finite at {distance:g} deviations"
        assert (log_density < last).all(), f"it rises before {distance:g} deviations"
        last = log_density


def check_score_is_the_mean(case):
    """Check that score is a float, the mean of score_samples."""
    score = case.fitted.score(case.fresh)
    assert isinstance(score, float), f"score is a {type(score).__name__}"
    log_density = case.fitted.score_samples(case.fresh)
    assert log_density.shape == (len(case.fresh),), f"shape {log_density.shape}"
    np.testing.assert_allclose(score, log_density.mean(), rtol=1e-12)


def check_sample_seeds(case):
    """Check that sample repeats with the same seed, and differs with another."""
    sample = case.fitted.sample
    first = sample(7, random_state=0)
    assert first.shape == (7, case.train.shape[1]), f"shape {first.shape}"
    assert sample().shape == (1, case.train.shape[1]), "sample() is not one row"
    np.testing.assert_array_equal(first, sample(7, random_state=0))
    same = sample(7, random_state=np.random.RandomState(3))
    np.testing.assert_array_equal(same, sample(7, random_state=3))
    assert not np.array_equal(first, sample(7, random_state=1)), "the seed is ignored"
    assert not np.array_equal(sample(7), sample(7)), "without a seed it repeats"
    before = _numpy_s_own_state()
    sample(7, random_state=0)
    assert _numpy_s_own_state() == before, "a seeded draw moved numpy's own state"


def _numpy_s_own_state():
    return pickle.dumps(np.random.get_state())  # noqa: NPY002


def check_samples_have_finite_density(case):
    """Check that samples are finite, and their densities too."""
    X = case.fitted.sample(1000, random_state=0)
    assert np.isfinite(X).all(), "a sample is not finite"
    assert np.isfinite(case.fitted.score_samples(X)).all(), "a density is not finite"


def check_fit_repeats(case):
    """Check that a second fit with the same seed, or n_jobs=2, gives the same bits."""
    _assert_same_bits(case, case.fit(case.train))
    if "n_jobs" in case.fitted.get_params():
        _assert_same_bits(case, case.fit(case.train, n_jobs=2))


def check_pickle_keeps_the_bits(case):
    """Check that a pickled copy gives the same bits."""
    _assert_same_bits(case, pickle.loads(pickle.dumps(case.fitted)))


def _assert_same_bits(case, other):
    for method, X in [
        ("transform", case.X),
        ("score_samples", case.X),
        ("inverse_transform", case.fitted.transform(case.fresh)),
    ]:
        expected, got = (getattr(e, method)(X) for e in (case.fitted, other))
        np.testing.assert_array_equal(got, expected, method)
    expected, got = (e.sample(9, random_state=0) for e in (case.fitted, other))
    np.testing.assert_array_equal(got, expected, "sample")


def check_threads_agree(case):
    """Check that two threads at once get what each would get alone."""
    inputs = [case.X, case.X[::-1].copy()]
    expected = [case.fitted.transform(X) for X in inputs]
    got = [[], []]

    def work(i):
        got[i].extend(case.fitted.transform(inputs[i]) for _ in range(5))

    threads = [Thread(target=work, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for results, Z in zip(got, expected, strict=True):
        assert len(results) == 5, "a thread failed"
        for result in results:
            np.testing.assert_array_equal(result, Z)


def check_input_is_not_written_to(case):
    """Check that no method writes to its input."""
    train, X = case.train.copy(), case.X.copy()
    fitted = case.fit(train)
    Z = np.ascontiguousarray(fitted.transform(X), dtype=np.float64)
    Z_before = Z.copy()
    fitted.score_samples(X)
    fitted.score(X)
    fitted.inverse_transform(Z)
    clone(fitted).fit_transform(train)
    np.testing.assert_array_equal(train, case.train, "fit wrote to X")
    np.testing.assert_array_equal(X, case.X, "transform or score wrote to X")
    np.testing.assert_array_equal(Z, Z_before, "inverse_transform wrote to Z")


def check_memory_layout_does_not_matter(case):
    """Check that float32, Fortran, strided and read-only rows give the same answer."""
    rows = case.train.astype(np.float32)  # values that both types hold
    plain = rows.astype(np.float64)
    expected = case.fit(plain).score_samples(plain)
    strided = np.repeat(plain, 2, axis=0)[::2]
    read_only = plain.copy()
    read_only.flags.writeable = False
    for name, X in [
        ("float32", rows),
        ("Fortran", np.asfortranarray(plain)),
        ("strided", strided),
        ("read-only", read_only),
    ]:
        got = case.fit(X).score_samples(X)
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-9, err_msg=name)


#: Every law, in the order in which they are tried.
GENERATIVE_CHECKS = (
    check_score_is_the_mean,
    check_round_trip_inside,
    check_round_trip_outside,
    check_log_det_matches_numeric_jacobian,
    check_density_integrates_to_one_in_1d,
    check_density_integrates_to_one_in_2d,
    check_density_falls_far_away,
    check_sample_seeds,
    check_samples_have_finite_density,
    check_fit_repeats,
    check_pickle_keeps_the_bits,
    check_threads_agree,
    check_input_is_not_written_to,
    check_memory_layout_does_not_matter,
)
