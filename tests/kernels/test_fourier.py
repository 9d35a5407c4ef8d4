"""The kernels of Deep Fourier Machines beside the plain definition."""

import numpy as np
import pytest

from gaussflow.baselines.fourier.net import (
    BASES,
    FourierNet,
    fourier_basis,
    pixel_positions,
)
from gaussflow.kernels.fourier import fourier_forward, fourier_squared_error
from tests.kernels.fourier_reference import reference_forward

NETS = [
    FourierNet(4, 3, 1, "full"),
    FourierNet(3, 3, 3, "cas"),
    FourierNet(5, 2, 3, "full"),
    FourierNet(1, 1, 2, "full"),
    FourierNet(2, 2, 1, "cas"),
]


@pytest.fixture(params=NETS, ids=str)
def case(request, global_random_seed):
    """Return a net, weights, positions (more than a tile) and pixels to reach."""
    net = request.param
    rng = np.random.default_rng(global_random_seed)
    weights = 0.1 * rng.standard_normal(net.n_weights)
    positions = rng.random((150, 2))
    return net, weights, positions, rng.uniform(-1, 1, (150, net.channels))


def shape_of(net):
    return net.width, net.depth, net.channels, BASES[net.basis]


def squared_error(net, weights, positions, target):
    return ((reference_forward(net, weights, positions) - target) ** 2).sum()


@pytest.mark.parametrize(
    ("net", "count"),
    [
        (FourierNet(4, 6, 1, "cas"), 352),
        (FourierNet(6, 10, 3, "cas"), 3672),
        (FourierNet(4, 6, 1, "full"), 704),
        (FourierNet(6, 10, 3, "full"), 7344),
        (FourierNet(8, 6, 3, "full"), 22080),
    ],
)
def test_nets_have_the_thesis_numbers_of_weights(net, count):
    assert net.n_weights == count
    assert len(net.draw(np.random.default_rng(0))) == count


@pytest.mark.parametrize("m", [1, 2, 3, 5])
def test_basis_is_that_of_the_formula_and_has_one_function_too_many(m):
    x = np.random.default_rng(0).random((2 ** (m + 2), m))
    k = (np.arange(2**m)[:, np.newaxis] >> np.arange(m)) & 1
    angle = 2 * np.pi * x @ k.T
    basis = fourier_basis(x)
    expected = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    np.testing.assert_allclose(basis, expected, atol=1e-13)
    assert np.linalg.matrix_rank(basis.reshape(len(x), -1)) == 2 ** (m + 1) - 1


def test_pixels_equal_the_reference(case):
    net, weights, positions, _ = case
    many = np.stack([weights, weights[::-1], 3 * weights])
    out = np.empty((3, len(positions), net.channels))
    fourier_forward(many, positions, *shape_of(net), out)
    for pixels, one in zip(out, many, strict=True):
        expected = reference_forward(net, one, positions)
        np.testing.assert_allclose(pixels, expected, atol=1e-10)


def test_gradient_equals_finite_differences_of_the_reference(case):
    net, weights, positions, target = case
    grad = np.empty_like(weights)
    total = fourier_squared_error(weights, positions, *shape_of(net), target, grad)
    expected = squared_error(net, weights, positions, target)
    assert total == pytest.approx(expected, rel=1e-12)
    step = 1e-6
    for j in np.linspace(0, len(weights) - 1, 30).astype(int):
        ends = []
        for sign in (1, -1):
            moved = weights.copy()
            moved[j] += sign * step
            ends.append(squared_error(net, moved, positions, target))
        slope = (ends[0] - ends[1]) / (2 * step)
        # Differences of a sum of some hundreds are good to about 1e-5 here.
        assert grad[j] == pytest.approx(slope, rel=1e-5, abs=1e-5 * abs(grad).max())


def test_single_precision_is_close_to_double(case):
    net, weights, positions, target = case
    # Rows of weights that a map multiplies up lose digits that it had.
    arrays = [0.3 * weights, positions, target]
    results = []
    for dtype in (np.float64, np.float32):
        w, x, y = (a.astype(dtype) for a in arrays)
        grad = np.empty_like(w)
        total = fourier_squared_error(w, x, *shape_of(net), y, grad)
        results.append((total, grad))
    (total, grad), (total32, grad32) = results
    assert grad32.dtype == np.float32
    assert total32 == pytest.approx(total, rel=1e-4)
    np.testing.assert_allclose(grad32, grad, atol=1e-3 * abs(grad).max())


def test_positions_are_the_centres_of_pixels():
    coarse, fine = pixel_positions(2, 3), pixel_positions(6, 9)
    middle = fine.reshape(6, 9, 2)[1::3, 1::3].reshape(-1, 2)
    np.testing.assert_allclose(coarse, middle, rtol=1e-15)


def test_draws_follow_their_inits():
    net = FourierNet(6, 4)
    rng = np.random.default_rng(0)
    scaled = net.split(net.draw(rng, "scaled"))
    assert scaled[0].std() == pytest.approx(0.15, rel=0.3)
    assert scaled[1].std() == pytest.approx(1e-3, rel=0.1)
    assert net.draw(rng, "thesis").var() == pytest.approx(2e-10, rel=0.1)
