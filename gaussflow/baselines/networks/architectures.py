"""The architectures of the baselines, as lists of steps of a Network."""

from gaussflow._common.checks import check_sizes


def dense_steps(sizes, *, last_activation=False):
    """Return dense steps of the given sizes with ReLU between them."""
    steps = []
    for n_in, n_out in zip(sizes[:-1], sizes[1:], strict=True):
        steps += [("dense", n_in, n_out), ("relu",)]
    return steps if last_activation else steps[:-1]


def pooled_steps(image_shape, channels):
    """Return 3 x 3 convolutions with 2 x 2 pooling, ending in flat rows."""
    steps, n_in = [("image", *image_shape)], image_shape[2]
    for n_out in check_sizes("channels", channels):
        steps += [("conv", n_in, n_out, 3, 1, 1), ("relu",), ("pool",)]
        n_in = n_out
    return [*steps, ("flat",)]


def flat_width(image_shape, channels):
    """Return the width of the rows that ``pooled_steps`` ends in."""
    height, width = (side // 2 ** len(channels) for side in image_shape[:2])
    if min(height, width) < 1:
        raise ValueError(
            f"channels={channels!r} halves the images {len(channels)} times, which "
            f"image_shape={tuple(image_shape)} does not allow. Use fewer channels."
        )
    return height * width * (channels[-1] if channels else image_shape[2])


def dense_encoder(n_in, hidden_sizes, n_out, n_labels=0):
    """Return the steps from rows, and labels beside them, to ``n_out`` numbers."""
    labels = [("labels", n_labels)] if n_labels else []
    return labels + dense_steps((n_in + n_labels, *hidden_sizes, n_out))


def dense_decoder(n_latent, hidden_sizes, n_out, n_labels=0, n_last=0):
    """Return the steps back, through the hidden sizes in reverse.

    Labels stand beside the code (``n_labels``) and in the last hidden layer
    (``n_last``), where these are not 0.
    """
    steps = dense_encoder(n_latent, hidden_sizes[::-1], n_out, n_labels)
    if n_last:
        _, n_in, _ = steps[-1]
        steps[-1:] = [("labels", n_last), ("dense", n_in + n_last, n_out)]
    return steps


def conv_encoder(image_shape, channels, n_out, n_labels=0):
    """Return convolutions of stride 2 from images to ``n_out`` numbers.

    Labels are more input channels: constant maps.
    """
    steps, n_in = [("image", *image_shape)], image_shape[2] + n_labels
    if n_labels:
        steps.append(("labels", n_labels))
    for n in channels:
        steps += [("conv", n_in, n, 3, 2, 1), ("relu",)]
        n_in = n
    height, width = code_size(image_shape, channels)
    return [*steps, ("flat",), ("dense", n_in * height * width, n_out)]


def conv_decoder(n_latent, image_shape, channels, n_labels=0, n_last=0):
    """Return transposed convolutions of stride 2 from codes to images, cropped.

    Labels stand beside the code (``n_labels``) and as constant maps before the
    last convolution (``n_last``), where these are not 0.
    """
    height, width = code_size(image_shape, channels)
    n_in = channels[-1]
    steps = [("labels", n_labels)] if n_labels else []
    steps += [("dense", n_latent + n_labels, n_in * height * width), ("relu",)]
    steps.append(("maps", n_in, height, width))
    for n in channels[-2::-1]:
        steps += [("deconv", n_in, n, 4, 2, 1), ("relu",)]
        n_in = n
    if n_last:
        steps.append(("labels", n_last))
    steps.append(("deconv", n_in + n_last, image_shape[2], 4, 2, 1))
    return [*steps, ("crop", *image_shape[:2]), ("rows",)]


def code_size(image_shape, channels):
    """Return the size of the maps after a convolution of stride 2 per channel."""
    height, width = image_shape[:2]
    for _ in channels:
        height, width = -(-height // 2), -(-width // 2)
    return height, width
