"""A range coder of integers whose typical size it learns as it goes.

Each symbol is coded by a logistic distribution about zero, of the mean absolute value
that the symbols before it had. Everything is integer arithmetic, so that a decoder on
any machine follows the encoder's states to the bit. Martin (1979, "Range encoding: an
algorithm for removing redundancy from a digitised message").
"""

import numpy as np

from gaussflow.kernels._jit import jit

# Probabilities are parts of this total, plus one for each symbol of the alphabet so
# that none is impossible.
_TOTAL = 1 << 20
# Distribution function in units of the mean absolute value, so many points a unit.
_POINTS = 64
_UNITS = 14
# 2 log 2 = 1.386 is the mean absolute value of the standard logistic distribution.
_MEAN = 1.386
_CDF = np.rint(
    _TOTAL / (1 + np.exp(-_MEAN * np.arange(_UNITS * _POINTS + 2) / _POINTS))
).astype(np.int64)
# Sizes are counted in sixteenths; below a quarter nearly all symbols are zero anyway.
_SIXTEENTHS = 16
_MIN_SIZE = 4
# Symbols that what was known before counts for, and after which the past is halved.
_PRIOR = 6
_WINDOW = 96
# The coder's interval: at most 2**40, and at least 2**32 before each symbol.
_TOP = 1 << 40
_BOTTOM = 1 << 32


@jit
def _below(symbol, size, limit):
    """Return the parts of the total below a symbol; size in sixteenths."""
    floor = symbol + limit
    if symbol <= -limit:
        return floor
    if symbol > limit:
        return _TOTAL + floor
    # Half a symbol lower, in table steps with eight more bits.
    twice = 2 * symbol - 1
    position = abs(twice) * (_SIXTEENTHS // 2 * _POINTS * 256) // size
    i = position >> 8
    if i > _UNITS * _POINTS:
        part = _TOTAL
    else:
        f = position & 255
        part = (_CDF[i] * (256 - f) + _CDF[i + 1] * f) >> 8
    return (part if twice > 0 else _TOTAL - part) + floor


@jit
def _carry(out, n):
    """Add one to the number that the first n bytes are."""
    while n > 0:
        n -= 1
        if out[n] < 255:
            out[n] += 1
            return
        out[n] = 0


@jit
def encode(symbols, classes, sizes, limit, out):
    """Write symbols as bytes; return how many, and the symbols' information in bits.

    symbols : (n,) int64, absolute values up to limit < 2**20 ; classes : (n,) int64,
    non-decreasing from 0 ; sizes : (n_classes,) int64, the size in sixteenths that a
    class starts with, or 0 to start with that of the class before ; out : (at least
    4 n + 8,) uint8.
    """
    total = _TOTAL + 2 * limit + 1
    low, width = 0, _TOP
    n = 0
    bits = 0.0
    previous, size, mass, count = -1, _SIXTEENTHS, 0, 1
    for j in range(symbols.shape[0]):
        if classes[j] != previous:
            previous = classes[j]
            size = sizes[previous] if sizes[previous] > 0 else size
            mass, count = size * _PRIOR, _PRIOR
        symbol = symbols[j]
        start = _below(symbol, size, limit)
        share = _below(symbol + 1, size, limit) - start
        bits -= np.log2(share / total)
        unit = width // total
        low += unit * start
        width = unit * share
        if low >= _TOP:
            low -= _TOP
            _carry(out, n)
        while width < _BOTTOM:
            out[n] = low >> 32
            n += 1
            low = (low & (_BOTTOM - 1)) << 8
            width <<= 8
        mass += abs(symbol) * _SIXTEENTHS
        count += 1
        if count > _WINDOW:
            mass, count = mass >> 1, count >> 1
        size = max(mass // count, _MIN_SIZE)
    # The shortest number within the interval; a decoder reads zeros beyond the end.
    for drop in range(5, -1, -1):
        one = 1 << (8 * drop)
        number = (low + one - 1) // one * one
        if number < low + width:
            break
    if number >= _TOP:
        number -= _TOP
        _carry(out, n)
    for byte in range(5):
        out[n] = (number >> (32 - 8 * byte)) & 255
        n += 1
    while n > 0 and out[n - 1] == 0:
        n -= 1
    return n, bits


@jit
def decode(data, classes, sizes, limit, symbols):
    """Read the symbols that ``encode`` wrote: data (n_bytes,) uint8.

    Any bytes give some symbols: that they are the right ones is for a checksum.
    """
    total = _TOTAL + 2 * limit + 1
    width = _TOP
    code = 0
    n = 0
    for _ in range(5):
        code = (code << 8) | (np.int64(data[n]) if n < data.shape[0] else 0)
        n += 1
    previous, size, mass, count = -1, _SIXTEENTHS, 0, 1
    for j in range(symbols.shape[0]):
        if classes[j] != previous:
            previous = classes[j]
            size = sizes[previous] if sizes[previous] > 0 else size
            mass, count = size * _PRIOR, _PRIOR
        unit = width // total
        part = min(code // unit, total - 1)
        lo, hi = -limit, limit + 1
        while hi - lo > 1:
            middle = (lo + hi) >> 1
            if _below(middle, size, limit) <= part:
                lo = middle
            else:
                hi = middle
        symbols[j] = lo
        start = _below(lo, size, limit)
        code -= unit * start
        width = unit * (_below(lo + 1, size, limit) - start)
        while width < _BOTTOM:
            code = (code << 8) | (np.int64(data[n]) if n < data.shape[0] else 0)
            n += 1
            width <<= 8
        mass += abs(lo) * _SIXTEENTHS
        count += 1
        if count > _WINDOW:
            mass, count = mass >> 1, count >> 1
        size = max(mass // count, _MIN_SIZE)
