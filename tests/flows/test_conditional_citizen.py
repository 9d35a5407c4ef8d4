"""One flow per class: seeds, files, labels of any type, and bad input."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV

from gaussflow import ClassConditionalFlow, GenFlow
from gaussflow._common.labels import label_codes
from gaussflow.layers import Elliptical, Linear
from gaussflow.persistence import PersistenceError

CHEAP = GenFlow([Elliptical()])
RANDOM = GenFlow([Linear(n_iter=2, rotation="random", gate=None)])


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    y = rng.choice(["left", "right"], 600, p=[0.25, 0.75])
    X = rng.standard_normal((600, 2)) + np.where(y == "right", 1.0, -1.0)[:, None]
    return X, y


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


# -- seeds, copies, files ------------------------------------------------------


def assert_same_bits(one, other, X):
    assert_array_equal(other.predict_joint_log_proba(X), one.predict_joint_log_proba(X))
    for a, b in zip(*(m.sample(9, random_state=0) for m in (one, other)), strict=True):
        assert_array_equal(a, b)


def test_the_seed_alone_decides(rows):
    X, y = rows
    template = ClassConditionalFlow(RANDOM, shared=RANDOM, random_state=0)
    model = clone(template).fit(X, y)
    assert_same_bits(model, clone(template).fit(X, y), X)
    threads = clone(template).set_params(n_jobs=2).fit(X, y)
    assert {flow.n_jobs for flow in [*threads.flows_, threads.shared_]} == {2}
    assert_same_bits(model, threads, X)
    other = clone(template).set_params(random_state=1).fit(X, y)
    assert not np.array_equal(other.score_samples(X), model.score_samples(X))


def test_each_class_has_a_seed_of_its_own(rows):
    X = rows[0][:100]
    flow = clone(RANDOM).set_params(random_state=0, n_jobs=1)
    model = ClassConditionalFlow(flow, n_jobs=2, random_state=0)
    model.fit(np.vstack([X, X]), np.repeat([0, 1], 100))
    given = [model.score_samples(X, label) for label in (0, 1)]
    assert not np.array_equal(*given)
    # What was passed stays as it was, and its own threads are respected.
    assert not hasattr(flow, "layers_")
    assert flow.random_state == 0
    assert {fitted.n_jobs for fitted in model.flows_} == {1}


def test_copies_and_files_keep_the_bits(model, rows, tmp_path):
    X, y = rows
    assert_same_bits(model, pickle.loads(pickle.dumps(model)), X)
    model.save(tmp_path / "model")
    loaded = ClassConditionalFlow.load(tmp_path / "model")
    assert_same_bits(model, loaded, X)
    assert repr(loaded) == repr(model)
    assert_same_bits(model, clone(loaded).fit(X, y), X)


LABELS = {
    "text": np.array(["no", "yes"]),
    "objects": np.array(["no", "yes"], dtype=object),
    "numbers": np.array([-3, 7]),
    "truth": np.array([False, True]),
    "whole floats": np.array([0.0, 2.0]),
    "pandas text": pd.Series(["no", "yes"]),
    "pandas categories": pd.Categorical(["no", "yes"]),
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_any_type_come_back_as_they_went_in(kind, rows, tmp_path):
    X = rows[0][:80]
    y = LABELS[kind].take(np.arange(80) % 2)
    model = ClassConditionalFlow(Elliptical(), random_state=0).fit(X, y)
    model.save(tmp_path / "model")
    model = ClassConditionalFlow.load(tmp_path / "model")
    assert model.classes_.tolist() == list(LABELS[kind])
    assert set(model.predict(X)) <= set(y)
    assert list(model.sample(80, labels=y, random_state=0)[1]) == list(y)
    last = list(y)[-1]
    assert_allclose(model.score_samples(X, y)[-1], model.score_samples(X, last)[-1])


def test_a_file_whose_parts_do_not_fit_is_refused(rows, tmp_path):
    X, y = rows
    fitted = ClassConditionalFlow(Elliptical(), random_state=0).fit(X, y)
    narrow = Elliptical().fit(X[:, :1])
    for name, value in [
        ("flows_", fitted.flows_[:1]),
        ("flows_", []),
        ("flows_", [narrow, narrow]),
        ("flows_", [1, 2]),
        ("shared_", narrow),
        ("classes_", fitted.classes_[:1]),
        ("class_prior_", np.array([0.5, 0.6])),
        ("class_prior_", np.array([-0.5, 1.5])),
        ("n_features_in_", 3),
    ]:
        broken = pickle.loads(pickle.dumps(fitted))
        setattr(broken, name, value)
        broken.save(tmp_path / "model")
        with pytest.raises(PersistenceError):
            ClassConditionalFlow.load(tmp_path / "model")


# -- a scikit-learn citizen ------------------------------------------------------


def test_parameters_of_the_flow_can_be_searched(rows):
    X, y = rows[0][:200], rows[1][:200]
    model = ClassConditionalFlow(GenFlow([Linear(n_iter=1)]), random_state=0)
    search = GridSearchCV(model, {"flow__layers__0__n_iter": [1, 2]}, cv=2).fit(X, y)
    assert search.best_score_ > 0.75
    assert (
        search.best_estimator_.flows_[0].n_iter_
        == (search.best_params_["flow__layers__0__n_iter"])
    )


def test_the_default_is_a_flow_that_chooses_its_layers(rows):
    X, y = rows[0][:, :1], np.arange(600) % 2
    model = ClassConditionalFlow(random_state=0).fit(X[:12], y[:12])
    assert [flow.layers for flow in model.flows_] == ["auto", "auto"]
    assert np.isfinite(model.score_samples(X)).all()


def test_names_of_columns_are_seen_and_checked(rows):
    X, y = pd.DataFrame(rows[0], columns=["age", "weight"]), rows[1]
    model = ClassConditionalFlow(CHEAP, random_state=0).fit(X, y)
    assert list(model.feature_names_in_) == ["age", "weight"]
    with pytest.raises(ValueError, match="order"):
        model.predict(X[["weight", "age"]])
    plain = ClassConditionalFlow(CHEAP, random_state=0).fit(X.to_numpy(), y)
    assert_array_equal(model.score_samples(X), plain.score_samples(X.to_numpy()))


def test_one_class_is_certain(rows):
    X = rows[0][:50]
    model = ClassConditionalFlow(Elliptical(), random_state=0).fit(X, np.zeros(50))
    assert_array_equal(model.predict_proba(X), 1.0)
    assert_array_equal(model.score_samples(X), model.score_samples(X, 0))


# -- bad input -----------------------------------------------------------------

X0 = np.random.default_rng(0).standard_normal((20, 2))
Y0 = np.array(["a", "b"] * 10)
NAN = np.where(np.arange(40).reshape(20, 2) == 7, np.nan, X0)


@pytest.mark.parametrize(
    ("params", "X", "y", "error", "message"),
    [
        ({}, X0, ["c", *Y0[1:]], ValueError, "class 'c' in one row only.*Drop that"),
        ({}, NAN, Y0, ValueError, "Input X contains NaN"),
        ({}, X0, Y0[1:], ValueError, "inconsistent numbers of samples"),
        ({}, X0, X0[:, 0], ValueError, "Unknown label type: continuous"),
        ({}, X0, np.full(20, np.nan), ValueError, "Input y contains NaN"),
        ({}, X0, [*Y0[1:], None], ValueError, "y mixes labels .* NoneType, str"),
        ({}, X0 * 1e200, Y0, ValueError, "Column . of X reaches"),
        ({"flow": "auto"}, X0, Y0, TypeError, "flow must be a GenFlow, a layer"),
        ({"flow": GenFlow([])}, X0, Y0, ValueError, "layers is empty"),
        ({"shared": [Elliptical()]}, X0, Y0, TypeError, "shared must be a GenFlow"),
        ({"priors": [1.0]}, X0, Y0, ValueError, r"priors has shape \(1,\).*2 classes"),
        ({"priors": [0.5, 0.6]}, X0, Y0, ValueError, r"sum to 1, got \[0.5, 0.6\]"),
        ({"priors": [-0.5, 1.5]}, X0, Y0, ValueError, "shares of at least 0"),
        ({"priors": [np.nan, 1.0]}, X0, Y0, ValueError, "shares of at least 0"),
        ({"priors": "even"}, X0, Y0, ValueError, "priors must be None or an array"),
    ],
)
def test_bad_input_to_fit_is_refused(params, X, y, error, message):
    model = ClassConditionalFlow(Elliptical()).fit(X0, Y0)
    old = model.predict_proba(X0)
    with pytest.raises(error, match=message):
        model.set_params(**params).fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X0), old)


@pytest.mark.parametrize(
    ("method", "arguments", "message"),
    [
        ("predict", {"X": NAN}, "Input X contains NaN"),
        ("predict_proba", {"X": X0[:, :1]}, "X has 1 features.*expecting 2"),
        ("score_samples", {"X": X0 * 1e200}, "Column . of X reaches"),
        ("score_samples", {"X": X0, "y": "c"}, r"y holds 'c'.*labels are \['a' 'b'\]"),
        ("score_samples", {"X": X0, "y": Y0[1:]}, "y has 19 entries for 20 rows"),
        ("sample", {"labels": "c"}, "labels holds 'c', which was not seen at fit"),
        ("sample", {"labels": 1}, "labels holds 1, which was not seen"),
        ("sample", {"labels": ["a", "b"]}, "labels has 2 entries for 1 rows"),
        ("sample", {"n_samples": 2, "labels": [["a"], ["b"]]}, "labels must be one"),
        ("sample", {"n_samples": 0}, "n_samples must be an integer of at least 1"),
        ("sample", {"n_samples": 2.5}, "n_samples must be an integer of at least 1"),
        ("sample", {"n_samples": True}, "n_samples must be an integer of at least 1"),
    ],
)
def test_bad_input_to_a_fitted_model_is_refused(method, arguments, message):
    model = ClassConditionalFlow(Elliptical()).fit(X0, Y0)
    with pytest.raises(ValueError, match=message):
        getattr(model, method)(**arguments)


def test_what_is_not_fitted_neither_draws_nor_is_saved(tmp_path):
    with pytest.raises(NotFittedError):
        ClassConditionalFlow().sample()
    with pytest.raises(NotFittedError):
        ClassConditionalFlow().save(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_text_that_looks_like_a_number_is_not_that_number():
    """Non-regression: numpy makes text of numbers before it compares the two."""
    assert_array_equal(label_codes([2.0, 1], np.array([1, 2]), 2), [1, 0])
    with pytest.raises(ValueError, match="labels holds '1'"):
        label_codes("1", np.array([1, 2]), 1)
    with pytest.raises(ValueError, match="labels holds 1"):
        label_codes([1], np.array(["1", "2"]), 1)
