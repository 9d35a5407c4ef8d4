"""A crafted file must not lead a kernel out of an array's bounds."""

import copy

import numpy as np
import pytest

from gaussflow import GenFlow
from gaussflow.layers import Elliptical, Linear, Radial, Triangular
from gaussflow.persistence import PersistenceError, load, save
from gaussflow.rotations import (
    DenseRotation,
    HaarRotation,
    IdentityRotation,
    StructuredRotation,
)


@pytest.fixture(scope="module")
def fitted():
    """Return a fitted flow that holds one object of every class with a check."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 4)) / np.sqrt(rng.chisquare(3, (200, 1)) / 3)
    always = {"n_iter": 1, "gate": None, "random_state": 0}
    layers = [
        Elliptical(gate=0.0),
        Linear(rotation="identity", marginal="polynomial", degree=5, **always),
        Linear(rotation="random", marginal="spline", **always),
        Linear(rotation="structured", **always),
        Linear(rotation="pca", **always),
        Triangular(n_components=2, covariance_type="full", n_estimators=1),
        Triangular(n_components=2, covariance_type="diag", n_estimators=1),
    ]
    flow = GenFlow(layers, validation_fraction=0, random_state=0).fit(X)
    assert flow.layers_[0].radial_.map_ is not None
    return flow


def entry(flow):
    return flow.layers_[1].entry_


def polynomial(flow):
    return flow.layers_[1].iterations_[0].marginal


def spline(flow):
    return flow.layers_[2].iterations_[0].marginal


def rotation(kind):
    index = [IdentityRotation, HaarRotation, StructuredRotation, DenseRotation]
    return lambda flow: flow.layers_[1 + index.index(kind)].iterations_[0].rotation


def iteration(flow):
    return flow.layers_[2].iterations_[0]


def elliptical(flow):
    return flow.layers_[0]


def radial(flow):
    return flow.layers_[0].radial_


def grouped(flow):
    return flow.layers_[5].map_


def mixture(flow):
    return flow.layers_[5].map_.maps[0]


def itself(flow):
    return flow


def shorter(array):
    return array[:-1]


def narrower(array):
    return array[:, :-1]


def to(value):
    return lambda _: value


def first(value):
    """Return a change of an array's first number."""

    def change(array):
        array = np.array(array)
        array.flat[0] = value
        return array

    return change


def backwards(array):
    return array[..., ::-1].copy()


TAMPERED = [
    # where, attribute, change, what the message says
    (entry, "loc_", shorter, "shape"),
    (entry, "scale_", shorter, "shape"),
    (entry, "scale_", first(0.0), "scale_ must be positive"),
    (entry, "scale_", first(np.nan), "not finite"),
    (entry, "skew_", shorter, "shape"),
    (entry, "tail_", first(-1.0), "tail_ must be positive"),
    (entry, "tail_", to("long"), "not an array of floats"),
    (entry, "ends_", narrower, "shape"),
    (entry, "ends_", backwards, "the ends must have a width"),
    (spline, "knots_", narrower, "shape"),
    (spline, "knots_", backwards, "the knots must increase"),
    (spline, "knots_", to(np.zeros((4, 0))), "shape|two knots"),
    (spline, "values_", shorter, "shape"),
    (spline, "values_", backwards, "the values must increase"),
    (spline, "slopes_", narrower, "shape"),
    (spline, "slopes_", first(0.0), "the slopes must be positive"),
    (spline, "tail_", narrower, "shape"),
    (spline, "tail_", first(-1.0), "the slopes must be positive"),
    (polynomial, "coef_", shorter, "shape"),
    (polynomial, "coef_", to(np.zeros((4, 1))), "the degree is 0"),
    (polynomial, "coef_", to(np.zeros((4, 99))), "the degree is 98"),
    (polynomial, "coef_", backwards, "the polynomials must increase"),
    (polynomial, "coef_", first(np.inf), "not finite"),
    (polynomial, "support_", narrower, "shape"),
    (polynomial, "support_", backwards, "the supports must have a width"),
    (polynomial, "tail_", shorter, "shape"),
    (polynomial, "tail_", first(0.0), "the polynomials must increase"),
    *[
        (rotation(kind), "n_features", to(value), "n_features|n_directions")
        for kind in (IdentityRotation, HaarRotation, StructuredRotation)
        for value in (9, 0, -1, True, "4", 4.0)
    ],
    *[
        (rotation(kind), "rows", to(rows), message)
        for kind in (IdentityRotation, HaarRotation, StructuredRotation)
        for rows, message in [
            (np.array([0, 99]), "rows must be directions"),
            (np.array([-1, 0]), "rows must be directions"),
            (np.array([1, 1]), "rows must be directions"),
            (np.array([0.5]), "rows must be integers"),
            (np.array([[0]]), "rows must be integers"),
            ([0, 1], "rows must be integers"),
            (np.array([0, 1]), "n_directions"),
        ]
    ],
    *[
        (rotation(kind), "seed", to(seed), "the seed must be an integer")
        for kind in (HaarRotation, StructuredRotation)
        for seed in (-1, 1.5, "7", None)
    ],
    (rotation(DenseRotation), "directions", narrower, "shape"),
    (rotation(DenseRotation), "directions", first(5.0), "must be orthonormal"),
    (rotation(DenseRotation), "n_features", to(9), "shape"),
    (rotation(DenseRotation), "n_directions", to(9), "shape"),
    (iteration, "rotation", lambda r: r.select([0]), "each direction needs one map"),
    (iteration, "marginal", lambda m: m.select([0]), "each direction needs one map"),
    (iteration, "rotation", to(None), "a rotation and marginal maps"),
    (iteration, "rotation", to(IdentityRotation(9, [0, 1, 2, 3])), "other width"),
    (mixture, "means", shorter, "shape"),
    (mixture, "means", first(np.nan), "not finite"),
    (mixture, "log_weights", shorter, "shape"),
    (mixture, "scales", narrower, "shape"),
    (mixture, "scales", first(0.0), "the scales must be positive"),
    (mixture, "lower", lambda a: a[:, :, :-1], "lower has shape"),
    (mixture, "lower", shorter, "shape"),
    (grouped, "groups", to([]), "longer|shorter|argument"),
    (grouped, "groups", to([np.array([0, 1, 2])]), "a mixture as wide"),
    (grouped, "groups", to([np.array([0, 1, 2, 9])]), "every column"),
    (grouped, "groups", to([np.array([0, 1, 2, 2])]), "every column"),
    (grouped, "maps", to([None]), "a mixture as wide"),
    (elliptical, "loc_", shorter, "shape"),
    (elliptical, "whitening_", narrower, "shape"),
    (elliptical, "unwhitening_", lambda a: np.hstack([a, a]), "shape"),
    (radial, "n_features_in_", to(9), "other width"),
    (itself, "n_features_in_", to(9), "other width"),
    (itself, "n_features_in_", to("4"), "n_features_in_ is not known"),
    (itself, "layers_", to([Linear()]), "Linear is of other width"),
]


@pytest.mark.parametrize(("where", "name", "change", "message"), TAMPERED)
def test_a_tampered_part_is_refused(where, name, change, message, fitted, tmp_path):
    flow = copy.deepcopy(fitted)
    part = where(flow)
    setattr(part, name, change(getattr(part, name)))
    save(flow, tmp_path / "flow")
    with pytest.raises(PersistenceError, match=message):
        load(tmp_path / "flow")


def test_a_radial_map_of_two_columns_is_refused(fitted, tmp_path):
    flow = copy.deepcopy(fitted)
    radial(flow).map_ = spline(flow)
    save(flow, tmp_path / "flow")
    with pytest.raises(PersistenceError, match="the distance needs one map"):
        load(tmp_path / "flow")


def test_a_layer_that_does_not_tell_its_width_is_refused(fitted, tmp_path):
    layer = copy.deepcopy(fitted.layers_[1])
    del layer.n_features_in_
    save(layer, tmp_path / "layer")
    with pytest.raises(PersistenceError, match="n_features_in_ is not known"):
        load(tmp_path / "layer")


def test_what_is_sound_is_loaded(fitted, tmp_path):
    save(fitted, tmp_path / "flow")
    X = fitted.sample(50, random_state=0)
    np.testing.assert_array_equal(
        load(tmp_path / "flow").transform(X), fitted.transform(X)
    )


@pytest.mark.parametrize("layer", [Linear(), Elliptical(), Radial(), Triangular()])
def test_what_is_not_fitted_is_loaded(layer, tmp_path):
    save(layer, tmp_path / "layer")
    assert repr(load(tmp_path / "layer")) == repr(layer)
