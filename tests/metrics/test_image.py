import itertools
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.linalg import sqrtm
from scipy.spatial.distance import cdist
from scipy.special import softmax
from scipy.stats import ortho_group, wasserstein_distance
from sklearn.metrics.pairwise import polynomial_kernel

from gaussflow import metrics
from gaussflow.datasets import load_digits_images
from gaussflow.metrics import (
    ClassifierFeatures,
    _rows,
    bits_per_dimension,
    density_coverage,
    frechet_distance,
    frechet_distance_from_moments,
    inception_score,
    kernel_distance,
    nearest_distance,
    precision_recall,
    psnr,
    sliced_wasserstein,
    ssim,
)

TWO_SAMPLES = [
    frechet_distance,
    kernel_distance,
    sliced_wasserstein,
    precision_recall,
    density_coverage,
    nearest_distance,
]


@pytest.fixture
def rng(global_random_seed):
    return np.random.default_rng(global_random_seed)


@pytest.fixture(params=[None, 40], ids=["one_block", "many_blocks"])
def block_numbers(request, monkeypatch):
    """Run once with blocks of a few rows, which must not change any result."""
    if request.param:
        monkeypatch.setattr(_rows, "BLOCK_NUMBERS", request.param)


# -- Frechet -----------------------------------------------------------------------


def test_frechet_of_diagonal_gaussians_is_the_closed_form(rng):
    """Commuting covariances: |m1 - m2|^2 + sum of (s1 - s2)^2."""
    Q = ortho_group.rvs(6, random_state=rng)
    s, t = rng.uniform(0, 3, (2, 6))
    m, n = rng.standard_normal((2, 6))
    distance = frechet_distance_from_moments(m, Q * s**2 @ Q.T, n, Q * t**2 @ Q.T)
    assert distance == pytest.approx(((m - n) ** 2).sum() + ((s - t) ** 2).sum())


def test_frechet_of_any_covariances_agrees_with_the_matrix_root(rng):
    F, G = rng.standard_normal((2, 5, 9))
    S, T = F @ F.T, G @ G.T
    expected = np.trace(S) + np.trace(T) - 2 * np.trace(sqrtm(S @ T).real)
    zero = np.zeros(5)
    assert frechet_distance_from_moments(zero, S, zero, T) == pytest.approx(expected)


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_frechet_is_exact_for_singular_covariances(rng, scale):
    """A root of the product's eigenvalues errs by 1e-8 of the trace here."""
    F = scale * rng.standard_normal((40, 3))
    S, zero = F @ F.T, np.zeros(40)
    same = frechet_distance_from_moments(zero, S, zero, S)
    assert same <= 1e-12 * np.trace(S)
    point = frechet_distance_from_moments(zero, S, zero, np.zeros((40, 40)))
    assert point == pytest.approx(np.trace(S))


@pytest.mark.usefixtures("block_numbers")
def test_frechet_of_samples_uses_their_mean_and_covariance(rng):
    A, B = rng.standard_normal((30, 4)), 2 * rng.random((50, 4)) + 1
    expected = frechet_distance_from_moments(
        A.mean(axis=0), np.cov(A.T), B.mean(axis=0), np.cov(B.T)
    )
    assert frechet_distance(A, B) == pytest.approx(expected)
    assert frechet_distance(A, A) == pytest.approx(0, abs=1e-12)


def test_frechet_takes_more_columns_than_rows_and_one_column(rng):
    A = rng.standard_normal((5, 20))
    assert frechet_distance(A, A + 1) == pytest.approx(20)
    assert frechet_distance(A[:, :1], A[:, :1] + 2) == pytest.approx(4)
    assert frechet_distance(np.ones((3, 2)), np.zeros((4, 2))) == pytest.approx(2)


@pytest.mark.parametrize(
    ("mean", "cov", "message"),
    [
        (np.zeros(2), np.eye(3), "must have shapes"),
        (np.zeros((2, 1)), np.eye(2), "must have shapes"),
        (np.zeros(3), np.eye(3), "mean_a has 2 entries, but mean_b has 3"),
        (np.zeros(2), [[1.0, 2.0], [0.0, 1.0]], "cov_b must be symmetric"),
        (np.zeros(2), [[1.0, 2.0], [2.0, 1.0]], "cov_b must be positive semi"),
        ([0.0, np.nan], np.eye(2), "not finite"),
    ],
)
def test_frechet_refuses_what_are_no_moments(mean, cov, message):
    with pytest.raises(ValueError, match=message):
        frechet_distance_from_moments(np.zeros(2), np.eye(2), mean, cov)


# -- kernel distance ---------------------------------------------------------------


def test_one_subset_of_the_kernel_distance_is_the_u_statistic(rng):
    """Constant rows: every subset is the same, and the kernel is a number."""
    A, B = np.tile([1.0, 2.0], (10, 1)), np.tile([3.0, -1.0], (12, 1))
    aa, bb, ab = (
        (x @ y / 2 + 1) ** 3 for x, y in ((A[0], A[0]), (B[0], B[0]), (A[0], B[0]))
    )
    assert kernel_distance(A, B) == pytest.approx(aa + bb - 2 * ab)
    # All subsets together see every pair: their mean nears that over all pairs.
    A, B = rng.standard_normal((20, 3)), rng.standard_normal((20, 3)) + 0.5
    K = [polynomial_kernel(*pair, degree=3) for pair in ((A, A), (B, B), (A, B))]
    within = sum((k.sum() - np.trace(k)) / (20 * 19) for k in K[:2])
    found = kernel_distance(A, B, n_subsets=5000)
    assert found == pytest.approx(within - 2 * K[2].mean(), rel=0.05)


def test_kernel_distance_is_unbiased_and_knows_its_error(rng):
    """Its mean over equal laws is 0, where a biased one would be positive."""
    draws = [
        kernel_distance(
            *rng.standard_normal((2, 100, 3)), n_subsets=20, return_error=True
        )
        for _ in range(200)
    ]
    values, errors = np.array(draws).T
    assert abs(values.mean()) < 4 * values.std() / np.sqrt(200)
    # The bias of the V-statistic is E k(x, x) - E k(x, y) over n, here about 0.16.
    assert values.std() / np.sqrt(200) < 0.02
    assert errors.mean() > values.std()


def test_the_error_of_the_kernel_distance_is_that_of_new_samples(rng):
    draws = [
        kernel_distance(
            rng.standard_normal((80, 3)),
            rng.standard_normal((80, 3)) + 1.0,
            n_subsets=30,
            return_error=True,
        )
        for _ in range(200)
    ]
    values, errors = np.array(draws).T
    # The spread of 200 values is known within 5 %; the formula holds to leading order.
    assert np.sqrt((errors**2).mean()) == pytest.approx(values.std(), rel=0.3)


def test_seeds_decide_subsets_and_directions(rng):
    A, B = rng.standard_normal((2, 60, 3))
    for metric in (kernel_distance, sliced_wasserstein):
        one = metric(A, B, random_state=3)
        assert metric(A, B, random_state=3) == one
        assert metric(A, B, random_state=4) != one


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


# -- sliced Wasserstein ------------------------------------------------------------


def test_sliced_distance_of_a_shift_is_its_length_over_root_d(rng):
    """W_2(w.A, w.A + w.s) = |w.s|, and E (w.s)^2 = |s|^2 / d."""
    A, shift = rng.standard_normal((50, 8)), rng.standard_normal(8)
    found = sliced_wasserstein(A, A + shift, 20_000)
    assert found == pytest.approx(np.linalg.norm(shift) / np.sqrt(8), rel=0.03)


def test_sliced_distance_of_gaussians_is_the_closed_form(rng):
    """N(0, I) and N(s, 4 I): W_2^2 = (w.s)^2 + 1 along every direction."""
    A, B = rng.standard_normal((2, 5000, 4))
    found = sliced_wasserstein(A, 2 * B + [2, 0, 0, 0], 300)
    # The directions' (w.s)^2 has mean 1 and standard deviation 0.9: 0.05 of 300.
    assert found**2 == pytest.approx(2, abs=0.25)


@pytest.mark.parametrize(("n", "m"), [(7, 7), (4, 6), (5, 7), (1, 9), (12, 4)])
def test_sliced_distance_of_one_column_is_scipy_s(rng, n, m):
    a, b = rng.standard_normal(n), rng.standard_normal(m) + 0.3
    found = sliced_wasserstein(a[:, None], b[:, None], 3, p=1)
    assert found == pytest.approx(wasserstein_distance(a, b))
    # Order 2: repeated rows make sizes equal without changing the samples' laws.
    x, y = np.sort(np.repeat(a, m)), np.sort(np.repeat(b, n))
    found = sliced_wasserstein(a[:, None], b[:, None], 3)
    assert found == pytest.approx(np.sqrt(((x - y) ** 2).mean()))


def test_sliced_distance_does_not_depend_on_blocks(rng, monkeypatch):
    A, B = rng.standard_normal((40, 5)), rng.standard_normal((30, 5))
    whole = sliced_wasserstein(A, B)
    monkeypatch.setattr("gaussflow.metrics.sliced.BLOCK_NUMBERS", 1000)
    assert sliced_wasserstein(A, B) == pytest.approx(whole, rel=1e-12)


# -- neighbours --------------------------------------------------------------------


def naive_balls(real, generated, k):
    """Return which generated row (column) lies in which real ball (row)."""
    own = np.sort(cdist(real, real), axis=1)[:, k]  # the 0th is the row itself
    return cdist(real, generated) <= own[:, None]


@pytest.mark.usefixtures("block_numbers")
@pytest.mark.parametrize("k", [1, 3])
def test_neighbourhood_scores_agree_with_all_distances(rng, k):
    A, B = rng.standard_normal((25, 3)), rng.standard_normal((40, 3)) + 0.7
    balls = naive_balls(A, B, k)
    precision, recall = precision_recall(A, B, k=k)
    assert precision == balls.any(axis=0).mean()
    assert recall == naive_balls(B, A, k).any(axis=0).mean()
    density, coverage = density_coverage(A, B, k=k)
    assert density == pytest.approx(balls.sum() / (k * 40))
    assert coverage == balls.any(axis=1).mean()


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_neighbourhood_scores_of_equal_and_of_far_samples(rng, offset):
    X = rng.standard_normal((60, 10)) + offset
    assert precision_recall(X, X) == (1, 1)
    assert density_coverage(X, X).coverage == 1
    assert precision_recall(X, X + 100) == (0, 0)
    assert density_coverage(X, X + 100) == (0, 0)


def test_repeated_rows_lie_in_their_own_empty_balls():
    """Balls of radius 0: rounding of distances must not push rows out."""
    X = np.repeat(np.random.default_rng(0).random((5, 50)), 6, axis=0)
    assert precision_recall(X, X) == (1, 1)
    assert density_coverage(X, X[::2], k=3).coverage == 1


def test_density_and_coverage_expect_what_their_authors_derive(rng):
    """Naeem et al., lemma 1 and 2: density 1; coverage 1 - prod (n - i)/(n + m - i)."""
    n, m, k = 60, 40, 3
    draws = [
        density_coverage(rng.standard_normal((n, 2)), rng.standard_normal((m, 2)), k=k)
        for _ in range(300)
    ]
    expected = 1 - np.prod([(n - i) / (n + m - i) for i in range(1, k + 1)])
    density, coverage = np.array(draws).T
    assert density.mean() == pytest.approx(1, abs=4 * density.std() / np.sqrt(300))
    assert coverage.mean() == pytest.approx(
        expected, abs=4 * coverage.std() / np.sqrt(300)
    )
    assert coverage.std() / np.sqrt(300) < 0.01


@pytest.mark.usefixtures("block_numbers")
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint8])
def test_nearest_distances_agree_with_all_distances(rng, dtype):
    Q, R = ((50 * rng.random((n, 6))).astype(dtype) for n in (30, 45))
    distances, index = nearest_distance(Q, R, return_index=True)
    full = cdist(Q.astype(float), R.astype(float))
    assert_allclose(distances, full.min(axis=1), rtol=1e-12)
    assert_allclose(full[np.arange(30), index], full.min(axis=1), rtol=1e-12)
    assert_array_equal(nearest_distance(Q, R), distances)


@pytest.mark.parametrize("offset", [0.0, 1e8])
def test_copies_are_at_distance_zero_exactly(rng, offset):
    """Also far from the origin, where a matrix product would leave 1e-6 or more."""
    R = rng.standard_normal((300, 784)) + offset
    distances, index = nearest_distance(R[::-1], R, return_index=True)
    assert_array_equal(distances, 0)
    assert_array_equal(index, np.arange(300)[::-1])


def test_a_copy_is_told_from_a_row_that_is_almost_one(rng):
    """Their squared distances, 0 and 1e-18, are the same to a matrix product."""
    X = rng.standard_normal((100, 50))
    R = np.concatenate([X + 1e-10 * rng.standard_normal(X.shape), X])
    distances, index = nearest_distance(X, R, return_index=True)
    assert_array_equal(distances, 0)
    assert_array_equal(index, 100 + np.arange(100))


@pytest.mark.parametrize("metric", [precision_recall, density_coverage])
def test_neighbours_beyond_the_sample_are_refused(metric):
    X = np.random.default_rng(0).random((4, 2))
    with pytest.raises(ValueError, match="k must be an integer from 1 to 3"):
        metric(X, X, k=4)
    with pytest.raises(ValueError, match="k must be an integer"):
        metric(X, X, k=0)
    with pytest.raises(ValueError, match="neighbours need at least 2"):
        metric(X[:1], X)


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
def test_ssim_agrees_with_its_definition(rng, size, sigma, monkeypatch):
    monkeypatch.setattr(_rows, "BLOCK_NUMBERS", 10_000)  # two images a block
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
        ({"image_shape": (11, 11, 3)}, "needs 363 columns, but A has 121"),
        ({"image_shape": (-11, -11, 1)}, "needs 121 columns"),
        ({"window_size": 4}, "window_size must be odd, got 4"),
        ({"window_size": 3.0}, "window_size must be an integer"),
        ({"sigma": 0}, "sigma must be a positive number"),
        ({"k1": -1.0}, "k1 must be a positive number"),
        ({"data_range": np.inf}, "data_range must be a positive number"),
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
    with pytest.raises(ValueError, match="A has 4 images, but B has 3"):
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


# -- features ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits():
    """Return training and test digits, with labels."""
    bunch = load_digits_images()
    order = np.random.default_rng(0).permutation(len(bunch.data))
    X, y = bunch.data[order], bunch.target[order]
    return X[:1200], y[:1200], X[1200:], y[1200:]


def test_features_classify_unseen_digits(digits, global_random_seed):
    X, y, X_test, y_test = digits
    model = ClassifierFeatures(random_state=global_random_seed).fit(X, y)
    assert model.score(X_test, y_test) > 0.93
    assert model.n_iter_ < 100
    F, P = model.transform(X_test), model.predict_proba(X_test)
    assert F.shape == (597, 64)
    assert F.dtype == np.float64
    assert (F >= 0).all()
    # The last layer stands on the features.
    expected = softmax(F @ model.coefs_[-1] + model.intercepts_[-1], axis=1)
    assert_allclose(P, expected, rtol=1e-12)
    assert_array_equal(model.predict(X_test), model.classes_[P.argmax(axis=1)])
    assert 7 < inception_score(P, n_splits=1) <= 10


def test_distances_on_features_order_images_by_damage(digits, rng):
    X, y, X_test, _ = digits
    model = ClassifierFeatures(random_state=0).fit(X, y)
    real = model.transform(X)
    distances = [
        frechet_distance(
            real, model.transform(X_test + noise * rng.standard_normal(X_test.shape))
        )
        for noise in (0, 4, 8)
    ]
    assert 2 * distances[0] < distances[1] < distances[2] / 2


def test_same_seed_same_features(digits):
    X, y, X_test, _ = digits
    fits = [
        ClassifierFeatures((16, 8), max_iter=3, random_state=seed).fit(rows, y)
        for seed, rows in ((1, X), (1, X.astype(float)), (2, X))
    ]
    one, again, other = (model.transform(X_test) for model in fits)
    assert_array_equal(one, again)
    assert (one != other).any()
    assert fits[0].get_feature_names_out().tolist()[-1] == "classifierfeatures7"


@pytest.mark.usefixtures("block_numbers")
def test_two_classes_of_text_are_told_apart(rng):
    X = rng.standard_normal((200, 2))
    y = np.where(X[:, 0] > 0, "right", "left")
    model = ClassifierFeatures((8, 4), random_state=0).fit(X, y)
    P = model.predict_proba(X)
    assert P.shape == (200, 2)
    assert_allclose(P.sum(axis=1), 1)
    assert model.score(X, y) > 0.95
    assert_array_equal(P[:, 1] > 0.5, model.predict(X) == "right")


def test_few_or_constant_rows_are_fitted_without_early_stopping():
    X, y = np.ones((5, 3)), [0, 0, 1, 1, 2]
    model = ClassifierFeatures((4,), max_iter=7, random_state=0).fit(X, y)
    assert model.n_iter_ == 7
    assert np.isfinite(model.transform(X)).all()
    # Nothing to go by: all rows get the same verdict.
    assert_array_equal(np.ptp(model.predict_proba(X), axis=0), 0)
    with pytest.raises(ValueError, match="X reaches 1e\\+80"):
        model.transform(1e80 * X)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden": ()}, "hidden must be a tuple of at least one width"),
        ({"hidden": 64}, "hidden must be a tuple of at least one width, got 64"),
        ({"hidden": (8, 0)}, "each width of hidden must be an integer"),
        ({"max_iter": 0}, "max_iter must be an integer of at least 1"),
        ({"patience": 0.5}, "patience must be an integer"),
        (
            {"validation_fraction": 1.0},
            r"validation_fraction must .* \[0, 1\), got 1.0",
        ),
    ],
)
def test_features_refuse_bad_options(digits, options, message):
    with pytest.raises(ValueError, match=message):
        ClassifierFeatures(**options).fit(*digits[:2])


def test_features_refuse_one_class_and_other_widths(digits):
    X, y = digits[0][:20], digits[1][:20]
    with pytest.raises(ValueError, match="one class only: 3"):
        ClassifierFeatures().fit(X, np.full(20, 3))
    model = ClassifierFeatures((4,), max_iter=2).fit(X, y)
    with pytest.raises(ValueError, match="expecting 64 features"):
        model.transform(X[:, 1:])


def test_metrics_load_the_classifier_only_where_used():
    code = (
        "import sys, gaussflow.metrics as m; heavy = 'sklearn.neural_network';"
        "assert heavy not in sys.modules; m.ClassifierFeatures;"
        "assert heavy in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# -- bad input ---------------------------------------------------------------------


@pytest.mark.parametrize("metric", TWO_SAMPLES)
@pytest.mark.parametrize(
    ("B", "message"),
    [
        (np.full((20, 3), np.nan), "contains NaN"),
        (np.full((20, 3), np.inf), "contains infinity"),
        (np.zeros((20, 4)), "has 3 columns, but .* has 4"),
        (np.zeros(20), "Expected 2D array"),
        (np.zeros((0, 3)), "0 sample"),
        (np.full((20, 3), "a"), "could not convert"),
        (np.full((20, 3), 1e60), "reaches 1e\\+60"),
        (np.full((20, 3), 1j), "Complex data"),
    ],
)
def test_two_sample_metrics_refuse_bad_rows(metric, B, message):
    A = np.random.default_rng(0).random((20, 3))
    with pytest.raises(ValueError, match=message):
        metric(A, B)


@pytest.mark.parametrize("metric", TWO_SAMPLES)
def test_two_sample_metrics_take_bytes_floats_and_lists_alike(metric, rng):
    """Bytes must not wrap around, nor float32 lose digits."""
    A, B = (rng.integers(0, 256, (20, 3)).astype(np.uint8) for _ in range(2))
    expected = metric(A.astype(float), B.astype(float))
    copies = [(A, B), (A.tolist(), B.tolist()), (A.astype(np.float32), B)]
    for pair in copies:
        assert_allclose(metric(*pair), expected, rtol=1e-12)
    for X in (A, B):
        X.flags.writeable = False
    metric(A, B)


@pytest.mark.parametrize(
    ("metric", "options", "message"),
    [
        (kernel_distance, {"n_subsets": 0}, "n_subsets must be an integer"),
        (kernel_distance, {"subset_size": 1}, "subset_size must .* at least 2"),
        (
            kernel_distance,
            {"n_subsets": 1, "return_error": True},
            "n_subsets must .* at least 2",
        ),
        (sliced_wasserstein, {"n_directions": 0}, "n_directions must"),
        (sliced_wasserstein, {"n_directions": True}, "n_directions must"),
        (sliced_wasserstein, {"p": 3}, "p must be 1 or 2, got 3"),
        (precision_recall, {"k": 1.0}, "k must be an integer"),
    ],
)
def test_two_sample_metrics_refuse_bad_options(metric, options, message):
    A = np.random.default_rng(0).random((20, 3))
    with pytest.raises(ValueError, match=message):
        metric(A, A, **options)


def test_every_public_metric_is_there():
    assert all(callable(getattr(metrics, name)) for name in metrics.__all__)
