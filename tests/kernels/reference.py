"""The kernels' mathematics, written to be obviously right."""

import numpy as np
from scipy.interpolate import BPoly


def spline(y, x, z, slope, tail):
    """Map one value by Durkan et al. (2019), eq. 4 and 5; return it and its slope."""
    if y <= x[0]:
        return z[0] + tail[0] * (y - x[0]), tail[0]
    if y >= x[-1]:
        return z[-1] + tail[1] * (y - x[-1]), tail[1]
    k = np.searchsorted(x, y, side="right") - 1
    width, height = x[k + 1] - x[k], z[k + 1] - z[k]
    s, d0, d1 = height / width, slope[k], slope[k + 1]
    t = (y - x[k]) / width
    below = s + (d1 + d0 - 2 * s) * t * (1 - t)
    value = z[k] + height * (s * t**2 + d0 * t * (1 - t)) / below
    rise = s**2 * (d1 * t**2 + 2 * s * t * (1 - t) + d0 * (1 - t) ** 2) / below**2
    return value, rise


def bernstein(y, coef, support, tail):
    """Map values of one column by scipy's Bernstein form; return slopes too."""
    poly = BPoly(coef[:, None], support)
    value, slope = poly(y), poly.derivative()(y)
    below, above = y <= support[0], y >= support[1]
    value[below] = coef[0] + tail[0] * (y[below] - support[0])
    value[above] = coef[-1] + tail[1] * (y[above] - support[1])
    slope[below], slope[above] = tail[0], tail[1]
    return value, slope


def fold_counts(Y, folds, low, inv_width, n_folds, n_bins):
    """Count each column's values by fold; what lies outside goes to the ends."""
    counts = np.zeros((n_folds, Y.shape[1], n_bins), dtype=np.int64)
    for row, fold in zip(Y, folds, strict=True):
        for k, value in enumerate(row):
            b = np.floor((value - low[k]) * inv_width[k])
            counts[fold, k, int(np.clip(b, 0, n_bins - 1))] += 1
    return counts


def kernel_matrix(places, centres, bandwidth, width, ends=None):
    """Density at every place of a row at every centre, as a sum over images."""
    distance = places[:, None] - centres[None]
    if ends is None:
        matrix = np.exp(-0.5 * (distance / bandwidth) ** 2)
    else:
        matrix = np.zeros_like(distance)
        for image in range(-3, 4):
            shift = 2 * image * (ends[1] - ends[0])
            mirrored = places[:, None] - (2 * ends[0] - centres[None])
            for d in (distance - shift, mirrored - shift):
                matrix += np.exp(-0.5 * (d / bandwidth) ** 2)
        matrix[(places < ends[0]) | (places > ends[1])] = 0.0
    total = np.sum(np.exp(-0.5 * (np.arange(-9999, 10000) * width / bandwidth) ** 2))
    return matrix / (total * width)


def penalized(counts, low, width, basis, start, penalty):
    """Fit by Newton's method with full matrices; return density and score."""
    n_bins, n_basis = len(counts), start[-1] + 4
    B = np.zeros((n_bins, n_basis))
    for b in range(n_bins):
        B[b, start[b] : start[b] + 4] = basis[b]
    D = np.diff(np.eye(n_basis), n=3, axis=0)
    P = penalty * D.T @ D + 1e-3 * np.eye(n_basis)
    centres = low + (np.arange(n_bins) + 0.5) * width
    normal = np.exp(-0.5 * centres**2) / np.sqrt(2 * np.pi)
    theta = np.zeros(n_basis)
    for _ in range(200):
        mu = counts.sum() * width * normal * np.exp(B @ theta)
        G = B.T @ (mu[:, None] * B)
        step = np.linalg.solve(G + P, B.T @ (counts - mu) - P @ theta)
        theta += step * min(1.0, 2.0 / np.abs(step).max())
        if np.abs(step).max() < 1e-10:
            break
    mu = normal * np.exp(B @ theta)
    density = mu / (mu.sum() * width)
    effective = np.trace(np.linalg.solve(G + P, G))
    return density, (counts @ np.log(density) - effective) / counts.sum()


def patches(X, image_shape, patch_size, stride, shift):
    """Patches of images that are closed to a torus, by loops over pixels."""
    images = X.reshape(len(X), *image_shape)
    height, width, _ = image_shape
    found = []
    for image in images:
        for top in range(0, height - patch_size[0] + 1, stride[0]):
            for left in range(0, width - patch_size[1] + 1, stride[1]):
                patch = [
                    image[(shift[0] + top + r) % height, (shift[1] + left + c) % width]
                    for r in range(patch_size[0])
                    for c in range(patch_size[1])
                ]
                found.append(np.ravel(patch))
    return np.array(found)
