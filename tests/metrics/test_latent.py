"""Scores of codes: known values, and what they refuse."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from gaussflow.metrics import (
    active_units,
    dci,
    information_rate,
    label_consistency,
    mutual_information_gap,
    noise_stability,
    path_smoothness,
    ssim,
)


@pytest.fixture
def rng(global_random_seed):
    return np.random.default_rng(global_random_seed)


def test_the_rate_is_the_information_of_gaussian_channels(rng):
    """I(z; m) of z = m + e is 1/2 log2(1 + signal / noise), summed over channels."""
    signal, noise = np.array([1.0, 4.0, 0.0]), np.array([1.0, 0.25, 1.0])
    mean = np.sqrt(signal) * rng.standard_normal((200_000, 3))
    variance = np.broadcast_to(noise, mean.shape)
    expected = [0.5, 0.5 * np.log2(17), 0.0]
    assert_allclose(
        information_rate(mean, variance, per_unit=True), expected, atol=0.01
    )
    assert_allclose(information_rate(mean, variance), sum(expected), atol=0.02)
    assert active_units(mean).tolist() == [True, True, False]


def test_noise_of_known_size_moves_a_linear_function_by_a_known_distance(rng):
    A = rng.standard_normal((4, 3))
    moved = noise_stability(
        lambda X: X @ A, rng.standard_normal((50_000, 4)), 0.3, random_state=0
    )
    assert_allclose(moved, 0.09 * np.sum(A**2), rtol=0.03)
    same = noise_stability(np.round, np.zeros((10, 2)), 0.01, random_state=0)
    assert same == 0.0


def test_bounds_keep_noisy_pixels_where_pixels_are():
    seen = []
    noise_stability(
        lambda X: seen.append(X) or X,
        np.ones((9, 4)),
        1.0,
        bounds=(0, 1),
        random_state=0,
    )
    assert 0.0 <= seen[1].min() < seen[1].max() == 1.0


def test_smoothness_is_the_mean_similarity_of_neighbours(rng):
    path = rng.random((4, 144))
    pairs = [
        ssim(path[i : i + 1], path[i + 1 : i + 2], (12, 12, 1), data_range=1.0)
        for i in range(3)
    ]
    assert_allclose(path_smoothness(path, (12, 12, 1), data_range=1.0), np.mean(pairs))
    still = np.repeat(path[:1], 3, axis=0)
    assert_allclose(path_smoothness(still, (12, 12, 1), data_range=1.0), 1.0)


def factors_of(rng, n=4000):
    return np.column_stack([rng.random(n), rng.random(n), rng.integers(3, size=n)])


def test_the_gap_is_one_for_the_factors_themselves_and_none_for_copies(rng):
    factors = factors_of(rng)
    assert mutual_information_gap(factors, factors) > 0.95
    twice = np.hstack([factors, factors])
    assert_allclose(mutual_information_gap(twice, factors), 0.0, atol=1e-12)
    noise = rng.standard_normal((4000, 4))
    assert mutual_information_gap(noise, factors) < 0.02


def test_the_gap_of_a_known_joint_law(rng):
    """A binary factor seen through a channel that flips it with probability 0.1."""
    factor = rng.integers(2, size=200_000)
    seen = factor ^ (rng.random(len(factor)) < 0.1)
    codes = np.column_stack([seen, rng.random(len(factor))]).astype(float)
    capacity = 1 + 0.1 * np.log2(0.1) + 0.9 * np.log2(0.9)
    gap = mutual_information_gap(codes, factor[:, np.newaxis])
    assert_allclose(gap, capacity, atol=0.01)


def test_dci_tells_pure_units_from_mixed_ones(rng):
    factors = factors_of(rng, 1500)
    pure = dci(factors, factors, random_state=0)
    assert min(pure.values()) > 0.95
    rotation = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    white = (factors - factors.mean(axis=0)) / factors.std(axis=0)
    mixed = dci(white @ rotation, factors, random_state=0)
    assert mixed["disentanglement"] < pure["disentanglement"] - 0.2
    noise = dci(rng.standard_normal((1500, 3)), factors, random_state=0)
    assert noise["informativeness"] < 0.2


def test_dci_repeats_with_its_seed(rng):
    factors = factors_of(rng, 300)
    one, two = (dci(factors, factors, n_estimators=5, random_state=3) for _ in range(2))
    assert one == two


def test_label_consistency_finds_the_worst_label():
    labels = np.array(["a"] * 4 + ["b"] * 4)
    seen = np.array(["a"] * 4 + ["a", "b", "b", "b"])
    overall, worst, by_label = label_consistency(labels, seen)
    assert (overall, worst) == (7 / 8, 0.75)
    assert by_label == {"a": 1.0, "b": 0.75}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda A: information_rate(A, -A - 1), "variance must be positive"),
        (
            lambda A: information_rate(A, A[:5] + 1),
            "mean has 10 rows, but variance has 5",
        ),
        (lambda A: information_rate(A, A[:, :1] + 1), "mean has 3 columns"),
        (lambda A: active_units(A, threshold=0), "threshold must be a number above 0"),
        (lambda A: noise_stability(np.abs, A, -1.0), "scale must be a number above 0"),
        (lambda A: mutual_information_gap(A, A[:5]), "codes has 10 rows, but factors"),
        (lambda A: mutual_information_gap(A[:, :1], A), "codes has one column"),
        (lambda A: mutual_information_gap(A, 0 * A), "Column 0 of factors is constant"),
        (lambda A: dci(A, A, n_estimators=0), "n_estimators"),
        (lambda A: label_consistency([], []), "of one length, at least 1"),
        (lambda A: label_consistency([1, 2], [1]), "of one length, at least 1"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.random.default_rng(0).random((10, 3)))
