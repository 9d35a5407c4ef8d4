import warnings

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.utils.estimator_checks import parametrize_with_checks

from gaussflow import Conv, GenFlow, Linear
from gaussflow.estimator_checks import check_generative_estimator
from gaussflow.persistence import load, save


def digits():
    X = load_digits().data
    return X + np.random.default_rng(0).random(X.shape)


class Strip(Conv):
    """A Conv for rows of any width, taken as images one pixel high.

    The common checks vary the width of X, which a fixed image_shape forbids.
    """

    def __init__(self, *, shared=False, n_iter=4, random_state=None):
        super().__init__(
            None, None, shared=shared, n_iter=n_iter, random_state=random_state
        )

    @property
    def image_shape(self):
        return 1, self.n_features_in_, 1

    @image_shape.setter
    def image_shape(self, value):
        pass

    @property
    def patch_size(self):
        return 1, min(self.n_features_in_, 2)

    @patch_size.setter
    def patch_size(self, value):
        pass


STRIPS = [Strip(), Strip(shared=True)]


@parametrize_with_checks(STRIPS)
def test_conv_keeps_scikit_learn_s_rules(estimator, check):
    check(estimator)


@pytest.mark.parametrize("strip", STRIPS, ids=["own", "shared"])
def test_conv_keeps_the_laws_of_a_density(strip, global_random_seed):
    check_generative_estimator(strip, random_state=global_random_seed)


SETTINGS = {
    "tiles": {"patch_size": 4},
    "a rest": {"patch_size": 3},
    "gaps": {"patch_size": (2, 3), "stride": (3, 5)},
    "shared": {"patch_size": 2, "shared": True},
    "shared with a rest": {"patch_size": (3, 4), "shared": True},
    "the whole image": {"patch_size": 8},
    "fixed": {"patch_size": 4, "shift": 2},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_images_come_back_and_the_density_is_that_of_the_map(name):
    """The log-determinant against that of the numeric Jacobian, on an image."""
    X = digits()[:300, :32]
    layer = Conv((4, 8, 1), **(SETTINGS[name] | {"n_iter": 4}), random_state=0)
    if name == "the whole image":
        layer.set_params(patch_size=(4, 8))
    layer.fit(X)
    assert layer.iterations_
    x = X[7]
    step = 1e-5
    ahead, behind = (layer.transform(x + s * step * np.eye(32)) for s in (1, -1))
    _, log_det = np.linalg.slogdet((ahead - behind) / (2 * step))
    z, got = layer.forward_and_log_det(x[None].copy())
    np.testing.assert_allclose(got, log_det, atol=1e-5)
    back, undone = layer.inverse_and_log_det(z.copy())
    np.testing.assert_allclose(back[0], x, atol=1e-8)
    np.testing.assert_allclose(undone, -got, atol=1e-8)


def test_only_the_patches_move():
    X = np.random.default_rng(0).gamma(2.0, size=(500, 36))
    layer = Conv((6, 6, 1), 2, stride=3, shift=1, n_iter=1, gate=None).fit(X)
    (iteration,) = layer.iterations_
    Z = np.random.default_rng(1).standard_normal((50, 36))
    moved = iteration.forward(Z.copy(), np.zeros(50)) != Z
    expected = np.zeros((6, 6), dtype=bool)
    for top, left in [(1, 1), (1, 4), (4, 1), (4, 4)]:
        expected[top : top + 2, left : left + 2] = True
    np.testing.assert_array_equal(moved.any(axis=0), expected.ravel())


def test_a_patch_as_large_as_the_image_is_linear():
    X = digits()[:400]
    conv = Conv((8, 8, 1), 8, shift=0, shared=True, n_iter=3, random_state=0)
    linear = Linear(n_iter=3, random_state=0)
    np.testing.assert_array_equal(
        conv.fit(X).score_samples(X), linear.fit(X).score_samples(X)
    )


def test_shared_maps_need_fewer_images(global_random_seed):
    """Textures: one map from all patches beats one for each, from 200 images."""
    rng = np.random.default_rng(global_random_seed)
    sources = rng.laplace(size=(1200, 16, 4))
    mixing = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    images = (sources @ mixing).reshape(-1, 4, 4, 2, 2).transpose(0, 1, 3, 2, 4)
    X, fresh = np.split(images.reshape(1200, 64), [200])
    settings = {"shift": 0, "rotation": "ica", "n_iter": 4, "random_state": 0}
    shared = Conv((8, 8, 1), 2, shared=True, **settings).fit(X).score(fresh)
    own = Conv((8, 8, 1), 2, **settings).fit(X).score(fresh)
    assert shared > own + 1.0


def test_the_gate_knows_that_patches_of_an_image_are_alike(global_random_seed):
    """Noise drawn once for each image and repeated in all its patches.

    Taken for independent rows, 64 patches would look like 64 times the rows.
    """
    rng = np.random.default_rng(global_random_seed)
    X = np.repeat(rng.standard_normal((300, 1, 4)), 64, axis=1).reshape(300, 256)
    layer = Conv((1, 256, 1), (1, 4), shift=0, shared=True, n_iter=15, tol=0)
    layer.set_params(rotation="random", marginal="polynomial", gate=2.0)
    layer.set_params(random_state=0).fit(X)
    # Without the factor 4 to 7 of the 60 directions pass.
    assert sum(one.n_directions for one in layer.iterations_) <= 1


def test_conv_finds_what_is_in_patches():
    X = digits()
    train, test = X[:1400], X[1400:]
    alone = Linear(n_iter=0).fit(train).score(test)
    layer = Conv((8, 8, 1), 4, n_iter=8, random_state=0).fit(train)
    assert layer.score(test) > alone + 15


def test_a_target_is_reached():
    rng = np.random.default_rng(0)
    target = rng.gamma(2.0, size=(3000, 8))
    target[:, 1] += target[:, 0]
    X = rng.standard_normal((3000, 8))
    layer = Conv((2, 4, 1), 2, n_iter=8, random_state=0).matching()
    carried, log_det = layer.fit_between(X.copy(), target, rng)
    again, log_det_again = layer.forward_and_log_det(X.copy())
    np.testing.assert_allclose(carried, again, atol=1e-9)
    np.testing.assert_allclose(log_det, log_det_again, atol=1e-9)
    levels = np.linspace(0.02, 0.98, 40)
    axis = np.array([1.0, -1.0, 0, 0, 0, 0, 0, 0])
    got, goal = np.quantile(carried @ axis, levels), np.quantile(target @ axis, levels)
    np.testing.assert_allclose(got, goal, atol=0.25 * (target @ axis).std())


@pytest.mark.parametrize("shared", [False, True])
def test_a_constant_margin_does_no_harm(shared):
    """MNIST has pixels that are never inked."""
    X = np.zeros((300, 8, 8))
    X[:, 2:6, 2:6] = digits()[:300].reshape(-1, 8, 8)[:, 2:6, 2:6]
    X = X.reshape(300, 64)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer = Conv((8, 8, 1), 2, shared=shared, n_iter=3, random_state=0).fit(X)
        sample = layer.sample(50, random_state=0)
    np.testing.assert_allclose(
        layer.inverse_transform(layer.transform(X)), X, atol=1e-6
    )
    assert np.isfinite(layer.score_samples(sample)).all()
    np.testing.assert_allclose(sample.reshape(-1, 8, 8)[:, 0], 0.0, atol=1e-6)


@pytest.mark.parametrize("shared", [False, True])
def test_threads_and_blocks_give_the_same_bits(shared):
    X = np.random.default_rng(0).gamma(2.0, size=(20_000, 8))
    one, two = (
        Conv((2, 4, 1), 2, shared=shared, n_iter=2, n_jobs=n, random_state=0).fit(X)
        for n in (1, 2)
    )
    np.testing.assert_array_equal(one.transform(X), two.transform(X))
    np.testing.assert_array_equal(one.score_samples(X), two.score_samples(X))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_flow_of_conv_layers_is_saved_in_one_file(dtype, tmp_path):
    X = digits()[:300]
    layers = [Conv((8, 8, 1), 4, n_iter=2), Conv((8, 8, 1), 2, shared=True, n_iter=2)]
    flow = GenFlow(layers, dtype=dtype, random_state=0).fit(X)
    save(flow, tmp_path / "flow")
    again = load(tmp_path / "flow")
    np.testing.assert_array_equal(flow.score_samples(X), again.score_samples(X))
    assert again.get_params()["layers__0__image_shape"] == (8, 8, 1)
    assert all(point["admitted"] > 0 for point in flow.loss_curve_)


def test_a_damaged_file_is_refused(tmp_path):
    layer = Conv((8, 8, 1), 4, n_iter=1, random_state=0).fit(digits()[:300])
    layer.iterations_[0].tiles.patch_size = (4, 5)
    save(layer, tmp_path / "layer")
    with pytest.raises(ValueError, match="damaged"):
        load(tmp_path / "layer")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"image_shape": (28, 28, 1)}, r"Conv\(image_shape=\(28, 28, 1\)\) needs 784"),
        ({"image_shape": (8, 8)}, "image_shape must be"),
        ({"patch_size": 9}, r"patch_size must be in 1\.\.8, got 9"),
        ({"patch_size": (2, 0)}, r"patch_size must be in 1\.\.8"),
        ({"patch_size": 2.5}, "patch_size must be an integer or a pair"),
        ({"patch_size": (2, 2, 1)}, "patch_size must be an integer or a pair"),
        ({"stride": 3}, "stride must be at least 4, got 3"),
        ({"shift": "always"}, 'shift must be "random" or an integer'),
        ({"shift": -1}, 'shift must be "random" or an integer'),
        ({"shared": "yes"}, "shared must be True or False"),
        ({"n_iter": -1}, "n_iter must be an integer of at least 0"),
        ({"gate": -1}, "gate must be a number"),
    ],
)
def test_bad_parameters_are_named(params, message):
    layer = Conv((8, 8, 1), 4).set_params(**params)
    with pytest.raises(ValueError, match=message):
        layer.fit(digits()[:50])
