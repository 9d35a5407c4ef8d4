"""Laws of the rotations, and of the strategies that choose them."""

import pickle
from threading import Thread

import numpy as np
import pytest

from gaussflow.kernels.sliced import transport
from gaussflow.rotations import (
    ROTATIONS,
    DenseRotation,
    HaarRotation,
    IdentityRotation,
    StructuredRotation,
    get_rotation,
)
from gaussflow.rotations import haar as haar_module
from gaussflow.rotations.sliced import _SlicedDistance

WIDTHS = [1, 2, 3, 64, 100]
ROUNDING = 1e-12


def _dense(d):
    gaussian = np.random.default_rng(d).standard_normal((d, max(d - 1, 1)))
    return DenseRotation(np.linalg.qr(gaussian)[0].T)


KINDS = {
    "dense": _dense,
    "haar": lambda d: HaarRotation(7, d),
    "structured": lambda d: StructuredRotation(7, d),
    "identity": IdentityRotation,
}


@pytest.fixture(params=KINDS)
def kind(request):
    return KINDS[request.param]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def _orthonormality_error(rotation):
    Q = rotation.matrix()
    assert Q.shape == (rotation.n_directions, rotation.n_features)
    return np.abs(Q @ Q.T - np.eye(len(Q))).max()


# -- rotations --------------------------------------------------------------


@pytest.mark.parametrize("d", WIDTHS)
def test_directions_are_orthonormal(kind, d):
    assert _orthonormality_error(kind(d)) < ROUNDING


@pytest.mark.parametrize("d", WIDTHS)
def test_project_and_lift_are_matrix_and_adjoint(kind, d, rng):
    rotation = kind(d)
    Q = rotation.matrix()
    # 37 rows: not a multiple of the kernels' tile.
    X = rng.standard_normal((37, d))
    Y = rng.standard_normal((37, rotation.n_directions))
    np.testing.assert_allclose(rotation.project(X), X @ Q.T, atol=ROUNDING)
    np.testing.assert_allclose(rotation.lift(Y), Y @ Q, atol=ROUNDING)
    assert np.vdot(rotation.project(X), Y) == pytest.approx(
        np.vdot(X, rotation.lift(Y)), abs=1e-10
    )


@pytest.mark.parametrize("d", WIDTHS)
def test_results_are_new_arrays_and_arguments_are_left_alone(kind, d, rng):
    rotation = kind(d)
    X = rng.standard_normal((5, d))
    Y = rng.standard_normal((5, rotation.n_directions))
    for method, argument in ((rotation.project, X), (rotation.lift, Y)):
        before = argument.copy()
        argument.setflags(write=False)
        result = method(argument)
        assert not np.shares_memory(result, argument)
        assert result.flags.writeable
        np.testing.assert_array_equal(argument, before)


def test_select_keeps_the_chosen_directions(kind, rng):
    rotation = kind(8)
    Q = rotation.matrix()
    some = rotation.select(np.array([5, 0, 3]))
    np.testing.assert_allclose(some.matrix(), Q[[5, 0, 3]], atol=ROUNDING)
    # Once more, by a mask, on what is left.
    fewer = some.select(np.array([True, False, True]))
    np.testing.assert_allclose(fewer.matrix(), Q[[5, 3]], atol=ROUNDING)
    assert fewer.n_directions == 2
    X = rng.standard_normal((6, 8))
    np.testing.assert_allclose(fewer.project(X), X @ Q[[5, 3]].T, atol=ROUNDING)
    none = rotation.select(np.zeros(0, dtype=int))
    assert none.n_directions == 0
    assert none.project(X).shape == (6, 0)
    np.testing.assert_array_equal(none.lift(np.zeros((6, 0))), np.zeros((6, 8)))


def test_float32_stays_float32_and_is_close(kind, rng):
    rotation = kind(100)
    X = rng.standard_normal((20, 100))
    Y = rotation.project(X.astype(np.float32))
    assert Y.dtype == np.float32
    # A few dozen float32 roundings of values of order one.
    np.testing.assert_allclose(Y, rotation.project(X), atol=1e-5)
    back = rotation.lift(Y)
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, rotation.lift(rotation.project(X)), atol=1e-5)


def test_fortran_order_and_no_rows(kind, rng):
    rotation = kind(12)
    X = rng.standard_normal((9, 12))
    np.testing.assert_allclose(
        rotation.project(np.asfortranarray(X)), rotation.project(X), atol=ROUNDING
    )
    assert rotation.project(X[:0]).shape == (0, rotation.n_directions)


def test_pickle_gives_the_same_rotation_and_stays_small(kind):
    rotation = kind(64)
    data = pickle.dumps(rotation)
    np.testing.assert_array_equal(pickle.loads(data).matrix(), rotation.matrix())
    if not isinstance(rotation, DenseRotation):
        assert len(data) < 500


def test_structured_is_orthogonal_in_784_dimensions(rng):
    rotation = StructuredRotation(1, 784)
    assert _orthonormality_error(rotation) < ROUNDING
    X = rng.standard_normal((20, 784))
    np.testing.assert_allclose(
        rotation.lift(rotation.project(X)), X, atol=ROUNDING * 10
    )


@pytest.mark.parametrize("d", [2, 7, 100, 256])
def test_structured_entries_have_the_moments_of_haar(d):
    """E Q_ij^2 = 1/D and E Q_ij^4 = 3 / (D (D + 2)) for a Haar rotation."""
    n_draws = max(20, 4000 // d**2)
    entries = np.stack([StructuredRotation(s, d).matrix() for s in range(n_draws)])
    # n_draws D^2 > 1000 entries, of which no two rows are quite independent:
    # 10 % is over three standard errors of the fourth moment.
    assert np.mean(entries**4) == pytest.approx(3 / (d * (d + 2)), rel=0.1)
    assert abs(entries.mean()) < 4 / np.sqrt(entries.size * d)


def test_haar_moments_are_those_of_the_uniform_law():
    """The diagonal too: without the sign fix of QR its mean is not 0."""
    d = 3
    Q = np.stack([haar_module._draw_haar(seed, d, d) for seed in range(4000)])
    error = 4 / np.sqrt(4000 * d)
    np.testing.assert_allclose(Q.mean(axis=0), 0.0, atol=error)
    np.testing.assert_allclose((Q**2).mean(axis=0), 1 / d, atol=error)
    np.testing.assert_allclose((Q**4).mean(axis=0), 3 / (d * (d + 2)), atol=error)
    assert abs(np.linalg.det(Q).mean()) < 4 / np.sqrt(4000)


@pytest.mark.parametrize("kind", [HaarRotation, StructuredRotation])
def test_seed_decides_the_rotation(kind):
    Q = kind(3, 20).matrix()
    np.testing.assert_array_equal(kind(3, 20).matrix(), Q)
    assert np.abs(kind(4, 20).matrix() - Q).max() > 0.1


def test_haar_cache_is_bounded_and_threads_agree(monkeypatch):
    monkeypatch.setattr(haar_module, "_CACHE_BYTES", 3 * 30 * 30 * 8)
    monkeypatch.setattr(haar_module, "_cache", type(haar_module._cache)())
    expected = [haar_module._draw_haar(seed, 30, 30) for seed in range(6)]
    wrong = []

    def read():
        for _ in range(5):
            for seed in range(6):
                if not np.array_equal(HaarRotation(seed, 30).matrix(), expected[seed]):
                    wrong.append(seed)

    threads = [Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(haar_module._cache) <= 3


def test_writing_to_a_matrix_does_not_change_the_rotation():
    rotation = HaarRotation(5, 4)
    Q = rotation.matrix()
    Q[:] = 0.0
    assert _orthonormality_error(rotation) < ROUNDING


# -- strategies -------------------------------------------------------------

ODD_ROWS = {
    "white": np.random.default_rng(1).standard_normal((200, 6)),
    "one column": np.random.default_rng(1).standard_normal((50, 1)),
    "two columns": np.random.default_rng(1).standard_normal((50, 2)),
    "two rows": np.array([[1.0, 2.0, 3.0], [0.0, 5.0, 1.0]]),
    "all equal": np.ones((10, 4)),
    "zeros": np.zeros((10, 4)),
    "constant column": np.random.default_rng(1).standard_normal((60, 5))
    * (1, 1, 0, 1, 1),
    "duplicates": np.repeat(
        np.random.default_rng(1).standard_normal((60, 2)), 3, axis=1
    ),
    "more columns than rows": np.random.default_rng(1).standard_normal((10, 30)),
    "ties": np.random.default_rng(1).integers(0, 2, (100, 5)).astype(float),
    "far out": np.random.default_rng(1).standard_cauchy((100, 5)) * 1e6,
    "huge": np.random.default_rng(1).standard_normal((100, 5)) * 1e100,
    "one row far away": np.vstack([np.eye(5), np.full((1, 5), 1e30)]),
    "tiny": np.random.default_rng(1).standard_normal((100, 5)) * 1e-12,
    "float32": np.random.default_rng(1).standard_normal((100, 5)).astype(np.float32),
}


@pytest.mark.parametrize("with_target", [False, True])
@pytest.mark.parametrize("rows", ODD_ROWS)
@pytest.mark.parametrize("name", ROTATIONS)
def test_strategy_gives_orthonormal_directions_for_any_rows(name, rows, with_target):
    Z = ODD_ROWS[rows]
    target = 2.0 * Z[::-1][: max(len(Z) // 2, 2)] + 1.0 if with_target else None
    before = Z.copy()
    strategy = get_rotation(name)
    rotation = strategy(Z, np.random.default_rng(0), target=target)
    assert rotation.n_features == Z.shape[1]
    assert 1 <= rotation.n_directions <= Z.shape[1]
    assert _orthonormality_error(rotation) < ROUNDING
    np.testing.assert_array_equal(Z, before)
    again = strategy(Z, np.random.default_rng(0), target=target)
    np.testing.assert_array_equal(again.matrix(), rotation.matrix())


@pytest.mark.parametrize("name", ROTATIONS)
def test_strategy_gives_the_number_of_directions_asked_for(name):
    Z = np.random.default_rng(0).standard_normal((100, 20))
    assert get_rotation(name)(
        Z, np.random.default_rng(0), n_directions=3
    ).matrix().shape == (3, 20)


@pytest.mark.parametrize("name", ROTATIONS)
def test_strategy_says_whether_it_looked(name):
    """What is not learned depends on the rows' width only."""
    a, b = np.random.default_rng(0).standard_normal((2, 80, 5)) ** 3
    strategy = get_rotation(name)
    # Several seeds: "auto" may draw a strategy that does not look.
    same = [
        np.array_equal(
            strategy(a, np.random.default_rng(seed)).matrix(),
            strategy(b, np.random.default_rng(seed)).matrix(),
        )
        for seed in range(8)
    ]
    assert all(same) == (not strategy.learned)


def test_pca_finds_the_axes(rng):
    Q = HaarRotation(2, 5).matrix()
    Z = (rng.standard_normal((4000, 5)) * [5, 4, 3, 2, 1]) @ Q
    found = get_rotation("pca")(Z, rng).matrix()
    np.testing.assert_allclose(np.abs(found @ Q.T), np.eye(5), atol=0.1)
    assert (found[np.arange(5), np.abs(found).argmax(axis=1)] > 0).all()


def test_pca_takes_the_axes_of_the_target(rng):
    Z = rng.standard_normal((500, 3)) * [1, 2, 9]
    target = rng.standard_normal((500, 3)) * [9, 2, 1]
    found = get_rotation("pca")(Z, rng, target=target).matrix()
    np.testing.assert_allclose(np.abs(found), np.eye(3), atol=0.15)


def test_ica_recovers_independent_sources(rng):
    sources = np.column_stack(
        [rng.laplace(size=4000), rng.uniform(-1, 1, 4000), rng.exponential(size=4000)]
    )
    sources = (sources - sources.mean(axis=0)) / sources.std(axis=0)
    Q = HaarRotation(11, 3).matrix()
    found = get_rotation("ica")(sources @ Q, rng).matrix()
    # Each source is met once: a permutation up to sign and sampling error.
    match = np.abs(found @ Q.T)
    assert (match.max(axis=0) > 0.99).all()
    assert (match.max(axis=1) > 0.99).all()


def test_ica_looks_past_the_covariance(rng):
    """Mixed with unequal scales: whitening is inside, not assumed."""
    sources = rng.laplace(size=(5000, 4))
    scale = np.array([3.0, 2.0, 1.0, 0.5])
    Q = get_rotation("ica")(sources * scale, rng).matrix()
    assert (np.abs(Q).max(axis=1) > 0.99).all()


@pytest.mark.parametrize("name", ["ica", "sliced"])
def test_learned_directions_show_a_planted_bimodal_axis(name, rng):
    planted = HaarRotation(4, 16).matrix()[0]
    Z = rng.standard_normal((1000, 16))
    bimodal = rng.choice([-0.9, 0.9], 1000) + 0.45 * rng.standard_normal(1000)
    Z += np.outer(bimodal - Z @ planted, planted)
    found = get_rotation(name)(Z, rng)
    match = np.abs(found.matrix() @ planted)
    assert match.max() > 0.95
    if name == "sliced":
        assert match.argmax() == 0


@pytest.mark.parametrize("size", [30.0, 1e6])
def test_sliced_is_not_drawn_to_an_outlier(size, rng):
    Z = rng.standard_normal((1000, 8))
    Z[:, 3] = np.sign(Z[:, 3])
    Z[0, 5] = size
    found = get_rotation("sliced")(Z, rng, n_directions=1).matrix()
    assert abs(found[0, 3]) > 0.95


def test_transport_agrees_with_sorting(rng):
    Y = rng.standard_normal((3, 500)) * [[1.0], [5.0], [0.1]] + [[0.0], [100.0], [7.0]]
    reference = np.sort(rng.exponential(size=(3, 500)), axis=1)
    moved = np.empty_like(Y)
    transport(Y, reference, 512, moved)
    exact = np.take_along_axis(reference, Y.argsort(axis=1).argsort(axis=1), axis=1)
    # Ranks are off by the values that share a bin; the last quantiles are far
    # apart, so that a rank there is worth more.
    assert np.abs(moved - exact).mean() < 0.02
    assert (np.diff(np.take_along_axis(moved, Y.argsort(axis=1), axis=1)) >= 0).all()


@pytest.mark.parametrize("with_target", [False, True])
def test_sliced_gradient_matches_differences(with_target, rng):
    Z = rng.exponential(size=(3000, 5)) - 1.0
    target = rng.uniform(-2.0, 2.0, (2000, 5)) if with_target else None
    objective = _SlicedDistance(Z, target)
    W = HaarRotation(0, 5).matrix()[:2]
    slope = objective(W)[1]
    step = 0.05 * slope / np.linalg.norm(slope)
    change = objective(W + step)[0] - objective(W - step)[0]
    # Ranks jump as rows change places (smooth only on the scale of the step),
    # and the bounded loss moves its coupling a little.
    assert change == pytest.approx(2.0 * np.vdot(slope, step), rel=0.1)


@pytest.mark.parametrize("name", ["ica", "sliced"])
def test_learned_directions_show_where_target_differs(name, rng):
    planted = HaarRotation(4, 16).matrix()[0]
    Z = rng.standard_normal((1000, 16))
    target = rng.standard_normal((800, 16))
    target += np.outer(target @ planted, planted)
    found = get_rotation(name)(Z, rng, target=target).matrix()
    assert np.abs(found @ planted).max() > 0.95


def test_sliced_does_better_than_random_directions(rng):
    Z = rng.exponential(size=(600, 12)) - 1.0
    Z = Z @ HaarRotation(1, 12).matrix()

    def skewness(rotation):
        return np.sort(np.abs(np.mean(rotation.project(Z) ** 3, axis=0)))[-4:].sum()

    sliced = skewness(get_rotation("sliced")(Z, rng, n_directions=4))
    random = skewness(get_rotation("random")(Z, rng))
    # Skewness 2 along each of the 12 sources; 2 / sqrt(12) along a mean axis.
    assert sliced > 6.0 > random


@pytest.mark.parametrize(
    ("d", "kinds"),
    [
        (3, {"HaarRotation"}),
        (5, {"DenseRotation"}),
        (300, {"DenseRotation", "StructuredRotation"}),
    ],
)
def test_auto_suits_the_number_of_features(d, kinds, rng):
    Z = rng.standard_normal((30, d))
    strategy = get_rotation("auto")
    assert {type(strategy(Z, rng)).__name__ for _ in range(10)} == kinds


# -- names and callables ----------------------------------------------------


@pytest.mark.parametrize("rotation", ["haar", 3, None])
def test_unknown_rotation_names_the_choices(rotation):
    with pytest.raises(ValueError, match="'random', 'structured'.*got") as caught:
        get_rotation(rotation)
    assert repr(rotation) in str(caught.value)


def test_callable_is_wrapped(rng):
    Q = HaarRotation(0, 6).matrix()[:4]
    seen = []

    def mine(Z, rng):
        seen.append(Z.shape)
        Z[:] = 0.0
        return Q.astype(np.float32)

    strategy = get_rotation(mine)
    assert strategy.learned
    Z = np.ones((9, 6))
    rotation = strategy(Z, rng, n_directions=2)
    assert seen == [(9, 6)]
    assert (Z == 1.0).all()
    assert _orthonormality_error(rotation) < ROUNDING
    np.testing.assert_allclose(rotation.matrix(), Q[:2], atol=1e-6)


def test_strategies_pass_through():
    strategy = get_rotation("pca")
    assert get_rotation(strategy) is strategy


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (np.eye(3), r"'mine'.*\(n_directions, 4\).*got shape \(3, 3\)"),
        (np.ones(4), r"got shape \(4,\)"),
        (np.zeros((0, 4)), r"1 to 4 rows, got shape \(0, 4\)"),
        (np.eye(5, 4), r"1 to 4 rows, got shape \(5, 4\)"),
        (np.ones((2, 4)), r"orthonormal rows, but Q Q\^T differs.*by 4"),
        (np.full((2, 4), np.nan), "orthonormal rows"),
        (None, "array of real numbers, got NoneType"),
        ("pca", "array of real numbers, got str"),
        ([[1.0, 0.0], [1.0]], "array of real numbers, got list"),
        (1j * np.eye(4), "array of real numbers, got ndarray"),
    ],
)
def test_callable_with_a_bad_answer_is_told_so(answer, message):
    def mine(Z, rng):
        return answer

    with pytest.raises(ValueError, match=message):
        get_rotation(mine)(np.zeros((5, 4)), np.random.default_rng(0))
