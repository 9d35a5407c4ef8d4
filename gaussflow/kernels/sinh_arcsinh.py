"""The sinh-arcsinh map of Jones and Pewsey (2009), one per column.

z = sinh(tail * asinh((x - loc) / scale) - skew): four numbers a column, exact
inverse, slopes in closed form. tail < 1 pulls heavy tails in; tail = 1 with
skew = 0 is the plain standardisation.
"""

import numpy as np

from gaussflow.kernels._jit import jit


@jit
def sinh_arcsinh_forward(Y, loc, scale, skew, tail, ends, log_det):
    """Map every column in place; add the log-slopes to log_det.

    Y : (n, K), overwritten ; loc, scale, skew, tail : (K,) ; ends : (K, 2) of
    (x - loc) / scale, beyond which the map goes on as a straight line ;
    log_det : (n,).
    """
    n, n_columns = Y.shape
    for k in range(n_columns):
        straight = tail[k] == 1.0 and skew[k] == 0.0
        log_scale = np.log(scale[k])
        for i in range(n):
            u = (np.float64(Y[i, k]) - loc[k]) / scale[k]
            if straight:
                Y[i, k] = u
                log_det[i] -= log_scale
            else:
                v = min(max(u, ends[k, 0]), ends[k, 1])
                inner = tail[k] * np.arcsinh(v) - skew[k]
                slope = tail[k] * np.cosh(inner) / np.hypot(1.0, v)
                Y[i, k] = np.sinh(inner) + slope * (u - v)
                log_det[i] += np.log(slope) - log_scale


@jit
def sinh_arcsinh_inverse(Z, loc, scale, skew, tail, ends, log_det):
    """Undo :func:`sinh_arcsinh_forward`; add the inverse's log-slopes."""
    n, n_columns = Z.shape
    for k in range(n_columns):
        straight = tail[k] == 1.0 and skew[k] == 0.0
        log_scale = np.log(scale[k])
        low = np.sinh(tail[k] * np.arcsinh(ends[k, 0]) - skew[k])
        high = np.sinh(tail[k] * np.arcsinh(ends[k, 1]) - skew[k])
        for i in range(n):
            z = np.float64(Z[i, k])
            if straight:
                Z[i, k] = loc[k] + scale[k] * z
                log_det[i] += log_scale
            else:
                inside = min(max(z, low), high)
                v = np.sinh((np.arcsinh(inside) + skew[k]) / tail[k])
                v = min(max(v, ends[k, 0]), ends[k, 1])
                slope = tail[k] * np.hypot(1.0, inside) / np.hypot(1.0, v)
                Z[i, k] = loc[k] + scale[k] * (v + (z - inside) / slope)
                log_det[i] += log_scale - np.log(slope)


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
                simplex[4] = further
                value[4] = at_further
            else:
                simplex[4] = point
                value[4] = at
        elif at < value[3]:
            simplex[4] = point
            value[4] = at
        else:
            nearer = centre + 0.5 * (simplex[4] - centre)
            at_nearer = _negative_log_likelihood(nearer, x)
            if at_nearer < value[4]:
                simplex[4] = nearer
                value[4] = at_nearer
            else:
                for v in range(1, 5):
                    simplex[v] = simplex[0] + 0.5 * (simplex[v] - simplex[0])
                    value[v] = _negative_log_likelihood(simplex[v], x)
    best = np.argmin(value)
    theta[:] = simplex[best]
    theta[3] = min(theta[3], 0.0)
    return value[best]
