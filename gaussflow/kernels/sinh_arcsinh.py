"""The sinh-arcsinh map of Jones and Pewsey (2009), one per column.

z = sinh(tail * asinh((x - loc) / scale) - skew): four numbers a column, exact
inverse, slopes in closed form. tail < 1 pulls heavy tails in; tail = 1 with
skew = 0 is the plain standardisation.
"""

import numpy as np

from gaussflow.kernels._jit import jit

# A product of slopes is turned into a logarithm before it can overflow.
_BIG = 1e100
_SMALL = 1e-100


@jit
def _hypot_one(v):
    """sqrt(1 + v^2) for v >= 0; the plain form would overflow where v is huge."""
    return np.sqrt(1.0 + v * v) if v < 1e100 else v


@jit
def sinh_arcsinh_forward(Y, loc, scale, skew, tail, ends, log_det):
    """Map every column in place; add the log-slopes to log_det.

    Y : (n, K), overwritten ; loc, scale, skew, tail : (K,) ; ends : (K, 2) of
    (x - loc) / scale, beyond which the map goes on as a straight line ;
    log_det : (n,).

    Written out from one logarithm and one exponential a value: with
    e = (|v| + sqrt(1 + v^2))^(+-tail) exp(-skew), sinh and cosh are (e -+ 1/e) / 2.
    """
    n, n_columns = Y.shape
    straight = np.empty(n_columns, dtype=np.bool_)
    log_scales = 0.0
    for k in range(n_columns):
        straight[k] = tail[k] == 1.0 and skew[k] == 0.0
        log_scales += np.log(scale[k])
    for i in range(n):
        product = 1.0
        total = -log_scales
        for k in range(n_columns):
            u = (np.float64(Y[i, k]) - loc[k]) / scale[k]
            if straight[k]:
                Y[i, k] = u
                continue
            v = min(max(u, ends[k, 0]), ends[k, 1])
            size = abs(v)
            root = _hypot_one(size)
            power = tail[k] * np.log(size + root)
            e = np.exp((power if v >= 0.0 else -power) - skew[k])
            slope = tail[k] * 0.5 * (e + 1.0 / e) / root
            Y[i, k] = 0.5 * (e - 1.0 / e) + slope * (u - v)
            product *= slope
            if product > _BIG or product < _SMALL:
                total += np.log(product)
                product = 1.0
        log_det[i] += total + np.log(product)


@jit
def sinh_arcsinh_inverse(Z, loc, scale, skew, tail, ends, log_det):
    """Undo :func:`sinh_arcsinh_forward`; add the inverse's log-slopes."""
    n, n_columns = Z.shape
    straight = np.empty(n_columns, dtype=np.bool_)
    inner_ends = np.empty((n_columns, 2))
    log_scales = 0.0
    for k in range(n_columns):
        straight[k] = tail[k] == 1.0 and skew[k] == 0.0
        log_scales += np.log(scale[k])
        for side in range(2):
            inner = tail[k] * np.arcsinh(ends[k, side]) - skew[k]
            inner_ends[k, side] = np.sinh(inner)
    for i in range(n):
        product = 1.0
        total = log_scales
        for k in range(n_columns):
            z = np.float64(Z[i, k])
            if straight[k]:
                Z[i, k] = loc[k] + scale[k] * z
                continue
            inside = min(max(z, inner_ends[k, 0]), inner_ends[k, 1])
            size = abs(inside)
            root = _hypot_one(size)
            log_size = np.log(size + root)
            signed = log_size if inside >= 0.0 else -log_size
            e = np.exp((signed + skew[k]) / tail[k])
            v = min(max(0.5 * (e - 1.0 / e), ends[k, 0]), ends[k, 1])
            slope = tail[k] * root / _hypot_one(abs(v))
            Z[i, k] = loc[k] + scale[k] * (v + (z - inside) / slope)
            product *= slope
            if product > _BIG or product < _SMALL:
                total -= np.log(product)
                product = 1.0
        log_det[i] += total - np.log(product)


@jit
def _negative_log_likelihood(theta, x):
    """Mean negative log-likelihood of sorted points.

    theta = (loc, log scale, skew, log tail), tail at most 1 so that no tail is
    ever stretched.
    """
    scale = np.exp(theta[1])
    tail = np.exp(min(theta[3], 0.0))
    total = 0.0
    for i in range(x.shape[0]):
        u = (x[i] - theta[0]) / scale
        inner = tail * np.arcsinh(u) - theta[2]
        z = np.sinh(inner)
        total += 0.5 * z * z - np.log(tail * np.cosh(inner) / np.hypot(1.0, u))
    value = total / x.shape[0] + theta[1]
    # Walls, smooth enough for the simplex: a scale that shrinks onto an atom,
    # a skew or a tail that the inverse could not undo.
    value += 100.0 * max(-3.5 - theta[1], 0.0) ** 2
    value += 100.0 * max(abs(theta[2]) - 3.0, 0.0) ** 2
    value += 100.0 * max(-1.6 - theta[3], 0.0) ** 2 + max(theta[3], 0.0) ** 2
    return value


@jit
def fit_sinh_arcsinh(x, theta, n_steps):
    """Maximum likelihood by the simplex of Nelder and Mead (1965).

    x : (m,) standardised points ; theta : (4,) the start, overwritten with the
    best point found. Returns its mean negative log-likelihood (without the
    constant log(2 pi) / 2).
    """
    simplex = np.empty((5, 4))
    value = np.empty(5)
    for v in range(5):
        simplex[v] = theta
        if v > 0:
            simplex[v, v - 1] += 0.3 if v != 4 else -0.3
        value[v] = _negative_log_likelihood(simplex[v], x)
    for _ in range(n_steps):
        order = np.argsort(value)
        simplex = simplex[order]
        value = value[order]
        if value[4] - value[0] < 1e-7:
            break
        centre = np.zeros(4)
        for v in range(4):
            centre += simplex[v] / 4.0
        point = centre + (centre - simplex[4])
        at = _negative_log_likelihood(point, x)
        if at < value[0]:
            further = centre + 2.0 * (centre - simplex[4])
            at_further = _negative_log_likelihood(further, x)
            if at_further < at:
                point, at = further, at_further
        elif not at < value[3]:
            point = centre + 0.5 * (simplex[4] - centre)
            at = _negative_log_likelihood(point, x)
        if at < value[4]:
            simplex[4] = point
            value[4] = at
        else:
            for v in range(1, 5):
                simplex[v] = simplex[0] + 0.5 * (simplex[v] - simplex[0])
                value[v] = _negative_log_likelihood(simplex[v], x)
    best = np.argmin(value)
    theta[:] = simplex[best]
    theta[3] = min(theta[3], 0.0)
    return value[best]
