"""The flow's list of layers: its API, nested parameters, warm starts."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline

from gaussflow import GenFlow
from gaussflow.layers import Elliptical, Linear, Radial


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).gamma(2.0, size=(300, 3))


# -- the list ------------------------------------------------------------------


def test_the_list_is_what_was_given_then_what_was_fitted(X):
    given = [Linear(n_iter=1), Elliptical()]
    flow = GenFlow(given, random_state=0)
    assert flow.get_layer_list() == given
    fitted = flow.fit(X).get_layer_list()
    assert [type(layer) for layer in fitted] == [Linear, Elliptical]
    assert all(layer.n_features_in_ == 3 for layer in fitted)
    assert not any(a is b for a, b in zip(fitted, given, strict=True))
    assert not hasattr(given[0], "entry_"), "the layers passed stay unfitted"


def test_an_automatic_list_is_empty_until_fit(X):
    flow = GenFlow(random_state=0)
    assert flow.get_layer_list() == []
    assert len(flow.fit(X[:50]).get_layer_list()) == flow.n_layers_ > 0


def test_changing_the_list_returned_changes_nothing(X):
    flow = GenFlow([Linear(n_iter=1)], random_state=0).fit(X)
    flow.get_layer_list().clear()
    assert len(flow.get_layer_list()) == 1


def test_add_layer_appends_and_returns_the_flow():
    given = [Linear(n_iter=1)]
    flow = GenFlow(given)
    assert flow.add_layer(Elliptical()) is flow
    assert [type(layer) for layer in flow.layers] == [Linear, Elliptical]
    assert len(given) == 1, "the user's own list is not written to"


def test_add_layer_builds_a_list_from_none_given():
    flow = GenFlow().add_layer(Linear(n_iter=1)).add_layer(Elliptical())
    assert [type(layer) for layer in flow.layers] == [Linear, Elliptical]


def test_add_layer_goes_on_from_what_auto_chose(X):
    flow = GenFlow(warm_start=True, random_state=0).fit(X[:50])
    chosen = [type(layer) for layer in flow.layers_]
    flow.add_layer(Elliptical()).fit(X[:50])
    assert [type(layer) for layer in flow.layers_] == [*chosen, Elliptical]


def test_a_warm_start_goes_on_after_the_last_fitted_layer(X):
    flow = GenFlow([Linear(n_iter=2)], warm_start=True, random_state=0).fit(X)
    kept, before, curve = flow.layers_[0], flow.transform(X), flow.loss_curve_
    assert flow.last_fitted_layer_ == 0
    flow.add_layer(Elliptical()).fit(X)
    assert flow.last_fitted_layer_ == 1
    assert flow.layers_[0] is kept
    assert_array_equal(kept.transform(X), before)
    assert flow.loss_curve_[: len(curve)] == curve
    assert [point["layer"] for point in flow.loss_curve_[len(curve) :]] == [1]
    assert np.isfinite(flow.score(X))


def test_a_warm_start_with_nothing_new_changes_nothing(X):
    flow = GenFlow([Linear(n_iter=2)], warm_start=True, random_state=0).fit(X)
    before = flow.transform(X)
    assert_array_equal(flow.fit(X).transform(X), before)


def test_without_warm_start_everything_is_fitted_anew(X):
    flow = GenFlow([Linear(n_iter=2)], random_state=0).fit(X)
    first = flow.layers_[0]
    flow.add_layer(Elliptical()).fit(X)
    assert flow.layers_[0] is not first
    assert flow.last_fitted_layer_ == 1
    assert {point["layer"] for point in flow.loss_curve_} == {0, 1}


def test_a_warm_start_works_in_direction_generate(X):
    flow = GenFlow(
        [Linear(n_iter=2)],
        direction="generate",
        n_gen_samples=500,
        warm_start=True,
        random_state=0,
    ).fit(X)
    kept = flow.layers_[0]
    flow.add_layer(Linear(n_iter=2)).fit(X)
    assert flow.layers_[0] is kept
    back = flow.inverse_transform(flow.transform(X))
    np.testing.assert_allclose(back, X, rtol=1e-8, atol=1e-8)


def test_a_warm_start_refuses_rows_of_another_width(X):
    flow = GenFlow([Linear(n_iter=1)], warm_start=True, random_state=0).fit(X)
    with pytest.raises(ValueError, match="X has 2 features, but the layers that"):
        flow.fit(X[:, :2])
    # The old fit stays.
    assert flow.transform(X).shape == X.shape
    assert flow.set_params(warm_start=False).fit(X[:, :2]).n_features_in_ == 2


def test_a_layer_that_stops_early_is_told(X):
    flow = GenFlow([Linear(n_iter=200)], random_state=0).fit(X)
    assert flow.n_iter_ < 200


# -- nested parameters ---------------------------------------------------------


def test_get_params_reaches_into_the_list():
    layer = Linear(rotation="pca")
    flow = GenFlow([layer, GenFlow([Radial(gate=3.0)])])
    params = flow.get_params()
    assert params["layers__0"] is layer
    assert params["layers__0__rotation"] == "pca"
    assert params["layers__1__layers__0__gate"] == 3.0
    assert not any("__" in name for name in flow.get_params(deep=False))
    assert not any(name.startswith("layers__") for name in GenFlow().get_params())


def test_set_params_reaches_into_the_list():
    flow = GenFlow([Linear(), GenFlow([Radial()])])
    assert flow.set_params(layers__0__rotation="ica", verbose=1) is flow
    flow.set_params(layers__1__layers__0__gate=5.0)
    assert flow.layers[0].rotation == "ica"
    assert flow.verbose == 1
    assert flow.layers[1].layers[0].gate == 5.0
    flow.set_params(layers__1__verbose=2, layers__1=GenFlow([Linear()]))
    assert flow.layers[1].verbose == 2
    flow.set_params(layers__0__n_iter=3, layers=[Linear(), Elliptical()])
    assert flow.layers[0].n_iter == 3


@pytest.mark.parametrize(
    ("layers", "name", "message"),
    [
        ("auto", "layers__0__rotation", "Pass a list of layers"),
        ([Linear()], "layers__1__rotation", "layers has 1 layers to set"),
        ([Linear()], "layers__x__rotation", "Invalid parameter 'layers__x__rotation'"),
        ([Linear()], "layers__0__nonsense", "Invalid parameter 'nonsense'"),
        ([Linear()], "nonsense", "Invalid parameter 'nonsense'"),
    ],
)
def test_parameters_that_are_not_there_are_named(layers, name, message):
    with pytest.raises(ValueError, match=message):
        GenFlow(layers).set_params(**{name: "ica"})


def test_clone_copies_the_layers_unfitted(X):
    flow = GenFlow([Linear(n_iter=1, rotation="ica")], random_state=0).fit(X)
    copy = clone(flow)
    assert copy.layers[0] is not flow.layers[0]
    copy.set_params(layers__0__rotation="pca")
    assert flow.layers[0].rotation == "ica"
    assert not hasattr(copy, "layers_")


def test_a_grid_search_chooses_the_rotation():
    X, y = load_breast_cancer(return_X_y=True)
    X, y = X[:240, :6], y[:240]
    pipeline = Pipeline(
        [
            ("flow", GenFlow([Linear(n_iter=2)], random_state=0)),
            ("classify", LogisticRegression()),
        ]
    )
    grid = {"flow__layers__0__rotation": ["random", "pca"]}
    search = GridSearchCV(pipeline, grid, cv=3).fit(X, y)
    assert search.best_score_ > 0.8
    best = search.best_estimator_.named_steps["flow"]
    assert best.layers[0].rotation == search.best_params_["flow__layers__0__rotation"]
    assert pipeline.named_steps["flow"].layers[0].rotation == "auto"


def test_a_grid_search_by_density_needs_no_scorer():
    X = np.random.default_rng(0).choice([-3.0, 3.0], (300, 2))
    X += 0.5 * np.random.default_rng(1).standard_normal((300, 2))
    grid = {"layers__0__n_iter": [0, 3], "layers__0__marginal": ["kde"]}
    search = GridSearchCV(GenFlow([Linear()], random_state=0), grid, cv=2).fit(X)
    assert search.best_params_["layers__0__n_iter"] == 3
    assert np.isfinite(cross_val_score(search.best_estimator_, X, cv=2)).all()


def test_a_pipeline_predicts_from_the_latent(X):
    y = X[:, 0] > 1.5
    pipeline = make_pipeline(
        GenFlow([Linear(n_iter=1, rotation="identity")]), LogisticRegression()
    )
    assert pipeline.fit(X, y).score(X, y) > 0.9
