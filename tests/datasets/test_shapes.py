"""Shapes: what they cover, their factors, their seeds."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from gaussflow.datasets import make_shapes

AREA = {
    "square": lambda s: 4 * s**2,
    "circle": lambda s: np.pi * s**2,
    "triangle": lambda s: 2 * s**2,
    "diamond": lambda s: 2 * s**2,
    "cross": lambda s: 4 * s**2 * 5 / 9,
}
CENTROID = {"triangle": 1 / 3}  # of the half-width, below the middle


@pytest.mark.parametrize("kind", AREA)
def test_a_shape_has_its_area_and_place(kind, global_random_seed):
    bunch = make_shapes(40, [kind], random_state=global_random_seed)
    x, y, size, _ = bunch.factors.T
    X = bunch.data.reshape(-1, 28, 28)
    mass = X.sum(axis=(1, 2))
    assert_allclose(mass, AREA[kind](size), rtol=0.06)
    centres = np.arange(28) + 0.5
    assert_allclose((X.sum(axis=1) @ centres) / mass, x, atol=0.1)
    below = CENTROID.get(kind, 0.0) * size
    assert_allclose((X.sum(axis=2) @ centres) / mass, y + below, atol=0.1)


def test_shapes_are_anti_aliased_and_inside(global_random_seed):
    X = make_shapes(200, random_state=global_random_seed).data
    assert 0.0 <= X.min() <= X.max() <= 1.0
    partial = (X > 0) & (X < 1)
    assert partial.any(axis=1).mean() > 0.95
    # Moving a shape by a little moves its picture by a little.
    rim = X.reshape(-1, 28, 28)[:, [0, -1]]
    assert rim.max() <= 0.5


def test_factors_are_independent_and_fill_their_ranges(global_random_seed):
    bunch = make_shapes(5000, random_state=global_random_seed)
    assert abs(np.corrcoef(bunch.factors.T) - np.eye(4)).max() < 0.06
    assert_allclose(bunch.factors[:, :3].min(axis=0), [7, 7, 3], atol=0.05)
    assert_allclose(bunch.factors[:, :3].max(axis=0), [21, 21, 7], atol=0.05)
    assert_array_equal(np.unique(bunch.target), [0, 1, 2])
    assert bunch.target_names == ("square", "circle", "triangle")


def test_seeds():
    one, two, other = (make_shapes(20, random_state=s).data for s in (0, 0, 1))
    assert_array_equal(one, two)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_samples": 0}, "n_samples must be an integer of at least 1"),
        ({"kinds": ()}, "kinds must be a sequence"),
        ({"kinds": "square"}, "kinds must be a sequence"),
        ({"kinds": ("star",)}, "kinds must be a sequence"),
        ({"size_range": (5.0, 3.0)}, "size_range must be"),
        ({"image_size": 8}, "does not fit image_size=8"),
    ],
)
def test_bad_input(params, message):
    with pytest.raises(ValueError, match=message):
        make_shapes(**params)
