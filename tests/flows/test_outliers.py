"""DensityOutlierDetector: low density is odd, and the offset means what it says."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import roc_auc_score

from gaussflow import BaggedGenFlow, DensityOutlierDetector, GenFlow
from gaussflow.layers import Elliptical, Linear
from gaussflow.persistence import PersistenceError

CHEAP = GenFlow([Linear(n_iter=3)])


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).standard_normal((2000, 3)) @ np.diag([1, 5, 0.1])


@pytest.fixture(scope="module")
def detector(X):
    return DensityOutlierDetector(Elliptical(), random_state=0).fit(X)


def test_scores_are_the_flow_s_log_densities(detector, X):
    assert_array_equal(detector.score_samples(X), detector.estimator_.score_samples(X))
    assert_allclose(
        detector.decision_function(X), detector.score_samples(X) - detector.offset_
    )
    assert_array_equal(
        detector.predict(X), np.where(detector.decision_function(X) < 0, -1, 1)
    )


def test_auto_calls_a_twentieth_of_clean_rows_outliers(detector, global_random_seed):
    rng = np.random.default_rng(global_random_seed + 1)
    clean = rng.standard_normal((20_000, 3)) @ np.diag([1, 5, 0.1])
    share = np.mean(detector.predict(clean) == -1)
    # 10,000 draws set the level and 2,000 rows the flow.
    assert 0.035 < share < 0.065


@pytest.mark.parametrize("contamination", [0.01, 0.1, 0.5])
def test_a_number_is_the_share_of_training_rows_below(contamination, X):
    detector = DensityOutlierDetector(Elliptical(), contamination=contamination)
    labels = detector.fit_predict(X)
    assert_allclose(np.mean(labels == -1), contamination, atol=1 / len(X))


@pytest.mark.parametrize("estimator", [CHEAP, BaggedGenFlow(CHEAP, 2)])
def test_outliers_have_the_lowest_scores(estimator, global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    X = rng.exponential(size=(1000, 2))
    odd = np.arange(1000) % 20 == 0
    X[odd] = rng.uniform(6.0, 14.0, size=(50, 2))
    detector = DensityOutlierDetector(estimator, random_state=0).fit(X[:500])
    assert roc_auc_score(odd[500:], -detector.decision_function(X[500:])) > 0.98


def test_far_rows_are_outliers_even_where_density_is_lost(detector):
    assert detector.predict([[1e149, 0.0, 0.0]])[0] == -1


def test_files_keep_the_bits(detector, X, tmp_path):
    detector.save(tmp_path / "detector.gaussflow")
    again = DensityOutlierDetector.load(tmp_path / "detector.gaussflow")
    assert_array_equal(again.decision_function(X), detector.decision_function(X))


def test_a_file_whose_flow_has_another_width_is_refused(detector, X, tmp_path):
    broken = pickle.loads(pickle.dumps(detector))
    broken.estimator_ = Elliptical().fit(X[:, :2])
    broken.save(tmp_path / "broken.gaussflow")
    with pytest.raises(PersistenceError, match="every flow must see all columns"):
        DensityOutlierDetector.load(tmp_path / "broken.gaussflow")


@pytest.mark.parametrize("contamination", [0.0, 0.6, -0.1, True, "most", None])
def test_bad_contamination_is_named(contamination, X):
    detector = DensityOutlierDetector(Elliptical(), contamination=contamination)
    with pytest.raises(ValueError, match="contamination .* got"):
        detector.fit(X)


def test_an_estimator_without_density_is_refused(X):
    with pytest.raises(TypeError, match="estimator must be a GenFlow"):
        DensityOutlierDetector("auto").fit(X)
