"""Rounding a net's weights so that errors make up for one another.

A small change e of the weights changes the pixels by J e, and so the squared error by
|J e|^2 = |R e|^2, where R is the upper Cholesky factor of J^T J. Weights are rounded
from the last to the first; each one's error is handed on to those before it, which
move so as to undo what they can of it (Babai's nearest plane, 1986; Frantar et al.,
2023, "GPTQ", does the same to language models). What is left of an error is its share
R_ii^2, a small part of (J^T J)_ii: at 4.3 bits a weight a photograph that lost 2.9 dB
by plain rounding lost 0.6 in this way.
"""

from itertools import pairwise

import numpy as np
from scipy.linalg import cholesky, solve_triangular

from gaussflow.baselines.fourier.net import BASES, fourier_basis

#: Part of the mean of the diagonal that J^T J is damped by: pixels are linear in
#: the weights only nearby.
_DAMPING = 1e-2
#: Errors are handed on among so many weights at most: R is this wide.
MAX_TOGETHER = 4500
#: Rows of J for each weight of a group, where there are as many pixels.
_ROWS_PER_WEIGHT = 4
_MIN_ROWS = 6000
_CHUNK_VALUES = 2**23


class FeedbackRounding:
    """Rounds the trained weights of one net by what each error does to the pixels.

    Some of the pixels' positions, drawn at random, are enough. ``sensitivity`` is the
    mean over each map of R_ii^2, what is left of an error.
    """

    def __init__(self, net, weights, positions, rng, max_together=MAX_TOGETHER):
        self._groups = _groups(net, max_together)
        self._factors = _factors(net, weights, positions, self._groups, rng)
        self._parts = _parts(net, self._groups)
        share = np.concatenate([np.diag(R).astype(float) ** 2 for R in self._factors])
        self.sensitivity = np.array([part.mean() for part in net.split(share)])

    def round(self, weights, steps, refit=None):
        """Return integers whose multiples of the steps do what the weights do.

        The weights are near those of the start. ``refit(weights, n_free)``, called
        after each map, returns weights of which the first n_free have been trained
        again: the error is not quite linear. At 3.5 bits a weight that was worth 1.1
        dB, at 4 bits 0.4.
        """
        weights = weights.copy()
        symbols = np.empty(len(weights), dtype=np.int64)
        for number, part in self._parts:
            start = self._groups[number].start
            R = self._factors[number]
            inside = slice(part.start - start, part.stop - start)
            before = slice(0, inside.start)
            errors = _round_part(
                weights[part], steps[part], R[inside, inside], symbols[part]
            )
            weights[part] = symbols[part] * steps[part]
            if inside.start > 0:
                moved = R[before, inside] @ errors
                weights[start : part.start] += solve_triangular(
                    R[before, before], moved
                )
            if refit is not None and part.start > 0:
                weights = refit(weights, part.start)
        return symbols


def _round_part(weights, steps, R, symbols):
    """Write symbols, the last first; return the errors that are left."""
    errors = np.zeros(len(weights), dtype=R.dtype)
    for i in range(len(weights) - 1, -1, -1):
        target = weights[i] + (R[i, i + 1 :] @ errors[i + 1 :]) / R[i, i]
        symbols[i] = np.rint(target / steps[i])
        errors[i] = weights[i] - symbols[i] * steps[i]
    return errors


def _parts(net, groups):
    """Return (number of group, slice) of each map's share of a group, last first."""
    starts = np.cumsum([0, *net.map_sizes]).tolist()
    cuts = pairwise(sorted({*starts, *(group.start for group in groups)}))
    parts = [(sum(g.stop <= a for g in groups), slice(a, b)) for a, b in cuts]
    return parts[::-1]


def _groups(net, max_together):
    """Return slices of weights between which errors are handed on.

    All, if they are few; or else as many rows of maps as fit, from the first on.
    """
    ends, at = [0], 0
    for n, functions, terms in net.map_shapes:
        for _ in range(n):
            row = functions * terms
            if at + row - ends[-1] > max_together and at > ends[-1]:
                ends.append(at)
            at += row
    return [slice(a, b) for a, b in pairwise([*ends, at])]


def _factors(net, weights, positions, groups, rng):
    """Return the upper Cholesky factor of each group's damped J^T J."""
    largest = max(group.stop - group.start for group in groups)
    n_rows = max(_ROWS_PER_WEIGHT * largest, _MIN_ROWS)
    n_points = min(len(positions), n_rows // net.channels + 1)
    positions = positions[rng.choice(len(positions), n_points, replace=False)]
    positions, weights = positions.astype(np.float32), weights.astype(np.float32)
    products = [np.zeros((g.stop - g.start,) * 2, dtype=np.float32) for g in groups]
    chunk = max(_CHUNK_VALUES // (net.channels * net.n_weights), 1)
    for first in range(0, n_points, chunk):
        J = jacobian(net, weights, positions[first : first + chunk])
        for group, product in zip(groups, products, strict=True):
            part = np.ascontiguousarray(J[:, group])
            product += part.T @ part
    factors = []
    for product in products:
        product /= n_points
        product.flat[:: len(product) + 1] += _DAMPING * np.trace(product) / len(product)
        factors.append(cholesky(product, overwrite_a=True))
    return factors


def jacobian(net, weights, positions):
    """Return the slopes of pixels in the weights, (n_points * channels, n_weights)."""
    maps, n_points = net.split(weights), len(positions)
    x, bases = positions, []
    for coefficients, residual in zip(maps, net.residuals, strict=True):
        basis = fourier_basis(x)
        bases.append(basis)
        used = _used(net, basis)
        y = used @ coefficients.reshape(len(coefficients), -1).T
        x = x + y if residual else y
    slopes = np.zeros((n_points, net.channels, net.channels), dtype=weights.dtype)
    every = np.arange(net.channels)
    slopes[:, every, every] = 1 - np.tanh(x) ** 2

    J = np.empty((n_points, net.channels, net.n_weights), dtype=weights.dtype)
    parts = net.split(J)
    for layer in range(net.depth, -1, -1):
        coefficients, basis = maps[layer], bases[layer]
        outer = slopes[..., np.newaxis] * _used(net, basis)[:, np.newaxis, np.newaxis]
        parts[layer][...] = outer.reshape(parts[layer].shape)
        if layer == 0:
            break
        inner = np.einsum("pcn,nfk->fpck", slopes, coefficients, optimize=True)
        # The slope in the angle k.x, then in the coordinates.
        cosine, sine = basis[:, 0, np.newaxis], basis[:, 1, np.newaxis]
        angle = cosine * inner[BASES[net.basis] - 1] - sine * inner[0]
        m = net.sizes[layer][0]
        k = (np.arange(2**m)[:, np.newaxis] >> np.arange(m)) & 1
        below = angle @ (2 * np.pi * k).astype(weights.dtype)
        slopes = slopes + below if net.residuals[layer] else below
    return J.reshape(n_points * net.channels, net.n_weights)


def _used(net, basis):
    """Return what a map's coefficients multiply: both bases flat, or their sum."""
    return basis.sum(axis=1) if net.basis == "cas" else basis.reshape(len(basis), -1)
