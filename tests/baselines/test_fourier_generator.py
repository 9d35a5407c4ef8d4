"""The Fourier generator: two backends, two modes, any resolution, files, bad input."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits
from sklearn.utils.estimator_checks import parametrize_with_checks

from gaussflow.baselines import FourierGenerator
from gaussflow.baselines.fourier.codes import decode, dense_with_pullback
from gaussflow.baselines.fourier.net import FourierNet, pixel_positions
from gaussflow.baselines.networks.network import Network

torch = pytest.importorskip("torch")

TINY = {"encoder": (8,), "decoder": (6,), "n_epochs": 2, "random_state": 0}


@parametrize_with_checks(
    [
        FourierGenerator(2, 2, 1, prior="gaussian", **TINY),
        FourierGenerator(1, 1, 1, mode="autodecoder", basis="cas", **TINY),
    ]
)
def test_it_keeps_scikit_learn_s_rules(estimator, check):
    check(estimator)


@pytest.fixture
def rng(global_random_seed):
    return np.random.default_rng(global_random_seed)


# -- torch and Numba --------------------------------------------------------------


@pytest.mark.parametrize("basis", ["full", "cas"])
@pytest.mark.parametrize("channels", [1, 3])
def test_torch_and_numba_give_the_same_pixels_and_gradients(basis, channels, rng):
    from gaussflow.baselines.fourier.torch_module import KernelError, fourier_pixels

    net = FourierNet(3, 4, channels, basis)
    W = 0.1 * rng.standard_normal((2, net.n_weights))
    positions = rng.random((150, 2))
    targets = torch.from_numpy(rng.uniform(-1, 1, (2, 150, channels)))

    weights = torch.tensor(W, requires_grad=True)
    pixels = fourier_pixels(net, weights, torch.from_numpy(positions))
    constant = Network([("dense", 1, net.n_weights)], [np.zeros((net.n_weights, 1)), 0])
    for image, own in zip(pixels, W, strict=True):
        constant.weights[1] = own
        ours = decode(net, constant, np.zeros((1, 1)), positions)
        assert_allclose(ours[0], image.detach().numpy().ravel(), rtol=0, atol=1e-10)

    error = ((pixels - targets) ** 2).sum()
    error.backward()
    again = torch.tensor(W, requires_grad=True)
    by_kernel = KernelError.apply(again, net, positions, targets, None)
    by_kernel.backward()
    assert_allclose(float(by_kernel.detach()), float(error.detach()), rtol=1e-10)
    largest = float(weights.grad.abs().max())
    assert_allclose(again.grad, weights.grad, rtol=0, atol=1e-10 * largest)


def test_chosen_pixels_are_the_same_on_both_ways(rng):
    from gaussflow.baselines.fourier.torch_module import KernelError, fourier_pixels

    net = FourierNet(2, 3, 1)
    W = torch.tensor(0.1 * rng.standard_normal((2, net.n_weights)), requires_grad=True)
    positions, chosen = rng.random((9, 2)), np.array([[0, 3, 4], [8, 1, 1]])
    targets = torch.from_numpy(rng.uniform(-1, 1, (2, 9, 1)))
    error = KernelError.apply(W, net, positions, targets, chosen)
    pixels = fourier_pixels(net, W, torch.from_numpy(positions[chosen]))
    theirs = torch.stack([t[c] for t, c in zip(targets, chosen, strict=True)])
    expected = ((pixels - theirs) ** 2).sum()
    assert_allclose(error.detach(), expected.detach(), rtol=1e-12)


def test_training_in_torch_alone_goes_the_same_way(monkeypatch, rng):
    """As on a GPU, where there is no kernel."""
    from gaussflow.baselines.fourier import torch_module as fourier

    X = rng.random((40, 4 * 5 * 3))
    model = make(image_shape=(4, 5, 3), n_pixels=6, n_epochs=2, prior="standard")
    by_kernel = model.fit(X).loss_curve_
    monkeypatch.setattr(fourier, "KERNEL_DEVICES", ())
    for ours, theirs in zip(by_kernel, model.fit(X).loss_curve_, strict=True):
        assert_allclose(ours["loss"], theirs["loss"], rtol=1e-4)


def test_torch_s_gradient_is_that_of_differences(rng):
    from gaussflow.baselines.fourier.torch_module import fourier_pixels

    net = FourierNet(2, 3, 1)
    weights = torch.tensor(
        0.2 * rng.standard_normal((2, net.n_weights)), requires_grad=True
    )
    positions = torch.from_numpy(rng.random((2, 5, 2)))
    assert torch.autograd.gradcheck(
        lambda w: fourier_pixels(net, w, positions), weights
    )


def test_a_dense_network_pulls_slopes_back(rng):
    steps = [("dense", 3, 5), ("relu",), ("dense", 5, 4), ("relu",), ("dense", 4, 2)]
    network = Network.draw(steps, rng)
    weights = [np.asarray(w, dtype=np.float64) for w in network.weights]
    layers = list(zip(weights[::2], weights[1::2], strict=True))
    z, slope, step = rng.standard_normal(3), rng.standard_normal(2), 1e-6
    out, pull_back = dense_with_pullback(layers, z)
    assert_allclose(out, network(z[np.newaxis])[0], rtol=1e-12)
    differences = [
        (dense_with_pullback(layers, z + step * e)[0] - out) @ slope / step
        for e in np.eye(3)
    ]
    assert_allclose(pull_back(slope), differences, atol=1e-6)


# -- the two modes ------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits():
    return load_digits().data / 16


def make(**params):
    default = {"encoder": (64,), "decoder": (48,), "n_components": 10, "n_epochs": 30}
    return FourierGenerator(3, 4, 10, **default | {"random_state": 0} | params)


@pytest.fixture(scope="module", params=["encoder", "autodecoder"])
def fitted(request, digits):
    return make(mode=request.param).fit(digits[:1000])


def test_reconstructions_of_unseen_images_come_close(fitted, digits):
    unseen = digits[1000:1100]
    error = np.mean((fitted.reconstruct(unseen) - unseen) ** 2)
    assert error < 0.35 * np.mean((unseen - digits[:1000].mean(axis=0)) ** 2)
    assert fitted.loss_curve_[-1]["loss"] < 0.3 * fitted.loss_curve_[0]["loss"]


def test_a_search_finds_better_codes_than_where_it_starts(digits):
    model = make(mode="autodecoder", n_epochs=5).fit(digits[:500])
    unseen = digits[500:520]
    at_start = np.column_stack([unseen * 2 - 1, np.ones(20)]) @ model.start_
    found = model.transform(unseen)

    def objective(Z):
        errors = 2.0 * (model.inverse_transform(Z) - unseen)
        return 0.5 * (errors**2).sum(axis=1) + 1e-2 * (Z**2).sum(axis=1)

    assert (objective(found) < objective(at_start)).all()
    rng = np.random.default_rng(0)
    for _ in range(5):
        near = found + 0.01 * rng.standard_normal(found.shape)
        assert (objective(found) < objective(near)).mean() > 0.9


def test_ten_steps_mend_an_encoder_s_codes(fitted, digits):
    unseen = digits[1000:1050]
    errors = []
    for n_search in (0, 10):
        fitted.set_params(n_search=n_search)
        errors.append(np.mean((fitted.reconstruct(unseen) - unseen) ** 2))
    fitted.set_params(n_search="auto")
    assert errors[1] < 0.8 * errors[0]


def test_a_code_does_not_depend_on_other_rows(fitted, digits):
    together = fitted.transform(digits[:4])
    alone = np.concatenate([fitted.transform(row[np.newaxis]) for row in digits[:4]])
    assert_allclose(together, alone, atol=1e-6)


def test_images_are_painted_at_any_resolution(fitted, digits):
    Z = fitted.transform(digits[:3])
    large = fitted.inverse_transform(Z, shape=(24, 24))
    assert large.shape == (3, 576)
    # The middle pixel of each 3 x 3 lies where a pixel of 8 x 8 does.
    middles = large.reshape(3, 24, 24)[:, 1::3, 1::3].reshape(3, 64)
    assert_allclose(middles, fitted.inverse_transform(Z), atol=1e-10)
    assert_array_equal(fitted.reconstruct(digits[:3], (24, 24)), large)


def test_samples_keep_to_the_range_of_the_data(fitted):
    samples = fitted.sample(50, random_state=0)
    assert samples.shape == (50, 64)
    assert samples.min() >= 0
    assert samples.max() <= 1
    assert_array_equal(samples, fitted.sample(50, random_state=0))


def test_a_saved_model_gives_the_same_bits(fitted, digits, tmp_path):
    fitted.save(tmp_path / "generator.gaussflow")
    again = FourierGenerator.load(tmp_path / "generator.gaussflow")
    rows = digits[:5]
    assert_array_equal(again.transform(rows), fitted.transform(rows))
    assert_array_equal(
        again.sample(5, random_state=1), fitted.sample(5, random_state=1)
    )
    assert not any("trained" in name for name in vars(again))


@pytest.mark.parametrize("mode", ["encoder", "autodecoder"])
def test_the_same_seed_gives_the_same_bits_and_leaves_torch_s_alone(mode, digits):
    model = make(mode=mode, n_epochs=2, prior="gaussian")
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first = model.fit(digits[:200]).transform(digits[:5])
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(1)
    assert_array_equal(model.fit(digits[:200]).transform(digits[:5]), first)


@pytest.mark.parametrize("mode", ["encoder", "autodecoder"])
def test_a_warm_start_goes_on(mode, digits):
    model = make(mode=mode, n_epochs=4, warm_start=True, prior="standard")
    model.fit(digits[:300])
    loss = model.loss_curve_[-1]["loss"]
    model.fit(digits[:300])
    assert len(model.loss_curve_) == 8
    assert model.loss_curve_[-1]["loss"] < loss
    with pytest.raises(ValueError, match="warm_start=True keeps networks of mode"):
        model.set_params(width=2).fit(digits[:300])


def test_colour_images_and_few_pixels_a_step(rng):
    X = rng.random((30, 4 * 5 * 3)) * 255
    model = make(image_shape=(4, 5, 3), n_pixels=6, n_epochs=1).fit(X)
    assert model.n_weights_ == FourierNet(3, 4, 3).n_weights
    assert model.reconstruct(X[:2]).shape == (2, 60)
    assert model.inverse_transform(model.transform(X[:2]), (8, 10)).shape == (2, 240)
    # A step that looks at 6 of 20 pixels has the same loss on average.
    all_of_them = make(image_shape=(4, 5, 3), n_epochs=1).fit(X).loss_curve_[0]["loss"]
    assert_allclose(model.loss_curve_[0]["loss"], all_of_them, rtol=0.3)


def test_early_stopping_holds_rows_out(digits):
    model = make(early_stopping=True, n_epochs=3).fit(digits[:300])
    assert all("validation_loss" in record for record in model.loss_curve_)


def test_the_thesis_s_start_is_nearly_nothing(digits):
    from gaussflow._common.seeds import as_generator

    rows, rng = digits[:50], as_generator(0)
    start = make(init="thesis")
    start.n_features_in_ = 64
    decoder = start._start(rows, None, rng)["decoder"]
    assert decoder(np.zeros((1, 10))).std() < 2e-5


@pytest.mark.parametrize(("width", "basis"), [(4, "full"), (4, "cas"), (8, "full")])
def test_the_first_map_s_coordinates_are_orthogonal(width, basis, rng):
    from gaussflow.baselines.fourier.net import FIRST_MAP, first_map

    W = first_map(FourierNet(width, 2, 1, basis), rng)
    assert_array_equal(W[:, :, 0], 0)
    rows = W.reshape(width, -1)
    gram = rows @ rows.T
    assert_allclose(np.trace(gram), width * FIRST_MAP**2)
    lengths = np.linalg.eigvalsh(gram)
    rank = min(width, 3 * W.shape[1])
    assert_allclose(lengths[-rank:], lengths[-1])


@pytest.mark.parametrize(("name", "n_weights"), [("mnist", 352), ("cifar10", 3672)])
def test_presets_are_the_published_nets(name, n_weights):
    model = FourierGenerator.preset(name, latent_dim=20)
    assert model.latent_dim == 20
    net = FourierNet(model.width, model.depth, model.image_shape[2], model.basis)
    assert net.n_weights == n_weights


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"width": 0}, "width must be an integer from 1 to 24, got 0"),
        ({"width": 22}, "Lower width"),
        ({"width": 18, "decoder": (500,)}, "Lower width or the last size in decoder"),
        ({"depth": 1.5}, "depth must be an integer of at least 1"),
        ({"mode": "decoder"}, 'mode must be one of "encoder", "autodecoder"'),
        ({"basis": "sine"}, 'basis must be one of "full", "cas"'),
        ({"init": "zero"}, 'init must be one of "scaled", "thesis"'),
        ({"latent_penalty": -1}, "latent_penalty must be a number of at least 0"),
        ({"n_pixels": 0}, "n_pixels must be an integer of at least 1"),
        ({"n_search": -1}, "n_search must be an integer of at least 0"),
        ({"encoder": 5}, "encoder must be a tuple of integers"),
        ({"latent_dim": 65}, "latent_dim=65 is larger than the number of features"),
        (
            {"mode": "autodecoder", "early_stopping": True},
            "Use early_stopping=False",
        ),
        ({"image_shape": (8, 9, 1)}, "needs 72 features, but X has 64"),
    ],
)
def test_bad_parameters_are_named(params, message, digits):
    with pytest.raises(ValueError, match=message):
        FourierGenerator(**TINY | params).fit(digits[:20])


@pytest.mark.parametrize("shape", [5, (5,), (0, 5), (2.5, 3), (8, 8, 1), "large"])
def test_a_bad_shape_is_named(shape, fitted):
    with pytest.raises(ValueError, match="shape must be \\(height, width\\)"):
        fitted.inverse_transform(np.zeros((1, 10)), shape=shape)


def test_positions_are_the_centres_of_pixels():
    assert_allclose(pixel_positions(2, 1), [[0.25, 0.5], [0.75, 0.5]])
