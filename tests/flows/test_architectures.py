import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.datasets import load_digits, make_moons

from gaussflow import GenFlow
from gaussflow.flows import architectures
from gaussflow.flows.architectures import automatic, held_out_score, multiscale, stems
from gaussflow.layers import (
    Conv,
    Dequantize,
    Elliptical,
    Inverse,
    Linear,
    Principal,
    Triangular,
)
from gaussflow.layers.base import Layer


def kinds(layers):
    return [type(layer) for layer in layers]


@pytest.mark.parametrize("direction", ["gaussianize", "generate"])
@pytest.mark.parametrize("n_features", [1, 2, 12, 13, 128, 129, 1000])
def test_stems_are_unfitted_layers_for_every_width(n_features, direction):
    candidates = stems(n_features, direction)
    assert candidates
    for layers in candidates.values():
        assert all(isinstance(layer, Layer) for layer in layers)
        assert not any(hasattr(layer, "n_features_in_") for layer in layers)


def test_mixtures_are_tried_where_they_can_pay():
    assert len(stems(1)) == 1
    assert [Triangular] in map(kinds, stems(12).values())
    assert [Triangular] not in map(kinds, stems(13).values())
    assert all(Triangular in kinds(layers) for layers in stems(128).values())
    for layers in (*stems(129).values(), *stems(129, "generate").values()):
        assert Triangular not in kinds(layers)


def test_stems_share_no_layer():
    one, other = stems(4), stems(4)
    layers = [layer for s in (one, other) for stem in s.values() for layer in stem]
    assert len({id(layer) for layer in layers}) == len(layers)


@pytest.fixture(scope="module")
def moons():
    return make_moons(40, noise=0.05, random_state=0)[0]


@pytest.fixture(scope="module")
def chosen(moons):
    return automatic(moons, np.random.default_rng(0))


def test_the_best_stem_by_held_out_likelihood_is_taken(chosen):
    layers, scores = chosen
    assert set(scores) == set(stems(2))
    best = max(scores, key=scores.get)
    assert kinds(layers)[:-1] == kinds(stems(2)[best])
    assert isinstance(layers[-1], Linear)


def test_the_choice_follows_the_seed_and_leaves_the_rows(chosen, moons):
    before = moons.copy()
    assert automatic(moons, np.random.default_rng(0))[1] == chosen[1]
    assert automatic(moons, np.random.default_rng(1))[1] != chosen[1]
    np.testing.assert_array_equal(moons, before)


@pytest.mark.parametrize("n_samples", [2, 3, 7])
def test_very_few_rows_leave_nothing_to_judge_by(n_samples):
    X = np.random.default_rng(0).standard_normal((n_samples, 3))
    layers, scores = automatic(X, np.random.default_rng(0))
    assert scores == {}
    assert kinds(layers)[:-1] in map(kinds, stems(3).values())


def test_one_column_needs_no_rotations():
    X = np.random.default_rng(0).standard_normal((50, 1))
    layers, scores = automatic(X, np.random.default_rng(0))
    assert scores == {}
    assert [layer.rotation for layer in layers] == ["identity"]


def test_generate_has_one_stem():
    X = np.random.default_rng(0).standard_normal((50, 3))
    layers, scores = automatic(X, np.random.default_rng(0), direction="generate")
    assert scores == {}
    assert len(layers) == 2


def test_the_held_out_score_is_that_of_a_flow():
    X = np.random.default_rng(0).gamma(2.0, size=(400, 3))
    train, judges = X[:300], X[300:]
    layers = [
        Linear(n_iter=1, rotation="identity"),
        Triangular(n_components=1, n_estimators=1),
    ]
    score = held_out_score(
        [clone(layer) for layer in layers], train, judges, np.random.default_rng(0)
    )
    flow = GenFlow(layers, validation_fraction=0, random_state=0).fit(train)
    assert_allclose(score, flow.score(judges), atol=0.05)


@pytest.mark.parametrize(("n_rows", "bags"), [(60, 1), (400, 6)])
def test_few_rows_are_judged_by_single_mixtures(n_rows, bags, monkeypatch):
    """Or the search for mixtures takes seconds for 60 rows."""
    judged = []

    def held_out_score(layers, train, *_):
        judged.append(
            [one.n_estimators for one in layers if isinstance(one, Triangular)]
        )
        return 0.0

    monkeypatch.setattr(architectures, "held_out_score", held_out_score)
    X = np.random.default_rng(0).standard_normal((n_rows, 3))
    layers, _ = automatic(X, np.random.default_rng(0))
    assert judged
    assert all(found == [bags] for found in judged)
    # What is fitted in the end is averaged whatever the rows.
    assert [one.n_estimators for one in layers if isinstance(one, Triangular)] == [6]


@pytest.mark.parametrize("direction", ["gaussianize", "generate"])
@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 5, 1), (28, 28, 1), (32, 48, 3)])
def test_scales_fall_from_the_whole_image_to_small_patches(shape, direction):
    layers = multiscale(shape, direction=direction, n_iter=7, n_passes=2)
    patches = [layer for layer in layers if isinstance(layer, Conv)]
    sizes = [layer.patch_size for layer in patches]
    once = sizes[: len(sizes) // 2]
    assert sizes == 2 * once
    assert once == sorted(once, reverse=True)
    assert once[-1:] == ([2] if min(shape) > 2 or min(shape[:2]) > 2 else [])
    assert all(layer.image_shape == shape and layer.n_iter == 7 for layer in patches)
    assert not any(hasattr(layer, "n_features_in_") for layer in layers)
    whole = Elliptical if direction == "gaussianize" else Principal
    assert any(isinstance(layer, whole) for layer in layers)


def test_bytes_get_a_density_first():
    assert kinds(multiscale((4, 4, 1), n_levels=256))[0] is Dequantize
    last = multiscale((4, 4, 1), direction="generate", n_levels=256)[-1]
    assert isinstance(last, Inverse)
    assert isinstance(last.layer, Dequantize)
    with pytest.raises(ValueError, match="direction must be"):
        multiscale((4, 4, 1), direction="sideways")
    with pytest.raises(ValueError, match="multiscale's image_shape must be"):
        multiscale(16)


def test_patches_gain_on_images_and_samples_are_whole_numbers():
    X = load_digits().data
    train, test = X[:300], X[300:600]
    layers = multiscale((8, 8, 1), n_levels=17, n_iter=3)[:6]
    flow = GenFlow(layers, random_state=0).fit(train)
    whole = [layer for layer in layers if not isinstance(layer, Conv)]
    without = GenFlow(whole, random_state=0).fit(train)
    assert flow.score(test) > without.score(test) + 0.5
    assert set(np.unique(flow.sample(50, random_state=0))) <= set(range(17))
