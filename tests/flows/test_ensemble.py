"""BaggedGenFlow: a mean of densities is a density, whatever draws it."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from gaussflow import BaggedGenFlow, GenFlow
from gaussflow.layers import Elliptical, Linear
from gaussflow.persistence import PersistenceError

CHEAP = GenFlow([Linear(n_iter=3)])


@pytest.fixture(scope="module")
def X():
    Z = np.random.default_rng(0).standard_normal((400, 2))
    return np.c_[np.exp(0.5 * Z[:, 0]), Z[:, 1] + Z[:, 0] ** 2]


@pytest.fixture(scope="module")
def bag(X):
    return BaggedGenFlow(CHEAP, 3, max_samples=0.7, random_state=0).fit(X)


def test_the_density_is_the_members_mean(bag, X):
    mean = np.mean([np.exp(m.score_samples(X)) for m in bag.estimators_], axis=0)
    assert_allclose(bag.score_samples(X), np.log(mean))
    assert bag.score(X) == bag.score_samples(X).mean()


def test_the_density_integrates_to_one(bag):
    axis, step = np.linspace(-15.0, 25.0, 801, retstep=True)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    assert_allclose(np.exp(bag.score_samples(grid)).sum() * step**2, 1.0, atol=0.01)


def test_members_differ_in_seed_and_rows(X):
    """Elliptical has nothing random: members differ by their rows alone."""
    by_rows = BaggedGenFlow(Elliptical(), 2, max_samples=0.5, random_state=0).fit(X)
    same = BaggedGenFlow(Elliptical(), 2, random_state=0).fit(X)
    by_seed = BaggedGenFlow(CHEAP, 2, random_state=0).fit(X)
    scores = [[m.score(X) for m in b.estimators_] for b in (by_rows, same, by_seed)]
    assert [a == b for a, b in scores] == [False, True, False]


def test_no_row_is_drawn_twice(X):
    """A row that is there twice passes for an atom, and likelihoods collapse."""

    class Recorder(Elliptical):
        def fit(self, X, y=None):
            self.rows_ = X
            return super().fit(X)

    bag = BaggedGenFlow(Recorder(), 2, max_samples=0.9, random_state=0).fit(X)
    for member in bag.estimators_:
        assert len(np.unique(member.rows_, axis=0)) == len(member.rows_) == 360


def test_threads_give_the_same_bits(bag, X):
    threaded = clone(bag).set_params(n_jobs=2).fit(X)
    assert_array_equal(threaded.score_samples(X), bag.score_samples(X))
    assert_array_equal(
        threaded.sample(50, random_state=1), bag.sample(50, random_state=1)
    )


def test_samples_follow_the_density(bag, X):
    """The mean of log p over samples is minus the entropy: two ways to the same."""
    samples = bag.sample(4000, random_state=0)
    assert_array_equal(samples, bag.sample(4000, random_state=0))
    axis, step = np.linspace(-8.0, 18.0, 521, retstep=True)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    log_p = bag.score_samples(grid)
    drawn = bag.score_samples(samples)
    error = drawn.std() / np.sqrt(len(drawn))
    exact = (np.exp(log_p) * log_p).sum() * step**2
    assert abs(drawn.mean() - exact) < 4 * error


def test_a_row_absurdly_far_out_has_no_density(X):
    small = BaggedGenFlow(Elliptical(), 2).fit(1e-20 * X)
    assert small.score_samples([[1e149, 1e149]])[0] == -np.inf


def test_files_and_pickles_keep_the_bits(bag, X, tmp_path):
    bag.save(tmp_path / "bag.gaussflow")
    for again in (
        BaggedGenFlow.load(tmp_path / "bag.gaussflow"),
        pickle.loads(pickle.dumps(bag)),
    ):
        assert_array_equal(again.score_samples(X), bag.score_samples(X))
        drawn = again.sample(9, random_state=0)
        assert_array_equal(drawn, bag.sample(9, random_state=0))


def test_a_file_with_a_member_of_another_width_is_refused(bag, X, tmp_path):
    broken = pickle.loads(pickle.dumps(bag))
    broken.estimators_[1] = Elliptical().fit(X[:, :1])
    broken.save(tmp_path / "broken.gaussflow")
    with pytest.raises(PersistenceError, match="every flow must see all columns"):
        BaggedGenFlow.load(tmp_path / "broken.gaussflow")


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"estimator": "auto"}, TypeError, "estimator must be a GenFlow"),
        ({"n_estimators": 0}, ValueError, "n_estimators must be an integer"),
        ({"n_estimators": 2.5}, ValueError, "n_estimators .* got 2.5"),
        ({"max_samples": 1.5}, ValueError, "max_samples .* got 1.5"),
        ({"max_samples": "all"}, ValueError, "max_samples .* got 'all'"),
    ],
)
def test_bad_parameters_are_named(params, error, message, X):
    with pytest.raises(error, match=message):
        BaggedGenFlow(CHEAP, 2).set_params(**params).fit(X)


def test_a_fit_that_fails_leaves_the_old_bag(bag, X):
    again = pickle.loads(pickle.dumps(bag))
    with pytest.raises(ValueError, match="NaN"):
        again.fit(np.full_like(X, np.nan))
    np.testing.assert_array_equal(again.score_samples(X), bag.score_samples(X))


def test_sample_names_a_bad_count(bag):
    with pytest.raises(ValueError, match="n_samples .* got 0"):
        bag.sample(0)
