"""Increasing polynomials in Bernstein form, with straight lines outside.

P(t) = sum_j c_j B_j(t) on [0, 1], with B_j(t) = C(d, j) t^j (1 - t)^(d - j), and
P'(t) = d sum_j (c_{j+1} - c_j) B_j(t) of degree d - 1 (Farouki, 2012, section 3.4).
Sums are taken by Horner's rule in t / (1 - t), from the nearer end.
"""

import numpy as np

from gaussflow.kernels._jit import jit


@jit
def bernstein_basis(t, degree):
    """Values of the Bernstein polynomials: t (n,) in [0, 1] -> (n, degree + 1)."""
    out = np.zeros((t.shape[0], degree + 1))
    for i in range(t.shape[0]):
        # By raising the degree from 0: B_j = t B_{j-1} + (1 - t) B_j.
        out[i, 0] = 1.0
        for d in range(1, degree + 1):
            for j in range(d, 0, -1):
                out[i, j] = t[i] * out[i, j - 1] + (1.0 - t[i]) * out[i, j]
            out[i, 0] *= 1.0 - t[i]
    return out


@jit
def _binomials(degree):
    out = np.empty(degree + 1)
    out[0] = 1.0
    for j in range(degree):
        out[j + 1] = out[j] * (degree - j) / (j + 1)
    return out


@jit
def _value_and_slope(t, c, steps, of_value, of_slope):
    """P(t) and P'(t); of_value and of_slope are binomials of degree d and d - 1."""
    d = c.shape[0] - 1
    # Relative to the nearer end: what is added to it keeps its digits.
    value = 0.0
    slope = 0.0
    if t <= 0.5:
        u = t / (1.0 - t)
        for j in range(d - 1, -1, -1):
            value = (value + of_value[j + 1] * (c[j + 1] - c[0])) * u
            slope = slope * u + of_slope[j] * steps[j]
        power = (1.0 - t) ** (d - 1)
        value = c[0] + value * power * (1.0 - t)
    else:
        u = (1.0 - t) / t
        for j in range(d):
            value = (value + of_value[j] * (c[j] - c[d])) * u
            slope = slope * u + of_slope[j] * steps[j]
        power = t ** (d - 1)
        value = c[d] + value * power * t
    return value, d * slope * power


@jit
def bernstein_forward(Y, coef, support, tail, log_det):
    """Map every column by its polynomial; add the log-slopes to log_det.

    Y : (n, K), overwritten ; coef : (K, d + 1), d >= 1, of polynomials with
    P' > 0 on [0, 1] ; support : (K, 2), below < above ; tail : (K, 2) slopes
    outside, > 0 ; log_det : (n,), added to.
    """
    n, n_columns = Y.shape
    d = coef.shape[1] - 1
    of_value = _binomials(d)
    of_slope = _binomials(d - 1)
    for k in range(n_columns):
        c = coef[k]
        steps = c[1:] - c[:-1]
        below = support[k, 0]
        above = support[k, 1]
        width = above - below
        for i in range(n):
            y = np.float64(Y[i, k])
            if y <= below:
                Y[i, k] = c[0] + tail[k, 0] * (y - below)
                log_det[i] += np.log(tail[k, 0])
            elif y >= above:
                Y[i, k] = c[d] + tail[k, 1] * (y - above)
                log_det[i] += np.log(tail[k, 1])
            else:
                t = (y - below) / width
                value, slope = _value_and_slope(t, c, steps, of_value, of_slope)
                Y[i, k] = value
                log_det[i] += np.log(slope / width)


@jit
def bernstein_inverse(Z, coef, support, tail, log_det):
    """Undo :func:`bernstein_forward`; add the inverse's log-slopes to log_det."""
    n, n_columns = Z.shape
    d = coef.shape[1] - 1
    of_value = _binomials(d)
    of_slope = _binomials(d - 1)
    for k in range(n_columns):
        c = coef[k]
        steps = c[1:] - c[:-1]
        below = support[k, 0]
        above = support[k, 1]
        width = above - below
        for i in range(n):
            z = np.float64(Z[i, k])
            if z <= c[0]:
                Z[i, k] = below + (z - c[0]) / tail[k, 0]
                log_det[i] -= np.log(tail[k, 0])
            elif z >= c[d]:
                Z[i, k] = above + (z - c[d]) / tail[k, 1]
                log_det[i] -= np.log(tail[k, 1])
            else:
                t = _root(z, c, steps, of_value, of_slope)
                _, slope = _value_and_slope(t, c, steps, of_value, of_slope)
                Z[i, k] = below + width * t
                log_det[i] -= np.log(slope / width)


@jit
def _root(z, c, steps, of_value, of_slope):
    """Find t in [0, 1] with P(t) = z: Newton's steps, bisection where they fail."""
    lo = 0.0
    hi = 1.0
    t = (z - c[0]) / (c[-1] - c[0])
    for _ in range(100):
        value, slope = _value_and_slope(t, c, steps, of_value, of_slope)
        rest = value - z
        if rest > 0.0:
            hi = t
        elif rest < 0.0:
            lo = t
        else:
            break
        new = t - rest / slope
        if not lo < new < hi:
            new = 0.5 * (lo + hi)
        if abs(new - t) <= 2.3e-16:
            break
        t = new
    return t
