import numpy as np
import pytest

from gaussflow._common.checks import check_image_shape
from gaussflow.layers.iterations.patches import Tiles
from tests.kernels import reference

#: image_shape, patch_size, stride, shift
CASES = [
    ((4, 6, 1), (2, 2), (2, 2), (0, 0)),
    ((4, 6, 3), (2, 3), (2, 3), (1, 5)),
    ((7, 5, 2), (3, 2), (3, 2), (6, 4)),
    ((9, 4, 1), (2, 1), (4, 2), (8, 1)),
    ((3, 3, 1), (3, 3), (3, 3), (2, 1)),
    ((1, 8, 1), (1, 3), (1, 3), (0, 7)),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES)
def test_patches_are_those_of_the_reference(case, dtype, global_random_seed):
    tiles = Tiles(*case)
    rng = np.random.default_rng(global_random_seed)
    X = rng.standard_normal((5, tiles.n_features)).astype(dtype)
    patches = tiles.gather(X)
    assert patches.dtype == dtype
    assert patches.flags["C_CONTIGUOUS"]
    assert patches.shape == (5 * tiles.n_positions, tiles.width)
    np.testing.assert_array_equal(patches, reference.patches(X, *case))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES)
def test_patches_are_put_back_and_the_rest_is_left(case, dtype):
    tiles = Tiles(*case)
    X = np.random.default_rng(0).standard_normal((5, tiles.n_features)).astype(dtype)
    before = X.copy()
    patches = tiles.gather(X)
    tiles.scatter(patches, X)
    np.testing.assert_array_equal(X, before)
    tiles.scatter(patches + 1, X)
    np.testing.assert_array_equal(tiles.gather(X), patches + 1)
    outside = np.ones(tiles.n_features, dtype=bool)
    outside[tiles.columns()] = False
    np.testing.assert_array_equal(X[:, outside], before[:, outside])


@pytest.mark.parametrize("case", CASES)
def test_one_patch_is_a_part_of_all(case):
    tiles = Tiles(*case)
    X = np.random.default_rng(0).standard_normal((4, tiles.n_features))
    every = tiles.gather(X).reshape(4, tiles.n_positions, tiles.width)
    for position in range(tiles.n_positions):
        one = tiles.only(position)
        assert one.n_positions == 1
        np.testing.assert_array_equal(one.gather(X), every[:, position])


def test_patches_go_into_a_part_of_the_rows_in_place():
    tiles = Tiles((4, 4, 1), (2, 2), (2, 2), (1, 1))
    X = np.zeros((6, 16))
    tiles.scatter(np.ones((2 * 4, 4)), X[2:4])
    np.testing.assert_array_equal(X.sum(axis=1), [0, 0, 16, 16, 0, 0])


@pytest.mark.parametrize("bad", [(28, 28), 784, (0, 4, 1), (2.0, 2, 1), "28", None])
def test_what_is_no_shape_of_an_image_is_refused(bad):
    with pytest.raises(ValueError, match="Conv's image_shape must be"):
        check_image_shape(bad, "Conv")
