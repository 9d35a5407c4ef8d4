"""One-dimensional densities on a grid of equal bins, from counts alone.

Two estimators, each with the honest score of every smoothing level it tried,
so that choosing a level costs no pass over the rows:

- a kernel estimate whose variance is corrected, scored by leaving one out;
- a penalised likelihood (Silverman 1982; Eilers and Marx 1996): the log of the
  ratio to N(0, 1) is a cubic B-spline whose third differences are penalised,
  so that infinite smoothing gives a normal density, scored by likelihood minus
  effective parameters.
"""

import numpy as np

from gaussflow.kernels._jit import jit

# What a row beyond an abrupt end of a density costs, about, in nats.
_BEYOND = 5.0


@jit
def kde_densities(counts, low, width, bandwidths, reflect, density, score):
    """Kernel densities of one column at several bandwidths.

    counts : (B,) float64 ; low, width : the grid ; bandwidths : (H,) ;
    reflect : bool, fold the mass that leaves the occupied bins back inside ;
    density : (H, B), written ; score : (H,), written: the mean log-density of
    the counted rows, each left out of its own estimate (nats).

    The rows are drawn in toward their mean by 1 / sqrt(1 + h^2 / var), so that
    smoothing does not widen the data: the estimate of a normal sample stays a
    normal density of the same variance.
    """
    n_bins = counts.shape[0]
    total = 0.0
    mean = 0.0
    for b in range(n_bins):
        total += counts[b]
        mean += counts[b] * (low + (b + 0.5) * width)
    mean /= total
    var = width * width / 12.0
    first = n_bins
    last = 0
    for b in range(n_bins):
        if counts[b] > 0:
            centre = low + (b + 0.5) * width
            var += counts[b] * (centre - mean) ** 2 / total
            first = min(first, b)
            last = max(last, b)
    drawn = np.empty(n_bins)
    kernel = np.empty(n_bins)
    for h in range(bandwidths.shape[0]):
        band = bandwidths[h]
        shrink = 1.0 if reflect else 1.0 / np.sqrt(1.0 + band * band / var)
        drawn[:] = 0.0
        for b in range(n_bins):
            if counts[b] > 0:
                place = (mean + ((b + 0.5) * width + low - mean) * shrink - low) / width
                place = min(max(place - 0.5, 0.0), n_bins - 1.0)
                j = min(int(place), n_bins - 2)
                part = place - j
                drawn[j] += counts[b] * (1.0 - part)
                drawn[j + 1] += counts[b] * part
        reach = min(int(np.ceil(4.5 * band / width)) + 1, n_bins - 1)
        mass = 0.0
        for r in range(reach + 1):
            kernel[r] = np.exp(-0.5 * (r * width / band) ** 2)
            mass += kernel[r] if r == 0 else 2.0 * kernel[r]
        for r in range(reach + 1):
            kernel[r] /= mass * width
        row = density[h]
        row[:] = 0.0
        for b in range(n_bins):
            if drawn[b] > 0.0:
                for r in range(-reach, reach + 1):
                    to = b + r
                    if reflect:
                        if to < first:
                            to = 2 * first - 1 - to
                        if to > last:
                            to = 2 * last + 1 - to
                        if to < first or to > last:
                            continue
                    elif to < 0 or to >= n_bins:
                        continue
                    row[to] += drawn[b] * kernel[abs(r)]
        value = -2.0 * _BEYOND if reflect else 0.0
        for b in range(n_bins):
            if counts[b] > 0:
                move = abs((b + 0.5) * width + low - mean) * (1.0 - shrink)
                own = kernel[0] * np.exp(-0.5 * (move / band) ** 2)
                left = max((row[b] - own) / max(total - 1.0, 1.0), 1e-12)
                value += counts[b] * np.log(left)
            row[b] /= total
        score[h] = value / total


@jit
def penalized_densities(
    counts, low, width, basis, basis_start, penalties, bounded, density, score
):
    """Penalised-likelihood densities of one column at several penalties.

    counts : (B,) float64 ; low, width : the grid ; basis : (B, 4) cubic
    B-splines at the bin centres, of which basis_start (B,) is the first ;
    penalties : (P,) decreasing ; bounded : bool, let the density end at the
    outermost counted bins ; density : (P, B), written ; score : (P,),
    written: mean log-likelihood minus effective parameters a row (nats).

    Poisson regression of the counts with offset log N(0, 1) by iteratively
    reweighted least squares (Eilers and Marx 1996, section 8), in band storage.
    """
    n_bins = counts.shape[0]
    n_basis = basis_start[n_bins - 1] + 4
    total = 0.0
    for b in range(n_bins):
        total += counts[b]
    begin = 0
    end = n_bins
    if bounded:
        while begin < n_bins - 1 and counts[begin] == 0.0:
            begin += 1
        while end > begin + 1 and counts[end - 1] == 0.0:
            end -= 1
    offset = np.empty(n_bins)
    for b in range(n_bins):
        centre = low + (b + 0.5) * width
        offset[b] = np.log(total * width) - 0.5 * centre * centre - 0.9189385332046727
    # Third-difference penalty in upper band storage: band[d, j] = A[j, j + d].
    penalty_band = np.zeros((4, n_basis))
    difference = np.array([-1.0, 3.0, -3.0, 1.0])
    for j in range(n_basis - 3):
        for p in range(4):
            for q in range(p, 4):
                penalty_band[q - p, j + p] += difference[p] * difference[q]
    theta = np.zeros(n_basis)
    fitted = np.empty(n_bins)
    gram = np.empty((4, n_basis))
    band = np.empty((4, n_basis))
    right = np.empty(n_basis)
    step = np.empty(n_basis)
    for level in range(penalties.shape[0]):
        lam = penalties[level]
        for _ in range(30):
            gram[:] = 0.0
            right[:] = 0.0
            for b in range(begin, end):
                start = basis_start[b]
                eta = offset[b]
                for p in range(4):
                    eta += basis[b, p] * theta[start + p]
                mu = np.exp(min(eta, 50.0))
                fitted[b] = mu
                rest = counts[b] - mu
                for p in range(4):
                    right[start + p] += basis[b, p] * rest
                    weighted = basis[b, p] * mu
                    for q in range(p, 4):
                        gram[q - p, start + p] += weighted * basis[b, q]
            for j in range(n_basis):
                for d in range(4):
                    band[d, j] = gram[d, j] + lam * penalty_band[d, j]
                # A small ridge keeps empty stretches of the grid at N(0, 1).
                band[0, j] += 1e-3
                right[j] -= 1e-3 * theta[j]
            for j in range(n_basis):
                for d in range(-3, 4):
                    i = j + d
                    if 0 <= i < n_basis:
                        entry = penalty_band[d, j] if d >= 0 else penalty_band[-d, i]
                        right[j] -= lam * entry * theta[i]
            # Cholesky factor in place: band[d, j] becomes L[j + d, j].
            for j in range(n_basis):
                pivot = np.sqrt(max(band[0, j], 1e-12))
                band[0, j] = pivot
                for d in range(1, 4):
                    band[d, j] /= pivot
                for d in range(1, 4):
                    if j + d < n_basis:
                        for e in range(d, 4):
                            band[e - d, j + d] -= band[d, j] * band[e, j]
            for j in range(n_basis):
                value = right[j]
                for d in range(1, 4):
                    if j - d >= 0:
                        value -= band[d, j - d] * step[j - d]
                step[j] = value / band[0, j]
            for j in range(n_basis - 1, -1, -1):
                value = step[j]
                for d in range(1, 4):
                    if j + d < n_basis:
                        value -= band[d, j] * step[j + d]
                step[j] = value / band[0, j]
            largest = 0.0
            for j in range(n_basis):
                largest = max(largest, abs(step[j]))
            scale = 1.0 if largest < 2.0 else 2.0 / largest
            for j in range(n_basis):
                theta[j] += scale * step[j]
            if largest < 1e-4:
                break
        # Effective parameters: trace of (G + lam P)^-1 G, by solving for the
        # columns of G one at a time with the factor of the last iteration.
        effective = 0.0
        for c in range(n_basis):
            for j in range(n_basis):
                d = j - c
                if d < -3 or d > 3:
                    right[j] = 0.0
                elif d >= 0:
                    right[j] = gram[d, c]
                else:
                    right[j] = gram[-d, j]
            for j in range(n_basis):
                value = right[j]
                for d in range(1, 4):
                    if j - d >= 0:
                        value -= band[d, j - d] * step[j - d]
                step[j] = value / band[0, j]
            for j in range(n_basis - 1, c - 1, -1):
                value = step[j]
                for d in range(1, 4):
                    if j + d < n_basis:
                        value -= band[d, j] * step[j + d]
                step[j] = value / band[0, j]
            effective += step[c]
        mass = 0.0
        fitted[:] = 0.0
        for b in range(begin, end):
            start = basis_start[b]
            eta = offset[b]
            for p in range(4):
                eta += basis[b, p] * theta[start + p]
            fitted[b] = np.exp(min(eta, 50.0))
            mass += fitted[b] * width
        # Each end is an extreme of the rows: about one new row in n falls beyond.
        value = -2.0 * _BEYOND if bounded else 0.0
        for b in range(n_bins):
            density[level, b] = fitted[b] / mass
            if counts[b] > 0:
                value += counts[b] * np.log(density[level, b])
        score[level] = (value - effective) / total
