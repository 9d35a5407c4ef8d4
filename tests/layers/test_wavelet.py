import numpy as np
import pytest

from gaussflow import Conv, GenFlow, Linear
from gaussflow.layers import Haar, Pyramid, Transport
from gaussflow.persistence import load, save

SHAPES = [(4, 4, 1), (2, 6, 3), (7, 5, 1), (1, 8, 1), (8, 1, 2), (9, 3, 2)]


def most_levels(shape):
    return int(np.ceil(np.log2(max(shape[:2]))))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_wavelets_are_an_orthogonal_map(shape, dtype):
    d = int(np.prod(shape))
    for n_levels in range(1, most_levels(shape) + 1):
        layer = Haar(shape, n_levels).fit(np.eye(d) if d > 1 else np.ones((2, 1)))
        H, log_det = layer.forward_and_log_det(np.eye(d, dtype=dtype))
        assert H.dtype == dtype
        tolerance = 1e-12 if dtype == np.float64 else 1e-5
        np.testing.assert_allclose(H @ H.T, np.eye(d), atol=tolerance)
        back, _ = layer.inverse_and_log_det(H)
        np.testing.assert_allclose(back, np.eye(d), atol=tolerance)
        assert not log_det.any()


def test_levels_are_means_and_differences():
    """By hand, on an image of 4 x 4 pixels: block means times 2, and details."""
    image = np.random.default_rng(0).standard_normal((4, 4))
    Z = Haar((4, 4, 1)).fit(np.eye(16)).transform(image.reshape(1, 16))[0]
    blocks = image.reshape(2, 2, 2, 2).transpose(0, 2, 1, 3)
    a, b, c, d = blocks.reshape(4, 4).T
    np.testing.assert_allclose(Z[:4], (a + b + c + d) / 2)
    np.testing.assert_allclose(Z[4:8], (a - b + c - d) / 2)
    np.testing.assert_allclose(Z[8:12], (a - b - c + d) / 2)
    np.testing.assert_allclose(Z[12:], (a + b - c - d) / 2)
    two = Haar((4, 4, 1), 2).fit(np.eye(16)).transform(image.reshape(1, 16))[0]
    again = Haar((2, 2, 1)).fit(np.eye(4)).transform(Z[None, :4])[0]
    np.testing.assert_allclose(two, np.r_[again, Z[4:]])


def test_channels_stay_apart():
    image = np.random.default_rng(0).standard_normal((3, 4, 6, 2))
    both = Haar((4, 6, 2)).fit(np.eye(48)).transform(image.reshape(3, 48))
    for channel in range(2):
        alone = Haar((4, 6, 1)).fit(np.eye(24))
        expected = alone.transform(image[..., channel].reshape(3, 24))
        np.testing.assert_allclose(both[:, channel::2], expected)


def test_the_inverse_is_a_layer_too():
    X = np.random.default_rng(0).standard_normal((5, 21))
    there = Haar((7, 3, 1), 2).fit(X)
    back = Haar((7, 3, 1), 2, inverse=True).fit(X)
    np.testing.assert_allclose(back.transform(there.transform(X)), X)
    np.testing.assert_allclose(back.inverse_transform(X), there.transform(X))


def test_a_smooth_image_lives_in_the_coarse_band():
    flat = np.full((2, 7, 6), 3.0).reshape(2, 42)
    layer = Haar((7, 6, 1)).fit(flat)
    n_coarse = int(np.prod(layer.coarse_shape))
    np.testing.assert_allclose(layer.transform(flat)[:, n_coarse:], 0.0, atol=1e-12)


def rows():
    return np.random.default_rng(0).gamma(2.0, size=(400, 4, 1, 12)).reshape(400, 48)


@pytest.mark.parametrize("band", ["coarse", "detail", "all"])
def test_a_band_is_mapped_and_the_rest_stays(band):
    X = rows()
    layer = Pyramid((8, 6, 1), Linear(n_iter=3), band=band, random_state=0).fit(X)
    haar = Haar((8, 6, 1)).fit(X)
    before, after = haar.transform(X), haar.transform(layer.transform(X))
    n_coarse = int(np.prod(haar.coarse_shape))
    assert layer.layer_.n_features_in_ == {"coarse": 12, "detail": 36, "all": 48}[band]
    moved = np.abs(after - before).max(axis=0) > 1e-8
    expected = np.zeros(48, dtype=bool)
    expected[: n_coarse if band != "detail" else 0] = True
    expected[n_coarse if band != "coarse" else 48 :] = True
    np.testing.assert_array_equal(moved, expected)
    # The density is that of the band, with nothing added by the wavelets.
    Z, log_det = layer.forward_and_log_det(X.copy())
    columns = {"coarse": slice(12), "detail": slice(12, None), "all": slice(None)}
    part = before[:, columns[band]].copy()
    np.testing.assert_allclose(log_det, layer.layer_.forward_and_log_det(part)[1])
    back, undone = layer.inverse_and_log_det(Z)
    np.testing.assert_allclose(back, X, atol=1e-8)
    np.testing.assert_allclose(undone, -log_det, atol=1e-8)


def test_a_flow_goes_down_and_up_the_pyramid_and_into_a_file(tmp_path):
    X = rows()
    shape = (8, 6, 1)
    layers = [
        Pyramid(shape, Conv((2, 2, 1), 2, n_iter=2), n_levels=2),
        Pyramid(shape, Conv((4, 3, 1), 2, n_iter=2)),
        Conv(shape, 2, n_iter=2),
        Haar(shape),
        Linear(n_iter=2),
        Haar(shape, inverse=True),
    ]
    flow = GenFlow(layers, random_state=0).fit(X)
    np.testing.assert_allclose(flow.inverse_transform(flow.transform(X)), X, atol=1e-8)
    save(flow, tmp_path / "flow")
    np.testing.assert_array_equal(
        load(tmp_path / "flow").score_samples(X), flow.score_samples(X)
    )
    flow.set_params(layers__0__layer__n_iter=1)
    assert flow.layers[0].layer.n_iter == 1


def test_a_pyramid_carries_noise_to_images():
    """Direction "generate": the coarse band gets the law of the target's."""
    rng = np.random.default_rng(0)
    target = rng.gamma(1.0, size=(3000, 16))
    layer = Transport(Pyramid((4, 4, 1), Linear(n_iter=6, rotation="identity")))
    X, _ = layer.fit_between(rng.standard_normal((3000, 16)), target, rng)
    haar = Haar((4, 4, 1)).fit(target)
    levels = np.linspace(0.02, 0.98, 40)
    got, goal = (np.quantile(haar.transform(a)[:, 0], levels) for a in (X, target))
    np.testing.assert_allclose(got, goal, atol=0.1 * goal.std())


def test_threads_reach_the_layer_inside():
    flow = GenFlow([Pyramid((4, 4, 1), Linear(n_iter=1))], n_jobs=2, random_state=0)
    flow.fit(np.random.default_rng(0).standard_normal((50, 16)))
    assert flow.layers_[0].layer_.n_jobs == 2


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (Haar((4, 5, 1)), r"Haar\(image_shape=\(4, 5, 1\)\) needs 20 features"),
        (Haar((4, 4)), "Haar's image_shape must be"),
        (Haar((4, 4, 1), 3), r"Haar's n_levels must be an integer from 1 to 2"),
        (Haar((4, 4, 1), 1.0), "Haar's n_levels must be an integer"),
        (Pyramid((4, 4, 1), Linear(), 0), "Pyramid's n_levels must be an integer"),
        (Pyramid((4, 4, 1), Linear(), band="fine"), "band must be"),
        (Pyramid((5, 4, 1), Linear()), "needs 20 features, but X has 16"),
        (Pyramid((4, 4, 1), Conv((4, 4, 1), 2)), "needs 16 features, but X has 4"),
    ],
)
def test_bad_parameters_are_named(layer, message):
    with pytest.raises(ValueError, match=message):
        layer.fit(np.random.default_rng(0).standard_normal((20, 16)))


def test_what_is_no_layer_is_refused():
    with pytest.raises(TypeError, match="Pyramid takes a layer"):
        Pyramid((4, 4, 1), "linear").fit(np.zeros((20, 16)))


def test_wavelets_alone_are_no_step_from_noise_to_data():
    X = np.random.default_rng(0).standard_normal((50, 16))
    flow = GenFlow([Haar((4, 4, 1))], direction="generate")
    with pytest.raises(ValueError, match="use Pyramid"):
        flow.fit(X)
