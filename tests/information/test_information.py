"""Measures of information beside closed forms, and what they refuse."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import ndtri
from scipy.stats import multivariate_t, norm

from gaussflow import GenFlow, information, theory
from gaussflow.layers import Elliptical, Linear, Triangular

MEASURES = (
    "entropy",
    "total_correlation",
    "mutual_information",
    "conditional_mutual_information",
    "kl_divergence",
    "negentropy",
)


def quick():
    """A flow that solves Gaussians, and is fitted in hundredths of a second."""
    return GenFlow([Elliptical()], validation_fraction=0.0)


def covariance(n_features, rng):
    A = rng.standard_normal((n_features, n_features))
    return A @ A.T / n_features + 0.3 * np.eye(n_features)


def gaussian(n_features, rng, n_rows=2000):
    S = covariance(n_features, rng)
    return S, rng.multivariate_normal(np.zeros(n_features), S, size=n_rows)


class Recorder:
    """A density estimator that remembers its rows, and says which it has seen.

    Its log density is 1 where it saw the row while it was fitted, else 0.
    """

    log: list

    def __init__(self, log=None):
        self.log = log

    def get_params(self, deep=True):
        return {"log": self.log}

    def fit(self, X):
        self.log.append({"train": X})
        self.seen_ = {row.tobytes() for row in X}
        return self

    def score_samples(self, X):
        self.log[-1]["scored"] = X
        return np.array([float(row.tobytes() in self.seen_) for row in X])

    def __sklearn_clone__(self):
        return Recorder(self.log)


# -- closed forms -----------------------------------------------------------------


def test_gaussians_have_their_closed_forms(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    S, X = gaussian(5, rng)
    options = {"flow": quick(), "random_state": 0}
    left, right, rest = X[:, :2], X[:, 2:4], X[:, 4:]
    of = theory.gaussian_mutual_information
    # Tolerances: about four standard errors of 2,000 rows.
    atol = 4 * np.sqrt(2.5 / len(X))
    assert_allclose(
        information.entropy(X, **options), theory.gaussian_entropy(S), atol=atol
    )
    found = information.total_correlation(X, **options)
    assert_allclose(found, theory.gaussian_loss_split(S).dependence, atol=atol)
    found = information.mutual_information(left, right, **options)
    assert_allclose(found, of(S, [0, 1], [2, 3]), atol=atol)
    found = information.conditional_mutual_information(left, right, rest, **options)
    assert_allclose(found, of(S, [0, 1], [2, 3], given=[4]), atol=atol)
    assert_allclose(information.negentropy(X, **options), 0.0, atol=0.02)


def test_divergence_of_gaussians(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    S, X = gaussian(3, rng)
    R, shift = covariance(3, rng), np.array([0.5, 0.0, -0.5])
    Y = rng.multivariate_normal(shift, R, size=len(X))
    exact = theory.gaussian_kl(S, from_covariance=R, from_mean=shift)
    found = information.kl_divergence(X, Y, flow=quick(), random_state=0)
    assert_allclose(found, exact, rtol=0.15, atol=0.02)


def test_divergence_from_a_gaussian_far_away():
    """Rows of X where Y has none: no flow's tails, but those of the Gaussian."""
    rng = np.random.default_rng(0)
    X, Y = rng.normal(9.0, 1.0, 600), rng.normal(0.0, 1.0, 600)
    found = information.kl_divergence(X, Y, random_state=0)
    assert_allclose(found, 40.5, rtol=0.2)
    # A law that a Gaussian does not fit keeps its flow.
    Y = np.where(rng.random(600) < 0.5, -2.0, 2.0) + 0.3 * rng.standard_normal(600)
    X = rng.normal(2.0, 0.3, 600)
    found = information.kl_divergence(X, Y, random_state=0)
    assert_allclose(found, np.log(2.0), atol=0.1)


def test_flows_find_what_is_not_gaussian():
    """Two columns on a noisy circle: uncorrelated, and far from independent."""
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, 2 * np.pi, 1000)
    X = np.c_[np.cos(angle), np.sin(angle)] + 0.1 * rng.standard_normal((1000, 2))
    flow = GenFlow([Linear(n_iter=40, rotation="random")], validation_fraction=0.0)
    found = information.total_correlation(X, flow=flow, random_state=0)
    # The integral of the density over a grid of 0.005 is 0.679; rows are few.
    assert 0.4 < found < 0.72


def test_negentropy_and_entropy_of_a_uniform():
    X = np.random.default_rng(0).uniform(3.0, 5.0, size=2000)
    assert_allclose(information.entropy(X, random_state=0), np.log(2.0), atol=0.05)
    exact = 0.5 * np.log(2 * np.pi * np.e / 12)
    assert_allclose(information.negentropy(X, random_state=0), exact, atol=0.05)


# -- laws ---------------------------------------------------------------------------


def test_seen_and_unseen_rows_have_half_the_say_each():
    """What a flow learns by heart of its rows counts half, and widens the interval."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 3))
    log = []
    flow = Recorder(log)
    found = information.entropy(X, flow=flow, n_folds=4, interval=0.95, random_state=0)
    assert found == (-0.5, -1.0, 0.0)
    assert [len(call["train"]) for call in log] == [45] * 4
    seen = sum(np.isin(X[:, 0], call["train"][:, 0]).astype(int) for call in log)
    assert_array_equal(seen, 3)  # each row is left out once
    # The scores' own densities, which dependence is measured from.
    of_column = -norm.logpdf(ndtri((np.arange(60) + 0.5) / 60)).mean()
    for measure, args, expected in [
        (information.total_correlation, (X,), 0.5 + 3 * of_column),
        (information.mutual_information, (X[:, :2], X[:, 2]), of_column),
        (information.conditional_mutual_information, X.T, -0.5 - of_column),
        (information.kl_divergence, (X, rng.standard_normal((60, 3))), 0.5),
    ]:
        assert_allclose(measure(*args, flow=flow, random_state=0), expected)


def test_extremes_that_come_together_are_found(global_random_seed):
    """The dependence of a multivariate t: between normal scores flows miss much."""
    rng = np.random.default_rng(global_random_seed)
    X = rng.standard_normal((3000, 4)) / np.sqrt(rng.chisquare(3, (3000, 1)) / 3)

    def entropy(D):
        law = multivariate_t(np.zeros(D), np.eye(D), 3, seed=0)
        return law.entropy()

    exact = 4 * entropy(1) - entropy(4)
    found = information.total_correlation(X, flow=quick(), random_state=0)
    assert_allclose(found, exact, atol=0.06)


def test_dependence_ignores_monotone_maps_of_the_columns():
    rng = np.random.default_rng(0)
    _, X = gaussian(3, rng, 500)
    skewed = np.exp(X)
    options = {"flow": quick(), "random_state": 0}
    found = information.total_correlation(skewed, **options)
    mapped = np.c_[np.exp(3 * X[:, 0]), 1e9 * X[:, 1] ** 3, np.arctan(X[:, 2])]
    assert information.total_correlation(mapped, **options) == found
    # What passes for Gaussian is taken as it is: the same up to noise.
    same = information.total_correlation(X, **options)
    assert same != found
    assert_allclose(same, found, atol=0.05)
    found = information.mutual_information(skewed[:, :2], skewed[:, 2], **options)
    same = information.mutual_information(mapped[:, :2], mapped[:, 2], **options)
    assert same == found


def test_sharp_dependence_of_gaussian_columns_is_not_blurred():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1000, 2))
    y = x.sum(axis=1) + 0.02 * rng.standard_normal(1000)
    exact = 0.5 * np.log(1 + 2 / 0.02**2)
    found = information.mutual_information(x, y, flow=quick(), random_state=0)
    assert_allclose(found, exact, atol=0.12)
    # In ranks it is, and so the test would notice.
    blurred = information.mutual_information(np.exp(x), y, flow=quick(), random_state=0)
    assert blurred < exact - 0.3


def test_discrete_columns_share_what_they_share():
    """Ties in random order: the dependence of dequantised columns is the same."""
    rng = np.random.default_rng(0)
    fair = rng.integers(2, size=2000)
    flow = GenFlow([Triangular()], validation_fraction=0.0)
    options = {"flow": flow, "n_folds": 2, "random_state": 0}
    found = information.mutual_information(fair, fair.copy(), **options)
    # Two blocks with sharp edges, which flows blur: the bias is downward.
    assert np.log(2.0) - 0.2 < found < np.log(2.0) + 0.02
    other = rng.integers(2, size=2000)
    constant = np.zeros(2000)
    assert_allclose(
        information.mutual_information(fair, other, **options), 0, atol=0.02
    )
    found = information.mutual_information(fair, constant, **options)
    assert_allclose(found, 0.0, atol=0.02)


def test_dependence_is_judged_in_normal_scores_with_ties_at_random():
    X = np.c_[[0.0, 0, 0, 1, 1, 2, 2, 2], 3.0 ** np.arange(8)]
    levels = ndtri((np.arange(8) + 0.5) / 8)
    draws = set()
    for seed in range(20):
        log = []
        options = {"flow": Recorder(log), "n_folds": 2, "random_state": seed}
        information.total_correlation(X, **options)
        scores = log[0]["scored"]
        assert_array_equal(scores[:, 1], levels)
        for tied in (slice(0, 3), slice(3, 5), slice(5, 8)):
            assert_array_equal(np.sort(scores[tied, 0]), levels[tied])
        draws.add(tuple(scores[3:5, 0]))
    assert draws == {tuple(levels[3:5]), tuple(levels[4:2:-1])}


def test_bits_are_nats_over_log_2_and_seeds_decide():
    _, X = gaussian(2, np.random.default_rng(0), 300)
    flow = GenFlow([Linear(n_iter=2)])
    nats = information.entropy(X, flow=flow, random_state=3)
    assert information.entropy(X, flow=flow, random_state=3) == nats
    assert information.entropy(X, flow=flow, random_state=4) != nats
    bits = information.entropy(X, flow=flow, unit="bits", random_state=3)
    assert_allclose(bits, nats / np.log(2.0))
    assert not hasattr(flow, "layers_")  # the flow given is never fitted


class Watched(GenFlow):
    """A flow that notes what layers it was given, in the list of its first parent."""

    def __init__(self, layers="auto", *, given=None, random_state=None):
        super().__init__(layers, random_state=random_state)
        self.given = given

    def __sklearn_clone__(self):
        return Watched(self.layers, given=self.given, random_state=self.random_state)

    def fit(self, X, y=None):
        self.given.append(self.layers)
        return super().fit(X, y)


def test_layers_are_chosen_once():
    given = []
    information.entropy(X, flow=Watched(given=given), n_folds=3, random_state=0)
    assert given[0] == "auto"
    assert "auto" not in given[1:]
    first, second = ([type(layer) for layer in g] for g in given[1:])
    assert first == second


def test_an_interval_is_about_two_standard_errors_to_each_side():
    _, X = gaussian(2, np.random.default_rng(0), 2000)
    options = {"flow": quick(), "random_state": 0}
    value, low, high = information.entropy(X, interval=0.95, **options)
    assert value == information.entropy(X, **options)
    # -log p of a Gaussian in D dimensions has variance D / 2.
    assert_allclose([value - low, high - value], 1.96 / np.sqrt(2000), rtol=0.15)
    wide = information.entropy(X, interval=0.999, **options)
    assert wide.low < low < high < wide.high


def test_the_interval_of_a_divergence_holds_the_noise_of_both_samples():
    """Few rows of Y: divergences of 12 samples vary as their intervals say."""
    rng = np.random.default_rng(0)
    X = rng.normal(0.5, 0.8, (1000, 2))
    found = []
    for _ in range(12):
        Y = rng.standard_normal((100, 2))
        options = {"flow": quick(), "n_folds": 2, "interval": 0.95, "random_state": 0}
        found.append(information.kl_divergence(X, Y, **options))
    value, low, high = np.transpose(found)
    assert_allclose(np.mean(high - low) / 3.92, value.std(ddof=1), rtol=0.6)


# -- bad input ----------------------------------------------------------------------

X = np.random.default_rng(0).standard_normal((60, 2))
COIN = np.c_[X, np.arange(60) % 2]


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"unit": "hartley"}, "unit must be"),
        ({"interval": 95}, r"interval must be a number in \(0, 1\) or None"),
        ({"n_folds": 1}, "n_folds must be an integer"),
        ({"n_folds": 30}, "X has 60 rows, but n_folds=30 needs at least 120"),
    ],
)
def test_bad_options_are_refused(name, options, message):
    n_args = name.count("mutual") + name.count("conditional") + name.startswith("kl")
    Y = np.random.default_rng(1).standard_normal((2, 60, 2))
    with pytest.raises(ValueError, match=message):
        getattr(information, name)(X, *Y[:n_args], **options)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: information.total_correlation(X[:, 0]), "at least 2 columns"),
        (lambda: information.entropy(X[:30], interval=0.9), "too few for an interval"),
        (lambda: information.entropy(np.full((60, 2), np.nan)), "contains NaN"),
        (lambda: information.entropy(COIN), "Column 2 of X holds one value"),
        (lambda: information.negentropy(np.ones(60)), "Column 0 of X holds one value"),
        (lambda: information.kl_divergence(X, COIN[:, 1:]), "Column 1 of Y holds"),
        (lambda: information.kl_divergence(X, X[:, :1]), "X has 2 columns and Y has 1"),
        (lambda: information.mutual_information(X, X[:50]), "columns of the same rows"),
        (lambda: information.mutual_information(X, X), "Columns 0 and 2, .* infinite"),
        (
            lambda: information.total_correlation(np.c_[X, -np.exp(X[:, 1])]),
            "Columns 1 and 2, .* infinite",
        ),
        (
            lambda: information.negentropy(np.c_[X, X.sum(axis=1)], flow=Recorder([])),
            "linearly dependent",
        ),
    ],
)
def test_bad_rows_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_what_is_no_density_estimator_is_refused():
    with pytest.raises(TypeError, match="fit and score_samples"):
        information.entropy(X, flow=Elliptical)
    with pytest.raises(TypeError, match="fit and score_samples"):
        information.entropy(X, flow="auto")
