"""Monotone rational-quadratic splines with straight tails.

The spline of Gregory and Delbourgo (1982, eq. 2-4), as used by Durkan et al.
(2019, "Neural spline flows", eq. 4-6). Between two knots the map is a ratio of
two quadratics with the given values and slopes at both ends; outside the knots
it is a straight line with a slope of its own, so that a density may end
abruptly without a steep tail.
"""

import numpy as np

from gaussflow.kernels._jit import jit

# A product of slopes is turned into a logarithm before it can overflow.
_BIG = 1e100
_SMALL = 1e-100
# Equal cells that a column's knots are looked up in: most hold one or none.
_MAX_CELLS = 512


@jit
def _cell(value, k, knots, unit, last):
    """Return the cell that a value of column k lies in; never decreasing."""
    distance = value - np.float64(knots[k, 0])
    return min(max(int(distance * unit[k]), 0), last.shape[1] - 2)


@jit
def _index(knots, n):
    """Return cells per unit, (K,), and the last knot below each cell, (K, c + 1).

    n : rows to be looked up. A search by bisection alone takes twice the time of
    all the rest: nothing foresees which way it goes.
    """
    n_columns, m = knots.shape
    n_cells = min(n, _MAX_CELLS)
    unit = np.empty(n_columns)
    last = np.zeros((n_columns, n_cells + 1), dtype=np.int32)
    for k in range(n_columns):
        unit[k] = n_cells / (np.float64(knots[k, m - 1]) - np.float64(knots[k, 0]))
        for j in range(m - 1):
            cell = _cell(np.float64(knots[k, j]), k, knots, unit, last)
            last[k, cell + 1] = j
        for c in range(n_cells):
            last[k, c + 1] = max(last[k, c + 1], last[k, c])
    return unit, last


@jit
def _piece(value, k, knots, unit, last):
    """Return the last of column k's knots that is not above a value between them."""
    cell = _cell(value, k, knots, unit, last)
    lo = last[k, cell]
    hi = last[k, cell + 1] + 1
    while hi - lo > 1:
        mid = (lo + hi) >> 1
        if value >= knots[k, mid]:
            lo = mid
        else:
            hi = mid
    return lo


@jit
def _shape(k, lo, x, z, slope):
    """Return width, height, mean slope and end slopes of a piece of column k."""
    width = x[k, lo + 1] - x[k, lo]
    height = z[k, lo + 1] - z[k, lo]
    return width, height, height / width, slope[k, lo], slope[k, lo + 1]


@jit
def spline_forward(Y, x, z, slope, tail, log_det):
    """Map every column by its spline; add the log-slopes to log_det.

    Y : (n, K), overwritten ; x, z, slope : (K, m), x and z strictly increasing
    along each row, slope > 0, m >= 2 ; tail : (K, 2) slopes below and above the
    knots, > 0 ; log_det : (n,), added to.
    """
    n, n_columns = Y.shape
    m = x.shape[1]
    unit, last = _index(x, n)
    for i in range(n):
        product = 1.0
        total = 0.0
        for k in range(n_columns):
            value = np.float64(Y[i, k])
            if value <= x[k, 0]:
                product *= tail[k, 0]
                Y[i, k] = z[k, 0] + tail[k, 0] * (value - x[k, 0])
            elif value >= x[k, m - 1]:
                product *= tail[k, 1]
                Y[i, k] = z[k, m - 1] + tail[k, 1] * (value - x[k, m - 1])
            else:
                lo = _piece(value, k, x, unit, last)
                width, height, s, d0, d1 = _shape(k, lo, x, z, slope)
                t = (value - x[k, lo]) / width
                u = 1.0 - t
                tu = t * u
                inv = 1.0 / (s + (d0 + d1 - 2.0 * s) * tu)
                Y[i, k] = z[k, lo] + height * (s * t * t + d0 * tu) * inv
                product *= s * s * (d1 * t * t + 2.0 * s * tu + d0 * u * u) * inv * inv
            if product > _BIG or product < _SMALL:
                total += np.log(product)
                product = 1.0
        log_det[i] += total + np.log(product)


@jit
def spline_inverse(Z, x, z, slope, tail, log_det):
    """Undo :func:`spline_forward`; add the inverse's log-slopes to log_det."""
    n, n_columns = Z.shape
    m = x.shape[1]
    unit, last = _index(z, n)
    for i in range(n):
        product = 1.0
        total = 0.0
        for k in range(n_columns):
            value = np.float64(Z[i, k])
            if value <= z[k, 0]:
                product *= tail[k, 0]
                Z[i, k] = x[k, 0] + (value - z[k, 0]) / tail[k, 0]
            elif value >= z[k, m - 1]:
                product *= tail[k, 1]
                Z[i, k] = x[k, m - 1] + (value - z[k, m - 1]) / tail[k, 1]
            else:
                lo = _piece(value, k, z, unit, last)
                width, height, s, d0, d1 = _shape(k, lo, x, z, slope)
                bend = d0 + d1 - 2.0 * s
                r = (value - z[k, lo]) / height
                # Root of the quadratic in t, in the form that does not cancel.
                a = s - d0 + r * bend
                b = d0 - r * bend
                c = -s * r
                root = np.sqrt(max(b * b - 4.0 * a * c, 0.0))
                t = 2.0 * c / (-b - root)
                t = min(max(t, 0.0), 1.0)
                u = 1.0 - t
                tu = t * u
                den = s + bend * tu
                t_slope = s * s * (d1 * t * t + 2.0 * s * tu + d0 * u * u) / (den * den)
                # One Newton step restores the digits the root has lost.
                residual = (s * t * t + d0 * tu) / den - r
                t = min(max(t - residual * s / t_slope, 0.0), 1.0)
                Z[i, k] = x[k, lo] + width * t
                u = 1.0 - t
                tu = t * u
                inv = 1.0 / (s + bend * tu)
                product *= s * s * (d1 * t * t + 2.0 * s * tu + d0 * u * u) * inv * inv
            if product > _BIG or product < _SMALL:
                total -= np.log(product)
                product = 1.0
        log_det[i] += total - np.log(product)


@jit
def spline_backward(Y, x, z, slope, tail, G, g_value, g_height, g_slope):
    """Carry the gradient of a loss back through :func:`spline_forward`.

    The loss of a row is f(Z) - sum of log-slopes. Y : (n, K), what the splines
    were given; x, z, slope, tail as there; G : (n, K), df/dZ, overwritten by the
    loss's gradient by Y. Added to, over all rows: g_value : (K, m), by the value at
    the knot below a row, its cell's height held fixed (beyond the last knot, by the
    value there); g_height : (K, m - 1), by the height of a cell; g_slope : (K, m).
    """
    n, n_columns = Y.shape
    m = x.shape[1]
    unit, last = _index(x, n)
    for i in range(n):
        for k in range(n_columns):
            value = np.float64(Y[i, k])
            g = G[i, k]
            if value <= x[k, 0]:
                g_value[k, 0] += g
                G[i, k] = tail[k, 0] * g
                continue
            if value >= x[k, m - 1]:
                g_value[k, m - 1] += g
                G[i, k] = tail[k, 1] * g
                continue
            lo = _piece(value, k, x, unit, last)
            width, height, s, d0, d1 = _shape(k, lo, x, z, slope)
            t = (value - x[k, lo]) / width
            u = 1.0 - t
            tu = t * u
            # z = z_lo + height p b, log slope = log(s^2 a b^2).
            b = 1.0 / (s + (d0 + d1 - 2.0 * s) * tu)
            p = s * t * t + d0 * tu
            a = d1 * t * t + 2.0 * s * tu + d0 * u * u
            inv = 1.0 / a
            by_s = 1.0 - 2.0 * tu  # of 1 / b
            g_value[k, lo] += g
            g_height[k, lo] += (
                g * (p * b + s * (t * t - p * by_s * b) * b)
                - (2.0 / s + 2.0 * tu * inv - 2.0 * by_s * b) / width
            )
            g_slope[k, lo] += g * height * tu * b * (1.0 - p * b) - (
                u * u * inv - 2.0 * tu * b
            )
            g_slope[k, lo + 1] += -g * height * p * tu * b * b - (
                t * t * inv - 2.0 * tu * b
            )
            bend = 2.0 * (d1 * t + s * (u - t) - d0 * u) * inv
            bend -= 2.0 * (d0 + d1 - 2.0 * s) * (u - t) * b
            G[i, k] = g * s * s * a * b * b - bend / width


@jit
def straight_pieces(Y, x, z, log_det):
    """Map every column by its chords; add the log-slopes to log_det.

    Beyond the outermost knots the map is a translation, so that no row is thrown
    farther out than the knots are. The inverse is the same map with knots and values
    exchanged. It is what sorted quantiles need, and quick.

    Y : (n, K), overwritten ; x, z : (K, m), strictly increasing along each row,
    m >= 2 ; log_det : (n,), added to.
    """
    n, n_columns = Y.shape
    m = x.shape[1]
    unit, last = _index(x, n)
    slope = np.empty((n_columns, m - 1))
    for k in range(n_columns):
        for j in range(m - 1):
            width = np.float64(x[k, j + 1]) - np.float64(x[k, j])
            slope[k, j] = (np.float64(z[k, j + 1]) - np.float64(z[k, j])) / width
    for i in range(n):
        product = 1.0
        total = 0.0
        for k in range(n_columns):
            value = np.float64(Y[i, k])
            if value <= x[k, 0]:
                Y[i, k] = value + (np.float64(z[k, 0]) - np.float64(x[k, 0]))
            elif value >= x[k, m - 1]:
                Y[i, k] = value + (np.float64(z[k, m - 1]) - np.float64(x[k, m - 1]))
            else:
                lo = _piece(value, k, x, unit, last)
                Y[i, k] = z[k, lo] + slope[k, lo] * (value - x[k, lo])
                product *= slope[k, lo]
            if product > _BIG or product < _SMALL:
                total += np.log(product)
                product = 1.0
        log_det[i] += total + np.log(product)
