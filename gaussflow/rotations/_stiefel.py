"""Orthonormal rows: how to obtain, complete and improve them."""

import numpy as np


def polar(W):
    """Return the orthonormal rows nearest to W, a (k, d) array of full rank.

    (W W^T)^(-1/2) W, the symmetric orthogonalisation: no row comes first.
    """
    values, vectors = np.linalg.eigh(W @ W.T)
    values = np.maximum(values, values[-1] * 1e-15)
    return (vectors / np.sqrt(values)) @ vectors.T @ W


def complete(W, n_directions, rng):
    """Return ``n_directions`` orthonormal rows that begin with the span of W.

    Rows of W that are dependent to rounding, zero or not finite are replaced
    by random directions, so that degenerate data still gets a rotation. Exact
    to rounding, whatever W is.
    """
    d = W.shape[1]
    rows = np.zeros((0, d))
    finite = W[np.isfinite(W).all(axis=1)].astype(np.float64)
    candidates = np.concatenate([finite, rng.standard_normal((n_directions, d))])
    for candidate in candidates:
        norm = np.linalg.norm(candidate)
        if len(rows) == n_directions:
            break
        if not norm > 0.0:
            continue
        # Twice is enough: the second pass takes off what rounding left.
        row = candidate / norm
        row = row - (row @ rows.T) @ rows
        remainder = np.linalg.norm(row)
        if remainder > 1e-6:
            row /= remainder
            row -= (row @ rows.T) @ rows
            rows = np.vstack([rows, row / np.linalg.norm(row)])
    return rows


def ascend(value_and_gradient, W, n_steps):
    """Climb an objective over orthonormal rows; return the best seen, and its value.

    Riemannian gradient ascent with Barzilai-Borwein steps and the polar retraction
    (Absil, Mahony and Sepulchre 2008, "Optimization Algorithms on Matrix Manifolds",
    sections 3.6 and 4.1). A step that loses value is taken back and shortened, so the
    value never falls.

    ``value_and_gradient`` maps orthonormal rows, first W, to the value and its
    Euclidean gradient; ``n_steps`` evaluations are allowed after the first.
    """

    def tangent(W, gradient):
        product = gradient @ W.T
        return gradient - 0.5 * (product + product.T) @ W

    value, gradient = value_and_gradient(W)
    slope = tangent(W, gradient)
    # The first step turns the directions by about a quarter of a radian.
    steepest = np.sqrt((slope * slope).sum(axis=1).max())
    step = 0.25 / steepest if steepest > 0.0 else 0.0
    for _ in range(n_steps):
        if not step * steepest > 1e-5:
            break
        trial = polar(W + step * slope)
        trial_value, trial_gradient = value_and_gradient(trial)
        if not trial_value > value:
            step *= 0.25
            continue
        trial_slope = tangent(trial, trial_gradient)
        moved, turned = trial - W, trial_slope - slope
        curvature = abs(np.vdot(moved, turned))
        longest = 4.0 * step
        step = np.vdot(moved, moved) / curvature if curvature > 0.0 else longest
        step = min(step, longest)
        W, value, slope = trial, trial_value, trial_slope
        steepest = np.sqrt((slope * slope).sum(axis=1).max())
    return W, value
