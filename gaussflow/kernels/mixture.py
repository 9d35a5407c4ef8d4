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

The file is long because a kernel and all that it calls stand in one: Numba's cache
does not see changes of other files.
"""

import math

import numpy as np
from numba import njit

from gaussflow.kernels._jit import OPTIONS, jit

#: For what runs per row and column: a call costs as much as ten components.
jit_inline = njit(**OPTIONS, forceinline=True)
#: Multiply-adds may be fused, and sums over components also reordered: then
#: the compiler works on several components at once.
jit_fused = njit(**OPTIONS, forceinline=True, fastmath={"contract"})
jit_sums = njit(**OPTIONS, forceinline=True, fastmath={"contract", "reassoc"})

LOG_2 = math.log(2.0)
HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)

#: Least tail probability handled without logarithms, and its quantile.
CENTRAL = 1e-3
CENTRAL_Z = 3.090232306167813
#: exp(-42) = 6e-19: a thousand such components weigh 1e-13 of CENTRAL.
NEGLIGIBLE = -42.0
#: Standard scores are squared up to here, so that squares stay finite.
LARGEST_SCORE = 1e150
#: Scores of the central route are cut here, where Phi is lost beside CENTRAL
#: and exp(-u^2 / 2) still is a normal number.
FAR = 36.0
#: Halley steps converge cubically: below this error one more suffices, where
#: the slope changes by no more than this share over the step.
LAST_ERROR = 1e-6
LAST_TURN = 1e-4
MAX_STEPS = 200

#: 2^-i, and log(2) in two parts of which the first has trailing zeros.
HALVINGS = 0.5 ** np.arange(1023)
LOG_2_HIGH = 6.93147180369123816490e-01
LOG_2_LOW = 1.90821492927058770002e-10


#: Taylor's series of exp, exact to 2e-16 for |r| <= log(2) / 2.
EXP = tuple(1.0 / math.factorial(i) for i in range(12, -1, -1))
# fmt: off
#: Phi(-u) exp(u^2 / 2) for 0 <= u <= 26: rational interpolation at Chebyshev
#: nodes of (u - 4) / (u + 4); relative error 3e-17, and all terms positive.
MILLS_NUM = (
    1.1812529490381266e-06, 3.262325952675828e-05, 0.00043906761691609234,
    0.003732034132755529, 0.02193092218094521, 0.09213417603234293,
    0.2768721453789705, 0.5765144863739866, 0.762704568000193, 0.5,
)
MILLS_DEN = (
    2.960962041596409e-06, 8.177438473259075e-05, 0.0011035402656849628,
    0.009436596634883786, 0.05606732795747135, 0.24013738114857314,
    0.7468170986607024, 1.6581554021374254, 2.5067491436379745,
    2.3232936968032494, 1.0,
)
#: Normal quantiles: Wichura (1988), algorithm AS 241, PPND16; the central
#: branch, and the next one, for r = sqrt(-log p) in [1.6, 5].
CENTRE_NUM = (
    2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4,
    4.5921953931549871457e4, 1.3731693765509461125e4, 1.9715909503065514427e3,
    1.3314166789178437745e2, 3.3871328727963666080e0,
)
CENTRE_DEN = (
    5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4,
    2.1213794301586595867e4, 5.3941960214247511077e3, 6.8718700749205790830e2,
    4.2313330701600911252e1, 1.0,
)
OUTER_NUM = (
    7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1,
    1.27045825245236838258e0, 3.64784832476320460504e0, 5.76949722146069140550e0,
    4.63033784615654529590e0, 1.42343711074968357734e0,
)
OUTER_DEN = (
    1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2,
    1.48103976427480074590e-1, 6.89767334985100004550e-1, 1.67638483018380384940e0,
    2.05319162663775882187e0, 1.0,
)
# fmt: on


@jit_fused
def _polynomial(coefficients, x):
    total = 0.0
    for coefficient in coefficients:
        total = total * x + coefficient
    return total


@jit_fused
def exp_minus(t):
    """Return exp(-t) for t in [0, 700], in a form that vectorises."""
    n = math.floor(t / LOG_2 + 0.5)
    r = (n * LOG_2_HIGH - t) + n * LOG_2_LOW
    # A NaN is no index; clipped, it comes out as the NaN of the polynomial.
    return _polynomial(EXP, r) * HALVINGS[min(max(int(n), 0), len(HALVINGS) - 1)]


@jit_fused
def mills(u):
    """Return Phi(-u) exp(u^2 / 2) for u in [0, 26], in a form that vectorises.

    Beyond, the value stays positive and loses accuracy.
    """
    return _polynomial(MILLS_NUM, u) / _polynomial(MILLS_DEN, u)


@jit
def log_ndtr(u):
    """Return the log of the standard normal CDF, for any finite u."""
    if u >= 0.0:
        u = min(u, FAR)
        return math.log1p(-mills(u) * math.exp(-0.5 * u * u))
    if u > -25.0:
        return math.log(mills(-u)) - 0.5 * u * u
    u = max(u, -LARGEST_SCORE)
    # Asymptotic series (Abramowitz & Stegun 26.2.12); its terms beyond the
    # seventh are below 1e-16 from |u| = 25 on.
    r = 1.0 / (u * u)
    series = 1.0 - r * (
        1.0 - 3.0 * r * (1.0 - 5.0 * r * (1.0 - 7.0 * r * (1.0 - 9.0 * r)))
    )
    return -0.5 * u * u - math.log(-u) - HALF_LOG_2PI + math.log(series)


@jit
def _quantile_tail(log_p):
    """Return minus the normal quantile of exp(log_p), for log_p < -2.5."""
    if log_p > -25.0:
        r = math.sqrt(-log_p) - 1.6
        return _polynomial(OUTER_NUM, r) / _polynomial(OUTER_DEN, r)
    # Newton on log_ndtr(-t) = log_p, whose slope in t is -(t + 1/t) to 2/t^4;
    # the start is right to 1e-3, so five steps reach the last bits.
    t = math.sqrt(-2.0 * (log_p + HALF_LOG_2PI))
    t = math.sqrt(-2.0 * (log_p + HALF_LOG_2PI + math.log(t)))
    for _ in range(5):
        t += (log_ndtr(-t) - log_p) / (t + 1.0 / t)
    return t


@jit
def ndtri_lower(p):
    """Return the normal quantile of p in (0, 1/2]."""
    q = p - 0.5
    if q < -0.425:
        return -_quantile_tail(math.log(p))
    r = 0.180625 - q * q
    return q * _polynomial(CENTRE_NUM, r) / _polynomial(CENTRE_DEN, r)


@jit
def ndtri_log(log_p):
    """Return the normal quantile of exp(log_p), for any finite log_p < 0."""
    if log_p > -LOG_2:
        return -ndtri_lower(-math.expm1(log_p))
    if log_p > -2.6:
        return ndtri_lower(math.exp(log_p))
    return -_quantile_tail(log_p)


@jit
def _log_tail(x, log_w, centre, inv_s, sign, terms):
    """Return the log of sum_k w_k Phi(sign * u_k), over all components."""
    top = -np.inf
    for k in range(log_w.shape[0]):
        terms[k] = log_w[k] + log_ndtr(sign * (x - centre[k]) * inv_s[k])
        top = max(top, terms[k])
    total = 0.0
    for k in range(log_w.shape[0]):
        if terms[k] - top > NEGLIGIBLE:
            total += math.exp(terms[k] - top)
    return top + math.log(total)


@jit_sums
def _mixture_sums(x, w, centre, inv_s):
    """Return a mixture's CDF, density and the density's derivative at x.

    The last two lack the factor (2 pi)^(-1/2).
    """
    below = 0.0
    density = 0.0
    change = 0.0
    for k in range(w.shape[0]):
        u = (x - centre[k]) * inv_s[k]
        size = min(abs(u), FAR)
        bump = w[k] * exp_minus(0.5 * size * size)
        tail = bump * mills(size)
        below += tail if u < 0.0 else w[k] - tail
        bump *= inv_s[k]
        density += bump
        change -= bump * u * inv_s[k]
    return below, density, change


@jit_inline
def _latent(x, log_w, w, centre, inv_s, terms):
    """Return the normal score z of a mixture's CDF at x.

    log_w, w : (K,) log weights, and their exponentials, 0 where negligible.
    """
    below, _, _ = _mixture_sums(x, w, centre, inv_s)
    tail = min(below, 1.0 - below)
    sign = 1.0 if below < 0.5 else -1.0
    if tail > CENTRAL:
        return sign * ndtri_lower(tail)
    log_p = _log_tail(x, log_w, centre, inv_s, sign, terms)
    return sign * ndtri_log(min(log_p, -1e-300))


@jit_sums
def _condition(x, log_w, w, centre, inv_s, log_s):
    """Make the weights posterior to one more column; return its log density.

    The density is the column's conditional one, without the factor
    (2 pi)^(-1/2).
    """
    for k in range(w.shape[0]):
        score = min(abs(x - centre[k]) * inv_s[k], LARGEST_SCORE)
        log_w[k] -= 0.5 * score * score + log_s[k]
    top = log_w[0]
    for k in range(w.shape[0]):
        top = max(top, log_w[k])
    total = 0.0
    for k in range(w.shape[0]):
        fall = top - log_w[k]
        w[k] = exp_minus(min(fall, 700.0)) if fall < -NEGLIGIBLE else 0.0
        total += w[k]
    top += math.log(total)
    share = 1.0 / total
    for k in range(w.shape[0]):
        log_w[k] -= top
        w[k] *= share
    return top


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


@jit_sums
def _conditional_means(means, lower, bent, scores, j, out):
    """Write the components' means of column j given the columns before.

    bent : (K,) of _find_bent ; scores : (K, D), the first j columns are read.
    """
    for k in range(out.shape[0]):
        total = means[j, k]
        if bent[k]:
            for i in range(j):
                total += lower[j, k, i] * scores[k, i]
        out[k] = total


@jit_inline
def _keep_scores(x, centre, inv_s, bent, j, scores):
    """Write the standard scores that later columns read."""
    for k in range(centre.shape[0]):
        if bent[k]:
            scores[k, j] = (x - centre[k]) * inv_s[k]


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
def _latent_slope_tail(x, log_w, w, centre, inv_s, terms):
    """Return (z, dz/dx, d log(dz/dx) / dx) of _latent at x, in the tails."""
    top = -np.inf
    for k in range(w.shape[0]):
        score = min(abs(x - centre[k]) * inv_s[k], LARGEST_SCORE)
        terms[k] = log_w[k] - 0.5 * score * score + math.log(inv_s[k])
        top = max(top, terms[k])
    density = 0.0
    change = 0.0
    for k in range(w.shape[0]):
        if terms[k] - top > NEGLIGIBLE:
            term = math.exp(terms[k] - top)
            density += term
            change -= term * (x - centre[k]) * inv_s[k] ** 2
    z = _latent(x, log_w, w, centre, inv_s, terms)
    slope = math.exp(top + math.log(density) + 0.5 * z * z)
    return z, slope, change / density + z * slope


@jit_inline
def _latent_slope_central(x, w, centre, inv_s):
    """Do the same where neither tail is small."""
    below, density, change = _mixture_sums(x, w, centre, inv_s)
    # Between far components the search may pass where one tail is empty.
    z = ndtri_lower(max(min(below, 1.0 - below), 1e-300))
    if below > 0.5:
        z = -z
    if density < 1e-200:
        return z, 0.0, 0.0
    slope = density * math.exp(0.5 * z * z)
    return z, slope, change / density + z * slope


@jit_sums
def _bracket_central(z, w, centre, s):
    """Bracket the quantile where neither tail is small; return a start too.

    At the least quantile of a component that is not negligible every
    u_k <= z, at the greatest every u_k >= z.
    """
    lo = 1e300
    hi = -1e300
    x = 0.0
    for k in range(w.shape[0]):
        q = centre[k] + s[k] * z
        lo = min(lo, q if w[k] > 0.0 else lo)
        hi = max(hi, q if w[k] > 0.0 else hi)
        x += w[k] * q
    return lo, hi, x


@jit_inline
def _quantile(z, log_w, w, centre, s, inv_s, terms):
    """Solve _latent(x) = z for x by Halley's method kept in a bracket."""
    central = abs(z) < CENTRAL_Z
    if central:
        lo, hi, x = _bracket_central(z, w, centre, s)
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
            reached, slope, bend = _latent_slope_central(x, w, centre, inv_s)
        else:
            reached, slope, bend = _latent_slope_tail(x, log_w, w, centre, inv_s, terms)
        error = reached - z
        if error > 0.0:
            hi = x
        elif error < 0.0:
            lo = x
        else:
            break
        size = abs(error)
        new = lo
        turn = np.inf
        if slope > 0.0:
            step = error / slope
            turn = step * bend
            # Halley's correction, as long as it stays a correction.
            damping = 1.0 - 0.5 * turn
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
        if size <= LAST_ERROR * (1.0 + abs(z)) and abs(turn) <= LAST_TURN:
            break
    return x


@jit
def mixture_map(X, log_weights, means, scales, lower, back, out, log_det):
    """Map rows to standard normal scores or, where ``back`` is true, scores to rows.

    X : (n, D), float32 or float64
    log_weights, means, scales, lower : see the top of this file
    out : (n, D), log_det : (n,), written in place; out may be X.
    """
    n_columns, n_components = means.shape
    log_scales = np.log(scales)
    inv_scales = 1.0 / scales
    weights = np.exp(log_weights)
    bent = _find_bent(lower)
    log_w = np.empty(n_components)
    w = np.empty(n_components)
    centre = np.empty(n_components)
    terms = np.empty(n_components)
    scores = np.empty((n_components, n_columns))
    for i in range(X.shape[0]):
        log_det[i] = 0.0
        log_w[:] = log_weights
        w[:] = weights
        for j in range(n_columns):
            _conditional_means(means, lower, bent, scores, j, centre)
            inv_s = inv_scales[j]
            if back:
                z = float(X[i, j])
                x = _quantile(z, log_w, w, centre, scales[j], inv_s, terms)
            else:
                x = float(X[i, j])
                z = _latent(x, log_w, w, centre, inv_s, terms)
            _keep_scores(x, centre, inv_s, bent, j, scores)
            log_p = _condition(x, log_w, w, centre, inv_s, log_scales[j])
            change = log_p + 0.5 * z * z
            log_det[i] += -change if back else change
            out[i, j] = x if back else z
