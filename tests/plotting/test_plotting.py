"""Displays compute once, store numbers, and draw what they stored."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import chi
from sklearn.datasets import make_moons
from sklearn.exceptions import NotFittedError

from gaussflow import Elliptical, GenFlow, Linear

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

from gaussflow.diagnostics import loss_decomposition  # noqa: E402
from gaussflow.plotting import (  # noqa: E402
    LatentDisplay,
    LossCurveDisplay,
    LossDecompositionDisplay,
    MarginalMapDisplay,
    PairsDisplay,
)

X = make_moons(600, noise=0.1, random_state=0)[0]


@pytest.fixture(scope="module")
def flow():
    layers = [Elliptical(), Linear(4, rotation="random", tol=0)]
    return GenFlow(layers, random_state=0).fit(X[:300])


@pytest.fixture(autouse=True)
def _closed_figures():
    yield
    plt.close("all")


def test_a_loss_curve_is_drawn_as_it_was_written(flow):
    display = LossCurveDisplay.from_estimator(flow, color="k")
    train, held_out = display.lines_
    assert_array_equal(train.get_ydata(), [p["train"] for p in flow.loss_curve_])
    assert_array_equal(held_out.get_ydata(), [p["held_out"] for p in flow.loss_curve_])
    assert train.get_color() == "k"
    without = GenFlow([Linear(2)], validation_fraction=0, random_state=0).fit(X)
    assert len(LossCurveDisplay.from_estimator(without).lines_) == 1


def test_a_decomposition_is_drawn_with_what_was_measured(flow):
    ax = plt.figure().gca()
    display = LossDecompositionDisplay.from_estimator(
        flow, X[:300], held_out=X[300:], random_state=0, ax=ax
    )
    found = loss_decomposition(flow, X[:300], held_out=X[300:], random_state=0)
    assert display.ax_ is ax
    for name in ("total", "dependence", "marginals"):
        drawn = display.lines_[name].get_ydata()
        assert_array_equal(drawn, getattr(found.held_out, name))
    assert_array_equal(display.lines_["training total"].get_ydata(), found.train.total)
    alone = LossDecompositionDisplay(loss_decomposition(flow, X[:300])).plot()
    assert "training total" not in alone.lines_


def test_latents_are_drawn_as_deviations_and_mostly_within_the_band():
    rng = np.random.default_rng(0)
    rows, new = rng.standard_normal((2, 3000, 3))
    flow = Elliptical(random_state=0).fit(rows)
    display = LatentDisplay.from_estimator(flow, new, columns=[0, 2])
    assert display.deviations.shape == (2, 200)
    assert np.abs(display.deviations[:, 20:-20]).max() < 0.1
    goal, drawn = display.axes_[1].lines[-1].get_data()
    assert_allclose(goal, chi(3).ppf(display.levels))
    (band,) = display.axes_[1].collections
    low, high = band.get_datalim(display.axes_[1].transData).intervaly
    assert low < drawn.min() < drawn.max() < high
    wide = LatentDisplay.from_estimator(flow, 1.5 * new)
    drawn = wide.axes_[1].lines[-1].get_ydata()
    assert_allclose(drawn[20:-20], 0.5 * goal[20:-20], atol=0.15)


def test_maps_are_those_of_the_iteration(flow):
    display = MarginalMapDisplay.from_estimator(flow, iteration=1, directions=[0])
    marginal = flow.layers_[1].iterations_[1].marginal
    after = marginal.select([0]).forward_and_log_det(
        display.y[:, None].copy(), np.zeros(len(display.y))
    )
    assert_array_equal(display.lines_[0].get_ydata(), after[:, 0])
    assert display.layer == 1
    layer = Linear(2, rotation="random", random_state=0).fit(X)
    assert MarginalMapDisplay.from_estimator(layer).layer == 0


def test_pairs_hold_real_rows_above_and_synthetic_below(flow):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=["east", "north"])
    display = PairsDisplay.from_estimator(flow, frame, max_rows=100, random_state=0)
    above, below = (display.axes_[ij].collections[0] for ij in ((0, 1), (1, 0)))
    rows = np.asarray(above.get_offsets())[:, ::-1]
    assert len(rows) == 100
    assert {tuple(row) for row in rows} <= {tuple(row) for row in X}
    assert_array_equal(below.get_offsets(), display.synthetic)
    assert display.axes_[1, 0].get_xlabel() == "east"
    again = PairsDisplay.from_estimator(
        flow, frame, max_rows=100, random_state=0, axes=plt.subplots(2, 2)[1]
    )
    assert_array_equal(again.synthetic, display.synthetic)


def test_bad_arguments_are_named(flow):
    with pytest.raises(ValueError, match="no losses to draw"):
        LossCurveDisplay.from_estimator(Linear(1, random_state=0).fit(X))
    with pytest.raises(NotFittedError):
        LossCurveDisplay.from_estimator(GenFlow())
    with pytest.raises(ValueError, match="columns must name columns 0 to 1"):
        LatentDisplay.from_estimator(flow, X, columns=[2])
    with pytest.raises(ValueError, match=r"one of \[1\] here, got 0"):
        MarginalMapDisplay.from_estimator(flow, layer=0)
    with pytest.raises(ValueError, match="iteration must be an integer from 0 to"):
        MarginalMapDisplay.from_estimator(flow, iteration=99)
    with pytest.raises(ValueError, match="axes must hold 2 x 2 axes"):
        PairsDisplay.from_estimator(flow, X, axes=plt.subplots(1, 2)[1])


def test_without_matplotlib_the_error_says_what_to_install(flow, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"gaussflow\[viz\]"):
        LossCurveDisplay.from_estimator(flow)
