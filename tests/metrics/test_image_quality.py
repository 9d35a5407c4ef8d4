"""Scores of images: inception score, SSIM, PSNR and bits per dimension."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn import config_context

from gaussflow.metrics import (
    bits_per_dimension,
    inception_score,
    psnr,
    ssim,
)

# -- inception score ---------------------------------------------------------------


@pytest.mark.parametrize("n_classes", [2, 10])
def test_inception_score_of_sure_and_of_blind_classifiers(n_classes):
    sure = np.tile(np.eye(n_classes), (30, 1))
    assert inception_score(sure, n_splits=1) == pytest.approx(n_classes)
    blind = np.full((50, n_classes), 1 / n_classes)
    assert inception_score(blind) == pytest.approx(1)
    assert inception_score(np.tile(sure[:1], (50, 1))) == pytest.approx(1)


def test_inception_score_of_two_rows_is_the_closed_form():
    P = np.array([[0.9, 0.1], [0.3, 0.7]])
    divergence = (P * np.log(P / [0.6, 0.4])).sum(axis=1).mean()
    assert inception_score(P, n_splits=1) == pytest.approx(np.exp(divergence))
    # A split of one row is alike to its mean.
    assert inception_score(P, n_splits=2, return_error=True) == pytest.approx((1, 0))


def test_rows_sorted_by_class_are_dealt_to_all_splits():
    """Consecutive splits of one class each would score 1."""
    P = np.repeat(np.eye(10), 100, axis=0)
    assert inception_score(P, n_splits=10) > 8


@pytest.mark.parametrize(
    ("P", "message"),
    [
        ([[0.5, 0.6]], "row 0 has negative values or adds up to 1.1"),
        ([[0.5, 0.5], [1.5, -0.5]], "row 1 has negative values"),
        (np.log([[0.5, 0.5]]), "Pass class probabilities"),
        ([[0.5, np.nan]], "NaN"),
    ],
)
def test_inception_score_refuses_what_are_no_probabilities(P, message):
    with pytest.raises(ValueError, match=message):
        inception_score(P, n_splits=1)
    with pytest.raises(ValueError, match="n_splits must be an integer from 1 to 3"):
        inception_score(np.eye(3))


# -- image quality -----------------------------------------------------------------


def naive_ssim(a, b, data_range, size, sigma):
    """Return the SSIM of two (height, width) images, window by window."""
    steps = np.arange(size) - (size - 1) / 2
    weights = np.exp(-(steps[:, None] ** 2 + steps**2) / (2 * sigma**2))
    weights = weights / weights.sum()
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    values = []
    for i, j in itertools.product(*(range(n - size + 1) for n in a.shape)):
        x, y = a[i : i + size, j : j + size], b[i : i + size, j : j + size]
        mx, my = (weights * x).sum(), (weights * y).sum()
        vx, vy = (weights * (x - mx) ** 2).sum(), (weights * (y - my) ** 2).sum()
        cov = (weights * (x - mx) * (y - my)).sum()
        values.append(
            (2 * mx * my + c1)
            * (2 * cov + c2)
            / ((mx**2 + my**2 + c1) * (vx + vy + c2))
        )
    return np.mean(values)


@pytest.mark.parametrize(("size", "sigma"), [(11, 1.5), (7, 1.0), (1, 1.5)])
def test_ssim_agrees_with_its_definition(rng, size, sigma):
    shape = (12, 15, 3)
    A = rng.integers(0, 256, (5, 540)).astype(np.uint8)
    B = np.clip(A + 40 * rng.standard_normal((5, 540)), 0, 255).astype(np.uint8)
    expected = [
        np.mean(
            [
                naive_ssim(a[..., c], b[..., c], 255.0, size, sigma)
                for c in range(shape[2])
            ]
        )
        for a, b in zip(
            A.reshape(-1, *shape) * 1.0, B.reshape(-1, *shape) * 1.0, strict=True
        )
    ]
    with config_context(working_memory=10_000 * 8 / 2**20):  # two images a block
        found = ssim(A, B, shape, window_size=size, sigma=sigma)
    assert_allclose(found, expected, rtol=1e-9)
    scaled = ssim(
        A / 255, B / 255, shape, data_range=1.0, window_size=size, sigma=sigma
    )
    assert_allclose(scaled, expected, rtol=1e-9)


def test_ssim_of_equal_flat_and_inverted_images(rng):
    shape = (11, 11, 1)
    A = rng.random((3, 121))
    assert_allclose(ssim(A, A, shape, data_range=1), 1)
    assert_allclose(
        ssim(np.zeros((1, 121)), np.zeros((1, 121)), shape, data_range=1), 1
    )
    # Flat images: only the means differ.
    a, b = np.full((1, 121), 0.25), np.full((1, 121), 0.75)
    expected = (2 * 0.25 * 0.75 + 1e-4) / (0.25**2 + 0.75**2 + 1e-4)
    assert_allclose(ssim(a, b, shape, data_range=1), expected)
    assert (ssim(A, 1 - A, shape, data_range=1) < 0).all()


def test_ssim_of_images_smaller_than_the_window_says_what_to_pass():
    X = np.zeros((2, 64))
    with pytest.raises(
        ValueError, match=r"window_size must .* from 1 to 8 .*\(8, 8, 1\)"
    ):
        ssim(X, X, (8, 8, 1), data_range=16)
    assert_allclose(ssim(X, X, (8, 8, 1), data_range=16, window_size=7), 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_shape": (11, 11)}, r"image_shape must be \(height, width, channels\)"),
        ({"image_shape": 121}, "image_shape must be"),
        ({"image_shape": (11, 11, 3)}, "needs 363 features, but X has 121"),
        ({"image_shape": (-11, -11, 1)}, "integers of at least 1"),
        ({"window_size": 4}, "window_size must be odd, got 4"),
        ({"window_size": 3.0}, "window_size must be an integer"),
        ({"sigma": 0}, "sigma must be a number above 0"),
        ({"k1": -1.0}, "k1 must be a number above 0"),
        ({"data_range": np.inf}, "data_range must be a number above 0"),
        ({"data_range": None}, "data_range must be given for images of float64"),
    ],
)
def test_ssim_refuses_bad_options(options, message):
    X = np.zeros((1, 121))
    with pytest.raises(ValueError, match=message):
        ssim(X, X, **({"image_shape": (11, 11, 1), "data_range": 1.0} | options))


@pytest.mark.usefixtures("block_numbers")
def test_psnr_is_the_closed_form(rng):
    A = rng.integers(0, 250, (4, 30)).astype(np.uint8)
    gaps = np.array([0, 1, 2, 5])
    B = (A + gaps[:, None]).astype(np.uint8)
    expected = [np.inf, *(20 * np.log10(255 / gaps[1:]))]
    assert_allclose(psnr(A, B), expected)
    assert_allclose(psnr(B, A), expected)
    assert_allclose(psnr(A / 255, B / 255, data_range=1.0), expected)
    with pytest.raises(ValueError, match="data_range must be given"):
        psnr(A / 255, B)
    with pytest.raises(ValueError, match="A has 4 rows, but B has 3"):
        psnr(A, B[:3])


def test_bits_per_dimension_of_known_densities():
    # Pixels from 0 to 1, in a box of one level's width: no bits are left.
    assert bits_per_dimension(10 * np.log(256), 10) == pytest.approx(0)
    assert bits_per_dimension([0.0, 0.0], 3, n_levels=17) == pytest.approx(np.log2(17))
    # The same density in units of levels.
    unit = np.array([-30.0, -50.0])
    assert bits_per_dimension(unit, 8, n_levels=1) == pytest.approx(
        bits_per_dimension(unit + 8 * np.log(256), 8)
    )
    assert bits_per_dimension([0.0, -np.inf], 8) == np.inf
    for value in (np.nan, [], [[0.0]]):
        with pytest.raises(ValueError, match="log_density"):
            bits_per_dimension(value, 8)
    with pytest.raises(ValueError, match="n_features must be an integer"):
        bits_per_dimension(0.0, 0)
