"""Noise for the reparameterisation: Gaussian, or from a chaotic map."""

import numpy as np
from scipy.special import ndtri

#: Starts are kept this far from the ends of (0, 1), which are fixed points.
EDGE = 1e-9


def logistic_orbit(n_steps, start):
    """Return orbits of x -> 4 x (1 - x), of n_steps with the start, a row for each.

    Examples
    --------
    >>> from gaussflow.baselines.noise import logistic_orbit
    >>> logistic_orbit(3, [0.25])
    array([[0.25, 0.75, 0.75]])
    """
    x = np.array(start, dtype=np.float64)
    orbit = np.empty((len(x), n_steps))
    for step in range(n_steps):
        orbit[:, step] = x
        x = 4.0 * x * (1.0 - x)
    return orbit


def logistic_map_noise(shape, rng):
    """Return noise of standard normal margins whose rows are logistic orbits.

    The map's invariant law is the arcsine law, F(x) = 2 / pi arcsin(sqrt(x)):
    Phi^-1(F(x)) is standard normal. Neighbours in a row are uncorrelated, yet
    each is a function of the one before it: the noise is not N(0, I). The Generator
    draws the starts, by the invariant law.
    """
    n_rows, n_columns = shape
    start = np.sin(0.5 * np.pi * rng.uniform(EDGE, 1.0 - EDGE, n_rows)) ** 2
    orbit = logistic_orbit(n_columns, start)
    uniform = 2.0 / np.pi * np.arcsin(np.sqrt(orbit))
    return ndtri(np.clip(uniform, EDGE, 1.0 - EDGE))


def lyapunov_exponent(orbit):
    """Return the mean of log |f'(x)| along orbits of the logistic map.

    A positive exponent is chaos: neighbouring orbits part by that factor's
    exponential at each step. For this map it is log 2, in nats a step.
    """
    slope = np.abs(4.0 * (1.0 - 2.0 * np.asarray(orbit)))
    return float(np.mean(np.log(np.maximum(slope, np.finfo(float).tiny))))


#: Makers of noise that is not Gaussian, by name.
NOISES = {"logistic-map": logistic_map_noise}
