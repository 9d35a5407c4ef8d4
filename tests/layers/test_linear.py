import numpy as np
import pytest
from scipy.stats import norm
from sklearn.datasets import make_moons

from gaussflow.layers import Linear
from gaussflow.marginals import MARGINALS, PolynomialMarginal


@pytest.mark.parametrize("rotation", ["auto", "random", "ica"])
def test_pure_noise_is_left_almost_alone(rotation, global_random_seed):
    """What the gate admits by chance costs less than a hundredth of a nat."""
    rng = np.random.default_rng(global_random_seed)
    X, fresh = rng.standard_normal((2, 2000, 10))
    layer = Linear(n_iter=20, rotation=rotation, random_state=0).fit(X)
    admitted = sum(i.rotation.n_directions for i in layer.iterations_)
    assert admitted <= 0.1 * 10 * layer.n_iter_
    exact = norm.logpdf(fresh).sum(1).mean()
    # Ten means and ten scales from 2,000 rows cost about 20 / (2 * 2000).
    assert layer.score(fresh) > exact - 0.04


def test_noise_stops_the_layer_early(global_random_seed):
    X = np.random.default_rng(global_random_seed).standard_normal((500, 10))
    assert Linear(n_iter=100, random_state=0).fit(X).n_iter_ < 30


def test_the_gate_is_what_keeps_few_rows_honest(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    X, fresh = rng.standard_normal((2, 200, 20))
    gated = Linear(n_iter=10, random_state=0).fit(X)
    free = Linear(n_iter=10, gate=None, random_state=0).fit(X)
    assert gated.score(fresh) > free.score(fresh) + 0.5


@pytest.mark.parametrize(
    ("marginal", "least"),
    [(name, 0.2 if name == "polynomial" else 0.4) for name in MARGINALS],
)
def test_iterations_find_structure(marginal, least):
    """Two moons: rotations and marginal maps alone gain on held-out rows."""
    X, _ = make_moons(3000, noise=0.1, random_state=0)
    fresh, _ = make_moons(3000, noise=0.1, random_state=1)
    whitened = Linear(n_iter=0).fit(X).score(fresh)
    layer = Linear(n_iter=20, marginal=marginal, random_state=0).fit(X)
    assert layer.score(fresh) > whitened + least


def test_independent_skewed_columns_are_solved_at_once(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    X, fresh = rng.gamma(2.0, size=(2, 5000, 4))
    layer = Linear(n_iter=1, rotation="identity", random_state=0).fit(X)
    exact = (np.log(fresh) - fresh).sum(1).mean()
    assert exact - 0.04 < layer.score(fresh) < exact + 0.01


def test_a_target_is_reached(global_random_seed):
    """Direction "generate": rows carried to the law of other rows."""
    rng = np.random.default_rng(global_random_seed)
    target = rng.gamma(2.0, size=(3000, 2)) @ np.array([[1.0, 0.5], [0.0, 1.0]])
    X = rng.standard_normal((3000, 2))
    layer = Linear(n_iter=10, random_state=0).matching()
    carried, log_det = layer.fit_between(X.copy(), target, rng)
    again, log_det_again = layer.forward_and_log_det(X.copy())
    np.testing.assert_allclose(carried, again, atol=1e-9)
    np.testing.assert_allclose(log_det, log_det_again, atol=1e-9)
    levels = np.linspace(0.02, 0.98, 40)
    for axis in ([1.0, 0.0], [0.0, 1.0], [0.6, 0.8], [0.6, -0.8]):
        got = np.quantile(carried @ axis, levels)
        goal = np.quantile(target @ axis, levels)
        np.testing.assert_allclose(got, goal, atol=0.25 * (target @ axis).std())


def test_random_rotations_are_kept_as_seeds():
    X, _ = make_moons(500, noise=0.1, random_state=0)
    layer = Linear(n_iter=4, rotation="random", gate=None, random_state=0).fit(X)
    assert len(layer.rotation_seeds_) == len(layer.iterations_) == 4
    assert all(isinstance(seed, int) for seed in layer.rotation_seeds_)


def test_the_seed_decides_the_fit():
    X, _ = make_moons(500, noise=0.1, random_state=0)
    fits = [Linear(n_iter=4, random_state=s).fit(X).score_samples(X) for s in (0, 0, 1)]
    np.testing.assert_array_equal(fits[0], fits[1])
    assert not np.array_equal(fits[0], fits[2])


def test_degree_and_instances_reach_the_marginals():
    X, _ = make_moons(500, noise=0.1, random_state=0)
    by_name = Linear(n_iter=2, marginal="polynomial", degree=4, gate=None).fit(X)
    assert by_name.iterations_[0].marginal.coef_.shape == (2, 5)
    template = PolynomialMarginal(3)
    layer = Linear(n_iter=2, marginal=template, gate=None).fit(X)
    assert layer.iterations_[0].marginal.coef_.shape == (2, 4)
    assert vars(template) == {"degree": 3}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_iter": -1}, "n_iter must be an integer of at least 0, got -1"),
        ({"n_iter": 2.5}, "n_iter must be an integer"),
        ({"n_iter": True}, "n_iter must be an integer"),
        ({"gate": -1}, "gate must be a number of at least 0"),
        ({"gate": "open"}, "gate must be a number of at least 0"),
        ({"tol": -0.1}, "tol must be a number of at least 0"),
        ({"tol": None}, "tol must be a number of at least 0"),
        ({"marginal": "gauss"}, "marginal must be one of 'auto'"),
        ({"rotation": "spin"}, "rotation must be one of 'auto'"),
        ({"marginal": "polynomial", "degree": 0}, "degree must be an integer from 1"),
    ],
)
def test_bad_parameters_are_named(params, message):
    X = np.random.default_rng(0).standard_normal((20, 2))
    with pytest.raises(ValueError, match=message):
        Linear(**params).fit(X)


def test_one_far_outlier_does_not_spoil_the_others():
    X = np.random.default_rng(0).gamma(2.0, size=(1000, 3))
    fresh = np.random.default_rng(1).gamma(2.0, size=(1000, 3))
    clean = Linear(n_iter=3, random_state=0).fit(X).score(fresh)
    X[0] = 1e4
    assert Linear(n_iter=3, random_state=0).fit(X).score(fresh) > clean - 0.3
