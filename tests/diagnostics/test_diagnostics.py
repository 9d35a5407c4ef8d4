"""Diagnostics beside closed forms, and on flows made good or bad on purpose."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import chi2, multivariate_normal
from sklearn.base import clone
from sklearn.datasets import make_moons

from gaussflow import Elliptical, GenFlow, Linear, theory
from gaussflow.diagnostics import calibration, gaussianity, loss_decomposition

COVARIANCE = np.array([[1.0, 0.8, 0.0], [0.8, 1.0, 0.3], [0.0, 0.3, 1.0]])


def gaussian_rows(n, seed):
    rng = np.random.default_rng(seed)
    return rng.multivariate_normal(np.zeros(3), COVARIANCE, n)


def ungated(n_iter):
    layers = [Linear(n_iter, rotation="ica", gate=None, tol=0)]
    return GenFlow(layers, validation_fraction=0, random_state=0)


@pytest.fixture(scope="module")
def moons():
    return make_moons(2400, noise=0.1, random_state=0)[0]


@pytest.fixture(scope="module")
def unfinished(moons):
    return GenFlow([Linear(3)], random_state=0).fit(moons[:1600])


# -- the loss -------------------------------------------------------------------


def test_the_first_split_of_a_gaussian_is_the_closed_form():
    train, new = gaussian_rows(3000, 0), gaussian_rows(3000, 1)
    flow = GenFlow([Elliptical()], random_state=0).fit(train)
    exact = multivariate_normal(np.zeros(3), COVARIANCE).logpdf
    found = loss_decomposition(
        flow, train, held_out=new, log_density=exact, random_state=0
    )
    truth = theory.gaussian_loss_split(COVARIANCE)
    curve = found.held_out
    assert abs(curve.total[0] - truth.total) < 4 * curve.total_error[0]
    assert abs(curve.dependence[0] - truth.dependence) < 4 * curve.dependence_error[0]
    # Columns that are normal cost the estimate next to nothing.
    assert abs(curve.marginals[0]) < 0.005
    assert curve.total[-1] < 0.01
    assert found.converged is True
    assert found.overfits is False
    assert found.warnings == []


def test_marginal_losses_of_columns_that_are_not_normal_are_found():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (8000, 2)) * np.sqrt(3.0)
    flow = GenFlow([Linear(1, rotation="identity")], random_state=0).fit(X[:4000])
    found = loss_decomposition(flow, X[:4000], held_out=X[4000:], random_state=0)
    # KL(U(-sqrt 3, sqrt 3) || N(0, 1)) = log(2 pi e) / 2 - log(2 sqrt 3).
    truth = 0.5 * np.log(2 * np.pi * np.e) - 0.5 * np.log(12.0)
    assert_allclose(found.held_out.per_column[0], truth, atol=0.02)
    assert_allclose(found.held_out.dependence[0], 0.0, atol=0.03)


@pytest.mark.parametrize("direction", ["gaussianize", "generate"])
def test_the_curve_ends_at_the_flow(moons, direction):
    layers = [Elliptical(), Linear(3)]
    flow = GenFlow(layers, direction=direction, random_state=0).fit(moons[:800])
    new = moons[800:1600]
    found = loss_decomposition(
        flow, moons[:800], held_out=new, log_density=lambda X: np.zeros(len(X))
    )
    # With log p = 0 a loss is the mean negative log-likelihood.
    assert_allclose(found.train.total[-1], -flow.score(moons[:800]), rtol=1e-9)
    assert_allclose(found.held_out.total[-1], -flow.score(new), rtol=1e-9)
    total = found.train.dependence + found.train.marginals
    assert_allclose(total, found.train.total, rtol=1e-9)
    assert_allclose(found.train.per_column.sum(axis=1), found.train.marginals)
    # From data to noise, whichever way the flow was fitted.
    assert found.layer[0] is None
    assert found.layer[-1] == (1 if direction == "gaussianize" else 0)
    assert found.points[0] == "data"


def test_a_flow_that_stopped_too_early_is_told(moons, unfinished):
    found = loss_decomposition(
        unfinished, moons[:1600], held_out=moons[1600:], random_state=0
    )
    assert found.converged is False
    assert found.overfits is False
    assert found.remaining.value > 0.02
    assert "not converged" in found.warnings[0]
    assert found.warnings[0] in found.summary()
    assert_allclose(
        found.gap.value, unfinished.score(moons[:1600]) - unfinished.score(moons[1600:])
    )


def test_a_flow_that_overfits_is_told():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((600, 8))
    flow = ungated(12).fit(X[:150])
    found = loss_decomposition(flow, X[:150], held_out=X[150:], random_state=0)
    assert found.overfits is True
    assert "overfits" in found.warnings[0]
    assert found.best < len(found.points) - 1
    assert found.rise.value > 0.5
    assert found.gap.value > 1.0
    assert found.train.total[-1] < -1.0  # below the truth: learned by heart
    gated = GenFlow([clone(flow.layers[0]).set_params(gate="auto")], random_state=0)
    good = loss_decomposition(
        gated.fit(X[:150]), X[:150], held_out=X[150:], random_state=0
    )
    assert good.overfits is False


def test_without_held_out_rows_nothing_is_said_on_overfitting(moons, unfinished):
    found = loss_decomposition(unfinished, moons[:1600], n_points=2)
    assert found.points[0] == "data"
    assert len(found.points) == 2
    assert found.held_out is None
    assert found.converged is None
    assert found.overfits is None
    assert "held_out" in found.warnings[0]


def test_a_decomposition_is_reproducible_and_plain(moons, unfinished):
    def run(seed):
        return loss_decomposition(
            unfinished, moons, held_out=moons[1600:], max_rows=300, random_state=seed
        ).to_dict()

    first = run(0)
    assert first == run(0)
    assert first != run(1)
    assert json.loads(json.dumps(first)) == first


def test_a_layer_of_float32_is_followed(moons):
    flow = GenFlow([Linear(2)], dtype=np.float32, random_state=0).fit(moons[:800])
    found = loss_decomposition(flow, moons[:800], held_out=moons[800:])
    assert np.isfinite(found.held_out.total).all()
    layer = Linear(2, random_state=0).fit(moons[:800])
    assert len(loss_decomposition(layer, moons[:800]).points) == 4


def test_repeated_values_are_judged_as_they_were_fitted():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 4, (600, 2)).astype(float)
    flow = GenFlow([Linear(4)], random_state=0).fit(X[:300])
    found = loss_decomposition(flow, X[:300], held_out=X[300:], random_state=0)
    # Spread, four values fill a tenth of a standard deviation of the line at most.
    assert 1.0 < found.held_out.total[0] < 10.0
    assert found.overfits is False
    X[:, 1] = 7.0
    flow = GenFlow([Linear(2)], random_state=0).fit(X[:300])
    found = loss_decomposition(flow, X[:300], held_out=X[300:], random_state=0)
    assert "Columns 1 hold one value" in found.warnings[0]


def test_a_far_row_cannot_rule_the_marginals():
    X = np.random.default_rng(0).standard_cauchy((600, 2))
    flow = GenFlow([Linear(2)], random_state=0).fit(X[:300])
    found = loss_decomposition(flow, X[:300], held_out=X[300:], random_state=0)
    assert found.held_out.marginals.min() > -0.5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"held_out": np.zeros((100, 3))}, "held_out has 3 columns"),
        ({"held_out": np.zeros((10, 2))}, "held_out has 10 rows"),
        ({"n_points": 1}, "n_points must be an integer of at least 2"),
        ({"max_rows": 10}, "max_rows must be an integer of at least 40"),
        ({"log_density": lambda X: X}, "log_density must return one"),
        ({"log_density": lambda X: np.full(len(X), np.nan)}, "not finite"),
    ],
)
def test_bad_arguments_of_a_decomposition_are_named(moons, unfinished, change, message):
    with pytest.raises(ValueError, match=message):
        loss_decomposition(unfinished, moons, **change)


def test_what_is_no_fitted_flow_is_refused(moons, unfinished):
    with pytest.raises(TypeError, match="fitted GenFlow"):
        loss_decomposition(GenFlow, moons)
    with pytest.raises(ValueError, match="not fitted"):
        loss_decomposition(GenFlow(), moons)
    with pytest.raises(ValueError, match="same rows as X"):
        loss_decomposition(unfinished, moons, held_out=moons)
    with pytest.raises(TypeError, match="fitted GenFlow"):
        calibration("flow", moons)


# -- normality ------------------------------------------------------------------


def test_normal_rows_are_rejected_as_rarely_as_stated():
    draws = (np.random.default_rng(s).standard_normal((80, 3)) for s in range(60))
    p_values = [gaussianity(rows, random_state=0).p_value for rows in draws]
    # Three of sixty are expected at most; 9 would be more than three deviations up.
    assert np.sum(np.array(p_values) < 0.05) <= 9


def spoiled(name):
    rng = np.random.default_rng(0)
    Z = rng.standard_normal((1500, 4))
    if name == "columns":
        Z[:, 2] += 0.3
    elif name == "spreads":
        Z[:, 2] *= 1.25
    elif name == "extremes":
        Z[7, 2] = 9.0
    elif name == "directions":
        Z[:, 1:3] = rng.laplace(size=(1500, 2)) / np.sqrt(2.0)
        Z = Z @ np.linalg.qr(rng.standard_normal((4, 4)))[0]
    elif name == "radius":
        Z *= np.sqrt(4 / np.einsum("ij,ij->i", Z, Z))[:, None]
    elif name == "ranks":
        Z[:, 0] = 0.8 * Z[:, 2] + 0.6 * Z[:, 0]
    elif name == "sizes":
        Z[:, 0] = np.where(np.abs(Z[:, 2]) > 1, Z[:, 0] * 1.5, Z[:, 0])
    return Z


@pytest.mark.parametrize(
    "name", ["columns", "spreads", "extremes", "radius", "ranks", "sizes"]
)
def test_each_family_sees_what_it_is_for(name):
    found = gaussianity(spoiled(name), random_state=0)
    tests = {test.name: test for test in found.tests}
    assert tests[name].p_value < 1e-3
    assert found.rejected
    assert name in found.warnings[0]
    assert name == "radius" or 2 in tests[name].where
    assert json.dumps(found.to_dict())


def test_directions_see_what_columns_hide():
    found = gaussianity(spoiled("directions"), n_directions=4, random_state=1)
    assert found.rejected


def test_one_and_two_columns_are_tested():
    rng = np.random.default_rng(0)
    one = gaussianity(rng.standard_normal((60, 1)), random_state=0)
    assert [test.name for test in one.tests] == ["columns", "spreads", "extremes"]
    two = gaussianity(rng.standard_normal((60, 2)), random_state=0)
    assert {test.name: test.n_tests for test in two.tests}["ranks"] == 1
    assert not one.rejected
    assert "p-value" in two.summary()


def test_bad_arguments_of_gaussianity_are_named():
    Z = np.random.default_rng(0).standard_normal((50, 2))
    with pytest.raises(ValueError, match="Z has 10 rows"):
        gaussianity(Z[:10])
    with pytest.raises(ValueError, match=r"level must be a number in \(0, 1\)"):
        gaussianity(Z, level=5)
    with pytest.raises(ValueError, match="n_directions must be an integer from 1 to 2"):
        gaussianity(Z, n_directions=3)
    with pytest.raises(ValueError, match="NaN"):
        gaussianity(np.full((50, 2), np.nan))


# -- calibration ----------------------------------------------------------------


def test_the_true_law_is_calibrated_and_a_narrow_one_overconfident():
    train = gaussian_rows(4000, 0)
    flow = GenFlow([Elliptical()], random_state=0).fit(train)
    right = calibration(flow, gaussian_rows(2000, 1), random_state=0)
    assert right.warnings == []
    assert right.density_p_value > 0.01
    assert right.column_p_value > 0.01
    wide = calibration(flow, 1.3 * gaussian_rows(2000, 1), random_state=0)
    assert "overconfident" in wide.warnings[0]
    inside = chi2.cdf(chi2.ppf(0.9, 3) / 1.3**2, 3)
    assert abs(wide.coverage[2].value - inside) < 5 * wide.coverage[2].error
    near = calibration(flow, 0.7 * gaussian_rows(2000, 1), random_state=0)
    assert "underconfident" in near.warnings[0]
    assert near.warnings[0] in near.summary()


def test_transforms_are_uniform_where_the_flow_is_right():
    flow = GenFlow([Elliptical()], random_state=0).fit(gaussian_rows(4000, 0))
    found = calibration(flow, gaussian_rows(1000, 1), random_state=0)
    grid = np.linspace(0, 1, 11)
    for u in (found.density_transform, *found.column_transforms.T):
        assert_allclose(np.quantile(u, grid), grid, atol=0.06)
    again = calibration(flow, gaussian_rows(1000, 1), random_state=0)
    assert_array_equal(found.density_transform, again.density_transform)
    assert json.loads(json.dumps(found.to_dict()))["n_samples"] == 1000
    with pytest.raises(ValueError, match="at least 20"):
        calibration(flow, gaussian_rows(5, 0))
    with pytest.raises(ValueError, match="n_draws must be an integer"):
        calibration(flow, gaussian_rows(50, 0), n_draws=3)
