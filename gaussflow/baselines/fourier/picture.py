"""A picture as bytes: what is taken for one, and how a net paints it."""

import numpy as np

from gaussflow.baselines.fourier.net import pixel_positions
from gaussflow.baselines.fourier.stream import MAX_PIXELS
from gaussflow.baselines.fourier.training import render

#: Pixels that are evaluated at a time: positions of all are never held.
BLOCK = 2**18


def check_image(image):
    """Return a picture of bytes, grey as (height, width), or say what it is not."""
    image = np.asarray(image)
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[:, :, 0]
    if image.ndim == 3 and image.shape[2] in (2, 4):
        raise ValueError(
            f"image has {image.shape[2]} channels, the last of them transparency. "
            f"Pass image[..., :-1]."
        )
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
        raise ValueError(
            f"image must have shape (height, width) or (height, width, 3), got "
            f"{image.shape}."
        )
    if image.dtype != np.uint8:
        way_out = {
            "u": "Scale 16 bits to 8 with (image >> 8).astype(numpy.uint8).",
            "f": "Turn values in [0, 1] into bytes with "
            "numpy.rint(255 * image).astype(numpy.uint8).",
        }.get(image.dtype.kind, "Convert it to numpy.uint8.")
        raise ValueError(f"image must be of dtype uint8, got {image.dtype}. {way_out}")
    n_pixels = image.shape[0] * image.shape[1]
    if not 2 <= n_pixels <= MAX_PIXELS:
        raise ValueError(
            f"image has {n_pixels} pixels; a picture has at least 2 and at most "
            f"{MAX_PIXELS:,}."
        )
    return image


def pixels(net, weights, positions):
    """Return colours in (0, 255), (n_points, channels)."""
    return 127.5 * (render(net, weights, positions) + 1)


def picture(net, weights, size):
    """Return the picture as bytes, some rows at a time."""
    height, width = size
    image = np.empty((height, width, net.channels), dtype=np.uint8)
    n_rows = max(BLOCK // width, 1)
    for first in range(0, height, n_rows):
        rows = slice(first, first + n_rows)
        colours = pixels(net, weights, pixel_positions(height, width, rows))
        image[rows] = np.rint(colours).reshape(-1, width, net.channels)
    return image if net.channels > 1 else image[:, :, 0]
