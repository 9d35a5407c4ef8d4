"""The range coder gives back what it took, in hardly more bits than it says."""

import numpy as np
import pytest

from gaussflow.kernels import range_coder
from gaussflow.kernels.range_coder import decode, encode


def round_trip(symbols, classes, sizes, limit):
    out = np.empty(4 * len(symbols) + 8, dtype=np.uint8)
    n, bits = encode(symbols, classes, sizes, limit, out)
    again = np.empty_like(symbols)
    decode(out[:n].copy(), classes, sizes, limit, again)
    np.testing.assert_array_equal(again, symbols)
    return n, bits


def one_class(symbols, size=16):
    limit = int(abs(symbols).max(initial=0))
    classes = np.zeros(len(symbols), dtype=np.int64)
    return round_trip(symbols, classes, np.array([size]), limit)


@pytest.mark.parametrize("scale", [0.05, 1.0, 30.0, 5000.0])
def test_symbols_come_back_in_as_many_bytes_as_their_information(
    scale, global_random_seed
):
    rng = np.random.default_rng(global_random_seed)
    symbols = np.rint(scale * rng.logistic(size=3000)).astype(np.int64)
    n, bits = one_class(symbols, size=max(int(16 * scale), 4))
    assert bits / 8 - 1 <= n <= 1.002 * bits / 8 + 3


def test_information_is_near_the_entropy_of_the_source():
    """A size that is learnt costs little beside one that is known."""
    symbols = np.rint(20 * np.random.default_rng(0).logistic(size=20_000))
    # Differential entropy of a logistic of scale s is log(s) + 2 nats.
    entropy = 20_000 * (np.log2(20) + 2 / np.log(2))
    _, bits = one_class(symbols.astype(np.int64), size=100)
    assert bits == pytest.approx(entropy, rel=0.01)


@pytest.mark.parametrize(
    "symbols",
    [
        [],
        [0],
        [0] * 500,
        [-7, 7] * 50,
        [1_000_000],
        [0] * 50 + [-(2**19)] + [0] * 50 + [2**19] * 3,
        list(range(-40, 41)),
    ],
    ids=lambda symbols: f"{len(symbols)} symbols",
)
def test_odd_sequences_come_back(symbols):
    n, bits = one_class(np.array(symbols, dtype=np.int64))
    assert n <= 1.002 * bits / 8 + 3


def test_many_short_streams_come_back(global_random_seed):
    """Ends of streams and carries meet every case somewhere."""
    rng = np.random.default_rng(global_random_seed)
    for _ in range(1500):
        symbols = np.rint(rng.normal(0, 10 ** rng.uniform(-1, 4), rng.integers(12)))
        n, bits = one_class(symbols.astype(np.int64), size=int(rng.integers(1, 5000)))
        assert n <= 1.002 * bits / 8 + 3


def test_classes_start_with_their_sizes_or_with_that_before():
    rng = np.random.default_rng(0)
    classes = np.repeat(np.arange(4), 50)
    scale = np.array([1.0, 1.0, 4000.0, 4000.0])[classes]
    symbols = np.rint(scale * rng.standard_normal(200)).astype(np.int64)
    limit = int(abs(symbols).max())
    _, told = round_trip(symbols, classes, np.array([16, 0, 64_000, 0]), limit)
    _, untold = round_trip(symbols, classes, np.array([16, 0, 0, 0]), limit)
    assert told < untold - 10


def test_any_bytes_decode_to_symbols_within_the_limit(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    symbols = np.empty(300, dtype=np.int64)
    for limit in (0, 1, 1000):
        data = rng.integers(256, size=100).astype(np.uint8)
        decode(data, np.zeros(300, dtype=np.int64), np.array([16]), limit, symbols)
        assert abs(symbols).max() <= limit


def test_the_table_is_the_same_wherever_exp_is_nearly_right():
    """Its roundings are far from halves: no last digit of exp changes one."""
    x = np.arange(len(range_coder._CDF)) / range_coder._POINTS
    exact = range_coder._TOTAL / (1 + np.exp(-range_coder._MEAN * x))
    assert abs(exact - np.floor(exact) - 0.5).min() > 1e-5
    np.testing.assert_array_equal(range_coder._CDF, np.rint(exact))
    assert range_coder._CDF[-1] == range_coder._TOTAL
