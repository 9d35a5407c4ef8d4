"""Direction "generate" on images: patches of samples are moved to those of data."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import load_digits

from gaussflow import GenFlow
from gaussflow.layers import (
    Conv,
    Dequantize,
    Elliptical,
    Inverse,
    Linear,
    PatchMatching,
    Principal,
)
from gaussflow.layers.iterations.matching import Matching, fit_matching, quantiles
from gaussflow.layers.iterations.patches import Tiles
from gaussflow.metrics import sliced_wasserstein
from gaussflow.persistence.shapes import check_state


def whole(P, Q, rng):
    return np.eye(P.shape[1])


def exponential(rng, n, d):
    return rng.exponential(size=(n, d))


def matched(rng, n=4000, gate=None, shared=False, search=whole):
    X, target = rng.standard_normal((n, 8)), exponential(rng, n, 8)
    tiles = Tiles((2, 4, 1), (2, 2), (2, 2), (0, 1))
    found = fit_matching(
        X, target, rng, tiles=tiles, shared=shared, search=search, gate=gate
    )
    return X, target, *found


@pytest.mark.parametrize("shared", [False, True])
def test_pixels_are_carried_to_the_quantiles_of_the_data(shared, global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    X, _, matching, gains, admitted = matched(rng, shared=shared)
    assert len(admitted) == len(gains) == (4 if shared else 8)
    Z, log_det = matching.forward_and_log_det(X.copy())
    # An exponential's quantile at p is -log(1 - p).
    levels = np.linspace(0.02, 0.98, 25)
    got = np.quantile(Z, levels, axis=0)
    assert np.abs(got + np.log1p(-levels)[:, None]).max() < 0.25
    # The slope of the exact map at the median: phi(0) / exp(-log 2).
    Y = np.zeros((1, 8))
    _, at_median = matching.forward_and_log_det(Y)
    assert_allclose(at_median / 8, np.log(np.sqrt(2 / np.pi)), atol=0.2)
    back, undone = Z.copy(), log_det.copy()
    matching.inverse(back, undone)
    assert_allclose(back, X, atol=1e-4)
    assert_allclose(undone, 0.0, atol=1e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_log_determinant_is_that_of_the_numeric_jacobian(dtype):
    rng = np.random.default_rng(0)

    def turned(P, Q, rng):
        return np.linalg.qr(rng.standard_normal((4, 4)))[0][:3]

    X, _, matching, _, _ = matched(rng, search=turned)
    row = X[:1]
    step = 1e-6
    columns = [
        matching.forward_and_log_det(row + s * step * e)[0][0]
        for e in np.eye(8)
        for s in (1, -1)
    ]
    jacobian = (np.array(columns[::2]) - np.array(columns[1::2])) / (2 * step)
    log_det = matching.forward_and_log_det(row.astype(dtype))[1]
    # Orthonormal to float32.
    assert_allclose(log_det, np.linalg.slogdet(jacobian)[1], atol=1e-4)


def test_the_gate_lets_no_noise_through(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    tiles = Tiles((4, 4, 1), (2, 2), (2, 2))
    A, B = rng.standard_normal((2, 1000, 16))
    _, gains, admitted = fit_matching(
        A, B, rng, tiles=tiles, shared=False, search=whole, gate="auto"
    )
    assert len(gains) == 16
    assert len(admitted) <= 2
    B[:, 0] *= 2.0
    _, _, admitted = fit_matching(
        A, B, rng, tiles=tiles, shared=False, search=whole, gate="auto"
    )
    assert 0 in admitted


def test_quantiles_of_sorted_rows():
    Y = np.array([[0.0, 1.0, 2.0, 3.0]])
    assert_allclose(
        quantiles(Y, np.array([0.0, 0.125, 0.5, 0.75, 1.0]))[0], [0, 0, 1.5, 2.5, 3]
    )
    assert_allclose(quantiles(np.array([[7.0]]), np.array([0.1, 0.9])), [[7, 7]])


@pytest.mark.parametrize("constant", [0.0, 1e-12, 1e6])
def test_constant_pixels_are_matched_and_come_back(constant):
    rng = np.random.default_rng(0)
    target = np.column_stack([np.full((300, 2), constant), rng.random((300, 2))])
    X = rng.standard_normal((300, 4))
    layer = PatchMatching((2, 2, 1), 2, n_iter=2, gate=None, random_state=0)
    Z, log_det = layer.fit_between(X.copy(), target, rng)
    assert np.isfinite(Z).all()
    assert np.isfinite(log_det).all()
    # Beyond the outermost quantiles rows are carried along, not pulled in.
    away = np.quantile(np.abs(Z[:, 0] - constant), 0.98)
    assert away < 0.05 * max(constant, 1.0)


def test_threads_and_repeats_give_the_same_bits():
    rng = np.random.default_rng(0)
    X, target = rng.standard_normal((500, 16)), exponential(rng, 500, 16)
    rows = []
    for n_jobs in (1, 2, 2):
        layer = PatchMatching((4, 4, 1), 2, n_iter=3, n_jobs=n_jobs)
        layer.fit_between(X.copy(), target, np.random.default_rng(3))
        rows.append(layer.forward_and_log_det(X.copy())[0])
    np.testing.assert_array_equal(rows[0], rows[1])
    np.testing.assert_array_equal(rows[1], rows[2])


def test_other_marginals_are_refused_in_direction_generate():
    X = np.random.default_rng(0).random((50, 4))
    flow = GenFlow([Conv((2, 2, 1), 2, marginal="kde")], direction="generate")
    with pytest.raises(ValueError, match='marginal must be "auto" or "quantile"'):
        flow.fit(X)


@pytest.fixture(scope="module")
def digits_flow():
    X = load_digits().data
    layers = [
        Principal(Elliptical(), 20),
        Conv((8, 8, 1), 4, n_iter=10),
        Conv((8, 8, 1), 2, n_iter=10),
        Inverse(Dequantize(n_levels=17)),
    ]
    flow = GenFlow(layers, direction="generate", random_state=0)
    return flow.fit(X[:1400]), X[:1400], X[1400:]


def test_a_flow_of_images_draws_whole_numbers_near_the_data(digits_flow):
    flow, train, test = digits_flow
    fresh = flow.sample(1400, random_state=1)
    assert set(fresh.ravel()) <= set(range(17))
    near = sliced_wasserstein(fresh, test, n_directions=200, random_state=0)
    floor = sliced_wasserstein(train[:397], test, n_directions=200, random_state=0)
    rng = np.random.default_rng(0)
    gauss = rng.multivariate_normal(train.mean(axis=0), np.cov(train.T), 1400)
    plain = sliced_wasserstein(gauss, test, n_directions=200, random_state=0)
    assert near < floor + 0.7 * (plain - floor)


def test_bytes_come_back_and_scores_repeat(digits_flow):
    flow, _, test = digits_flow
    Z = flow.transform(test)
    np.testing.assert_array_equal(flow.inverse_transform(Z), test)
    scores = flow.score_samples(test)
    np.testing.assert_array_equal(scores, flow.score_samples(test[::-1])[::-1])
    assert np.isfinite(scores).all()


def test_a_flow_of_images_is_saved_in_one_file(digits_flow, tmp_path):
    flow, _, test = digits_flow
    flow.save(tmp_path / "digits.gflow")
    again = GenFlow.load(tmp_path / "digits.gflow")
    np.testing.assert_array_equal(
        again.sample(20, random_state=0), flow.sample(20, random_state=0)
    )
    np.testing.assert_array_equal(again.score_samples(test), flow.score_samples(test))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("knots", lambda a: a[:, ::-1].copy()),
        ("values", lambda a: np.full_like(a, np.nan)),
        ("directions", lambda a: 2 * a),
        ("directions", lambda a: a[:, :1].copy()),
        ("counts", lambda a: a + 1),
        ("counts", lambda a: a.astype(float)),
        ("values", lambda a: a.astype(np.float64)),
    ],
)
def test_damaged_maps_are_refused(name, value):
    _, _, matching, _, _ = matched(np.random.default_rng(0), n=50)
    check_state(matching)
    setattr(matching, name, value(getattr(matching, name)))
    with pytest.raises(ValueError, match="Matching"):
        check_state(matching)


def test_what_follows_inverse_is_refused():
    X = load_digits().data[:100]
    steps = [Elliptical(), Inverse(Dequantize(n_levels=17))]
    flow = GenFlow(steps, direction="generate", warm_start=True, random_state=0).fit(X)
    with pytest.raises(ValueError, match="cannot follow Inverse"):
        flow.add_layer(Linear()).fit(X)
    with pytest.raises(ValueError, match='Inverse is for direction="generate"'):
        GenFlow(steps, random_state=0).fit(X)


def test_matching_holds_its_parts():
    _, _, matching, _, _ = matched(np.random.default_rng(0), n=50)
    assert isinstance(matching, Matching)
    assert (matching.n_features, matching.n_directions) == (8, 8)
