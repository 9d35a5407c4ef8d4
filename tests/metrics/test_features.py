"""Features of a classifier, and distances on them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax

from gaussflow.datasets import load_digits_images
from gaussflow.metrics import (
    ClassifierFeatures,
    frechet_distance,
    inception_score,
)


@pytest.fixture(scope="module")
def digits():
    """Return training and test digits, with labels."""
    bunch = load_digits_images()
    order = np.random.default_rng(0).permutation(len(bunch.data))
    X, y = bunch.data[order], bunch.target[order]
    return X[:1200], y[:1200], X[1200:], y[1200:]


def test_features_classify_unseen_digits(digits, global_random_seed):
    X, y, X_test, y_test = digits
    model = ClassifierFeatures(random_state=global_random_seed).fit(X, y)
    assert model.score(X_test, y_test) > 0.93
    assert model.n_iter_ < 100
    F, P = model.transform(X_test), model.predict_proba(X_test)
    assert F.shape == (597, 64)
    assert F.dtype == np.float64
    assert (F >= 0).all()
    # The last layer stands on the features.
    expected = softmax(F @ model.coefs_[-1] + model.intercepts_[-1], axis=1)
    assert_allclose(P, expected, rtol=1e-12)
    assert_array_equal(model.predict(X_test), model.classes_[P.argmax(axis=1)])
    assert 7 < inception_score(P, n_splits=1) <= 10


def test_distances_on_features_order_images_by_damage(digits, rng):
    X, y, X_test, _ = digits
    model = ClassifierFeatures(random_state=0).fit(X, y)
    real = model.transform(X)
    distances = [
        frechet_distance(
            real, model.transform(X_test + noise * rng.standard_normal(X_test.shape))
        )
        for noise in (0, 4, 8)
    ]
    assert 2 * distances[0] < distances[1] < distances[2] / 2


def test_same_seed_same_features(digits):
    X, y, X_test, _ = digits
    fits = [
        ClassifierFeatures((16, 8), max_iter=3, random_state=seed).fit(rows, y)
        for seed, rows in ((1, X), (1, X.astype(float)), (2, X))
    ]
    one, again, other = (model.transform(X_test) for model in fits)
    assert_array_equal(one, again)
    assert (one != other).any()
    assert fits[0].get_feature_names_out().tolist()[-1] == "classifierfeatures7"


@pytest.mark.usefixtures("block_numbers")
def test_two_classes_of_text_are_told_apart(rng):
    X = rng.standard_normal((200, 2))
    y = np.where(X[:, 0] > 0, "right", "left")
    model = ClassifierFeatures((8, 4), random_state=0).fit(X, y)
    P = model.predict_proba(X)
    assert P.shape == (200, 2)
    assert_allclose(P.sum(axis=1), 1)
    assert model.score(X, y) > 0.95
    assert_array_equal(P[:, 1] > 0.5, model.predict(X) == "right")


def test_few_or_constant_rows_are_fitted_without_early_stopping():
    X, y = np.ones((5, 3)), [0, 0, 1, 1, 2]
    model = ClassifierFeatures((4,), max_iter=7, random_state=0).fit(X, y)
    assert model.n_iter_ == 7
    assert np.isfinite(model.transform(X)).all()
    # Nothing to go by: all rows get the same verdict.
    assert_array_equal(np.ptp(model.predict_proba(X), axis=0), 0)
    with pytest.raises(ValueError, match="X reaches 1e\\+80"):
        model.transform(1e80 * X)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden": ()}, "hidden must be a tuple of at least one width"),
        ({"hidden": 64}, "hidden must be a tuple of integers, got 64"),
        ({"hidden": (8, 0)}, "every size in hidden must be an integer"),
        ({"max_iter": 0}, "max_iter must be an integer of at least 1"),
        ({"patience": 0.5}, "patience must be an integer"),
        (
            {"validation_fraction": 1.0},
            r"validation_fraction must .* \[0, 1\), got 1.0",
        ),
    ],
)
def test_features_refuse_bad_options(digits, options, message):
    with pytest.raises(ValueError, match=message):
        ClassifierFeatures(**options).fit(*digits[:2])


def test_features_refuse_one_class_and_other_widths(digits):
    X, y = digits[0][:20], digits[1][:20]
    with pytest.raises(ValueError, match="one class only: 3"):
        ClassifierFeatures().fit(X, np.full(20, 3))
    model = ClassifierFeatures((4,), max_iter=2).fit(X, y)
    with pytest.raises(ValueError, match="expecting 64 features"):
        model.transform(X[:, 1:])
