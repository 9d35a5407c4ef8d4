"""Streams of weights: what was written is read, and nothing else is."""

import tracemalloc
import zlib

import numpy as np
import pytest

from gaussflow.baselines.fourier.net import FourierNet
from gaussflow.baselines.fourier.rounding import FeedbackRounding, jacobian
from gaussflow.baselines.fourier.stream import (
    MAGIC,
    StreamError,
    dequantised,
    header_size,
    map_steps,
    read_stream,
    write_stream,
)
from gaussflow.baselines.fourier.training import render

NET = FourierNet(3, 2)
SIZE = (300, 7)


def stream_of(net, symbols, size=SIZE, base=224):
    codes = [-3, 0, *[12] * (net.depth - 1)]
    data, bits = write_stream(net, size, symbols, base, codes)
    return data, bits, dequantised(net, symbols, map_steps(base, codes))


def some_symbols(net, scale=20.0):
    rng = np.random.default_rng(0)
    return np.rint(scale * rng.standard_normal(net.n_weights)).astype(np.int64)


def sealed(body):
    """Return a body with the checksum that belongs to it."""
    return body + zlib.crc32(body).to_bytes(4, "little")


@pytest.mark.parametrize(
    "net", [NET, FourierNet(1, 1, 1, "cas"), FourierNet(5, 4, 3, "cas")], ids=str
)
@pytest.mark.parametrize("scale", [0.0, 0.2, 20.0, 10_000.0])
def test_weights_come_back_to_the_bit(net, scale):
    data, bits, weights = stream_of(net, some_symbols(net, scale))
    again = read_stream(data)
    assert again[:2] == (net, SIZE)
    np.testing.assert_array_equal(again[2], weights)
    assert len(data) <= bits / 8 * 1.002 + header_size(net, SIZE) + 2
    assert read_stream(bytearray(data))[1] == SIZE


def test_any_single_change_or_cut_is_noticed():
    data, _, _ = stream_of(NET, some_symbols(NET))
    for at in range(len(data)):
        for flip in (1, 128):
            changed = bytearray(data)
            changed[at] ^= flip
            with pytest.raises(StreamError):
                read_stream(changed)
        with pytest.raises(StreamError):
            read_stream(data[:at])
    with pytest.raises(StreamError):
        read_stream(data + b"\0")


def test_random_bodies_with_a_right_checksum_never_crash(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    refused = 0
    data, _, _ = stream_of(NET, some_symbols(NET))
    for _ in range(300):
        body = bytearray(data[:-4])
        # Headers of other, small nets, and payloads of any length.
        header = rng.integers([1, 1, 1, 0, 1], [99, 127, 5, 6, 6])
        payload = rng.integers(rng.choice([128, 256]), size=rng.integers(60))
        body[3:] = [*header.tolist(), *payload.tolist()]
        try:
            net, _, weights = read_stream(sealed(bytes(body)))
        except StreamError:
            refused += 1
        else:
            assert weights.shape == (net.n_weights,)
            assert np.isfinite(weights).all()
    assert 0 < refused < 300


def varint(value):
    parts = []
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


@pytest.mark.parametrize(
    "header",
    [
        varint(2**27) + varint(2**27) + bytes([3, 6, 4]),
        varint(0) + varint(5) + bytes([3, 6, 4]),
        varint(8) + varint(8) + bytes([3, 30, 4]),
        varint(8) + varint(8) + bytes([3, 255, 255]),
        varint(8) + varint(8) + bytes([63, 18, 200]),
        varint(8) + varint(8) + bytes([3, 0, 4]),
        varint(2**12) + varint(2**12) + bytes([3, 16, 4]),
        varint(8) + varint(8) + bytes([3, 4, 2]) + varint(2**20) + varint(3),
        varint(8) + varint(8) + bytes([3, 4, 2]) + varint(3) + varint(2**27),
        b"\xff" * 20,
    ],
    ids=str,
)
def test_sizes_are_bounded_before_anything_is_allocated(header):
    tracemalloc.start()
    try:
        with pytest.raises(StreamError, match="makes no sense"):
            read_stream(sealed(MAGIC + header + bytes(40)))
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "do not start with"),
        (b"\xff\xd8\xff\xe0 JFIF", "do not start with"),
        (b"GF\x07" + bytes(40), "Upgrade gaussflow"),
        ("GF", "A stream is bytes"),
        (None, "A stream is bytes"),
    ],
)
def test_foreign_bytes_are_refused(data, message):
    with pytest.raises(StreamError, match=message):
        read_stream(data)


# -- rounding ------------------------------------------------------------------


def smooth_net():
    """Return a net, weights and positions of a picture that is no noise."""
    rng = np.random.default_rng(0)
    weights = 0.15 * rng.standard_normal(NET.n_weights)
    return NET, weights, rng.random((400, 2)), rng


@pytest.mark.parametrize("net", [NET, FourierNet(3, 2, 1, "cas")], ids=str)
def test_jacobian_equals_finite_differences(net):
    rng = np.random.default_rng(0)
    weights = 0.15 * rng.standard_normal(net.n_weights)
    positions = rng.random((5, 2))
    J = jacobian(net, weights, positions)
    for j in range(0, net.n_weights, 7):
        step = np.zeros_like(weights)
        step[j] = 1e-6
        ends = [render(net, weights + sign * step, positions) for sign in (1, -1)]
        slope = (ends[0] - ends[1]).ravel() / 2e-6
        np.testing.assert_allclose(J[:, j], slope, atol=1e-6)


def test_errors_that_make_up_for_one_another_change_the_pixels_less():
    net, weights, positions, rng = smooth_net()
    pixels = render(net, weights, positions)
    steps = np.full(net.n_weights, 0.01)
    rounding = FeedbackRounding(net, weights, positions, rng)
    symbols = {
        "alone": np.rint(weights / steps),
        "together": rounding.round(weights, steps),
    }
    error = {
        name: np.mean((render(net, s * steps, positions) - pixels) ** 2)
        for name, s in symbols.items()
    }
    assert error["together"] < 0.5 * error["alone"]
    assert len(rounding.sensitivity) == net.depth + 1


def test_rounding_in_groups_is_rounding():
    """Wide nets hand errors on within groups only; every weight is still rounded."""
    net, weights, positions, rng = smooth_net()
    rounding = FeedbackRounding(net, weights, positions, rng, max_together=40)
    called = []

    def refit(weights, n_free):
        called.append(n_free)
        return weights

    symbols = rounding.round(weights, np.full(net.n_weights, 1e-3), refit)
    np.testing.assert_allclose(1e-3 * symbols, weights, atol=0.1)
    assert called == sorted(called, reverse=True)
    assert len(called) > net.depth
