"""The small classifier: its rules, its features and its copies."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits
from sklearn.utils.estimator_checks import parametrize_with_checks

from gaussflow.baselines import ImageClassifier

torch = pytest.importorskip("torch")


@parametrize_with_checks(
    [ImageClassifier(n_epochs=30, hidden=32, learning_rate=0.03, random_state=0)]
)
def test_the_classifier_keeps_scikit_learn_s_rules(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:1200] / 16, y[:1200], X[1200:] / 16, y[1200:]


@pytest.fixture(scope="module")
def fitted(digits):
    X, y, _, _ = digits
    return ImageClassifier((8, 8, 1), n_epochs=15, random_state=0).fit(X, y)


def test_it_reads_digits_that_it_has_not_seen(fitted, digits):
    _, _, X, y = digits
    assert fitted.score(X, y) > 0.9
    assert_allclose(fitted.predict_proba(X).sum(axis=1), 1.0)


def test_the_features_are_the_layer_before_the_logits(fitted, digits):
    X = digits[2]
    weight, bias = fitted.network_.weights[-2:]
    logits = fitted.transform(X) @ weight.T + bias
    assert_allclose(logits, fitted.decision_function(X), atol=1e-5)
    assert fitted.transform(X.astype(np.float32)).dtype == np.float32


def test_a_saved_classifier_gives_the_same_bits(fitted, digits, tmp_path):
    fitted.save(tmp_path / "classifier.gaussflow")
    again = ImageClassifier.load(tmp_path / "classifier.gaussflow")
    assert_array_equal(again.predict_proba(digits[2]), fitted.predict_proba(digits[2]))


def test_the_same_seed_gives_the_same_weights_and_leaves_torch_s_state_alone(digits):
    X, y, _, _ = digits
    before = torch.get_rng_state()
    one, two, other = (
        ImageClassifier((8, 8, 1), n_epochs=1, dropout=0.5, random_state=s).fit(X, y)
        for s in (0, 0, 1)
    )
    assert torch.equal(torch.get_rng_state(), before)
    for a, b in zip(one.network_.weights, two.network_.weights, strict=True):
        assert_array_equal(a, b)
    assert not np.array_equal(one.network_.weights[0], other.network_.weights[0])


def test_early_stopping_keeps_the_best_weights(digits):
    X, y, _, _ = digits
    classifier = ImageClassifier(
        (8, 8, 1),
        n_epochs=60,
        learning_rate=0.02,
        early_stopping=True,
        patience=2,
        random_state=0,
    ).fit(X, y)
    losses = [record["validation_loss"] for record in classifier.loss_curve_]
    assert len(losses) < 60
    assert np.argmin(losses) == len(losses) - 3


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"image_shape": (7, 8, 1)}, "needs 56 features, but X has 64"),
        ({"image_shape": (64,)}, "image_shape must be .height, width, channels"),
        ({"image_shape": (8, 8, 1), "channels": (4, 4, 4, 4)}, "halves the images"),
        ({"dropout": 1.0}, "dropout"),
        ({"hidden": 0}, "hidden must be an integer of at least 1"),
        ({"batch_size": 5000}, "larger than the 1200 rows"),
        ({"device": "tpu"}, 'device must be "auto"'),
    ],
)
def test_bad_parameters_are_named(digits, params, message):
    with pytest.raises(ValueError, match=message):
        ImageClassifier(**params).fit(*digits[:2])
