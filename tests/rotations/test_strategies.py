"""Laws of the strategies that choose rotations, and of their names."""

import numpy as np
import pytest

from gaussflow.kernels.sliced import transport
from gaussflow.rotations import ROTATIONS, HaarRotation, get_rotation
from gaussflow.rotations.sliced import _SlicedDistance
from tests.rotations.conftest import ROUNDING, orthonormality_error

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
    assert orthonormality_error(rotation) < ROUNDING
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
    assert orthonormality_error(rotation) < ROUNDING
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
