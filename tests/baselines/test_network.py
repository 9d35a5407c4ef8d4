"""Numpy runs a network as torch does, and as its definition says."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.signal import correlate2d

from gaussflow.baselines.networks.architectures import (
    conv_decoder,
    conv_encoder,
    dense_decoder,
    dense_encoder,
    flat_width,
    pooled_steps,
)
from gaussflow.baselines.networks.network import BLOCK_ROWS, Network

NETS = {
    "dense encoder": (dense_encoder(6, (5, 4), 3, 2), 6, 3),
    "dense decoder": (dense_decoder(3, (5, 4), 6, 2, 2), 3, 6),
    "decoder without hidden layers": (dense_decoder(3, (), 6, 2), 3, 6),
    "conv encoder": (conv_encoder((7, 6, 2), (3, 4), 5, 2), 84, 5),
    "conv decoder": (conv_decoder(5, (7, 6, 2), (3, 4), 2, 2), 5, 84),
    "pooled": (pooled_steps((7, 6, 2), (3,)), 84, flat_width((7, 6, 2), (3,))),
    "averaged": ([*pooled_steps((7, 6, 2), (3,))[:-1], ("average",)], 84, 3),
}


@pytest.mark.parametrize("name", NETS)
def test_numpy_and_torch_agree(name, global_random_seed):
    torch = pytest.importorskip("torch")
    from gaussflow.baselines.networks.torch_module import NetworkModule

    steps, n_in, n_out = NETS[name]
    rng = np.random.default_rng(global_random_seed)
    network = Network.draw([*steps, ("dropout", 0.5)], rng)
    X = rng.standard_normal((BLOCK_ROWS + 3, n_in))
    labels = np.eye(2)[rng.integers(2, size=len(X))]
    module = NetworkModule(network).double()
    expected = module(torch.from_numpy(X), torch.from_numpy(labels)).detach().numpy()
    got = network(X, labels)
    assert got.shape == (len(X), n_out)
    assert_allclose(got, expected, atol=1e-12)
    assert network(X.astype(np.float32), labels).dtype == np.float32


def test_a_convolution_is_a_correlation_of_images(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    network = Network.draw([("image", 5, 6, 2), ("conv", 2, 3, 3, 2, 1)], rng)
    weight, bias = network.weights
    image = rng.standard_normal((5, 6, 2))
    got = network(image.reshape(1, -1))[0]
    for o in range(3):
        parts = (correlate2d(image[..., i], weight[o, i], "same") for i in range(2))
        assert_allclose(got[o], (sum(parts) + bias[o])[::2, ::2], atol=1e-12)


def test_a_transposed_convolution_is_the_adjoint_of_the_convolution(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    forth = Network.draw([("maps", 2, 8, 6), ("conv", 2, 3, 4, 2, 1)], rng)
    back = Network.draw([("maps", 3, 4, 3), ("deconv", 3, 2, 4, 2, 1)], rng)
    back.weights[0] = forth.weights[0]
    forth.weights[1][:] = 0.0
    back.weights[1][:] = 0.0
    x, y = rng.standard_normal((1, 96)), rng.standard_normal((1, 36))
    forward = np.vdot(forth(x), y)
    assert_allclose(np.vdot(x, back(y)), forward, rtol=1e-10)


def test_rows_keep_the_order_row_column_channel():
    X = np.arange(2 * 12.0).reshape(2, 12)
    there_and_back = Network([("image", 2, 3, 2), ("rows",)], [])
    assert_allclose(there_and_back(X), X)
    assert_allclose(
        Network([("image", 2, 3, 2)], [])(X)[0, 1], X[0].reshape(2, 3, 2)[..., 1]
    )


def test_images_too_small_to_pool_are_refused():
    with pytest.raises(ValueError, match="halves the images 3 times"):
        flat_width((7, 6, 2), (3, 3, 3))
