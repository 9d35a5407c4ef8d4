"""Small pictures of shapes, whose generating factors are known."""

import numpy as np
from sklearn.utils import Bunch

from gaussflow._common.checks import Integer
from gaussflow._common.seeds import as_generator

FACTORS = ("x", "y", "size", "kind")


def make_shapes(
    n_samples=1000,
    kinds=("square", "circle", "triangle"),
    *,
    image_size=28,
    size_range=(3.0, 7.0),
    random_state=None,
):
    """Draw anti-aliased shapes of random kind, place and size.

    The factors are independent and uniform; every shape lies inside its picture.

    Parameters
    ----------
    n_samples : int, default=1000
        Number of pictures.
    kinds : sequence of str, default=("square", "circle", "triangle")
        Shapes to choose from: these, "diamond" and "cross".
    image_size : int, default=28
        Side of the pictures, in pixels.
    size_range : tuple of 2 float, default=(3.0, 7.0)
        Smallest and largest half-width of a shape, in pixels.
    random_state : int, RandomState, Generator or None, default=None
        Same seed, same pictures.

    Returns
    -------
    bunch : sklearn.utils.Bunch
        ``data`` of shape (n_samples, image_size ** 2): pixels in [0, 1], the share of
        each that the shape covers; ``factors`` of shape (n_samples, 4): the centre's
        column x and row y, the half-width and the number of the kind;
        ``factor_names``; ``target``: the kind's number; ``target_names``;
        ``image_shape``; ``DESCR``.

    Examples
    --------
    >>> from gaussflow.datasets import make_shapes
    >>> shapes = make_shapes(5, random_state=0)
    >>> shapes.data.shape, shapes.factor_names
    ((5, 784), ('x', 'y', 'size', 'kind'))
    """
    _check(n_samples, kinds, image_size, size_range)
    rng = as_generator(random_state)
    low, high = map(float, size_range)
    kind = rng.integers(len(kinds), size=n_samples)
    size = rng.uniform(low, high, n_samples)
    # The same range for every size: the factors stay independent.
    x, y = rng.uniform(high, image_size - high, (2, n_samples))
    centres = np.arange(image_size) + 0.5
    data = np.empty((n_samples, image_size, image_size))
    for number, name in enumerate(kinds):
        rows = np.flatnonzero(kind == number)
        dx = centres[np.newaxis, np.newaxis, :] - x[rows, np.newaxis, np.newaxis]
        dy = centres[np.newaxis, :, np.newaxis] - y[rows, np.newaxis, np.newaxis]
        outside = SHAPES[name](dx, dy, size[rows, np.newaxis, np.newaxis])
        data[rows] = np.clip(0.5 - outside, 0.0, 1.0)
    return Bunch(
        data=data.reshape(n_samples, -1),
        factors=np.column_stack([x, y, size, kind]),
        factor_names=FACTORS,
        target=kind,
        target_names=tuple(kinds),
        image_shape=(image_size, image_size, 1),
        DESCR="Anti-aliased shapes of random kind, place and size.",
    )


def _check(n_samples, kinds, image_size, size_range):
    for name, value in (("n_samples", n_samples), ("image_size", image_size)):
        Integer(1).check(name, value)
    if isinstance(kinds, str) or len(kinds) == 0 or not set(kinds) <= set(SHAPES):
        raise ValueError(
            f"kinds must be a sequence of {', '.join(SHAPES)}, got {kinds!r}."
        )
    if len(size_range) != 2 or not 0 < size_range[0] <= size_range[1]:
        raise ValueError(
            f"size_range must be (smallest, largest) half-width, above 0, got "
            f"{size_range!r}."
        )
    if 2 * size_range[1] > image_size:
        raise ValueError(
            f"size_range={size_range!r} does not fit image_size={image_size}: the "
            f"largest half-width is at most {image_size / 2:g}."
        )


# Signed distances, in pixels, of points to the edge: negative inside. They are
# exact near straight edges, which is where pixels are covered in part.


def _square(dx, dy, size):
    return np.maximum(np.abs(dx), np.abs(dy)) - size


def _circle(dx, dy, size):
    return np.hypot(dx, dy) - size


def _triangle(dx, dy, size):
    """Measure to a triangle as high as wide, its tip up (rows grow downwards)."""
    slope = np.hypot(2.0, 1.0)
    sides = (2.0 * np.abs(dx) - (dy + size)) / slope
    return np.maximum(sides, dy - size)


def _diamond(dx, dy, size):
    return (np.abs(dx) + np.abs(dy) - size) / np.sqrt(2.0)


def _cross(dx, dy, size):
    a, b = np.abs(dx), np.abs(dy)
    across = np.maximum(a - size, b - size / 3)
    down = np.maximum(b - size, a - size / 3)
    return np.minimum(across, down)


#: Signed distance by kind: functions of (dx, dy, half-width).
SHAPES = {
    "square": _square,
    "circle": _circle,
    "triangle": _triangle,
    "diamond": _diamond,
    "cross": _cross,
}
