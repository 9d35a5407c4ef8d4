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


#: The message of a declaration, which names the attribute.
RULE = None

TAMPERED = [
    # where, attribute, change, what the message says
    (entry, "loc_", shorter, RULE),
    (entry, "scale_", shorter, RULE),
    (entry, "scale_", first(0.0), RULE),
    (entry, "scale_", first(np.nan), RULE),
    (entry, "skew_", shorter, RULE),
    (entry, "tail_", first(-1.0), RULE),
    (entry, "tail_", to("long"), RULE),
    (entry, "ends_", narrower, RULE),
    (entry, "ends_", backwards, RULE),
    (spline, "knots_", narrower, RULE),
    (spline, "knots_", backwards, RULE),
    (spline, "knots_", to(np.zeros((4, 0))), RULE),
    (spline, "values_", shorter, RULE),
    (spline, "values_", backwards, RULE),
    (spline, "slopes_", narrower, RULE),
    (spline, "slopes_", first(0.0), RULE),
    (spline, "tail_", narrower, RULE),
    (spline, "tail_", first(-1.0), RULE),
    (polynomial, "coef_", shorter, RULE),
    (polynomial, "coef_", to(np.zeros((4, 1))), "the degree is 0"),
    (polynomial, "coef_", to(np.zeros((4, 99))), "the degree is 98"),
    (polynomial, "coef_", backwards, "the polynomials must increase"),
    (polynomial, "coef_", first(np.inf), RULE),
    (polynomial, "support_", narrower, RULE),
    (polynomial, "support_", backwards, RULE),
    (polynomial, "tail_", shorter, RULE),
    (polynomial, "tail_", first(0.0), RULE),
    *[
        (rotation(kind), "n_features", to(value), "n_features|n_directions")
        for kind in (IdentityRotation, HaarRotation, StructuredRotation)
        for value in (9, 0, -1, True, "4", 4.0)
    ],
    *[
        (rotation(kind), "rows", to(rows), message)
        for kind in (IdentityRotation, HaarRotation, StructuredRotation)
        for rows, message in [
            (np.array([0, 1, 2, 99]), "rows must be directions"),
            (np.array([-1, 0, 1, 2]), RULE),
            (np.array([1, 1, 2, 3]), "rows must be directions"),
            (np.array([0.5]), RULE),
            (np.array([[0]]), RULE),
            ([0, 1], RULE),
            (np.array([0, 1]), RULE),
        ]
    ],
    *[
        (rotation(kind), "seed", to(seed), RULE)
        for kind in (HaarRotation, StructuredRotation)
        for seed in (-1, 1.5, "7", None)
    ],
    (rotation(DenseRotation), "directions", narrower, RULE),
    (rotation(DenseRotation), "directions", first(5.0), "must be orthonormal"),
    (rotation(DenseRotation), "n_features", to(9), RULE),
    (rotation(DenseRotation), "n_directions", to(9), RULE),
    (iteration, "rotation", lambda r: r.select([0]), "each direction needs one map"),
    (iteration, "marginal", lambda m: m.select([0]), "each direction needs one map"),
    (iteration, "rotation", to(None), RULE),
    (iteration, "rotation", to(IdentityRotation(9, [0, 1, 2, 3])), "other width"),
    (mixture, "means", shorter, RULE),
    (mixture, "means", first(np.nan), RULE),
    (mixture, "log_weights", shorter, RULE),
    (mixture, "scales", narrower, RULE),
    (mixture, "scales", first(0.0), RULE),
    (mixture, "lower", lambda a: a[:, :, :-1], "lower has shape"),
    (mixture, "lower", shorter, RULE),
    (grouped, "groups", to([]), RULE),
    (grouped, "groups", to([np.array([0, 1, 2])]), "a mixture as wide"),
    (grouped, "groups", to([np.array([0, 1, 2, 9])]), "every column"),
    (grouped, "groups", to([np.array([0, 1, 2, 2])]), "every column"),
    (grouped, "maps", to([None]), RULE),
    (elliptical, "loc_", shorter, RULE),
    (elliptical, "whitening_", narrower, RULE),
    (elliptical, "unwhitening_", lambda a: np.hstack([a, a]), RULE),
    (radial, "n_features_in_", to(9), "other width"),
    (itself, "n_features_in_", to(9), "other width"),
    (itself, "n_features_in_", to("4"), RULE),
    (itself, "layers_", to([Linear()]), RULE),
]


@pytest.mark.parametrize(("where", "name", "change", "message"), TAMPERED)
def test_a_tampered_part_is_refused(where, name, change, message, fitted, tmp_path):
    flow = copy.deepcopy(fitted)
    part = where(flow)
    setattr(part, name, change(getattr(part, name)))
    save(flow, tmp_path / "flow")
    if message is RULE:
        message = rf"{type(part).__name__}\.\w+ (must be|has a length of)"
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
    with pytest.raises(PersistenceError, match=r"Linear\.n_features_in_ must be"):
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
