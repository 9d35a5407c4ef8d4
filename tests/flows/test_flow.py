"""GenFlow: the laws, both directions, precision, seeds, and exact references."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import multivariate_normal, multivariate_t
from sklearn.datasets import make_moons

from gaussflow import GenFlow
from gaussflow.estimator_checks import check_generative_estimator
from gaussflow.layers import Elliptical, Linear, Radial, Triangular

MIXED = np.array([[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.5, 1.0]])


def small_flow(**params):
    """Return a flow of every kind of layer that is fitted in a moment."""
    layers = [
        Linear(n_iter=2, rotation="identity"),
        Radial(match="samples"),
        Elliptical(),
        Triangular(n_components=2, covariance_type="full", n_estimators=1),
        Linear(n_iter=4),
    ]
    return GenFlow(layers, **{"random_state": 0, **params})


@pytest.fixture(scope="module")
def X():
    """Return skewed, dependent rows."""
    Z = np.random.default_rng(0).standard_normal((400, 3)) @ MIXED
    return np.column_stack([np.exp(0.5 * Z[:, 0]), Z[:, 1], Z[:, 2] + Z[:, 1] ** 2])


@pytest.fixture(scope="module")
def flow(X):
    return small_flow().fit(X)


@pytest.fixture(scope="module")
def moons():
    return make_moons(300, noise=0.1, random_state=0)[0]


@pytest.fixture(scope="module")
def automatic(moons):
    return GenFlow(random_state=0).fit(moons)


# -- the laws ------------------------------------------------------------------

FLOWS = {
    "every layer": small_flow(),
    "generate": GenFlow([Elliptical(), Linear(n_iter=5)], direction="generate"),
    "generate by a mixture": GenFlow(
        [Triangular(n_components=2, n_estimators=1)], direction="generate"
    ),
    "a flow in a flow": GenFlow([GenFlow([Linear(n_iter=2)]), Linear(n_iter=2)]),
}


@pytest.mark.parametrize("name", FLOWS)
def test_flows_keep_the_laws_of_a_density(name, global_random_seed):
    check_generative_estimator(
        FLOWS[name], n_samples=300, random_state=global_random_seed
    )


def test_float32_keeps_the_inverse_to_its_precision(X):
    flow = small_flow(dtype=np.float32).fit(X)
    Z = flow.transform(X)
    assert Z.dtype == flow.sample(3).dtype == flow.inverse_transform(Z).dtype
    assert Z.dtype == np.float32
    assert_allclose(flow.inverse_transform(Z) / X.std(0), X / X.std(0), atol=1e-3)
    assert flow.score_samples(X).dtype == np.float64
    assert_allclose(flow.score(X), small_flow().fit(X).score(X), atol=0.1)


def test_the_round_trip_holds_inside_and_far_outside(flow, X):
    far = X.mean(0) + 10.0 * X.std(0) * np.array([[1, 1, 1], [-1, 1, 0], [0, -1, 1]])
    for rows in (X, far):
        back = flow.inverse_transform(flow.transform(rows))
        assert_allclose(back / X.std(0), rows / X.std(0), rtol=1e-8, atol=1e-8)


def test_a_thousand_deviations_away_the_density_still_falls(automatic, moons):
    directions = np.array([[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [1, -1]])
    last = np.inf
    for distance in (10.0, 100.0, 1000.0, 1e10):
        rows = moons.mean(0) + distance * moons.std(0) * directions
        log_density = automatic.score_samples(rows)
        assert np.isfinite(log_density).all()
        assert (log_density < last).all()
        last = log_density


def test_the_automatic_density_integrates_to_one(automatic, moons):
    axes = [np.linspace(-4, 5, 301), np.linspace(-4, 5, 301)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    integral = np.exp(automatic.score_samples(grid)).sum() * 0.03**2
    assert_allclose(integral, 1.0, atol=0.005)


def test_the_automatic_density_of_one_column_integrates_to_one():
    x = np.random.default_rng(0).gamma(2.0, size=(300, 1))
    flow = GenFlow(random_state=0).fit(x)
    grid = np.linspace(-30, 60, 200_001)[:, None]
    integral = np.exp(flow.score_samples(grid)).sum() * (grid[1, 0] - grid[0, 0])
    assert_allclose(integral, 1.0, atol=0.005)


@pytest.mark.parametrize("scale", [2.0**-30, 1e-3, 1e6])
def test_units_shift_the_density_by_their_logarithm(flow, X, scale):
    scaled = small_flow().fit(scale * X)
    expected = flow.score_samples(X) - X.shape[1] * np.log(scale)
    # Powers of two change no bit; others may turn an iteration of EM.
    atol = 1e-6 if np.log2(scale).is_integer() else 0.2
    assert_allclose(scaled.score_samples(scale * X), expected, atol=atol)


def test_score_is_a_float_and_the_mean(flow, X):
    assert type(flow.score(X)) is float
    assert_allclose(flow.score(X), flow.score_samples(X).mean(), rtol=1e-12)


def test_the_latent_of_training_rows_is_nearly_normal(automatic, moons):
    Z = automatic.transform(moons)
    assert_allclose(Z.mean(0), 0.0, atol=0.15)
    assert_allclose(np.cov(Z.T), np.eye(2), atol=0.2)


# -- exact references ----------------------------------------------------------


@pytest.mark.parametrize(("n_features", "allowed"), [(2, 0.03), (16, 0.12)])
def test_a_gaussian_is_solved_up_to_its_own_noise(n_features, allowed):
    """D (D + 3) / 2 numbers from n rows cost about half that over n."""
    rng = np.random.default_rng(0)
    A = rng.standard_normal((n_features, n_features))
    law = multivariate_normal(np.arange(n_features), A @ A.T + 0.1 * np.eye(n_features))
    train, fresh = law.rvs((2, 1500), random_state=rng)
    flow = GenFlow(random_state=0).fit(train)
    assert flow.score(fresh) > np.mean(law.logpdf(fresh)) - allowed


def test_a_multivariate_t_is_nearly_solved():
    rng = np.random.default_rng(0)
    law = multivariate_t(np.zeros(4), np.eye(4) + 0.5, df=3, seed=rng)
    train, fresh = law.rvs(1500), law.rvs(2000)
    flow = GenFlow(random_state=0).fit(train)
    assert flow.score(fresh) > np.mean(law.logpdf(fresh)) - 0.15


def test_noise_is_left_as_it_is():
    """The gates are honest: nothing is found where there is nothing."""
    X, fresh = np.random.default_rng(0).standard_normal((2, 2000, 8))
    exact = multivariate_normal(np.zeros(8), np.eye(8)).logpdf(fresh).mean()
    flow = GenFlow(random_state=0).fit(X)
    # Means and covariance alone, 44 numbers, cost 0.011 nats.
    assert flow.score(fresh) > exact - 0.05
    assert flow.score(X) < exact + 0.1


# -- direction "generate" ------------------------------------------------------


def two_sample_w2(A, B, n_directions=64):
    """Return the sliced Wasserstein distance of two samples of one size."""
    W = np.random.default_rng(0).standard_normal((A.shape[1], n_directions))
    W /= np.linalg.norm(W, axis=0)
    return np.sqrt(np.mean((np.sort(A @ W, axis=0) - np.sort(B @ W, axis=0)) ** 2))


@pytest.mark.parametrize("direction", ["gaussianize", "generate"])
def test_samples_are_as_near_as_fresh_rows(direction):
    X, fresh = (make_moons(1000, noise=0.1, random_state=seed)[0] for seed in (0, 1))
    layers = [Elliptical(), Linear(n_iter=30)]
    flow = GenFlow(layers, direction=direction, random_state=0).fit(X)
    sample = flow.sample(1000, random_state=0)
    apart = two_sample_w2(
        X, np.random.default_rng(0).normal(X.mean(0), X.std(0), X.shape)
    )
    assert two_sample_w2(fresh, sample) < 2.0 * two_sample_w2(fresh, X) + 0.03
    assert two_sample_w2(fresh, sample) < 0.7 * apart


def test_generate_carries_as_many_samples_as_asked_for(X):
    few = GenFlow(
        [Linear(n_iter=3)], direction="generate", n_gen_samples=100, random_state=0
    )
    many = GenFlow(
        [Linear(n_iter=3)], direction="generate", n_gen_samples=5000, random_state=0
    )
    Z = [flow.fit(X).transform(X) for flow in (few, many)]
    assert not np.array_equal(*Z)
    assert few.loss_curve_[0]["train"] is None
    assert few.loss_curve_[0]["held_out"] is None


def test_a_flow_inside_a_generating_flow_is_refused(X):
    flow = GenFlow([GenFlow([Linear(n_iter=1)])], direction="generate")
    with pytest.raises(ValueError, match="put its layers into the outer list"):
        flow.fit(X)


# -- seeds and threads ---------------------------------------------------------


def test_the_seed_decides_every_bit(flow, X):
    again = small_flow().fit(X)
    assert_array_equal(again.transform(X), flow.transform(X))
    assert_array_equal(again.sample(5, random_state=1), flow.sample(5, random_state=1))
    other = small_flow(random_state=1).fit(X)
    assert not np.array_equal(other.transform(X), flow.transform(X))
    drawn = small_flow(random_state=np.random.RandomState(0)).fit(X)
    assert_array_equal(drawn.transform(X), flow.transform(X))


def test_threads_give_the_same_bits(global_random_seed):
    """More rows than a block, so that there is something to share."""
    X = np.random.default_rng(global_random_seed).gamma(2.0, size=(9000, 3))
    layers = [Linear(n_iter=2), Elliptical()]
    one, two = (
        GenFlow(layers, n_jobs=n_jobs, random_state=0).fit(X) for n_jobs in (1, 2)
    )
    assert two.layers_[0].n_jobs == 2
    assert_array_equal(one.transform(X), two.transform(X))
    assert_array_equal(one.score_samples(X), two.score_samples(X))
    assert_array_equal(
        one.sample(9000, random_state=0), two.sample(9000, random_state=0)
    )


def test_a_sample_depends_on_its_own_seed_only(flow):
    first = flow.sample(6, random_state=0)
    assert first.shape == (6, 3)
    assert flow.sample().shape == (1, 3)
    assert_array_equal(first, flow.sample(6, random_state=0))
    assert_array_equal(first, flow.sample(6, random_state=np.random.RandomState(0)))
    assert not np.array_equal(first, flow.sample(6, random_state=1))
    assert not np.array_equal(flow.sample(6), flow.sample(6))
    generator = np.random.default_rng(0)
    draws = [flow.sample(6, random_state=generator) for _ in range(2)]
    assert not np.array_equal(*draws)


def test_fit_does_not_write_to_the_rows(X):
    for dtype in (np.float64, np.float32):
        rows = X.astype(dtype)
        rows.setflags(write=False)
        before = rows.copy()
        small_flow(dtype=dtype).fit(rows)
        GenFlow([Linear(n_iter=1)], direction="generate", dtype=dtype).fit(rows)
        assert_array_equal(rows, before)


# -- the loss curve ------------------------------------------------------------


def test_the_loss_curve_tells_every_iteration(flow, X):
    assert [(p["layer"], p["iteration"]) for p in flow.loss_curve_][:2] == [
        (0, 0),
        (0, 1),
    ]
    assert {p["layer"] for p in flow.loss_curve_} == set(range(5))
    for point in flow.loss_curve_:
        assert set(point) == {
            "layer",
            "iteration",
            "train",
            "held_out",
            "admitted",
            "candidates",
            "seconds",
        }
        assert type(point["train"]) is type(point["held_out"]) is float
        assert point["seconds"] >= 0.0
        if point["admitted"] is not None:
            assert 0 <= point["admitted"] <= point["candidates"]
    first, last = flow.loss_curve_[0], flow.loss_curve_[-1]
    assert last["held_out"] < first["held_out"] + 0.05
    # Nine tenths of the rows, before the flow was fitted again on all.
    assert_allclose(-last["train"], flow.score(X), atol=0.2)


def test_without_held_out_rows_the_curve_has_none(X):
    flow = small_flow(validation_fraction=0).fit(X)
    assert all(point["held_out"] is None for point in flow.loss_curve_)
    assert all(type(point["train"]) is float for point in flow.loss_curve_)
    # What was fitted on all rows is what the curve tells.
    assert_allclose(-flow.loss_curve_[-1]["train"], flow.score(X), atol=0.1)


def test_verbose_prints_a_line_for_each_record(X, capsys):
    flow = GenFlow([Linear(n_iter=2, tol=0), Elliptical()], verbose=1, random_state=0)
    flow.fit(X)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(flow.loss_curve_) == 3
    assert lines[0].startswith("layer 0 iteration   0  train ")
    assert "held out" in lines[0]
    assert "directions" in lines[0]
    assert lines[2].startswith("layer 1")
    GenFlow([Linear(n_iter=1)]).fit(X)
    assert capsys.readouterr().out == ""


def test_fit_counts_its_layers_and_iterations(flow):
    assert flow.n_layers_ == 5
    assert flow.last_fitted_layer_ == 4
    assert flow.n_iter_ >= 5
    assert flow.n_features_in_ == 3
    assert not hasattr(flow, "stem_scores_")


def test_automatic_layers_report_what_was_tried(automatic):
    assert set(automatic.stem_scores_) == {"whitened", "marginals", "mixture"}
    assert all(type(score) is float for score in automatic.stem_scores_.values())
    assert automatic.layers == "auto"
    assert isinstance(automatic.layers_[-1], Linear)


def test_fit_transform_is_fit_then_transform(flow, X):
    assert_array_equal(small_flow().fit_transform(X), flow.transform(X))
