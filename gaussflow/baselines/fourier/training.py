"""Training of one Fourier net on one picture: Adam, then L-BFGS."""

import numpy as np
from scipy.optimize import minimize

from gaussflow.kernels.fourier import fourier_forward, fourier_squared_error

#: Decays of Adam's two means. With 0.999 for the squares a rare step is many times
#: too long, and the net falls back to a grey picture.
_DECAYS = (0.9, 0.99)
_WARM_UP = 0.02
#: A gradient longer than so many times the usual is cut to that.
_CLIP = 3.0
#: Looks at whether the error still falls. One that has risen by such a factor sends
#: the weights back to where it was least; if after some looks it is no less than so
#: much of the pixels' variance, back to the start: such a net has turned grey, and
#: would stay so. Either way the step is halved.
_LOOKS = 50
_RISE = 1.5
_GREY, _GREY_LOOKS = 0.95, 8
#: L-BFGS sees at most so many pixels, drawn once.
_POLISH_PIXELS = 2**16
_MEMORY = 20


class PixelError:
    """Mean squared error of a net over pixels, with its gradient.

    Positions (n_points, 2) and target (n_points, channels), in [-1, 1], have the dtype
    of the weights.
    """

    def __init__(self, net, positions, target):
        self.net, self.positions, self.target = net, positions, target

    def __call__(self, weights):
        """Return the error and its gradient."""
        grad = np.empty_like(weights)
        total = fourier_squared_error(
            weights, self.positions, *self.net.numbers, self.target, grad
        )
        return total / self.target.size, grad / weights.dtype.type(self.target.size)

    def part(self, rows, dtype):
        """Return the error over some of the pixels, for weights of a dtype."""
        parts = (part[rows].astype(dtype) for part in (self.positions, self.target))
        return PixelError(self.net, *parts)


def render(net, weights, positions):
    """Return a net's pixels in (-1, 1), of shape (n_points, channels)."""
    out = np.empty((1, len(positions), net.channels), dtype=weights.dtype)
    positions = np.ascontiguousarray(positions, dtype=weights.dtype)
    fourier_forward(weights[np.newaxis], positions, *net.numbers, out)
    return out[0]


def usual_learning_rate(net):
    """Return the peak step of Adam that a net of this shape bears.

    A map's output changes by up to the sum of its 2**width terms' changes, and each
    map multiplies up those before it. Measured on a photograph of 128 x 128: the best
    step times 2**width is 0.58 at depth 3, 0.3 at 4, below 0.2 at 6, 0.04 at 10.
    """
    return min(0.3 * (4 / net.depth) ** 2, 0.6) / 2**net.width


def descend(error, weights, *, max_iter, batch_size, learning_rate, rng, verbose=0):
    """Lower a PixelError by Adam on random pixels, in float32, from some weights.

    Each of ``max_iter`` steps sees ``batch_size`` pixels; its length falls from
    ``learning_rate`` as a cosine. Returned are the weights in float64 and the history:
    about 50 dicts of a step and the mean squared error since the one before.
    """
    error = error.part(slice(None), np.float32)
    weights = weights.astype(np.float32)
    mean, square = np.zeros_like(weights), np.zeros_like(weights)
    decay, decay2 = (np.float32(value) for value in _DECAYS)
    n_pixels = len(error.positions)
    usual, history = np.inf, []
    pause, recent = max(max_iter // _LOOKS, 1), []
    start = kept = (weights, mean, square)
    best, looks = np.inf, 0
    grey = _GREY * float(error.target.var(axis=0).mean())
    for step in range(max_iter):
        batch = error
        if batch_size < n_pixels:
            batch = error.part(rng.integers(n_pixels, size=batch_size), np.float32)
        value, grad = batch(weights)
        recent.append(value)
        norm = float(np.linalg.norm(grad))
        if norm > _CLIP * usual:
            grad *= np.float32(_CLIP * usual / norm)
            norm = _CLIP * usual
        usual = norm if usual == np.inf else 0.95 * usual + 0.05 * norm
        mean = decay * mean + (1 - decay) * grad
        square = decay2 * square + (1 - decay2) * grad * grad
        rate = learning_rate * 0.5 * (1 + np.cos(np.pi * step / max_iter))
        rate *= min(1.0, (step + 1) / (_WARM_UP * max_iter + 1))
        rate /= 1 - _DECAYS[0] ** (step + 1)
        root = np.sqrt(square / np.float32(1 - _DECAYS[1] ** (step + 1)))
        weights = weights - np.float32(rate) * mean / (root + np.float32(1e-10))
        if (step + 1) % pause == 0:
            value, recent = float(np.mean(recent)), []
            history.append({"step": step + 1, "mse": value})
            if verbose > 0:
                print(f"step {step + 1:6}  mse {value:.6f}", flush=True)
            looks += 1
            if looks == _GREY_LOOKS and value > grey:
                weights, mean, square = start
                learning_rate *= 0.5
                best, looks = np.inf, 0
            elif value > _RISE * best:
                weights, mean, square = kept
                learning_rate *= 0.5
            elif value < best:
                best, kept = value, (weights, mean, square)
    return weights.astype(np.float64), history


def polish(error, weights, n_iter, rng, free=slice(None)):
    """Return weights whose PixelError ``n_iter`` iterations of L-BFGS have lowered.

    In float64, on pixels that are drawn where there are very many; only the weights in
    the slice ``free`` may change.
    """
    n_pixels = len(error.positions)
    rows = slice(None)
    if n_pixels > _POLISH_PIXELS:
        rows = rng.choice(n_pixels, _POLISH_PIXELS, replace=False)
    part = error.part(rows, np.float64)
    weights = weights.copy()

    def of_free(values):
        weights[free] = values
        value, grad = part(weights)
        return value, grad[free]

    options = {"maxiter": n_iter, "maxcor": _MEMORY, "ftol": 1e-12, "gtol": 1e-12}
    given = {"jac": True, "method": "L-BFGS-B", "options": options}
    weights[free] = minimize(of_free, weights[free], **given).x
    return weights
