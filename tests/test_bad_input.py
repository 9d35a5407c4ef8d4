"""Bad input: a clear error, or a right answer; never a warning and garbage."""

import warnings
from functools import cache

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from gaussflow import GenFlow
from gaussflow.layers import Elliptical, Linear, Radial, Triangular

MIXING = np.array([[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.5, 1.0]])
GOOD = np.random.default_rng(0).standard_normal((120, 3)) @ MIXING


def with_value(value):
    X = GOOD.copy()
    X[3, 1] = value
    return X


def flow(**params):
    return GenFlow([Linear(n_iter=2)], random_state=0, **params)


ESTIMATORS = {
    "auto": GenFlow(random_state=0),
    "flow": flow(),
    "generate": flow(direction="generate"),
    "linear": Linear(n_iter=2),
    "elliptical": Elliptical(),
    "radial": Radial(),
    "triangular": Triangular(n_components=1, n_estimators=1),
}

REFUSED = {
    "nan": (with_value(np.nan), "contains NaN"),
    "inf": (with_value(np.inf), "contains infinity"),
    "minus inf": (with_value(-np.inf), "contains infinity"),
    "words": (np.array([["a", "b"]] * 9), "could not convert string to float: .*'a'"),
    "words among objects": (np.array([["a", 1]] * 9, dtype=object), "string to float"),
    "nothing among objects": (np.array([[None, 1.0]] * 9, dtype=object), "NaN"),
    "one row": (GOOD[:1], r"1 sample\(s\) .* minimum of 2 is required"),
    "no rows": (GOOD[:0], r"0 sample\(s\)"),
    "no columns": (GOOD[:, :0], r"0 feature\(s\)"),
    "one dimension": (GOOD[:, 0], "Expected 2D array, got 1D array"),
    "three dimensions": (GOOD[None], "dim 3"),
    "a number": (3.0, "Expected 2D array, got scalar"),
    "nothing": (None, "Expected 2D array"),
    "complex": (GOOD.astype(complex), "Complex data not supported"),
    "too large": (with_value(1e300), r"Column 1 of X reaches 1e\+300.*power of ten"),
    "all too large": (GOOD * 1e200, r"computes in float64, where squares beyond"),
}


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("name", ESTIMATORS)
def test_what_cannot_be_fitted_is_refused_with_a_reason(name, kind):
    X, message = REFUSED[kind]
    with pytest.raises(ValueError, match=message):
        ESTIMATORS[name].fit(X)


@pytest.mark.parametrize("container", [scipy.sparse.csr_array, scipy.sparse.coo_matrix])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_sparse_matrix_is_refused(name, container):
    with pytest.raises(TypeError, match=r"dense data is required. Use '.toarray\(\)'"):
        ESTIMATORS[name].fit(container(GOOD))


@pytest.mark.parametrize("kind", ["nan", "inf", "words", "complex", "too large"])
@pytest.mark.parametrize("method", ["transform", "score_samples", "score"])
def test_a_fitted_flow_refuses_them_too(method, kind):
    X, message = REFUSED[kind]
    width = X.shape[1]
    fitted = flow().fit(GOOD[:, :width])
    with pytest.raises(ValueError, match=message):
        getattr(fitted, method)(X)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_another_width_is_refused(name):
    fitted = flow().fit(GOOD) if name == "auto" else ESTIMATORS[name].fit(GOOD)
    for method in (fitted.transform, fitted.score_samples, fitted.score):
        with pytest.raises(ValueError, match="X has 2 features, but .* expecting 3"):
            method(GOOD[:, :2])
    with pytest.raises(ValueError, match="Z has 2 columns, but .* 3 latent dimensions"):
        fitted.inverse_transform(GOOD[:, :2])


@pytest.mark.parametrize("name", ESTIMATORS)
def test_what_is_not_fitted_says_so(name):
    fresh = clone(ESTIMATORS[name])
    for call in (
        lambda: fresh.transform(GOOD),
        lambda: fresh.inverse_transform(GOOD),
        lambda: fresh.score_samples(GOOD),
        lambda: fresh.score(GOOD),
        lambda: fresh.sample(),
    ):
        with pytest.raises(NotFittedError, match="is not fitted yet"):
            call()


@pytest.mark.parametrize("n_samples", [0, -1, 2.5, True, "3", None])
def test_a_sample_has_a_whole_number_of_rows(n_samples):
    with pytest.raises(ValueError, match="n_samples must be an integer of at least 1"):
        flow().fit(GOOD).sample(n_samples)


# -- parameters ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"layers": "deep"}, ValueError, 'layers must be "auto" or a list'),
        ({"layers": []}, ValueError, "layers is empty"),
        ({"layers": None}, TypeError, r"a list of layers such as \[Linear\(\)\]"),
        ({"layers": Linear()}, TypeError, "a list of layers"),
        ({"layers": [Linear]}, TypeError, "a list of layers"),
        ({"layers": ["linear"]}, TypeError, "a list of layers"),
        ({"layers": [Linear(), 3]}, TypeError, "a list of layers"),
        ({"direction": "backwards"}, ValueError, 'one of "gaussianize", "generate"'),
        ({"direction": None}, ValueError, "direction must be"),
        ({"n_gen_samples": 1}, ValueError, "n_gen_samples must be an integer"),
        ({"n_gen_samples": 2.5}, ValueError, "n_gen_samples must be"),
        ({"n_gen_samples": "many"}, ValueError, "n_gen_samples must be"),
        (
            {"validation_fraction": 1.0},
            ValueError,
            r"must be a number in \[0, 1\), got 1.0",
        ),
        ({"validation_fraction": -0.1}, ValueError, "validation_fraction must be"),
        ({"validation_fraction": np.nan}, ValueError, "validation_fraction must be"),
        ({"validation_fraction": "all"}, ValueError, "validation_fraction must be"),
        ({"validation_fraction": None}, ValueError, "validation_fraction must be"),
        ({"dtype": np.int32}, ValueError, "dtype must be float64 or float32"),
        ({"dtype": "f2"}, ValueError, "dtype must be float64 or float32"),
        ({"dtype": complex}, ValueError, "dtype must be float64 or float32"),
        ({"dtype": "double trouble"}, ValueError, "dtype must be float64 or float32"),
        ({"random_state": "luck"}, ValueError, "'luck' cannot be used to seed"),
    ],
)
def test_a_wrong_parameter_is_named_at_fit(params, error, message):
    estimator = GenFlow(**{"layers": [Linear(n_iter=1)], **params})
    with pytest.raises(error, match=message):
        estimator.fit(GOOD)


@pytest.mark.parametrize("layer", [None, "linear", Linear, 3])
def test_add_layer_takes_layers_only(layer):
    with pytest.raises(TypeError, match=r"add_layer takes a Layer such as Linear\(\)"):
        GenFlow().add_layer(layer)


@pytest.mark.parametrize("name", ["gate", "match"])
def test_a_wrong_parameter_of_radial_is_named(name):
    with pytest.raises(ValueError, match=f"{name} must be"):
        Radial(**{name: "sometimes"}).fit(GOOD)


@pytest.mark.parametrize("gate", ["sometimes", -1.0, None])
def test_a_wrong_gate_of_elliptical_is_named(gate):
    with pytest.raises(ValueError, match="gate must be"):
        Elliptical(gate=gate).fit(GOOD)


def test_float32_refuses_what_it_cannot_hold():
    model = flow(dtype=np.float32)
    with pytest.raises(ValueError, match="reaches .* computes in float32"):
        model.fit(GOOD * 1e38)
    stamps = 1.7e9 + 100.0 * GOOD
    with pytest.raises(ValueError, match="float32 cannot tell such values apart"):
        model.fit(stamps)
    model.fit(np.column_stack([GOOD, np.full(len(GOOD), 0.1)]))
    with pytest.raises(ValueError, match="computes in float32"):
        model.transform(np.full((2, 4), 1e60))
    assert np.isfinite(flow().fit(stamps).score(stamps))


# -- what is odd, and has a right answer -----------------------------------------


def odd_inputs():
    rng = np.random.default_rng(0)
    near_the_limit = np.iinfo(np.int64).max - rng.integers(0, 10**6, (120, 2))
    return {
        "constant column": np.column_stack([GOOD, np.full(120, 7.0)]),
        "column of zeros": np.column_stack([GOOD, np.zeros(120)]),
        "duplicated column": np.column_stack([GOOD, GOOD[:, 0]]),
        "all rows equal": np.tile(GOOD[:1], (50, 1)),
        "all rows zero": np.zeros((50, 3)),
        "one constant column": np.full((50, 1), 3.0),
        "two rows": GOOD[:2],
        "truth values": GOOD > 0,
        "wide integers": rng.integers(-(2**62), 2**62, (120, 2)),
        "integers near overflow": near_the_limit,
        "unsigned integers": rng.integers(0, 2**64, (120, 2), dtype=np.uint64),
        "scale 1e140": 1e140 * GOOD,
        "scale 1e-300": 1e-300 * GOOD,
        "numbers as objects": GOOD.astype(object),
        "numbers as text": GOOD.round(3).astype(str),
        "far from zero": GOOD + 1e8,
        "mixed units": GOOD * [1e-12, 1.0, 1e12],
        "more columns than rows": rng.standard_normal((12, 30)),
    }


ODD = odd_inputs()
STACKS = {
    "auto": (
        ["constant column", "duplicated column", "all rows equal", "all rows zero"],
        GenFlow(random_state=0),
    ),
    "stack": (
        [*ODD],
        GenFlow(
            [
                Linear(n_iter=2, rotation="identity"),
                Radial(match="samples"),
                Elliptical(),
                Triangular(n_components=2, n_estimators=1),
                Linear(n_iter=2),
            ],
            random_state=0,
        ),
    ),
    "generate": (
        [kind for kind in ODD if kind != "truth values"],
        GenFlow([Elliptical(), Linear(n_iter=4)], direction="generate", random_state=0),
    ),
    "elliptical": ([*ODD], Elliptical(random_state=0)),
    "radial": (["all rows zero", "all rows equal"], Radial(random_state=0)),
}


@cache
def fitted(name, kind):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return clone(STACKS[name][1]).fit(ODD[kind])


@pytest.mark.parametrize(
    ("name", "kind"), [(name, kind) for name in STACKS for kind in STACKS[name][0]]
)
def test_odd_input_gets_finite_densities_and_an_inverse(name, kind):
    X = ODD[kind]
    estimator = fitted(name, kind)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Z = estimator.transform(X)
        sample = estimator.sample(100, random_state=0)
        results = [
            Z,
            estimator.score_samples(X),
            sample,
            estimator.score_samples(sample),
            estimator.inverse_transform(Z),
        ]
    assert all(np.isfinite(result).all() for result in results)
    X = np.asarray(X, dtype=np.float64)
    size = np.abs(X).max(axis=0)
    size[size == 0.0] = 1.0
    assert_allclose(results[-1] / size, X / size, atol=1e-8)


@pytest.mark.parametrize("name", ["auto", "stack", "generate", "elliptical"])
def test_samples_repeat_a_constant_and_a_duplicate(name):
    sample = fitted(name, "constant column").sample(100, random_state=0)
    assert_allclose(sample[:, 3], 7.0, rtol=1e-4)
    assert sample[:, 0].std() > 0.5
    sample = fitted(name, "duplicated column").sample(100, random_state=0)
    assert_allclose(sample[:, 3], sample[:, 0], atol=1e-3)


@pytest.mark.parametrize("name", ["auto", "stack", "generate", "elliptical"])
def test_samples_repeat_rows_that_are_all_equal(name):
    for kind in ("all rows equal", "all rows zero"):
        X = ODD[kind]
        sample = fitted(name, kind).sample(20, random_state=0)
        assert_allclose(sample, np.broadcast_to(X[0], (20, 3)), rtol=1e-7, atol=1e-7)


def test_numbers_as_text_or_objects_are_numbers():
    expected = flow().fit(GOOD.round(3)).score(GOOD.round(3))
    for kind in ("numbers as text", "numbers as objects"):
        assert_allclose(flow().fit(ODD[kind]).score(ODD[kind]), expected, atol=0.01)
