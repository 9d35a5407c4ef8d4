"""The laws of every marginal map, on every kind of column."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose

from gaussflow.marginals import (
    MARGINALS,
    AutoMarginal,
    Counts,
    Grid,
    KDEMarginal,
    PolynomialMarginal,
    QuantileMarginal,
    SplineMarginal,
    get_marginal,
)
from gaussflow.marginals.polynomial import raising_matrix

ESTIMATED = ["auto", "spline", "kde"]


def columns(n, rng, n_fresh=0):
    """Draw columns of every kind, standardised by the first n rows.

    Returns their names, n rows, and fresh ones where asked for.
    """
    n_train, n = n, n + n_fresh
    kinds = {
        "normal": rng.standard_normal(n),
        "bounded": rng.uniform(size=n),
        "bimodal": np.where(rng.random(n) < 0.5, -3, 3) + 0.5 * rng.standard_normal(n),
        "gap": np.where(
            rng.random(n) < 0.3, rng.uniform(0, 1, n), rng.uniform(3, 4, n)
        ),
        "skewed": rng.exponential(size=n),
        "log-normal": np.exp(rng.standard_normal(n)),
        "heavy tails": rng.standard_t(3, n),
        "atom": np.where(rng.random(n) < 0.6, 0.0, rng.exponential(size=n)),
        "integers": rng.integers(0, 11, n).astype(np.float64),
        "all equal": np.zeros(n),
        "one apart": np.r_[1.0, np.zeros(n - 1)],
    }
    Y = np.stack(list(kinds.values()), axis=1)
    std = Y[:n_train].std(0)
    Y = (Y - Y[:n_train].mean(0)) / np.where(std > 0, std, 1.0)
    return list(kinds), Y[:n_train], Y[n_train:]


def count(Y, grid=None):
    return Counts(Grid.standard(Y.shape[1]) if grid is None else grid).add(Y)


def forward(marginal, Y):
    log_det = np.zeros(len(Y))
    return marginal.forward_and_log_det(Y.copy(), log_det), log_det


def inverse(marginal, Z):
    log_det = np.zeros(len(Z))
    return marginal.inverse_and_log_det(Z.copy(), log_det), log_det


@pytest.fixture(params=[2, 30, 1000])
def rows(request, global_random_seed):
    """Return columns of every kind, of so many rows."""
    return columns(request.param, np.random.default_rng(global_random_seed))[1]


@pytest.fixture(params=["normal", "target"])
def fitted(request, rows):
    """Return a function that fits a marginal by name, to N(0, 1) or a target."""
    target = None
    if request.param == "target":
        Y = 5.0 + 2.0 * np.random.default_rng(9).gamma(2.0, size=(500, rows.shape[1]))
        target = count(Y, Grid.around(Y))
    return lambda name: get_marginal(name).fit(count(rows), target)


@pytest.mark.parametrize("name", MARGINALS)
def test_inverse_undoes_forward_inside_and_far_outside(name, fitted, rows):
    marginal = fitted(name)
    far = np.array([-1e3, -30.0, -10.0, 10.0, 30.0, 1e3])
    for Y in (rows, np.tile(far[:, None], (1, rows.shape[1]))):
        Z, log_det = forward(marginal, Y)
        assert np.isfinite(Z).all()
        assert np.isfinite(log_det).all()
        back, log_det_back = inverse(marginal, Z)
        # A slope of 1e-5 in a gap costs five digits.
        assert_allclose(back, Y, rtol=1e-9, atol=1e-9)
        assert_allclose(log_det_back, -log_det, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", MARGINALS)
def test_log_slope_matches_the_numeric_derivative(name, fitted, rows):
    marginal = fitted(name)
    step = 1e-6
    places = np.random.default_rng(1).uniform(-7, 7, 400)
    for k in range(rows.shape[1]):
        single = marginal.select([k])
        above, _ = forward(single, places[:, None] + step)
        below, _ = forward(single, places[:, None] - step)
        _, log_slope = forward(single, places[:, None])
        numeric = np.log((above - below)[:, 0] / (2 * step))
        # Beside a knot the slope changes within the step.
        error = np.abs(numeric - log_slope)
        assert np.quantile(error, 0.9) < 1e-5


@pytest.mark.parametrize("name", MARGINALS)
def test_maps_increase_strictly(name, fitted, rows):
    places = np.sort(np.r_[np.linspace(-9, 9, 20_001), -1e3, 1e3])
    Z, _ = forward(fitted(name), np.tile(places[:, None], (1, rows.shape[1])))
    assert (np.diff(Z, axis=0) > 0).all()


@pytest.mark.parametrize("name", MARGINALS)
def test_density_integrates_to_one(name, rows):
    marginal = get_marginal(name).fit(count(rows))
    # Fine where the slope bends, and wide, as tails are at least 0.3 steep.
    places = np.linspace(-40, 40, 400_001)
    for k in range(rows.shape[1]):
        Z, log_slope = forward(marginal.select([k]), places[:, None])
        density = np.exp(-0.5 * Z[:, 0] ** 2 + log_slope) / np.sqrt(2 * np.pi)
        assert_allclose(density.sum() * (places[1] - places[0]), 1.0, atol=0.005)


@pytest.mark.parametrize("name", MARGINALS)
def test_tails_are_straight_lines_that_let_no_outlier_grow(name, rows):
    marginal = get_marginal(name).fit(count(rows))
    assert ((marginal.tail_ >= 0.3) & (marginal.tail_ <= 1.0)).all()
    for distances in (np.array([20.0, 50.0, 1e3]), np.array([-20.0, -50.0, -1e3])):
        Y = np.tile(distances[:, None], (1, rows.shape[1]))
        Z, _ = forward(marginal, Y)
        side = marginal.tail_[:, int(distances[0] > 0)]
        assert_allclose(np.diff(Z, axis=0), np.diff(Y, axis=0) * side, rtol=1e-9)


@pytest.mark.parametrize("name", ESTIMATED)
def test_normal_columns_cost_almost_nothing(name, global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    marginal = get_marginal(name).fit(count(rng.standard_normal((500, 40))))
    gain, _ = marginal.gain(count(rng.standard_normal((4000, 40))))
    assert -0.008 < gain.mean() < 0.0005


@pytest.mark.parametrize(("name", "cost"), [("quantile", 0.04), ("polynomial", 0.015)])
def test_unselected_maps_cost_about_half_a_row_a_parameter(
    name, cost, global_random_seed
):
    """m free numbers fitted on n rows cost about m / 2n nats."""
    rng = np.random.default_rng(global_random_seed)
    marginal = get_marginal(name).fit(count(rng.standard_normal((500, 40))))
    gain, _ = marginal.gain(count(rng.standard_normal((4000, 40))))
    assert -cost < gain.mean() < 0.0


def test_auto_loses_little_to_any_other(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    kinds, train, test = columns(600, rng, 20_000)
    held_out = count(test)
    gains = {
        name: get_marginal(name).fit(count(train)).gain(held_out)[0]
        for name in MARGINALS
    }
    best = np.max(list(gains.values()), axis=0)
    for kind, loss in zip(kinds, best - gains["auto"], strict=True):
        # Without one other value there is no density to compare; and where in
        # its bin an atom lies is a matter of luck.
        if kind not in ("all equal", "one apart"):
            assert loss < (0.6 if kind == "atom" else 0.1), kind


def test_scores_are_near_the_held_out_figure(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    kinds, train, test = columns(2000, rng, 50_000)
    for name in ESTIMATED:
        marginal = get_marginal(name).fit(count(train))
        for k, kind in enumerate(kinds[:7]):
            Z, log_slope = forward(marginal.select([k]), test[:, [k]])
            figure = np.mean(log_slope - 0.5 * Z[:, 0] ** 2) - 0.5 * np.log(2 * np.pi)
            assert_allclose(marginal.scores_[k], figure, atol=0.15, err_msg=kind)


def test_a_bare_polynomial_turns_around_outside_ours_does_not():
    """Why supports are stored, and coefficients increase by construction."""
    rng = np.random.default_rng(0)
    y = np.sort(rng.standard_t(4, 400)) / np.sqrt(2.0)
    scores = np.sort(rng.standard_normal(400))
    bare = np.polynomial.Polynomial.fit(y, scores, 9)
    places = np.linspace(-8, 8, 1001)
    assert (np.diff(bare(places)) < 0).any()
    assert np.abs(bare(np.array([-30.0, 30.0]))).max() > 1e4
    ours, _ = forward(PolynomialMarginal(9).fit(count(y[:, None])), places[:, None])
    assert (np.diff(ours[:, 0]) > 0).all()
    far, _ = forward(
        PolynomialMarginal(9).fit(count(y[:, None])), np.array([[-30.0], [30.0]])
    )
    assert np.abs(far).max() < 31.0


@pytest.mark.parametrize("degree", [1, 3, 9, 30, 50])
def test_polynomials_of_every_degree_increase(degree, rows):
    marginal = PolynomialMarginal(degree).fit(count(rows))
    assert marginal.coef_.shape == (rows.shape[1], degree + 1)
    # Every coefficient of the derivative, raised in degree, is positive.
    raised = raising_matrix(degree - 1, 4 * degree)
    assert (raised @ np.diff(marginal.coef_, axis=1).T > 0).all()
    assert (np.diff(marginal.support_, axis=1) > 0).all()
    Z, _ = forward(marginal, rows)
    assert_allclose(inverse(marginal, Z)[0], rows, atol=1e-9)


def test_degree_one_is_a_straight_line(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    marginal = PolynomialMarginal(1).fit(count(rng.exponential(size=(500, 1)) - 1))
    low, high = marginal.support_[0]
    Z, log_slope = forward(marginal, np.linspace(low, high, 50)[:, None])
    assert_allclose(np.diff(Z, n=2, axis=0), 0.0, atol=1e-12)
    assert_allclose(log_slope[1:-1], log_slope[1], atol=1e-12)


def test_a_polynomial_finds_a_polynomial():
    """Normal rows through the inverse of z = a polynomial that increases."""
    z = np.random.default_rng(0).standard_normal(200_000)
    grid = np.linspace(-3, 3, 10_001)
    y = np.interp(z, (grid + 0.15 * grid**3) / 2.2, grid)
    inside = np.abs(y) < 2.0
    Z, _ = forward(PolynomialMarginal(3).fit(count(y[:, None])), y[inside, None])
    assert_allclose(Z[:, 0], z[inside], atol=0.03)


@pytest.mark.parametrize("degree", [0, -1, 51, 2.5, "9", None, True])
def test_a_bad_degree_is_named(degree):
    with pytest.raises(ValueError, match="degree must be an integer from 1 to 50"):
        PolynomialMarginal(degree).fit(count(np.zeros((5, 1))))


@pytest.mark.parametrize("name", MARGINALS)
def test_targets_are_reached(name, global_random_seed):
    """Source rows, mapped, follow the target's law: quantile by quantile."""
    rng = np.random.default_rng(global_random_seed)
    source = rng.standard_normal((20_000, 1))
    target = 100.0 + 7.0 * rng.gamma(4.0, size=(20_000, 1))
    marginal = get_marginal(name).fit(count(source), count(target, Grid.around(target)))
    mapped, _ = forward(marginal, source)
    levels = np.linspace(0.01, 0.99, 50)
    got, goal = np.quantile(mapped, levels), np.quantile(target, levels)
    assert_allclose(got, goal, atol=0.1 * target.std())


@pytest.mark.parametrize("name", MARGINALS)
def test_units_do_not_matter(name, global_random_seed):
    """A grid of other units gives the map of the standardised rows."""
    Y = columns(500, np.random.default_rng(global_random_seed))[1]
    Z, log_det = forward(get_marginal(name).fit(count(Y)), Y)
    grid = Grid(np.full(Y.shape[1], 3.0), np.full(Y.shape[1], 16.0))
    moved = 3.0 + 16.0 * Y
    marginal = get_marginal(name).fit(count(moved, grid))
    Z_moved, log_det_moved = forward(marginal, moved)
    assert_allclose(Z_moved, Z, atol=1e-6)
    assert_allclose(log_det_moved, log_det - Y.shape[1] * np.log(16.0), atol=1e-6)


@pytest.mark.parametrize("name", MARGINALS)
def test_counts_of_chunks_add_up_to_the_same_map(name, rows):
    whole = count(rows)
    parts = count(rows[::2]) + count(rows[1::2]).add(rows[:0])
    np.testing.assert_array_equal(parts.values, whole.values)
    one, two = (get_marginal(name).fit(c) for c in (whole, parts))
    for got, expected in zip(forward(one, rows), forward(two, rows), strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("name", MARGINALS)
def test_columns_are_fitted_and_selected_independently(name, rows):
    marginal = get_marginal(name).fit(count(rows))
    picked = [3, 0, 7]
    for other in (
        marginal.select(picked),
        get_marginal(name).fit(count(rows).select(picked)),
    ):
        Z, log_det = forward(other, rows[:, picked])
        # The bounds between which z is found by sums differ in the last bits.
        assert_allclose(Z, forward(marginal, rows)[0][:, picked], rtol=1e-12)
        singles = [forward(marginal.select([k]), rows[:, [k]])[1] for k in picked]
        assert_allclose(log_det, np.sum(singles, axis=0), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", MARGINALS)
def test_float32_rows_keep_their_type(name, rows):
    marginal = get_marginal(name).fit(count(rows))
    Y = rows.astype(np.float32)
    Z, log_det = forward(marginal, Y)
    Z64, log_det64 = forward(marginal, Y.astype(np.float64))
    assert Z.dtype == np.float32
    assert log_det.dtype == np.float64
    assert_allclose(Z, Z64, rtol=1e-6, atol=1e-6)
    assert_allclose(log_det, log_det64, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", MARGINALS)
def test_float32_counts_give_the_same_map(name, global_random_seed):
    Y = columns(500, np.random.default_rng(global_random_seed))[1].astype(np.float32)
    np.testing.assert_array_equal(count(Y).values, count(Y.astype(np.float64)).values)


@pytest.mark.parametrize("name", MARGINALS)
def test_no_rows_give_about_the_identity(name):
    """A part of the rows may be empty where there are few."""
    marginal = get_marginal(name).fit(Counts(Grid.standard(2)))
    places = np.linspace(-5, 5, 41)[:, None] * np.ones(2)
    assert_allclose(forward(marginal, places)[0], places, atol=0.15)


@pytest.mark.parametrize("name", MARGINALS)
def test_a_pickled_map_is_the_same(name, rows):
    marginal = get_marginal(name).fit(count(rows))
    again = pickle.loads(pickle.dumps(marginal))
    np.testing.assert_array_equal(forward(again, rows)[0], forward(marginal, rows)[0])


@pytest.mark.parametrize("name", MARGINALS)
def test_fitting_leaves_the_counts_alone(name, rows):
    counts, target = count(rows), count(rows[:, ::-1])
    before = counts.values.copy(), target.values.copy()
    get_marginal(name).fit(counts, target)
    np.testing.assert_array_equal(counts.values, before[0])
    np.testing.assert_array_equal(target.values, before[1])


@pytest.mark.parametrize("name", MARGINALS)
def test_gain_is_what_the_map_adds_to_the_log_likelihood(name, global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    train, test = columns(500, rng, 20_000)[1:]
    marginal = get_marginal(name).fit(count(train))
    gain, error = marginal.gain(count(test))
    for k in range(3):
        Y = test[:, [k]]
        Z, log_slope = forward(marginal.select([k]), Y)
        direct = log_slope + 0.5 * Y[:, 0] ** 2 - 0.5 * Z[:, 0] ** 2
        # Bins of 1/43 of a deviation.
        assert_allclose(gain[k], direct.mean(), atol=0.02)
        assert_allclose(error[k], direct.std() / np.sqrt(len(Y)), rtol=0.2)


def test_names_classes_and_instances_give_fresh_marginals():
    kinds = {
        "auto": AutoMarginal,
        "spline": SplineMarginal,
        "kde": KDEMarginal,
        "quantile": QuantileMarginal,
        "polynomial": PolynomialMarginal,
    }
    assert kinds == MARGINALS
    for name, cls in kinds.items():
        assert type(get_marginal(name)) is type(get_marginal(cls)) is cls
        assert get_marginal(name) is not get_marginal(name)
    template = PolynomialMarginal(4)
    copied = get_marginal(template, degree=9)
    copied.fit(count(np.zeros((5, 1))))
    assert copied.degree == 4
    assert vars(template) == {"degree": 4}
    assert get_marginal("polynomial", degree=3).degree == 3


@pytest.mark.parametrize("marginal", ["gauss", None, 3, dict, ["kde"], np.zeros(2)])
def test_an_unknown_marginal_lists_the_names(marginal):
    with pytest.raises(ValueError, match="'auto', 'spline', 'kde', 'quantile'"):
        get_marginal(marginal)


def test_a_constant_away_from_zero_is_an_atom_in_one_bin():
    """All rows in one bin, wherever it lies, give finite steep maps."""
    for value in (0.0, 2.37, -5.99, 50.0):
        counts = count(np.full((100, 1), value))
        for name in MARGINALS:
            Z, log_slope = forward(
                get_marginal(name).fit(counts), np.array([[value], [0.1], [-0.1]])
            )
            assert np.isfinite(Z).all(), (name, value)
            assert np.isfinite(log_slope).all(), (name, value)
