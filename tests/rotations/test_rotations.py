"""Laws of the rotations: orthonormal directions, applied and undone."""

import pickle
from threading import Thread

import numpy as np
import pytest

from gaussflow.rotations import (
    DenseRotation,
    HaarRotation,
    IdentityRotation,
    StructuredRotation,
)
from gaussflow.rotations.haar import MatrixCache, draw_haar
from tests.rotations.conftest import ROUNDING, orthonormality_error

WIDTHS = [1, 2, 3, 64, 100]


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


@pytest.mark.parametrize("d", WIDTHS)
def test_directions_are_orthonormal(kind, d):
    assert orthonormality_error(kind(d)) < ROUNDING


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
    assert orthonormality_error(rotation) < ROUNDING
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
    Q = np.stack([draw_haar(seed, d, d) for seed in range(4000)])
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


def test_haar_cache_is_bounded_and_threads_agree():
    cache = MatrixCache(3 * 30 * 30 * 8)
    expected = [draw_haar(seed, 30, 30) for seed in range(6)]
    wrong = []

    def read():
        for _ in range(5):
            for seed in range(6):
                if not np.array_equal(cache.get(seed, 30, 30), expected[seed]):
                    wrong.append(seed)

    threads = [Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(cache) <= 3
    np.testing.assert_array_equal(HaarRotation(4, 30).matrix(), expected[4])


def test_writing_to_a_matrix_does_not_change_the_rotation():
    rotation = HaarRotation(5, 4)
    Q = rotation.matrix()
    Q[:] = 0.0
    assert orthonormality_error(rotation) < ROUNDING
