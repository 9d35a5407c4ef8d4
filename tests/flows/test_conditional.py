"""One flow per class: Bayes' rule, draws by label, densities that integrate to 1."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import multivariate_normal
from sklearn.base import clone
from sklearn.datasets import load_digits, make_moons

from gaussflow import ClassConditionalFlow, GenFlow
from gaussflow.layers import Dequantize, Elliptical, Linear

LAWS = {
    "left": multivariate_normal([-1.0, 0.0], [[1.0, 0.6], [0.6, 1.0]]),
    "right": multivariate_normal([1.0, 1.0], [[0.5, 0.0], [0.0, 2.0]]),
}
SHARES = np.array([0.25, 0.75])
CHEAP = GenFlow([Elliptical()])
RANDOM = GenFlow([Linear(n_iter=2, rotation="random", gate=None)])


def draw(n_samples, seed):
    rng = np.random.default_rng(seed)
    y = rng.choice(list(LAWS), n_samples, p=SHARES)
    X = np.empty((n_samples, 2))
    for label, law in LAWS.items():
        X[y == label] = law.rvs(int((y == label).sum()), random_state=rng)
    return X, y


def exact_joint(X):
    return np.column_stack([law.logpdf(X) for law in LAWS.values()]) + np.log(SHARES)


@pytest.fixture(scope="module")
def rows():
    return draw(600, 0)


MODELS = {
    "alone": ClassConditionalFlow(CHEAP, random_state=0),
    "after a shared flow": ClassConditionalFlow(
        RANDOM, shared=GenFlow([Elliptical(), *RANDOM.layers]), random_state=0
    ),
    "in float32": ClassConditionalFlow(
        GenFlow([Elliptical()], dtype=np.float32), shared=Elliptical(), random_state=0
    ),
}


@pytest.fixture(scope="module", params=MODELS)
def model(request, rows):
    return clone(MODELS[request.param]).fit(*rows)


# -- Bayes' rule ---------------------------------------------------------------


@pytest.mark.parametrize("shared", [None, Elliptical()], ids=["alone", "shared"])
def test_two_gaussians_are_told_apart_as_well_as_can_be(shared, global_random_seed):
    X, y = draw(6000, global_random_seed)
    fresh, labels = draw(2000, global_random_seed + 1000)
    model = ClassConditionalFlow(CHEAP, shared=shared, random_state=0).fit(X, y)
    joint = exact_joint(fresh)
    total = np.logaddexp.reduce(joint, axis=1)
    exact = np.exp(joint - total[:, None])
    assert list(model.classes_) == ["left", "right"]
    # Two means and three covariances of each class, from 1,500 rows and more.
    assert np.abs(model.predict_proba(fresh) - exact).mean() < 0.01
    # A shared layer that fits all rows bends the Gaussians of the classes a little.
    assert_allclose(model.score_samples(fresh).mean(), total.mean(), atol=0.04)
    best = (np.array(list(LAWS))[exact.argmax(axis=1)] == labels).mean()
    assert model.score(fresh, labels) > best - 0.01


def test_all_answers_follow_from_the_joint_densities(model, rows):
    X, y = rows
    joint = model.predict_joint_log_proba(X)
    log_prior = np.log(model.class_prior_)
    assert_allclose(model.class_prior_, np.unique(y, return_counts=True)[1] / len(y))
    for code, label in enumerate(model.classes_):
        given = model.score_samples(X, label)
        assert_allclose(given + log_prior[code], joint[:, code], atol=1e-5)
    codes = np.searchsorted(model.classes_, y)
    given = joint[np.arange(len(X)), codes] - log_prior[codes]
    assert_allclose(model.score_samples(X, y), given, atol=1e-5)
    assert_allclose(np.exp(model.score_samples(X)), np.exp(joint).sum(axis=1))
    proba = model.predict_proba(X)
    assert_allclose(proba, np.exp(joint) / np.exp(joint).sum(axis=1, keepdims=True))
    assert_allclose(np.exp(model.predict_log_proba(X)), proba)
    assert_array_equal(model.predict(X), model.classes_[proba.argmax(axis=1)])
    assert model.score(X, y) == (model.predict(X) == y).mean()


def test_the_densities_integrate_to_one(model):
    # Fine enough for these laws; the tails of a t beyond hold less than 0.5 %.
    axis, step = np.linspace(-15.0, 15.0, 301, retstep=True)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    for y in (None, "left", "right"):
        mass = np.exp(model.score_samples(grid, y)).sum() * step**2
        assert_allclose(mass, 1.0, atol=0.01, err_msg=str(y))


def test_given_shares_replace_those_of_the_rows(rows):
    X, y = rows
    plain = ClassConditionalFlow(CHEAP, random_state=0).fit(X, y)
    even = ClassConditionalFlow(CHEAP, priors=[0.5, 0.5], random_state=0).fit(X, y)
    odds = plain.predict_log_proba(X) - np.log(plain.class_prior_)
    expected = odds - np.logaddexp.reduce(odds, axis=1)[:, None]
    assert_allclose(even.predict_log_proba(X), expected, atol=1e-9)
    none = ClassConditionalFlow(CHEAP, priors=[0.0, 1.0], random_state=0).fit(X, y)
    assert set(none.predict(X)) == {"right"}
    assert_array_equal(none.predict_proba(X)[:, 0], 0.0)
    assert set(none.sample(100, random_state=0)[1]) == {"right"}
    assert_array_equal(none.score_samples(X), plain.score_samples(X, "right"))


def test_values_shared_by_many_rows_count_alike_in_every_class(global_random_seed):
    """Non-regression: each class spread its ties by a width of its own.

    The densities at a value were then heights of bumps of different widths, and
    the log loss 0.08 worse than that of the exact shares.
    """
    rng = np.random.default_rng(global_random_seed)
    shares = np.array([0.5, 0.05])

    def draw_bits(n):
        y = rng.integers(2, size=n)
        bit = rng.random(n) < shares[y]
        return np.column_stack([rng.standard_normal(n), bit]), y

    def log_loss(proba, y):
        return -np.log(proba[np.arange(len(y)), y]).mean()

    X, y = draw_bits(3000)
    fresh, labels = draw_bits(3000)
    flow = GenFlow([Linear(n_iter=1, rotation="identity")])
    model = ClassConditionalFlow(flow, random_state=0).fit(X, y)
    joint = np.where(fresh[:, 1:] == 1, shares, 1 - shares)
    exact = joint / joint.sum(axis=1, keepdims=True)
    excess = log_loss(model.predict_proba(fresh), labels) - log_loss(exact, labels)
    assert excess < 0.02


@pytest.mark.parametrize("scale", [1.0, 1e-60])
@pytest.mark.parametrize("shared", [None, Elliptical()], ids=["alone", "shared"])
def test_probabilities_are_numbers_however_far_out(scale, shared):
    # The map of the moons' radii makes inf - inf of the farthest rows.
    X, y = make_moons(200, noise=0.1, random_state=0)
    model = ClassConditionalFlow(CHEAP, shared=shared, random_state=0).fit(X * scale, y)
    steps = np.array([1e2, 1e8, 1e50, 1e100, 1e148])
    far = np.kron(steps[:, None], [[1, 1], [1, -1], [-1, 0], [0, 1]])
    proba = model.predict_proba(far)
    assert_allclose(proba.sum(axis=1), 1.0)
    assert not np.isnan(model.predict_log_proba(far)).any()
    log_density = model.score_samples(far)
    assert (log_density < -1e3).all()
    # Where all densities are below the smallest number, the shares remain.
    lost = np.isneginf(log_density)
    assert lost.any()
    assert not lost[np.abs(far).max(axis=1) <= 1e50 * scale].any()
    assert_allclose(proba[lost], np.tile(model.class_prior_, (lost.sum(), 1)))


# -- draws ---------------------------------------------------------------------


def test_rows_are_drawn_by_label(model):
    X, y = model.sample(8000, labels="right", random_state=0)
    assert X.shape == (8000, 2)
    assert set(y) == {"right"}
    # 450 rows were seen: three standard errors of a mean, and more.
    assert_allclose(X.mean(axis=0), LAWS["right"].mean, atol=0.25)
    assert_allclose(X.std(axis=0), np.sqrt(np.diag(LAWS["right"].cov)), rtol=0.2)


def test_each_row_is_drawn_from_its_own_label(model):
    labels = np.tile(["right", "left", "left"], 500)
    X, y = model.sample(1500, labels=labels, random_state=0)
    assert_array_equal(y, labels)
    given = np.exp([model.score_samples(X, label) for label in model.classes_])
    right = labels == "right"
    assert given[1, right].mean() > given[0, right].mean()
    assert given[0, ~right].mean() > given[1, ~right].mean()
    assert_allclose(X[~right].mean(axis=0), LAWS["left"].mean, atol=0.3)


def test_labels_are_drawn_by_their_shares(model):
    _, y = model.sample(4000, random_state=0)
    share = np.mean(y == "left")
    # Four standard errors.
    assert_allclose(share, model.class_prior_[0], atol=4 * (0.25 * 0.75 / 4000) ** 0.5)
    X, y = model.sample()
    assert X.shape == (1, 2)
    assert y.shape == (1,)


def test_draws_repeat_with_their_seed(model):
    first, again, other = (model.sample(20, random_state=s)[0] for s in (3, 3, 4))
    assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    rng = np.random.default_rng(0)
    assert not np.array_equal(*(model.sample(9, random_state=rng)[0] for _ in "ab"))


def test_a_shared_layer_s_bytes_come_back_as_bytes():
    X, y = load_digits(n_class=3, return_X_y=True)
    model = ClassConditionalFlow(
        CHEAP, shared=Dequantize(n_levels=17), random_state=0
    ).fit(X[::2], y[::2])
    drawn, labels = model.sample(60, labels=np.repeat([0, 1, 2], 20), random_state=0)
    assert set(np.unique(drawn)) <= set(range(17))
    assert model.score(X[1::2], y[1::2]) > 0.95
    # Each drawn image is nearest to the mean of its own digit.
    means = np.stack([X[y == digit].mean(axis=0) for digit in range(3)])
    nearest = ((drawn[:, None] - means) ** 2).sum(axis=-1).argmin(axis=1)
    assert (nearest == labels).mean() > 0.9
