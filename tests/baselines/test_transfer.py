"""Transfer learning: what is frozen stays, few labels suffice, modules of one's own."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits

from gaussflow.baselines import ImageClassifier, TransferClassifier
from gaussflow.persistence import PersistenceError

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X / 16, y


@pytest.fixture(scope="module")
def backbone(digits):
    """Train on the digits 0 to 5; 6 to 9 are new to it."""
    X, y = digits
    known = y < 6
    return ImageClassifier((8, 8, 1), n_epochs=15, random_state=0).fit(
        X[known], y[known]
    )


@pytest.fixture(scope="module")
def few(digits):
    """Give five images of each of the digits 6 to 9 to learn from, others to test."""
    X, y = digits
    X, y = X[y >= 6], y[y >= 6]
    rows = np.concatenate([np.flatnonzero(y == c)[:5] for c in range(6, 10)])
    rest = np.setdiff1d(np.arange(len(y)), rows)
    return X[rows], y[rows], X[rest], y[rest]


def test_few_labels_suffice_on_a_frozen_backbone(backbone, few):
    X, y, X_test, y_test = few
    model = TransferClassifier(backbone=backbone, random_state=0).fit(X, y)
    assert model.score(X_test, y_test) > 0.8
    for ours, theirs in zip(
        model.network_.weights, backbone.network_.weights[:4], strict=False
    ):
        assert_array_equal(ours, theirs)


def test_a_backbone_that_is_not_frozen_learns_and_the_given_one_stays(backbone, few):
    X, y, _, _ = few
    before = backbone.network_.weights[0].copy()
    model = TransferClassifier(
        backbone=backbone, freeze=False, n_epochs=3, random_state=0
    )
    model.fit(X, y)
    assert_array_equal(backbone.network_.weights[0], before)
    assert abs(model.network_.weights[0] - before).max() > 1e-4


def test_the_default_backbone_knows_the_bundled_digits(digits):
    X, y = digits
    rows = np.arange(100)
    model = TransferClassifier((8, 8, 1), random_state=0)
    assert model.fit(X[rows], y[rows]).score(X[100:], y[100:]) > 0.8


def test_a_saved_classifier_gives_the_same_bits(backbone, few, tmp_path):
    X, y, X_test, _ = few
    model = TransferClassifier(backbone=backbone, n_epochs=2, random_state=0).fit(X, y)
    model.save(tmp_path / "model.gaussflow")
    again = TransferClassifier.load(tmp_path / "model.gaussflow")
    assert_array_equal(again.predict_proba(X_test), model.predict_proba(X_test))


class Blur(torch.nn.Module):
    """A tiny module of the user's: maps of 3 channels."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        weight = torch.randn((3, 1, 3, 3), generator=generator)
        self.weight = torch.nn.Parameter(weight)

    def forward(self, x):
        return torch.relu(torch.nn.functional.conv2d(x, self.weight, padding=1))


@pytest.mark.parametrize("freeze", [True, False])
def test_a_torch_module_of_one_s_own(freeze, few, tmp_path):
    X, y, X_test, y_test = few
    module = Blur()
    before = module.weight.detach().clone()
    model = TransferClassifier(
        (8, 8, 1),
        backbone=module,
        freeze=freeze,
        n_epochs=30,
        learning_rate=0.01,
        random_state=0,
    ).fit(X, y)
    assert torch.equal(module.weight, before)
    assert torch.equal(model.backbone_.weight, before) == freeze
    assert model.transform(X).shape == (20, 128)
    assert_allclose(model.predict_proba(X_test).sum(axis=1), 1.0)
    assert model.loss_curve_[-1]["loss"] < model.loss_curve_[0]["loss"]
    with pytest.raises(PersistenceError, match="Cannot save"):
        model.save(tmp_path / "model.gaussflow")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "needs image_shape"),
        ({"image_shape": (4, 16, 1), "backbone": "fitted"}, "does not fit"),
        ({"image_shape": (8, 8, 1), "backbone": "mobilenet"}, "backbone must be None"),
        (
            {"image_shape": (8, 8, 1), "backbone": torch.nn.Flatten(0)},
            "must return rows",
        ),
        ({"backbone": torch.nn.Flatten()}, "needs image_shape"),
        ({"image_shape": (8, 8, 1), "dropout": "half"}, "dropout must be a number in"),
    ],
)
def test_bad_parameters_are_named(params, message, backbone, few):
    if params.get("backbone") == "fitted":
        params = params | {"backbone": backbone}
    with pytest.raises(ValueError, match=message):
        TransferClassifier(**params).fit(*few[:2])


def test_a_backbone_of_another_size_is_refused(backbone, few):
    with pytest.raises(ValueError, match="but X has 60 features"):
        TransferClassifier(backbone=backbone).fit(few[0][:, :60], few[1])
