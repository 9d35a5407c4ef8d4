"""Deep Fourier Machines: the pixels of nets, and the gradient of a squared error.

A map from m to n coordinates is y = sum_k a_k cos(2 pi k.x) + b_k sin(2 pi k.x), plus
x in the inner maps, k over {0, 1}^m; ``gaussflow.baselines.fourier.net`` says how
the flat vector of weights is read. Pixels go through in tiles, laid out so that every
innermost loop runs over contiguous pixels or terms. Sine and cosine of k.x are built
by doubling, from those of the m coordinates.
"""

import math

import numpy as np

from gaussflow.kernels._jit import jit

# Pixels that go through a net together: enough that loops over them are long.
_TILE = 128
# Taylor's series of sin(2 pi s) and cos(2 pi s); beyond these terms less than 1e-17
# is left where |s| <= 1/8.
_SIN = np.array([(-1) ** i * math.tau ** (2 * i + 1) for i in range(8)])
_SIN /= [math.factorial(2 * i + 1) for i in range(8)]
_COS = np.array([(-1) ** i * math.tau ** (2 * i) for i in range(9)])
_COS /= [math.factorial(2 * i) for i in range(9)]


@jit
def _sin_cos(x, sin_terms, cos_terms, sine, cosine):
    """Write sin(2 pi x) and cos(2 pi x), all (n,), with constants in x's dtype.

    A library's functions are called value by value; this loop vectorises.
    """
    number = x.dtype.type
    quarter, half = number(0.25), number(0.5)
    one, two, three, four = number(1), number(2), number(3), number(4)
    s0, s1, s2, s3 = sin_terms[0], sin_terms[1], sin_terms[2], sin_terms[3]
    s4, s5, s6, s7 = sin_terms[4], sin_terms[5], sin_terms[6], sin_terms[7]
    c1, c2, c3, c4 = cos_terms[1], cos_terms[2], cos_terms[3], cos_terms[4]
    c5, c6, c7, c8 = cos_terms[5], cos_terms[6], cos_terms[7], cos_terms[8]
    for i in range(x.shape[0]):
        # Quarter turns, and what is left of the angle: at most an eighth.
        q = np.floor(four * x[i] + half)
        s = x[i] - quarter * q
        q -= four * np.floor(quarter * q)
        u = s * s
        near = s5 + u * (s6 + u * s7)
        near = s * (s0 + u * (s1 + u * (s2 + u * (s3 + u * (s4 + u * near)))))
        far = c5 + u * (c6 + u * (c7 + u * c8))
        far = one + u * (c1 + u * (c2 + u * (c3 + u * (c4 + u * far))))
        swap = q == one or q == three
        a = far if swap else near
        b = near if swap else far
        sine[i] = -a if q >= two else a
        cosine[i] = -b if q == one or q == two else b


@jit
def _basis(sine, cosine, basis):
    """Write cos(2 pi k.x), then sin, for each k: basis (2 * 2**m, _TILE)."""
    m, width = sine.shape
    terms = basis.shape[0] // 2
    basis[0] = 1
    basis[terms] = 0
    half = 1
    for i in range(m):
        c, s = cosine[i], sine[i]
        for k in range(half):
            c0, s0 = basis[k], basis[terms + k]
            c1, s1 = basis[half + k], basis[terms + half + k]
            for t in range(width):
                c1[t] = c0[t] * c[t] - s0[t] * s[t]
                s1[t] = s0[t] * c[t] + c0[t] * s[t]
        half *= 2


@jit
def _basis_by_pixel(sine, cosine, basis):
    """Write the same transposed: basis (_TILE, 2 * 2**m)."""
    m, width = sine.shape
    terms = basis.shape[1] // 2
    for t in range(width):
        c, s = basis[t, :terms], basis[t, terms:]
        c[0] = 1
        s[0] = 0
        half = 1
        for i in range(m):
            ci, si = cosine[i, t], sine[i, t]
            for k in range(half):
                c[half + k] = c[k] * ci - s[k] * si
                s[half + k] = s[k] * ci + c[k] * si
            half *= 2


@jit
def _add_product(C, X, out):
    """Add C X to out: C (p, r), X (r, q), out (p, q), p and r even.

    Two rows by four (or two) at a time: where p or r is at most 8, as it is here,
    about twice as fast as a library's product.
    """
    p, r = C.shape
    q = X.shape[1]
    whole = r - r % 4
    for i in range(0, p, 2):
        u, v = out[i], out[i + 1]
        for k in range(0, whole, 4):
            a0, a1, a2, a3 = C[i, k], C[i, k + 1], C[i, k + 2], C[i, k + 3]
            b0, b1 = C[i + 1, k], C[i + 1, k + 1]
            b2, b3 = C[i + 1, k + 2], C[i + 1, k + 3]
            for j in range(q):
                x0, x1, x2, x3 = X[k, j], X[k + 1, j], X[k + 2, j], X[k + 3, j]
                u[j] += (a0 * x0 + a1 * x1) + (a2 * x2 + a3 * x3)
                v[j] += (b0 * x0 + b1 * x1) + (b2 * x2 + b3 * x3)
        if whole < r:
            a0, a1 = C[i, whole], C[i, whole + 1]
            b0, b1 = C[i + 1, whole], C[i + 1, whole + 1]
            for j in range(q):
                x0, x1 = X[whole, j], X[whole + 1, j]
                u[j] += a0 * x0 + a1 * x1
                v[j] += b0 * x0 + b1 * x1


@jit
def _pack(weights, width, depth, channels, functions):
    """Return each map's coefficients, (n made even, functions * 2**m), zeros added."""
    maps = []
    start = 0
    for layer in range(depth + 1):
        n = channels if layer == depth else width
        terms = functions * 2 ** (2 if layer == 0 else width)
        rows = np.zeros((n + n % 2, terms), weights.dtype)
        for i in range(n):
            rows[i] = weights[start : start + terms]
            start += terms
        maps.append(rows)
    return maps


@jit
def _workspace(width, depth, channels, dtype):
    """Return scratch: x and angles of each map, and a basis in two layouts."""
    most = max(width, channels, 2) + 1
    terms = 2 ** max(width, 2)
    x = np.zeros((depth + 2, most, _TILE), dtype)
    sine = np.empty((depth + 1, most, _TILE), dtype)
    cosine = np.empty((depth + 1, most, _TILE), dtype)
    basis = np.empty((2 * terms, _TILE), dtype)
    return x, sine, cosine, basis


@jit
def _fill(x, positions, first):
    """Write a tile of positions, (2, _TILE); beyond the last of them, zeros."""
    x[:] = 0
    for t in range(min(_TILE, positions.shape[0] - first)):
        x[0, t] = positions[first + t, 0]
        x[1, t] = positions[first + t, 1]


@jit
def _up(maps, width, functions, x, sine, cosine, basis, sin_terms, cos_terms):
    """Take a tile from x[0], the positions, to x[-1], the pixels before tanh."""
    for layer in range(len(maps)):
        m = 2 if layer == 0 else width
        s, c = sine[layer][:m], cosine[layer][:m]
        for i in range(m):
            _sin_cos(x[layer, i], sin_terms, cos_terms, s[i], c[i])
        terms = 2**m
        B = basis[: 2 * terms]
        _basis(s, c, B)
        if functions == 1:
            for k in range(terms):
                both, other = B[k], B[terms + k]
                for t in range(_TILE):
                    both[t] += other[t]
        n = maps[layer].shape[0]
        y = x[layer + 1][:n]
        y[:] = 0
        if 0 < layer < len(maps) - 1:
            y[:width] = x[layer][:width]
        _add_product(maps[layer], B[: functions * terms], y)


@jit
def _down(
    maps_t, grads, width, functions, slope, below, sine, cosine, basis, by_pixel, g
):
    """Add a tile's part of the gradient to grads; slope is that of the last x.

    maps_t : coefficients transposed ; slope, below : (most, _TILE), overwritten ;
    basis, g : (2 * 2**m, _TILE) and by_pixel, flat of that size : scratch.
    """
    turn = slope.dtype.type(2 * np.pi)
    last = len(maps_t) - 1
    for layer in range(last, -1, -1):
        m = 2 if layer == 0 else width
        terms = 2**m
        n = maps_t[layer].shape[1]
        s, c = sine[layer][:m], cosine[layer][:m]
        rows = by_pixel[: 2 * terms * _TILE].reshape((_TILE, 2 * terms))
        _basis_by_pixel(s, c, rows)
        if functions == 2:
            _add_product(slope[:n], rows, grads[layer])
        else:
            _add_product(slope[:n], rows[:, :terms] + rows[:, terms:], grads[layer])
        if layer == 0:
            break
        B, G = basis[: 2 * terms], g[: functions * terms]
        _basis(s, c, B)
        G[:] = 0
        _add_product(maps_t[layer], slope[:n], G)
        # The slope in the angle k.x, then in each coordinate: the sum over those k
        # that have it, by folding the upper half onto the lower.
        for k in range(terms):
            h, other = G[k], G[(functions - 1) * terms + k]
            ck, sk = B[k], B[terms + k]
            for t in range(_TILE):
                h[t] = ck[t] * other[t] - sk[t] * h[t]
        half = terms
        for i in range(m - 1, -1, -1):
            half //= 2
            total = below[i]
            total[:] = 0
            for k in range(half):
                h, upper = G[k], G[half + k]
                for t in range(_TILE):
                    total[t] += upper[t]
                    h[t] += upper[t]
            for t in range(_TILE):
                total[t] *= turn
        if layer < last:
            for i in range(m):
                for t in range(_TILE):
                    slope[i, t] += below[i, t]
        else:
            slope[:] = 0
            slope[:m] = below[:m]


@jit
def fourier_forward(weights, positions, width, depth, channels, functions, out):
    """Write the pixels of nets at positions.

    weights : (n_nets, n_weights) ; positions : (n, 2) ; functions : 2 for the
    basis "full", 1 for "cas" ; out : (n_nets, n, channels). All of one dtype, C order.
    """
    dtype = weights.dtype
    sin_terms, cos_terms = _SIN.astype(dtype), _COS.astype(dtype)
    x, sine, cosine, basis = _workspace(width, depth, channels, dtype)
    n = positions.shape[0]
    for net in range(weights.shape[0]):
        maps = _pack(weights[net], width, depth, channels, functions)
        for first in range(0, n, _TILE):
            _fill(x[0], positions, first)
            _up(maps, width, functions, x, sine, cosine, basis, sin_terms, cos_terms)
            for t in range(min(_TILE, n - first)):
                for channel in range(channels):
                    out[net, first + t, channel] = math.tanh(x[depth + 1, channel, t])


@jit
def fourier_squared_error(
    weights, positions, width, depth, channels, functions, target, grad
):
    """Return a net's sum of squared errors at positions, and write its gradient.

    weights, grad : (n_weights,) ; positions : (n, 2) ; functions : 2 for the basis
    "full", 1 for "cas" ; target : (n, channels). All of one dtype, C order.
    """
    dtype = weights.dtype
    sin_terms, cos_terms = _SIN.astype(dtype), _COS.astype(dtype)
    x, sine, cosine, basis = _workspace(width, depth, channels, dtype)
    by_pixel = np.empty(basis.size, dtype)
    g = np.empty_like(basis)
    slope, below = np.empty_like(x[0]), np.empty_like(x[0])
    maps = _pack(weights, width, depth, channels, functions)
    maps_t = [np.ascontiguousarray(A.T) for A in maps]
    grads = [np.zeros_like(A) for A in maps]
    n = positions.shape[0]
    total = 0.0
    for first in range(0, n, _TILE):
        _fill(x[0], positions, first)
        _up(maps, width, functions, x, sine, cosine, basis, sin_terms, cos_terms)
        slope[:] = 0
        for t in range(min(_TILE, n - first)):
            for channel in range(channels):
                pixel = math.tanh(x[depth + 1, channel, t])
                error = pixel - target[first + t, channel]
                total += error * error
                slope[channel, t] = 2 * error * (1 - pixel * pixel)
        _down(
            maps_t, grads, width, functions,
            slope, below, sine, cosine, basis, by_pixel, g,
        )  # fmt: skip
    start = 0
    for layer in range(depth + 1):
        for i in range(channels if layer == depth else width):
            row = grads[layer][i]
            grad[start : start + len(row)] = row
            start += len(row)
    return total
