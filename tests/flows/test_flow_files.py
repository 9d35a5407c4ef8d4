"""The flow's surroundings: frames in and out, pickles, files."""

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.exceptions import NotFittedError

from gaussflow import GenFlow
from gaussflow.layers import Elliptical, Linear, Radial, Triangular
from gaussflow.persistence import PersistenceError
from gaussflow.rotations import ROTATIONS


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).gamma(2.0, size=(300, 3))


@pytest.fixture(scope="module")
def frame(X):
    return pd.DataFrame(X, columns=["age", "weight", "height"])


@pytest.fixture(scope="module")
def flow(frame):
    layers = [
        Linear(n_iter=2, rotation="random"),
        Radial(match="samples"),
        Elliptical(),
        Triangular(n_components=2, n_estimators=1),
        Linear(n_iter=3, rotation="structured", gate=None),
    ]
    return GenFlow(layers, random_state=0).fit(frame)


# -- frames --------------------------------------------------------------------


def test_names_are_seen_at_fit_and_checked_later(flow, frame):
    assert list(flow.feature_names_in_) == ["age", "weight", "height"]
    with pytest.raises(ValueError, match="feature names should match"):
        flow.transform(frame.rename(columns={"age": "years"}))
    with pytest.raises(ValueError, match="order"):
        flow.score_samples(frame[["weight", "age", "height"]])


def test_the_latent_s_columns_have_names_of_their_own(flow):
    names = ["genflow0", "genflow1", "genflow2"]
    assert list(flow.get_feature_names_out()) == names


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_set_output_gives_frames(kind, frame):
    library = pytest.importorskip(kind)
    flow = GenFlow([Linear(n_iter=1)], random_state=0).set_output(transform=kind)
    Z = flow.fit_transform(frame)
    assert isinstance(Z, library.DataFrame)
    assert list(Z.columns) == ["genflow0", "genflow1", "genflow2"]
    if kind == "pandas":
        shifted = frame.set_axis(range(7, 7 + len(frame)))
        assert list(flow.transform(shifted).index) == list(shifted.index)
    # The latent frame goes back as it came.
    np.testing.assert_allclose(flow.inverse_transform(Z), frame, rtol=1e-8, atol=1e-8)
    assert isinstance(flow.sample(2), np.ndarray)


def test_a_polars_frame_goes_in(X):
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(X, schema=["a", "b", "c"])
    flow = GenFlow([Linear(n_iter=1)], random_state=0).fit(frame)
    assert list(flow.feature_names_in_) == ["a", "b", "c"]
    plain = GenFlow([Linear(n_iter=1)], random_state=0).fit(X)
    assert_array_equal(flow.score_samples(frame), plain.score_samples(X))


# -- copies --------------------------------------------------------------------


def assert_same_bits(one, other, X):
    assert_array_equal(other.transform(X), one.transform(X))
    assert_array_equal(other.score_samples(X), one.score_samples(X))
    assert_array_equal(other.sample(9, random_state=0), one.sample(9, random_state=0))
    assert other.loss_curve_ == one.loss_curve_
    assert other.last_fitted_layer_ == one.last_fitted_layer_


def test_a_pickle_keeps_the_bits(flow, frame):
    assert_same_bits(flow, pickle.loads(pickle.dumps(flow)), frame)


def test_joblib_keeps_the_bits(flow, frame, tmp_path):
    joblib.dump(flow, tmp_path / "flow.joblib")
    assert_same_bits(flow, joblib.load(tmp_path / "flow.joblib"), frame)


def test_a_file_keeps_the_bits(flow, frame, tmp_path):
    flow.save(tmp_path / "flow.gaussflow")
    loaded = GenFlow.load(tmp_path / "flow.gaussflow")
    assert_same_bits(flow, loaded, frame)
    assert list(loaded.feature_names_in_) == list(flow.feature_names_in_)
    assert repr(loaded) == repr(flow)
    assert loaded.layers_[0].rotation_seeds_ == flow.layers_[0].rotation_seeds_


@pytest.mark.parametrize("rotation", ROTATIONS)
def test_every_rotation_survives_a_file(rotation, X, tmp_path):
    layer = Linear(n_iter=2, rotation=rotation, gate=None)
    flow = GenFlow([layer], random_state=0).fit(X)
    flow.save(tmp_path / "flow")
    assert_same_bits(flow, GenFlow.load(tmp_path / "flow"), X)


@pytest.mark.parametrize(
    "flow",
    [
        GenFlow([Elliptical(), Linear(n_iter=2)], direction="generate"),
        GenFlow([GenFlow([Linear(n_iter=1)]), Elliptical()]),
        GenFlow([Linear(n_iter=2)], dtype=np.float32),
    ],
    ids=["generate", "nested", "float32"],
)
def test_every_kind_of_flow_survives_a_file(flow, X, tmp_path):
    flow.set_params(random_state=0).fit(X).save(tmp_path / "flow")
    assert_same_bits(flow, GenFlow.load(tmp_path / "flow"), X)


def test_a_loaded_flow_can_be_fitted_on(X, tmp_path):
    flow = GenFlow([Linear(n_iter=1)], warm_start=True, random_state=0).fit(X)
    flow.save(tmp_path / "flow")
    loaded = GenFlow.load(tmp_path / "flow")
    loaded.add_layer(Elliptical()).fit(X)
    flow.add_layer(Elliptical()).fit(X)
    assert_array_equal(loaded.transform(X), flow.transform(X))


def test_random_rotations_keep_a_wide_model_small(tmp_path):
    X = np.random.default_rng(0).standard_normal((50, 300))
    layer = Linear(n_iter=5, rotation="random", gate=None, tol=0)
    flow = GenFlow([layer], random_state=0).fit(X)
    flow.save(tmp_path / "flow")
    arrays = sum(
        getattr(iteration.marginal, name).nbytes
        for iteration in flow.layers_[0].iterations_
        for name in iteration.marginal.per_column
        if hasattr(iteration.marginal, name)
    )
    # Five matrices would take 3.6 MB by themselves.
    assert (tmp_path / "flow").stat().st_size < arrays + 1e5


def test_what_is_not_fitted_is_not_saved(tmp_path):
    with pytest.raises(NotFittedError):
        GenFlow().save(tmp_path / "flow")
    assert list(tmp_path.iterdir()) == []


def test_load_says_what_the_file_holds(X, tmp_path):
    from gaussflow.persistence import save

    save(Linear(n_iter=1).fit(X), tmp_path / "layer")
    with pytest.raises(PersistenceError, match="holds a Linear, not a GenFlow"):
        GenFlow.load(tmp_path / "layer")
