"""The bytes of a compressed picture: header, quantised weights, checksum.

All integers are unsigned; a varint has seven bits a byte, low ones first.

    "GF", version 1                    3 bytes
    height, width of the picture       2 varints
    channels, plus 64 for "cas"        1 byte
    width, depth of the net            2 bytes
    base step, largest symbol          2 varints
    step and size code of each map     2 bytes each
    weights, range-coded               all that is left but
    CRC-32 of what is before it        4 bytes, low ones first

A map's weights are its symbols times 2**-(base / 32 + step / 8), step in [-128, 127].
"""

import zlib

import numpy as np

from gaussflow.baselines.fourier.net import FourierNet
from gaussflow.kernels.range_coder import decode, encode

MAGIC = b"GF\x01"
_CHECKSUM = 4
#: What a header may ask for: nothing is allocated beyond.
MAX_PIXELS = 2**26
MAX_STREAM_WEIGHTS = 2**24
#: Products of pixels and weights: to draw a picture takes a nanosecond for each, so
#: that a stream of some bytes keeps no core busy for much more than ten seconds.
MAX_WORK = 2**34
LARGEST_SYMBOL = 2**19
#: Parts of an octave that the steps of all maps, and of each, are counted in.
BASE_PARTS, MAP_PARTS = 32, 8
LARGEST_BASE = 40 * BASE_PARTS


class StreamError(ValueError):
    """The bytes are no picture that ``FourierImageCompressor`` compressed."""


def check_work(net, n_pixels):
    """Raise ValueError if a net of so many pixels takes too long to draw."""
    if n_pixels * net.n_weights > MAX_WORK:
        raise ValueError(
            f"{n_pixels:,} pixels of a net of {net.n_weights:,} weights take too long "
            f"to draw: their product may be {MAX_WORK:,} at most. Choose a smaller "
            f"picture, or width and depth lower."
        )


def map_steps(base, map_codes):
    """Return the step of each map's weights, from the numbers in a header."""
    octaves = base / BASE_PARTS + np.asarray(map_codes) / MAP_PARTS
    return np.exp2(-octaves)


def coding_order(net):
    """Return the order that weights are coded in, and the class of each.

    Weights of one map whose k have as many ones are of a size, and make a class;
    high ones are small, above all in the last map. Returned are places in the flat
    vector, the number of each one's class, and of each class whether it is the first
    of its map.
    """
    order, classes, firsts = [], [], []
    for places in net.split(np.arange(net.n_weights)):
        ones = np.array([k.bit_count() for k in range(places.shape[2])])
        by_term = places.transpose(2, 1, 0).reshape(len(ones), -1)
        ranked = np.argsort(ones, kind="stable")
        order.append(by_term[ranked].ravel())
        classes.append(np.repeat(ones[ranked], by_term.shape[1]) + len(firsts))
        firsts.extend([True, *[False] * int(ones.max())])
    return np.concatenate(order), np.concatenate(classes), np.array(firsts)


def header_size(net, size):
    """Return the bytes of a stream beside its weights, at most."""
    numbers = sum(len(_varint(n)) for n in (*size, LARGEST_BASE, LARGEST_SYMBOL))
    return len(MAGIC) + 3 + numbers + 2 * (net.depth + 1) + _CHECKSUM


def write_stream(net, size, symbols, base, map_codes):
    """Return the bytes of a net's quantised weights, and their information in bits.

    ``size`` is that of the picture, (height, width); ``symbols`` are the weights in
    steps, which ``base`` and the ``map_codes`` give as in the header.
    """
    order, classes, firsts = coding_order(net)
    coded = symbols[order].astype(np.int64)
    limit = int(abs(coded).max())
    size_codes = []
    sizes = np.zeros(len(firsts), dtype=np.int64)
    for first in np.flatnonzero(firsts):
        mean = abs(coded[classes == first]).mean()
        size_codes.append(_size_code(16 * mean))
        sizes[first] = _size(size_codes[-1])
    out = np.empty(4 * len(coded) + 8, dtype=np.uint8)
    n_bytes, bits = encode(coded, classes, sizes, limit, out)
    kind = net.channels + 64 * (net.basis == "cas")
    header = [MAGIC, *map(_varint, size), bytes([kind, net.width, net.depth])]
    header += [_varint(base), _varint(limit)]
    for map_code, size_code in zip(map_codes, size_codes, strict=True):
        header.append(bytes([map_code + 128, size_code]))
    data = b"".join(header) + out[:n_bytes].tobytes()
    return data + zlib.crc32(data).to_bytes(_CHECKSUM, "little"), bits


def read_stream(data):
    """Return the net, the picture's size and the weights that a stream holds.

    Raises
    ------
    StreamError
        If the bytes are cut short, changed, of another program or version, or ask
        for more than a stream may.
    """
    try:
        data = bytes(memoryview(data))
    except TypeError as exc:
        raise StreamError(
            f"A stream is bytes, as compress returns them; got {type(data).__name__}."
        ) from exc
    if data[:2] != MAGIC[:2]:
        raise StreamError(
            f"These {len(data)} bytes are not a picture that FourierImageCompressor "
            f"compressed: they do not start with {MAGIC[:2]!r}."
        )
    if data[2:3] > MAGIC[2:]:
        raise StreamError(
            f"The stream has format {data[2]}; this gaussflow reads format {MAGIC[2]}. "
            f"Upgrade gaussflow to open it."
        )
    body, checksum = data[:-_CHECKSUM], data[-_CHECKSUM:]
    if zlib.crc32(body) != int.from_bytes(checksum, "little"):
        raise StreamError(
            f"The stream of {len(data)} bytes is damaged or cut short: its checksum is "
            f"not that of its content. Copy it again."
        )
    try:
        return _read_body(body)
    except (IndexError, ValueError) as exc:
        # A right checksum over nonsense: made by hand, or by another program.
        raise StreamError(f"The stream makes no sense: {exc}.") from exc


def _read_body(body):
    """Return net, size and weights of a stream whose checksum is right."""
    at = len(MAGIC)
    height, at = _read_varint(body, at)
    width, at = _read_varint(body, at)
    if not 0 < height * width <= MAX_PIXELS:
        raise ValueError(f"it says that the picture has {height} x {width} pixels")
    kind, net_width, depth = body[at], body[at + 1], body[at + 2]
    channels = kind & 63
    net = FourierNet(net_width, depth, channels, "cas" if kind & 64 else "full")
    if kind >= 128 or channels not in (1, 3) or not net_width or not depth:
        raise ValueError(f"it says that the net is {net}")
    if net_width > 32 or net.n_weights > MAX_STREAM_WEIGHTS:
        raise ValueError(f"it says that the net is {net}, larger than a stream may be")
    check_work(net, height * width)
    base, at = _read_varint(body, at + 3)
    limit, at = _read_varint(body, at)
    codes = np.frombuffer(body[at : at + 2 * (depth + 1)], dtype=np.uint8)
    codes = codes.reshape(depth + 1, 2)
    at += codes.size
    size_codes = codes[:, 1]
    if limit > LARGEST_SYMBOL or base > LARGEST_BASE or size_codes.max() > 8 * 20:
        raise ValueError("its steps are beyond those of a stream")

    order, classes, firsts = coding_order(net)
    sizes = np.zeros(len(firsts), dtype=np.int64)
    sizes[firsts] = [_size(int(code)) for code in size_codes]
    coded = np.empty(len(order), dtype=np.int64)
    decode(np.frombuffer(body[at:], dtype=np.uint8), classes, sizes, limit, coded)
    symbols = np.empty(len(order))
    symbols[order] = coded
    steps = map_steps(base, codes[:, 0].astype(int) - 128)
    return net, (height, width), dequantised(net, symbols, steps)


def dequantised(net, symbols, steps):
    """Return the weights that symbols stand for, a step for each map."""
    return symbols * np.repeat(steps, net.map_sizes)


# -- small numbers -------------------------------------------------------------


def _size(code):
    """Return the size in sixteenths that a code stands for: eight to an octave."""
    return (8 + (code & 7)) << (code >> 3)


def _size_code(sixteenths):
    """Return the code of a size: the next one up."""
    code = 0
    while _size(code) < sixteenths:
        code += 1
    return code


def _varint(value):
    parts = []
    while True:
        value, low = value >> 7, value & 127
        parts.append(low | (128 if value else 0))
        if not value:
            return bytes(parts)


def _read_varint(data, at):
    """Return a number of at most 28 bits, and where it ends."""
    value = 0
    for place in range(4):
        value |= (data[at + place] & 127) << (7 * place)
        if data[at + place] < 128:
            return value, at + place + 1
    raise ValueError("a number in its header is too long")
