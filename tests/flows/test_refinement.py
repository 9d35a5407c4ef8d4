"""Joint refinement: exact gradients, and never a worse flow."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_moons

from gaussflow import GenFlow
from gaussflow.flows.refinement.chain import BLOCK_ROWS, Chain
from gaussflow.layers import Elliptical, Linear
from gaussflow.layers.iterations.iteration import Iteration

RANDOM = [Linear(n_iter=4, rotation="random", gate=None)]


@pytest.fixture(scope="module")
def moons():
    return make_moons(1200, noise=0.1, random_state=3)[0]


@pytest.fixture(scope="module")
def flow(moons):
    return GenFlow(RANDOM, random_state=0).fit(moons[:400])


def same(a, b, X):
    assert_array_equal(a.score_samples(X), b.score_samples(X))
    assert_array_equal(a.transform(X), b.transform(X))


# -- the gradient --------------------------------------------------------------


def numeric(function, theta, step=1e-6):
    moves = step * np.eye(len(theta))
    return [(function(theta + m) - function(theta - m)) / (2 * step) for m in moves]


@pytest.mark.parametrize("n_features", [1, 2, 3])
@pytest.mark.parametrize("rotations", [False, True])
def test_the_gradient_is_that_of_finite_differences(rotations, n_features):
    rng = np.random.default_rng(n_features)
    chain = Chain.of_random([1, 2], n_features, rotations)
    # Some rows beyond the knots, on the straight tails.
    X = 2.0 * rng.standard_normal((60, n_features))
    theta = 0.3 * rng.standard_normal(chain.n_params)
    _, gradient = chain.loss_and_gradient(theta, X)
    expected = numeric(lambda t: chain.loss_and_gradient(t, X)[0], theta)
    assert_allclose(gradient, expected, atol=1e-7)


def test_the_gradient_holds_for_fitted_maps_along_some_directions():
    X = np.random.default_rng(0).exponential(size=(400, 3))
    part = Linear(n_iter=2, rotation="random", gate=None, random_state=0).fit(X)
    iterations = [
        Iteration(one.rotation.select([0, 2]), one.marginal.select([0, 2]))
        for one in part.iterations_
    ]
    chain = Chain(iterations, rotations=True)
    rng = np.random.default_rng(1)
    rows = part.entry_.forward_and_log_det(X[:50].copy(), np.zeros(50))
    theta = 0.1 * rng.standard_normal(chain.n_params)
    _, gradient = chain.loss_and_gradient(theta, rows)
    for k in rng.choice(chain.n_params, 25, replace=False):
        unit = np.zeros(chain.n_params)
        unit[k] = 1.0
        slope = numeric(
            lambda t, unit=unit: chain.loss_and_gradient(theta + t[0] * unit, rows)[0],
            np.zeros(1),
        )
        assert_allclose(gradient[k], slope[0], atol=2e-6)


def test_the_penalty_s_gradient_is_that_of_finite_differences():
    chain = Chain.of_random([5], 2, True)
    theta = np.random.default_rng(0).standard_normal(chain.n_params)
    _, gradient = chain.penalty(theta, 2.0, 3.0)
    expected = numeric(lambda t: chain.penalty(t, 2.0, 3.0)[0], theta)
    assert_allclose(gradient, expected, atol=1e-7)


def test_a_chain_at_rest_is_the_layer_s_iterations(flow, moons):
    layer = flow.layers_[0]
    chain = Chain(layer.iterations_, rotations=False)
    rows = layer.entry_.forward_and_log_det(moons.copy(), np.zeros(len(moons)))
    log_density = chain.log_density(np.zeros(chain.n_params), rows)
    Z, log_det = rows.copy(), np.zeros(len(rows))
    for iteration in layer.iterations_:
        Z = iteration.forward(Z, log_det)
    exact = log_det - 0.5 * (Z**2).sum(1) - np.log(2 * np.pi)
    assert_allclose(log_density, exact, atol=1e-10)


def test_what_a_chain_trains_is_what_its_iterations_do(moons):
    chain = Chain.of_random([1, 2, 3], 2, True)
    theta = 0.3 * np.random.default_rng(0).standard_normal(chain.n_params)
    Z, log_det = moons.copy(), np.zeros(len(moons))
    for iteration in chain.iterations_at(theta):
        Z = iteration.forward(Z, log_det)
    exact = log_det - 0.5 * (Z**2).sum(1) - np.log(2 * np.pi)
    assert_allclose(chain.log_density(theta, moons), exact, atol=1e-10)
    for iteration in reversed(chain.iterations_at(theta)):
        Z = iteration.inverse(Z, log_det)
    assert_allclose(Z, moons, atol=1e-9)
    assert_allclose(log_det, 0.0, atol=1e-9)


# -- flows ---------------------------------------------------------------------


def refined(flow, X, **settings):
    return pickle.loads(pickle.dumps(flow)).refine(X, random_state=0, **settings)


@pytest.mark.parametrize(
    "settings", [{"start": "fitted"}, {"start": "random", "n_iter": 6}]
)
def test_unseen_rows_gain(flow, moons, settings):
    again = refined(flow, moons[400:800], **settings)
    report = again.refinement_
    assert report["admitted"]
    assert report["start"] == settings["start"]
    assert report["gain"] > report["standard_error"] > 0.0
    assert again.score(moons[800:]) > flow.score(moons[800:]) + 0.02
    assert_allclose(again.inverse_transform(again.transform(moons)), moons, atol=1e-8)


def test_without_gain_no_bit_changes():
    """Rows that are normal already: nothing is to be learned from held-out ones."""
    X = np.random.default_rng(0).standard_normal((600, 2))
    flow = GenFlow([Elliptical(), Linear(n_iter=3)], random_state=0).fit(X[:500])
    again = refined(flow, X, n_iter=4)
    assert not again.refinement_["admitted"]
    same(again, flow, X)


def test_only_the_last_layer_changes_and_directions_only_if_asked(moons):
    flow = GenFlow([Elliptical(), *RANDOM], random_state=0).fit(moons[:400])
    settings = {"start": "random", "n_iter": 12, "rotations": False}
    again = refined(flow, moons[400:1200], validation_fraction=0.4, **settings)
    assert again.refinement_["admitted"]
    assert_array_equal(
        again.layers_[0].transform(moons), flow.layers_[0].transform(moons)
    )
    assert again.layers_[1].rotation_seeds_ == again.refinement_["seeds"]


def test_threads_and_files_keep_the_bits(flow, moons, tmp_path):
    # Two blocks of rows.
    X = make_moons(BLOCK_ROWS + 700, noise=0.1, random_state=1)[0]
    again = refined(flow, X, start="random", n_iter=1)
    threaded = pickle.loads(pickle.dumps(flow)).set_params(n_jobs=2)
    same(refined(threaded, X, start="random", n_iter=1), again, moons)
    again.save(tmp_path / "flow.gaussflow")
    loaded = GenFlow.load(tmp_path / "flow.gaussflow")
    same(loaded, again, moons)
    assert loaded.refinement_ == again.refinement_


def test_a_fit_refines_with_its_own_held_out_rows(moons):
    plain = GenFlow(RANDOM, validation_fraction=0.25, random_state=0)
    joint = GenFlow(
        RANDOM, validation_fraction=0.25, refinement="joint", random_state=0
    )
    plain.fit(moons[:400])
    joint.fit(moons[:400])
    assert plain.refinement_ is None
    assert joint.refinement_["admitted"]
    assert joint.score(moons[400:]) > plain.score(moons[400:]) + 0.05


# -- bad input -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"start": "greedy"}, "start must be"),
        ({"n_iter": 0}, "n_iter must be an integer"),
        ({"rotations": "yes"}, "rotations must be"),
        ({"validation_fraction": 1.0}, "validation_fraction must be"),
        ({"validation_fraction": 0.001}, "holds out 0"),
    ],
)
def test_bad_settings_are_named(flow, moons, settings, message):
    with pytest.raises(ValueError, match=message):
        flow.refine(moons[:400], **settings)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"refinement": "end"}, 'refinement must be one of "joint" or None'),
        ({"validation_fraction": 0.0}, "a validation_fraction above 0"),
        ({"direction": "generate"}, 'needs direction="gaussianize"'),
        ({"layers": [Elliptical()]}, "must be a Linear"),
    ],
)
def test_bad_parameters_are_named(params, message, moons):
    flow = GenFlow(RANDOM, refinement="joint").set_params(**params)
    with pytest.raises(ValueError, match=message):
        flow.fit(moons)


def test_a_flow_that_cannot_be_refined_says_so(moons):
    flow = GenFlow([Elliptical()]).fit(moons)
    with pytest.raises(ValueError, match="has no iterations of spline maps"):
        flow.refine(moons)
    polynomial = GenFlow([Linear(n_iter=2, marginal="polynomial")], random_state=0)
    with pytest.raises(ValueError, match='use start="random"'):
        polynomial.fit(moons).refine(moons, start="fitted")
