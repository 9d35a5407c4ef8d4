"""A network as a list of steps and arrays: torch trains it, numpy runs it."""

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from gaussflow._common.checks import is_integer
from gaussflow.persistence.shapes import Array, Items, Plain
from gaussflow.persistence.state import Persistent, check_that

#: Rows that are run at a time, by the memory that convolutions need.
BLOCK_ROWS = 512


class Network(Persistent):
    """A feed-forward network whose weights are numpy arrays.

    Parameters
    ----------
    steps : list of tuple
        The steps in order, each a name and its numbers:

        - ``("dense", n_in, n_out)``: X W' + b;
        - ``("conv", c_in, c_out, size, stride, padding)`` and ``("deconv", ...)``,
          its transpose, on maps of shape (n, channels, height, width);
        - ``("relu",)``; ``("pool",)``: the maximum of 2 x 2 squares;
          ``("average",)``: the mean of each map;
        - ``("image", height, width, channels)``: rows to maps; ``("rows",)``:
          maps to rows, in the order (row, column, channel);
        - ``("maps", channels, height, width)``: rows to maps and ``("flat",)``
          back, in the order of the weights; ``("crop", height, width)``;
        - ``("labels", n_classes)``: append the one-hot label as columns, or as
          maps; ``("dropout", p)``: nothing outside training.
    weights : list of ndarray
        For each dense, conv and deconv step its weight and its bias.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.baselines.networks.network import Network
    >>> net = Network.draw([("dense", 3, 2), ("relu",)], np.random.default_rng(0))
    >>> net(np.ones((4, 3))).shape
    (4, 2)
    """

    _state = {"steps": Items(Plain()), "weights": Items(Plain())}

    def _check_state(self):
        shapes = []
        for step in self.steps:
            known = type(step) in (tuple, list) and step and step[0] in NUMBERS
            check_that(self, known, "a step is unknown")
            name, *numbers = step
            least = 1 if name in WEIGHT_SHAPES else 0
            sound = len(numbers) == NUMBERS[name] and all(
                is_integer(n, least) or (i == 4 and n == 0) or name == "dropout"
                for i, n in enumerate(numbers)
            )
            check_that(self, sound, f"the numbers of {name} make no sense")
            if name in WEIGHT_SHAPES:
                shape, n_out = WEIGHT_SHAPES[name](*numbers)
                shapes += [shape, (n_out,)]
            if name in ("conv", "deconv"):
                *_, size, stride, padding = numbers
                sound = padding < size and (name == "conv" or stride <= size)
                check_that(self, sound, f"the numbers of {name} make no sense")
        check_that(self, len(shapes) == len(self.weights), "a weight is missing")
        for shape, weight in zip(shapes, self.weights, strict=True):
            fits = Array("f", *shape).accepts(weight) and weight.shape == shape
            check_that(self, fits, "a weight is of another shape, or not finite")

    def __init__(self, steps, weights):
        self.steps = steps
        self.weights = weights

    @classmethod
    def draw(cls, steps, rng):
        """Return a network with random weights, uniform in +-1 / sqrt(fan in)."""
        weights = []
        for step in steps:
            if step[0] in WEIGHT_SHAPES:
                shape, n_out = WEIGHT_SHAPES[step[0]](*step[1:])
                bound = 1.0 / math.sqrt(math.prod(shape[1:]))
                for size in (shape, (n_out,)):
                    weights.append(rng.uniform(-bound, bound, size).astype(np.float32))
        return cls(list(steps), weights)

    def __call__(self, X, labels=None):
        """Return the output for rows X, and one-hot labels where a step needs them.

        It is computed in the rows' precision, float32 or float64.
        """
        weights = [np.asarray(w, dtype=X.dtype) for w in self.weights]
        blocks = [
            self._run(X[i : i + BLOCK_ROWS], labels, i, weights)
            for i in range(0, len(X), BLOCK_ROWS)
        ]
        return np.concatenate(blocks)

    def _run(self, x, labels, start, weights):
        if labels is not None:
            labels = labels[start : start + len(x)].astype(x.dtype, copy=False)
        return run_steps(self.steps, weights, x, RUN, labels=labels)


def run_steps(steps, weights, x, run, **others):
    """Return what steps make of x, by a function for each that ``run`` holds.

    A function takes x, the step's numbers, its weight and bias if it has them, and the
    one of the others that has the step's name, if there is one.
    """
    weights = iter(weights)
    for name, *numbers in steps:
        if name in WEIGHT_SHAPES:
            numbers += next(weights), next(weights)
        elif name in others:
            numbers.append(others[name])
        x = run[name](x, *numbers)
    return x


#: Shape of the weight and length of the bias, from a step's numbers.
WEIGHT_SHAPES = {
    "dense": lambda n_in, n_out: ((n_out, n_in), n_out),
    "conv": lambda i, o, size, *_: ((o, i, size, size), o),
    "deconv": lambda i, o, size, *_: ((i, o, size, size), o),
}


#: How many numbers each step has.
NUMBERS = {"dense": 2, "conv": 5, "deconv": 5, "image": 3, "maps": 3, "crop": 2}
NUMBERS |= {"labels": 1, "dropout": 1}
NUMBERS |= dict.fromkeys(("relu", "pool", "average", "rows", "flat"), 0)


def append_labels(x, n_labels, labels):
    """Append one-hot labels to rows as columns, to maps as constant maps."""
    if x.ndim == 4:
        labels = np.broadcast_to(
            labels[:, :, None, None], (*labels.shape, *x.shape[2:])
        )
    return np.concatenate([x, labels], axis=1)


def _conv(x, n_in, n_out, size, stride, padding, weight, bias):
    x = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    windows = sliding_window_view(x, (size, size), axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride].transpose(0, 2, 3, 1, 4, 5)
    n, height, width = windows.shape[:3]
    out = windows.reshape(n * height * width, -1) @ weight.reshape(n_out, -1).T + bias
    return out.reshape(n, height, width, n_out).transpose(0, 3, 1, 2)


def _deconv(x, n_in, n_out, size, stride, padding, weight, bias):
    n, _, height, width = x.shape
    columns = x.transpose(0, 2, 3, 1).reshape(-1, n_in) @ weight.reshape(n_in, -1)
    columns = columns.reshape(n, height, width, n_out, size, size)
    full = [(side - 1) * stride + size for side in (height, width)]
    out = np.zeros((n, *full, n_out), dtype=x.dtype)
    for i in range(size):
        for j in range(size):
            rows = slice(i, i + stride * height, stride)
            cols = slice(j, j + stride * width, stride)
            out[:, rows, cols] += columns[..., i, j]
    inner = slice(padding, -padding or None)
    return (out[:, inner, inner] + bias).transpose(0, 3, 1, 2)


def _pool(x):
    n, c, height, width = x.shape
    x = x[:, :, : height // 2 * 2, : width // 2 * 2]
    return x.reshape(n, c, height // 2, 2, width // 2, 2).max(axis=(3, 5))


RUN = {
    "dense": lambda x, n_in, n_out, weight, bias: x @ weight.T + bias,
    "conv": _conv,
    "deconv": _deconv,
    "relu": lambda x: np.maximum(x, 0),
    "pool": _pool,
    "average": lambda x: x.mean(axis=(2, 3)),
    "image": lambda x, h, w, c: x.reshape(-1, h, w, c).transpose(0, 3, 1, 2),
    "rows": lambda x: x.transpose(0, 2, 3, 1).reshape(len(x), -1),
    "maps": lambda x, c, h, w: x.reshape(-1, c, h, w),
    "flat": lambda x: x.reshape(len(x), -1),
    "crop": lambda x, h, w: x[:, :, :h, :w],
    "labels": append_labels,
    "dropout": lambda x, p: x,
}
