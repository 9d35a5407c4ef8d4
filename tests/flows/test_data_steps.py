"""Dequantize and Logit: what turns bytes to rows with a density, and back."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.utils.estimator_checks import parametrize_with_checks

from gaussflow import GenFlow, Linear
from gaussflow.estimator_checks import check_generative_estimator
from gaussflow.layers import Dequantize, Elliptical, Inverse, Logit
from gaussflow.persistence import load, save


def images():
    return np.random.default_rng(0).integers(0, 256, (300, 20)).astype(np.float64)


# -- Dequantize ----------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_levels", [256, None])
def test_bytes_come_back_exactly(n_levels, dtype):
    X = images().astype(dtype)
    X[0], X[1] = 0, 255
    layer = Dequantize(n_levels=n_levels, random_state=0).fit(X)
    Z, log_det = layer.forward_and_log_det(X.copy())
    assert Z.dtype == dtype
    assert (Z > X).all()
    assert (Z < X + 1).all()
    assert not log_det.any()
    np.testing.assert_array_equal(layer.inverse_and_log_det(Z)[0], X)


def test_counts_of_any_size_come_back():
    X = np.array([[-3.0, 0.0], [2.0**44, -(2.0**44)], [-1.0, 10.0**9]])
    layer = Dequantize(n_levels=None, random_state=0).fit(X)
    np.testing.assert_array_equal(layer.inverse_transform(layer.transform(X)), X)


@pytest.mark.parametrize("fitting", [False, True])
def test_the_noise_is_uniform_and_of_its_own_everywhere(fitting, global_random_seed):
    """Kolmogorov's distance, and correlations, of 60,000 draws."""
    rng = np.random.default_rng(global_random_seed)
    X = rng.integers(0, 256, (6000, 10)).astype(np.float64)
    layer = Dequantize(random_state=global_random_seed).fit(X)
    if fitting:
        Z, _ = layer.fit_forward(X.copy(), rng)
    else:
        Z = layer.transform(X)
    noise = Z - X
    gaps = np.sort(noise.ravel()) - (np.arange(60_000) + 0.5) / 60_000
    assert np.abs(gaps).max() < 1.95 / np.sqrt(60_000)  # 1 in 1,000 by chance
    linked = np.corrcoef(noise.T) - np.eye(10)
    assert np.abs(linked).max() < 4.5 / np.sqrt(6000)
    linked = np.corrcoef(X.ravel(), noise.ravel())[0, 1]
    assert abs(linked) < 4 / np.sqrt(60_000)
    # Rows that differ in one number have nothing else in common.
    near = X.copy()
    near[:, 3] = (near[:, 3] + 1) % 256
    other = layer.transform(near) - near
    assert abs(np.corrcoef(noise.ravel(), other.ravel())[0, 1]) < 4 / np.sqrt(60_000)


def test_a_row_gets_the_same_noise_whatever_comes_with_it():
    X = images()
    layer = Dequantize(n_levels=None, random_state=0).fit(X)
    together = layer.transform(np.r_[X, [[2.0**40] * 20]])[:-1]
    alone = np.concatenate([layer.transform(row[None]) for row in X])
    np.testing.assert_array_equal(together, alone)
    again = Dequantize(n_levels=None, random_state=0).fit(X)
    np.testing.assert_array_equal(again.transform(X), alone)
    other = Dequantize(n_levels=None, random_state=1).fit(X)
    assert (other.transform(X) != alone).mean() > 0.99


def test_equal_rows_to_fit_on_do_not_share_their_noise():
    rows, _ = Dequantize().fit_forward(np.zeros((50, 2)), np.random.default_rng(0))
    assert len(np.unique(rows)) == 100


def test_the_score_bounds_the_log_probability_of_bytes():
    """A known discrete law: the bound holds, and is tight for the right density."""
    rng = np.random.default_rng(0)
    X = rng.binomial(4, 0.3, (20_000, 1)).astype(np.float64)
    share = np.bincount(X[:, 0].astype(int), minlength=5) / len(X)
    entropy = -np.sum(share * np.log(share))
    flow = GenFlow([Dequantize(n_levels=5), Linear(n_iter=2)], random_state=0).fit(X)
    assert -entropy - 0.15 < flow.score(X) < -entropy + 0.005
    noise = rng.random((20_000, 1))
    uniform = flow.layers_[1].score_samples(np.floor(X) + noise).mean()
    np.testing.assert_allclose(flow.score(X), uniform, atol=0.02)


def test_digits_are_sampled_as_whole_numbers(tmp_path):
    X = load_digits().data
    layers = [Dequantize(n_levels=17), Logit(bounds=(0, 17)), Elliptical()]
    flow = GenFlow(layers, random_state=0).fit(X)
    sample = flow.sample(200, random_state=0)
    assert set(np.unique(sample)) <= set(range(17))
    assert np.isfinite(flow.score_samples(sample)).all()
    np.testing.assert_array_equal(flow.inverse_transform(flow.transform(X)), X)
    save(flow, tmp_path / "flow")
    again = load(tmp_path / "flow")
    np.testing.assert_array_equal(again.score_samples(X), flow.score_samples(X))


def test_threads_give_the_same_bits():
    X = np.random.default_rng(0).integers(0, 5, (20_000, 2)).astype(np.float64)
    layers = [Dequantize(n_levels=5), Logit()]
    one, two = (
        GenFlow(layers, random_state=0, n_jobs=n).fit(X).transform(X) for n in (1, 2)
    )
    np.testing.assert_array_equal(one, two)


LEVELS = "n_levels must be an integer of at least 2 or None"


@pytest.mark.parametrize(
    ("params", "X", "message"),
    [
        ({}, [[0.5, 1.0], [2.0, 3.0]], r"column 0 of X holds 0\.5. Multiply images"),
        ({}, [[0, 1.0], [2.0, 256]], r"in 0\.\.255.*column 1 of X holds 256\.0"),
        ({}, [[0, -1.0], [2.0, 3]], r"column 1 of X holds -1\.0"),
        ({"n_levels": None}, [[0, 2.0**50], [2.0, 3]], "at most 3.5"),
        (
            {"n_levels": 1},
            [[0, 0], [0, 0]],
            LEVELS,
        ),
        (
            {"n_levels": 2.5},
            [[0, 0], [0, 0]],
            LEVELS,
        ),
        (
            {"n_levels": True},
            [[0, 0], [0, 0]],
            LEVELS,
        ),
    ],
)
def test_what_is_no_level_is_named(params, X, message):
    with pytest.raises(ValueError, match=message):
        Dequantize(**params).fit(X)
    good = Dequantize(n_levels=256).fit([[0, 1], [2, 3]])
    with pytest.raises(ValueError, match="needs whole numbers"):
        good.transform([[0, 1.5]])


# -- Logit ---------------------------------------------------------------------


@parametrize_with_checks([Logit()])
def test_logit_keeps_scikit_learn_s_rules(estimator, check):
    check(estimator)


@pytest.mark.parametrize("alpha", [0.05, 1e-6])
def test_the_logit_undone_is_the_identity_in_and_beyond_the_bounds(alpha):
    X = np.linspace(-50, 306, 90).reshape(30, 3)
    layer = Logit(bounds=(0, 256), alpha=alpha).fit(np.zeros((2, 3)))
    Z, log_det = layer.forward_and_log_det(X.copy())
    back, undone = layer.inverse_and_log_det(Z.copy())
    np.testing.assert_allclose(back, X, atol=1e-8)
    np.testing.assert_allclose(undone, -log_det, atol=1e-6)
    step = 1e-4 * alpha
    ahead, behind = (layer.forward_and_log_det(X + s * step)[0] for s in (1, -1))
    numeric = np.log((ahead - behind) / (2 * step)).sum(axis=1)
    # A difference across a bound sees both slopes; they agree there to order 1.
    np.testing.assert_allclose(log_det, numeric, atol=2e-3)


@pytest.mark.parametrize("alpha", [0.05, 1e-3])
def test_a_flow_with_a_logit_keeps_the_laws_of_a_density(alpha, global_random_seed):
    flow = GenFlow([Logit(alpha=alpha), Linear(n_iter=2)])
    check_generative_estimator(flow, random_state=global_random_seed)


def test_the_bounds_are_those_of_the_rows():
    X = images()
    layer = Logit().fit(X)
    assert (layer.low_, layer.high_) == (0.0, 255.0)
    constant = Logit().fit(np.full((3, 2), 7.0))
    np.testing.assert_allclose(constant.transform([[7.0, 7.0]]), 0.0)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"alpha": 0}, r"alpha must be a number in \(0, 0\.5\)"),
        ({"alpha": 0.5}, r"alpha must be a number in \(0, 0\.5\)"),
        ({"alpha": "small"}, r"alpha must be a number in \(0, 0\.5\)"),
        ({"bounds": (1, 1)}, "bounds must be None or two numbers"),
        ({"bounds": (0, np.inf)}, "bounds must be None or two numbers"),
        ({"bounds": (0, 1, 2)}, "bounds must be None or two numbers"),
        ({"bounds": 3}, "bounds must be None or two numbers"),
        ({"bounds": (0, 100)}, r"X reaches from 0 to 255, beyond bounds=\(0, 100\)"),
    ],
)
def test_bad_parameters_are_named(params, message):
    with pytest.raises(ValueError, match=message):
        Logit(**params).fit(images())


@pytest.mark.parametrize("layer", [Dequantize(), Logit()])
def test_data_steps_end_a_list_that_generates(layer):
    with pytest.raises(ValueError, match="Inverse"):
        GenFlow([layer], direction="generate").fit(images())
    flow = GenFlow([Elliptical(), Inverse(layer)], direction="generate", random_state=0)
    X = images()
    Z = flow.fit(X).transform(X)
    np.testing.assert_allclose(flow.inverse_transform(Z), X, atol=1e-6)
