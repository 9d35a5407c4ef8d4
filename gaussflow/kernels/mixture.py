"""The Knothe-Rosenblatt map of a Gaussian mixture, row by row.

Each column's conditional law given the columns before it is a univariate
mixture: component k has weight w_k (its posterior given those columns), mean
m_k and standard deviation s_k = L_k[j, j]. The map sends x to
z = Phi^-1(sum_k w_k Phi((x - m_k) / s_k)).

Two routes lead to z. Where both tails hold more than ``CENTRAL`` of the mass,
probabilities are added as they are, and components lighter than
exp(``NEGLIGIBLE``) are left out: that is exact to 1e-13. Beyond, everything
happens in logarithms, over all components, so that rows a thousand standard
deviations away keep a finite z.

The arrays shared by both directions, for D columns and K components:

log_weights : (K,) normalised, finite
means : (D, K)
scales : (D, K) the diagonals of the Cholesky factors, positive
lower : (D, K, D) with lower[j, k, l] = L_k[j, l], read below the diagonal
    only; of shape (D, K, 0) when all the factors are diagonal
"""

import math

import numpy as np

from gaussflow.kernels._jit import jit

SQRT_HALF = math.sqrt(0.5)
HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)

#: Least tail probability handled without logarithms, and its quantile.
CENTRAL = 1e-3
CENTRAL_Z = 3.090232306167813
#: exp(-42) = 6e-19: a thousand such components weigh 1e-13 of CENTRAL.
NEGLIGIBLE = -42.0
#: Standard scores are squared up to here, so that squares stay finite.
LARGEST_SCORE = 1e150
#: Halley steps converge cubically: below this error one more suffices.
LAST_ERROR = 1e-6
MAX_STEPS = 200


@jit
def log_ndtr(u):
    """Return the log of the standard normal CDF, for any finite u."""
    if u > -1.0:
        return math.log1p(-0.5 * math.erfc(u * SQRT_HALF))
    if u > -25.0:
        return math.log(0.5 * math.erfc(-u * SQRT_HALF))
    u = max(u, -LARGEST_SCORE)
    # Asymptotic series (Abramowitz & Stegun 26.2.12); its terms beyond the
    # seventh are below 1e-16 from |u| = 25 on.
    r = 1.0 / (u * u)
    series = 1.0 - r * (
        1.0 - 3.0 * r * (1.0 - 5.0 * r * (1.0 - 7.0 * r * (1.0 - 9.0 * r)))
    )
    return -0.5 * u * u - math.log(-u) - HALF_LOG_2PI + math.log(series)


@jit
def _quantile_tail(r):
    """Return minus the normal quantile of p, for r = sqrt(-log p) in [1.6, 27]."""
    # Wichura (1988), algorithm AS 241, PPND16, the two outer branches.
    if r <= 5.0:
        r -= 1.6
        num = 7.74545014278341407640e-4
        num = num * r + 2.27238449892691845833e-2
        num = num * r + 2.41780725177450611770e-1
        num = num * r + 1.27045825245236838258e0
        num = num * r + 3.64784832476320460504e0
        num = num * r + 5.76949722146069140550e0
        num = num * r + 4.63033784615654529590e0
        num = num * r + 1.42343711074968357734e0
        den = 1.05075007164441684324e-9
        den = den * r + 5.47593808499534494600e-4
        den = den * r + 1.51986665636164571966e-2
        den = den * r + 1.48103976427480074590e-1
        den = den * r + 6.89767334985100004550e-1
        den = den * r + 1.67638483018380384940e0
        den = den * r + 2.05319162663775882187e0
        return num / (den * r + 1.0)
    r -= 5.0
    num = 2.01033439929228813265e-7
    num = num * r + 2.71155556874348757815e-5
    num = num * r + 1.24266094738807843860e-3
    num = num * r + 2.65321895265761230930e-2
    num = num * r + 2.96560571828504891230e-1
    num = num * r + 1.78482653991729133580e0
    num = num * r + 5.46378491116411436990e0
    num = num * r + 6.65790464350110377720e0
    den = 2.04426310338993978564e-15
    den = den * r + 1.42151175831644588870e-7
    den = den * r + 1.84631831751005468180e-5
    den = den * r + 7.86869131145613259100e-4
    den = den * r + 1.48753612908506148525e-2
    den = den * r + 1.36929880922735805310e-1
    den = den * r + 5.99832206555887937690e-1
    return num / (den * r + 1.0)


@jit
def ndtri_lower(p):
    """Return the normal quantile of p in (0, 1/2]."""
    q = p - 0.5
    if q < -0.425:
        return -_quantile_tail(math.sqrt(-math.log(p)))
    # Wichura (1988), algorithm AS 241, PPND16, the central branch.
    r = 0.180625 - q * q
    num = 2.5090809287301226727e3
    num = num * r + 3.3430575583588128105e4
    num = num * r + 6.7265770927008700853e4
    num = num * r + 4.5921953931549871457e4
    num = num * r + 1.3731693765509461125e4
    num = num * r + 1.9715909503065514427e3
    num = num * r + 1.3314166789178437745e2
    num = num * r + 3.3871328727963666080e0
    den = 5.2264952788528545610e3
    den = den * r + 2.8729085735721942674e4
    den = den * r + 3.9307895800092710610e4
    den = den * r + 2.1213794301586595867e4
    den = den * r + 5.3941960214247511077e3
    den = den * r + 6.8718700749205790830e2
    den = den * r + 4.2313330701600911252e1
    return q * num / (den * r + 1.0)


@jit
def ndtri_log(log_p):
    """Return the normal quantile of exp(log_p), for any finite log_p < 0."""
    if log_p > -0.6931471805599453:
        return -ndtri_lower(-math.expm1(log_p))
    if log_p > -700.0:
        if log_p > -2.5:
            return ndtri_lower(math.exp(log_p))
        return -_quantile_tail(math.sqrt(-log_p))
    # Newton on log_ndtr(-t) = log_p, whose slope in t is close to -(t + 1/t);
    # the start is right to 1e-5, so three steps reach the last bits.
    t = math.sqrt(-2.0 * (log_p + HALF_LOG_2PI))
    t = math.sqrt(-2.0 * (log_p + HALF_LOG_2PI + math.log(t)))
    for _ in range(3):
        t += (log_ndtr(-t) - log_p) / (t + 1.0 / t)
    return -t


@jit
def _log_tail(log_w, u, sign, terms):
    """Return the log of sum_k w_k Phi(sign * u_k), over all components."""
    top = -np.inf
    for k in range(u.shape[0]):
        score = sign * u[k]
        bound = log_w[k]
        if score < 0.0:
            # Phi(u) <= exp(-u^2 / 2) / 2: saves most of the logarithms.
            score = max(score, -LARGEST_SCORE)
            bound -= 0.5 * score * score
        if bound < top + NEGLIGIBLE:
            terms[k] = -np.inf
            continue
        terms[k] = log_w[k] + log_ndtr(score)
        top = max(top, terms[k])
    total = 0.0
    for k in range(u.shape[0]):
        if terms[k] - top > NEGLIGIBLE:
            total += math.exp(terms[k] - top)
    return top + math.log(total)


@jit
def _latent(log_w, w, u, terms):
    """Return the normal score z of a mixture's CDF at standard scores u.

    log_w, w : (K,) log weights, and their exponentials, 0 where negligible.
    """
    below = 0.0
    above = 0.0
    for k in range(u.shape[0]):
        if w[k] > 0.0:
            tail = 0.5 * w[k] * math.erfc(abs(u[k]) * SQRT_HALF)
            if u[k] < 0.0:
                below += tail
                above += w[k] - tail
            else:
                above += tail
                below += w[k] - tail
    if below < above:
        if below > CENTRAL:
            return ndtri_lower(below / (below + above))
        log_p = _log_tail(log_w, u, 1.0, terms)
        return ndtri_log(min(log_p, -1e-300))
    if above > CENTRAL:
        return -ndtri_lower(above / (below + above))
    log_p = _log_tail(log_w, u, -1.0, terms)
    return -ndtri_log(min(log_p, -1e-300))


@jit
def _condition(log_w, w, u, log_s):
    """Make the weights posterior to one more column; return its log density.

    The density is the column's conditional one, without the factor
    (2 pi)^(-1/2).
    """
    top = -np.inf
    for k in range(u.shape[0]):
        score = min(abs(u[k]), LARGEST_SCORE)
        log_w[k] -= 0.5 * score * score + log_s[k]
        top = max(top, log_w[k])
    total = 0.0
    for k in range(u.shape[0]):
        log_w[k] -= top
        w[k] = math.exp(log_w[k]) if log_w[k] > NEGLIGIBLE else 0.0
        total += w[k]
    log_total = math.log(total)
    for k in range(u.shape[0]):
        log_w[k] -= log_total
        w[k] /= total
    return top + log_total


@jit
def _find_bent(lower):
    """Return for each component whether its factor is more than diagonal.

    Families are averaged: one full covariance makes ``lower`` dense for all.
    """
    n_columns, n_components, width = lower.shape
    bent = np.zeros(n_components, dtype=np.bool_)
    for j in range(n_columns):
        for k in range(n_components):
            for i in range(min(j, width)):
                if lower[j, k, i] != 0.0:
                    bent[k] = True
                    break
    return bent


@jit
def _conditional_means(means, lower, bent, scores, j, out):
    """Write the components' means of column j given the columns before.

    bent : (K,) of _find_bent ; scores : (K, D), the first j columns are read.
    """
    n_before = min(j, lower.shape[2])
    whole = n_before - n_before % 4
    for k in range(out.shape[0]):
        if not bent[k]:
            out[k] = means[j, k]
            continue
        row = lower[j, k]
        score = scores[k]
        # Four sums at once: one sum would wait for each addition in turn.
        a = means[j, k]
        b = 0.0
        c = 0.0
        d = 0.0
        for i in range(0, whole, 4):
            a += row[i] * score[i]
            b += row[i + 1] * score[i + 1]
            c += row[i + 2] * score[i + 2]
            d += row[i + 3] * score[i + 3]
        for i in range(whole, n_before):
            a += row[i] * score[i]
        out[k] = (a + b) + (c + d)


@jit
def mixture_forward(X, log_weights, means, scales, lower, Z, log_det):
    """Map rows of X to standard normal scores.

    X : (n, D), float32 or float64
    log_weights, means, scales, lower : see the top of this file
    Z : (n, D), log_det : (n,), written in place; Z may be X.
    """
    n_columns, n_components = means.shape
    log_scales = np.log(scales)
    weights = np.exp(log_weights)
    bent = _find_bent(lower)
    log_w = np.empty(n_components)
    w = np.empty(n_components)
    centre = np.empty(n_components)
    terms = np.empty(n_components)
    u = np.empty(n_components)
    scores = np.empty((n_components, n_columns))
    for i in range(X.shape[0]):
        log_det[i] = 0.0
        log_w[:] = log_weights
        w[:] = weights
        for j in range(n_columns):
            _conditional_means(means, lower, bent, scores, j, centre)
            x = float(X[i, j])
            for k in range(n_components):
                u[k] = (x - centre[k]) / scales[j, k]
                scores[k, j] = u[k]
            z = _latent(log_w, w, u, terms)
            log_det[i] += _condition(log_w, w, u, log_scales[j]) + 0.5 * z * z
            Z[i, j] = z


@jit
def _bracket_tail(z, log_w, centre, s, sign):
    """Bracket the quantile of a tail, for sign * z > CENTRAL_Z.

    Works on sign * x, where the tail is the upper one. The tail holds
    p = sum_k w_k Phi(-u_k): each term is at most p, and the largest is at
    least p / K; both bounds have a closed quantile.
    """
    log_p = log_ndtr(-sign * z)
    log_share = log_p - math.log(centre.shape[0])
    lo = -np.inf
    hi = -np.inf
    for k in range(centre.shape[0]):
        if log_share < log_w[k]:
            t = ndtri_log(min(log_share - log_w[k], -1e-300))
            hi = max(hi, sign * centre[k] - s[k] * t)
        if log_p < log_w[k]:
            t = ndtri_log(min(log_p - log_w[k], -1e-300))
            lo = max(lo, sign * centre[k] - s[k] * t)
    if lo == -np.inf:
        lo = hi
        for k in range(centre.shape[0]):
            lo = min(lo, sign * (centre[k] + s[k] * z))
    return lo, max(lo, hi)


@jit
def _latent_slope(x, log_w, w, centre, s, log_s, u, terms):
    """Return (z, dz/dx, d log(dz/dx) / dx) of _latent at x, in the tails."""
    top = -np.inf
    for k in range(u.shape[0]):
        u[k] = (x - centre[k]) / s[k]
        score = min(abs(u[k]), LARGEST_SCORE)
        terms[k] = log_w[k] - 0.5 * score * score - log_s[k]
        top = max(top, terms[k])
    density = 0.0
    change = 0.0
    for k in range(u.shape[0]):
        if terms[k] - top > NEGLIGIBLE:
            term = math.exp(terms[k] - top)
            density += term
            change -= term * u[k] / s[k]
    z = _latent(log_w, w, u, terms)
    slope = math.exp(top + math.log(density) + 0.5 * z * z)
    return z, slope, change / density + z * slope


@jit
def _latent_slope_central(x, w, centre, s, active, n_active):
    """Do the same where neither tail is small, over active components."""
    below = 0.0
    above = 0.0
    density = 0.0
    change = 0.0
    for a in range(n_active):
        k = active[a]
        v = (x - centre[k]) / s[k]
        tail = 0.0
        # Phi(-8.5) = 1e-17: lost in rounding beside CENTRAL.
        if abs(v) < 8.5:
            tail = 0.5 * w[k] * math.erfc(abs(v) * SQRT_HALF)
            term = w[k] / s[k] * math.exp(-0.5 * v * v)
            density += term
            change -= term * v / s[k]
        if v < 0.0:
            below += tail
            above += w[k] - tail
        else:
            above += tail
            below += w[k] - tail
    # Between far components the search may pass where one tail is empty.
    if below < above:
        z = ndtri_lower(max(below, 1e-300) / (below + above))
    else:
        z = -ndtri_lower(max(above, 1e-300) / (below + above))
    if density == 0.0:
        return z, 0.0, 0.0
    slope = density * math.exp(0.5 * z * z)
    return z, slope, change / density + z * slope


@jit
def _quantile(z, log_w, w, centre, s, log_s, u, terms, active):
    """Solve _latent(x) = z for x by Halley's method kept in a bracket."""
    n_active = 0
    central = abs(z) < CENTRAL_Z
    if central:
        lo = np.inf
        hi = -np.inf
        x = 0.0
        for k in range(centre.shape[0]):
            if w[k] > 0.0:
                active[n_active] = k
                n_active += 1
                # At the least component quantile every u_k <= z, at the
                # greatest every u_k >= z: they bracket the root.
                q = centre[k] + s[k] * z
                lo = min(lo, q)
                hi = max(hi, q)
                x += w[k] * q
    else:
        sign = 1.0 if z > 0.0 else -1.0
        lo, hi = _bracket_tail(z, log_w, centre, s, sign)
        x = sign * hi
        if sign < 0.0:
            lo, hi = -hi, -lo
    x = min(max(x, lo), hi)
    last = np.inf
    for _ in range(MAX_STEPS):
        if hi - lo <= 4.0e-16 * max(abs(lo), abs(hi)):
            break
        if central:
            reached, slope, bend = _latent_slope_central(
                x, w, centre, s, active, n_active
            )
        else:
            reached, slope, bend = _latent_slope(
                x, log_w, w, centre, s, log_s, u, terms
            )
        error = reached - z
        if error > 0.0:
            hi = x
        elif error < 0.0:
            lo = x
        else:
            break
        size = abs(error)
        new = lo
        if slope > 0.0:
            step = error / slope
            # Halley's correction, as long as it stays a correction.
            damping = 1.0 - 0.5 * step * bend
            if 0.5 < damping < 2.0:
                step /= damping
            new = x - step
        # A bracket must halve where steps leave it, or crawl along a gap.
        if not (lo < new < hi) or size > 0.5 * last:
            x = 0.5 * (lo + hi)
            last = np.inf
            continue
        x = new
        last = size
        if size <= LAST_ERROR * (1.0 + abs(z)):
            break
    return x


@jit
def mixture_inverse(Z, log_weights, means, scales, lower, X, log_det):
    """Map standard normal scores back to rows.

    Z : (n, D), float32 or float64
    log_weights, means, scales, lower : see the top of this file
    X : (n, D), log_det : (n,), written in place; X may be Z.
    """
    n_columns, n_components = means.shape
    log_scales = np.log(scales)
    weights = np.exp(log_weights)
    bent = _find_bent(lower)
    log_w = np.empty(n_components)
    w = np.empty(n_components)
    centre = np.empty(n_components)
    terms = np.empty(n_components)
    active = np.empty(n_components, dtype=np.int64)
    u = np.empty(n_components)
    scores = np.empty((n_components, n_columns))
    for i in range(Z.shape[0]):
        log_det[i] = 0.0
        log_w[:] = log_weights
        w[:] = weights
        for j in range(n_columns):
            _conditional_means(means, lower, bent, scores, j, centre)
            z = float(Z[i, j])
            x = _quantile(
                z, log_w, w, centre, scales[j], log_scales[j], u, terms, active
            )
            for k in range(n_components):
                u[k] = (x - centre[k]) / scales[j, k]
                scores[k, j] = u[k]
            log_det[i] -= _condition(log_w, w, u, log_scales[j]) + 0.5 * z * z
            X[i, j] = x
