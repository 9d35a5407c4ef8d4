"""One-dimensional densities on a grid of equal bins, from counts alone.

Two estimators, each with an honest score at every smoothing level it tried, so
that choosing a level, or a mixture of levels, costs no pass over the rows:

- a kernel estimate whose variance is corrected, scored by leaving one out, and
  the mixture of several that predicts left-out rows best;
- a penalised likelihood (Silverman 1982; Eilers and Marx 1996): the log of the
  ratio to N(0, 1) is a cubic B-spline whose third differences are penalised,
  so that infinite smoothing gives a normal density, scored by likelihood minus
  effective parameters.
"""

import numpy as np

from gaussflow.kernels._jit import jit

# What a row beyond an abrupt end of a density costs, about, in nats.
_BEYOND = 5.0
_HALF_LOG_2PI = 0.9189385332046727


@jit
def kde_densities(counts, low, width, bandwidths, reflect, density, left_out):
    """Kernel densities of one column at several bandwidths.

    counts : (B,) float64 ; low, width : the grid ; bandwidths : (H,) ;
    reflect : bool, fold the mass that leaves the occupied bins back inside ;
    density : (H, B), written ; left_out : (H, B), written where counts > 0: the
    density that a row of the bin sees with itself left out, on average.

    With free ends the estimate is drawn in toward its mean by
    1 / sqrt(1 + h^2 / var), so that smoothing does not widen the data: that of a
    normal sample stays a normal density of the same variance
    (Silverman, 1986, section 6.4.1).
    """
    n_bins = counts.shape[0]
    first, last = _counted_range(counts)
    total, mean, var = _moments(counts, low, width, first, last)
    drawn = np.empty(n_bins)
    kernel = np.empty(2 * n_bins + 1)
    wide = np.empty(3 * n_bins)
    for h in range(bandwidths.shape[0]):
        shrink = 1.0
        if not reflect:
            shrink = 1.0 / np.sqrt(1.0 + bandwidths[h] ** 2 / var)
        # Rows and kernels are drawn in alike.
        band = bandwidths[h] * shrink
        row, loo = density[h], left_out[h]
        _draw_in(counts, low, width, mean, shrink, drawn)
        reach = _fill_kernel(band, width, n_bins, kernel)
        _convolve(drawn, kernel, reach, wide)
        if reflect:
            _fold(wide, reach, first, last, row)
        else:
            row[:] = wide[reach : reach + n_bins]
        others = max(total - 1.0, 1.0)
        for b in range(first, last + 1):
            if counts[b] > 0:
                move = abs((b + 0.5) * width + low - mean) * (1.0 - shrink)
                own = kernel[reach] * np.exp(-0.5 * (move / band) ** 2)
                if reflect:
                    own = _own_folded(kernel, reach, b - first, last - first + 1)
                loo[b] = max(row[b] - own, 0.0) / others
        if reflect:
            # Without the outermost row its place would lie outside the range.
            loo[first] *= (counts[first] - 1.0) / counts[first]
            loo[last] *= (counts[last] - 1.0) / counts[last]
        for b in range(n_bins):
            row[b] /= total


@jit
def _counted_range(counts):
    """Return the first and the last bin that hold rows."""
    first = 0
    last = counts.shape[0] - 1
    while first < last and counts[first] == 0.0:
        first += 1
    while last > first and counts[last] == 0.0:
        last -= 1
    return first, last


@jit
def _moments(counts, low, width, first, last):
    """Return the number of rows, their mean and their variance."""
    total = 0.0
    mean = 0.0
    for b in range(first, last + 1):
        total += counts[b]
        mean += counts[b] * (low + (b + 0.5) * width)
    mean /= total
    var = width * width / 12.0
    for b in range(first, last + 1):
        var += counts[b] * (low + (b + 0.5) * width - mean) ** 2 / total
    return total, mean, var


@jit
def _draw_in(counts, low, width, mean, shrink, drawn):
    """Move rows toward their mean; each is shared by the two bins next to it."""
    n_bins = counts.shape[0]
    drawn[:] = 0.0
    for b in range(n_bins):
        if counts[b] > 0:
            place = (mean + ((b + 0.5) * width + low - mean) * shrink - low) / width
            place = min(max(place - 0.5, 0.0), n_bins - 1.0)
            j = min(int(place), n_bins - 2)
            part = place - j
            drawn[j] += counts[b] * (1.0 - part)
            drawn[j + 1] += counts[b] * part


@jit
def _fill_kernel(band, width, n_bins, kernel):
    """Write a Gaussian kernel of integral 1; return the bins it reaches to a side."""
    reach = min(int(np.ceil(4.0 * band / width)) + 1, n_bins)
    mass = 0.0
    for r in range(2 * reach + 1):
        kernel[r] = np.exp(-0.5 * ((r - reach) * width / band) ** 2)
        mass += kernel[r]
    for r in range(2 * reach + 1):
        kernel[r] /= mass * width
    return reach


@jit
def _convolve(drawn, kernel, reach, wide):
    """Write rows smoothed by the kernel, from ``reach`` bins before the grid on."""
    n_bins = drawn.shape[0]
    wide[: n_bins + 2 * reach] = 0.0
    for b in range(n_bins):
        if drawn[b] > 0.0:
            weight = drawn[b]
            for r in range(2 * reach + 1):
                wide[b + r] += weight * kernel[r]


@jit
def _fold(wide, reach, first, last, row):
    """Reflect what lies beyond the counted bins back inside, as often as it takes."""
    length = last - first + 1
    row[:] = 0.0
    for b in range(row.shape[0] + 2 * reach):
        fold = (b - reach - first) % (2 * length)
        row[first + min(fold, 2 * length - 1 - fold)] += wide[b]


@jit
def _own_folded(kernel, reach, place, length):
    """Sum what a row adds at its own place, reflections included."""
    own = kernel[reach]
    period = 2 * length
    for distance in range(period, reach + 1, period):
        own += 2.0 * kernel[reach + distance]
    for distance in range(2 * place + 1, reach + 1, period):
        own += kernel[reach + distance]
    for distance in range(period - 2 * place - 1, reach + 1, period):
        own += kernel[reach + distance]
    return own


@jit
def stack_densities(counts, left_out, least, weights):
    """Weigh densities so that their mixture predicts left-out rows best.

    counts : (B,) float64 ; left_out : (J, B), each density of the rows of a bin
    with themselves left out, read where counts > 0 ; least : rows that a density
    must explain, or it is dropped ; weights : (J,), written, of sum 1.
    Returns the mean log of the mixture's left-out density (nats).

    The stacking of Smyth and Wolpert (1999), by EM; a density that explains
    fewer than ``least`` rows goes, as in Figueiredo and Jain (2002, eq. 17). The
    last one stays, so that no row has density zero.
    """
    n_members, n_bins = left_out.shape
    last = n_members - 1
    alive = np.arange(n_members)
    n_alive = n_members
    total = 0.0
    seen = np.empty((n_members, n_bins))
    rows = np.empty(n_bins)
    n_seen = 0
    for b in range(n_bins):
        if counts[b] > 0:
            rows[n_seen] = counts[b]
            seen[:, n_seen] = left_out[:, b]
            total += counts[b]
            n_seen += 1
    weights[:] = 1.0 / n_members
    mixture = np.empty(n_seen)
    explained = np.empty(n_members)
    before = -np.inf
    value = 0.0
    for _ in range(200):
        mixture[:] = 0.0
        for a in range(n_alive):
            j = alive[a]
            for b in range(n_seen):
                mixture[b] += weights[j] * seen[j, b]
        value = 0.0
        for b in range(n_seen):
            value += rows[b] * np.log(max(mixture[b], 1e-300))
            mixture[b] = rows[b] / max(mixture[b], 1e-300)
        if value - before < 0.01:
            break
        before = value
        kept = 0
        sum_kept = 0.0
        for a in range(n_alive):
            j = alive[a]
            explained[j] = 0.0
            for b in range(n_seen):
                explained[j] += weights[j] * seen[j, b] * mixture[b]
            explained[j] = max(explained[j] - (least if j != last else 0.0), 0.0)
            if explained[j] > 0.0 or j == last:
                alive[kept] = j
                sum_kept += explained[j]
                kept += 1
        if kept < n_alive:
            # Without a density the likelihood may fall for a while.
            before = -np.inf
        n_alive = kept
        weights[:] = 0.0
        weights[last] = 1.0
        for a in range(n_alive):
            if sum_kept > 0.0:
                weights[alive[a]] = explained[alive[a]] / sum_kept
    return value / total


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
    reweighted least squares (Eilers and Marx 1996, section 8), in band storage:
    band[d, j] = A[j, j + d].
    """
    n_bins = counts.shape[0]
    n_basis = basis_start[n_bins - 1] + 4
    begin, last = _counted_range(counts) if bounded else (0, n_bins - 1)
    total, offset = 0.0, np.empty(n_bins)
    for b in range(n_bins):
        total += counts[b]
    for b in range(n_bins):
        centre = low + (b + 0.5) * width
        offset[b] = np.log(total * width) - 0.5 * centre * centre - _HALF_LOG_2PI
    penalty = _third_differences(n_basis)
    theta = np.zeros(n_basis)
    mean = np.zeros(n_bins)
    gram, band = np.empty((4, n_basis)), np.empty((4, n_basis))
    right, step = np.empty(n_basis), np.empty(n_basis)
    for level in range(penalties.shape[0]):
        for _ in range(30):
            _fill_means(offset, basis, basis_start, theta, begin, last, mean)
            _normal_equations(
                counts, mean, basis, basis_start, begin, last, gram, right
            )
            _add_penalty(gram, penalty, penalties[level], theta, band, right)
            _factor_band(band)
            _solve_band(band, right, step)
            largest = 0.0
            for j in range(n_basis):
                largest = max(largest, abs(step[j]))
            scale = 1.0 if largest < 2.0 else 2.0 / largest
            for j in range(n_basis):
                theta[j] += scale * step[j]
            if largest < 1e-4:
                break
        _fill_means(offset, basis, basis_start, theta, begin, last, mean)
        mass = 0.0
        for b in range(begin, last + 1):
            mass += mean[b] * width
        # Each end is an extreme of the rows: about one new row in n falls beyond.
        value = -2.0 * _BEYOND if bounded else 0.0
        for b in range(n_bins):
            density[level, b] = mean[b] / mass
            if counts[b] > 0:
                value += counts[b] * np.log(density[level, b])
        score[level] = (value - _effective_parameters(band, gram)) / total


@jit
def _third_differences(n_basis):
    """Return the matrix of the penalty on third differences, as a band."""
    band = np.zeros((4, n_basis))
    difference = np.array([-1.0, 3.0, -3.0, 1.0])
    for j in range(n_basis - 3):
        for p in range(4):
            for q in range(p, 4):
                band[q - p, j + p] += difference[p] * difference[q]
    return band


@jit
def _fill_means(offset, basis, basis_start, theta, begin, last, mean):
    """Write the expected count of each bin from ``begin`` to ``last``."""
    for b in range(begin, last + 1):
        start = basis_start[b]
        eta = offset[b]
        for p in range(4):
            eta += basis[b, p] * theta[start + p]
        mean[b] = np.exp(min(eta, 50.0))


@jit
def _normal_equations(counts, mean, basis, basis_start, begin, last, gram, right):
    """Write the Gram matrix weighted by the means, and the score of the counts."""
    gram[:] = 0.0
    right[:] = 0.0
    for b in range(begin, last + 1):
        start = basis_start[b]
        rest = counts[b] - mean[b]
        for p in range(4):
            right[start + p] += basis[b, p] * rest
            weighted = basis[b, p] * mean[b]
            for q in range(p, 4):
                gram[q - p, start + p] += weighted * basis[b, q]


@jit
def _add_penalty(gram, penalty, lam, theta, band, right):
    """Write Gram matrix plus penalty; take the penalty's slope off ``right``."""
    n_basis = theta.shape[0]
    for j in range(n_basis):
        for d in range(4):
            band[d, j] = gram[d, j] + lam * penalty[d, j]
        # A small ridge keeps empty stretches of the grid at N(0, 1).
        band[0, j] += 1e-3
        right[j] -= 1e-3 * theta[j]
    for j in range(n_basis):
        for d in range(-3, 4):
            i = j + d
            if 0 <= i < n_basis:
                entry = penalty[d, j] if d >= 0 else penalty[-d, i]
                right[j] -= lam * entry * theta[i]


@jit
def _factor_band(band):
    """Factor a band matrix by Cholesky in place: band[d, j] becomes L[j + d, j]."""
    n_basis = band.shape[1]
    for j in range(n_basis):
        pivot = np.sqrt(max(band[0, j], 1e-12))
        band[0, j] = pivot
        for d in range(1, 4):
            band[d, j] /= pivot
        for d in range(1, 4):
            if j + d < n_basis:
                for e in range(d, 4):
                    band[e - d, j + d] -= band[d, j] * band[e, j]


@jit
def _solve_band(band, right, step):
    """Solve L L^T step = right for a factor as a band."""
    n_basis = band.shape[1]
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


@jit
def _effective_parameters(band, gram):
    """Return the trace of (G + lam P)^-1 G, with the factor of G + lam P as a band.

    The inverse's band is enough (Takahashi's recursion, from the last row upward).
    """
    n_basis = band.shape[1]
    inverse = np.empty((4, n_basis))
    effective = 0.0
    for j in range(n_basis - 1, -1, -1):
        for d in range(3, -1, -1):
            value = 1.0 / band[0, j] if d == 0 else 0.0
            for e in range(1, 4):
                if j + max(d, e) < n_basis:
                    value -= band[e, j] * inverse[abs(d - e), j + min(d, e)]
            inverse[d, j] = value / band[0, j]
            if j + d < n_basis:
                effective += (1.0 if d == 0 else 2.0) * gram[d, j] * inverse[d, j]
    return effective
