"""Deep Fourier Machines: what one is, in plain numpy.

A map from R^m to R^n is

    y = sum_k a_k cos(2 pi k.x) + sum_k b_k sin(2 pi k.x) (+ x where m = n),

k over {0, 1}^m. A net of width w and depth d is a map from 2 positions to w, then
d - 1 maps from w to w with the residual, then a map from w to the channels, and tanh
(Asadi, 2022, "Exploring low-dimensional structures in images using deep Fourier
machines"). Pixels are in [-1, 1] inside a net, positions in [0, 1]^2.

The thesis contradicts itself on the number of weights. Its nets for MNIST (352) and
CIFAR-10 (3,672) have one coefficient for each k and output, so that a_k = b_k, the
basis "cas" (cosine and sine); its compressed picture (width 8, depth 6, 22,080) has
two, the basis "full". Both are here. Of a full map's 2^(m + 1) functions of x one is
zero, sin(0): the rank is 2^(m + 1) - 1.
"""

import math
from dataclasses import dataclass

import numpy as np

from gaussflow._common.checks import integers

#: Functions of x for each k: cosine and sine, or their sum.
BASES = {"full": 2, "cas": 1}
INITS = ("scaled", "thesis")
#: Standard deviations of the weights at the start: of the first map, of the others.
_INIT_SD = {"scaled": (0.15, 1e-3), "thesis": (2e-10**0.5, 2e-10**0.5)}
#: Length of each row of the first map at the start: chosen on MNIST, where a third less
#: or half more is worse.
FIRST_MAP = 0.2
#: No net has more weights: in float64 they would be a gigabyte.
MAX_WEIGHTS = 2**27


@dataclass(frozen=True)
class FourierNet:
    """The shape of a net: how its flat vector of weights is to be read.

    A map's coefficients have shape (n, 2, 2**m), axis 1 the cosines and the sines,
    or (n, 1, 2**m) where the basis is "cas"; k stands at sum_i k_i 2**i. A net's
    vector holds its maps in order, each in C order.

    Attributes
    ----------
    width : int
        Outputs of every map but the last.
    depth : int
        Maps with ``width`` outputs: d, of which d - 1 have the residual.
    channels : int
        Outputs of the last map: 1 for grey pixels, 3 for colour.
    basis : {"full", "cas"}
        Cosines and sines with a coefficient each, or with one in common.

    Examples
    --------
    >>> from gaussflow.baselines.fourier.net import FourierNet
    >>> FourierNet(width=4, depth=6, channels=1, basis="cas").n_weights
    352
    """

    width: int
    depth: int
    channels: int = 3
    basis: str = "full"

    @property
    def sizes(self):
        """Inputs and outputs of each map, as pairs."""
        inner = [(self.width, self.width)] * (self.depth - 1)
        return [(2, self.width), *inner, (self.width, self.channels)]

    @property
    def map_shapes(self):
        """Shape of each map's coefficients."""
        return [(n, BASES[self.basis], 2**m) for m, n in self.sizes]

    @property
    def map_sizes(self):
        """Number of each map's coefficients."""
        return [math.prod(shape) for shape in self.map_shapes]

    @property
    def residuals(self):
        """Whether each map adds its input: the inner ones do, the ends never."""
        return [False, *[True] * (self.depth - 1), False]

    @property
    def n_weights(self):
        """Number of coefficients of all maps."""
        return sum(self.map_sizes)

    def split(self, weights):
        """Return the maps' coefficients, as views of a net's vector, or of many."""
        parts = np.split(weights, np.cumsum(self.map_sizes)[:-1], axis=-1)
        shapes = zip(parts, self.map_shapes, strict=True)
        return [part.reshape(part.shape[:-1] + shape) for part, shape in shapes]

    def draw(self, rng, init="scaled"):
        """Return weights to start training from, all normal and of mean 0.

        A first map as large as "scaled" has it makes the inner coordinates different
        functions of the position at once.
        """
        first, others = _INIT_SD[init]
        weights = others * rng.standard_normal(self.n_weights)
        self.split(weights)[0][...] *= first / others
        return weights

    @property
    def numbers(self):
        """Width, depth, channels and bases: what kernels take."""
        return self.width, self.depth, self.channels, BASES[self.basis]

    def checked(self, most=MAX_WEIGHTS):
        """Return the net, or raise ValueError if it has too many weights."""
        if self.n_weights > most:
            gigabytes = 8 * self.n_weights / 2**30
            raise ValueError(
                f"width={self.width} and depth={self.depth} make {self.n_weights:,} "
                f"weights ({gigabytes:,.1f} GiB), more than {most:,}: each map has "
                f"2**width terms for each output. Lower width."
            )
        return self


def first_map(net, rng):
    """Return a first map whose coordinates differ as much as they can.

    Its rows are orthogonal, and constants left out: with independent weights, how far
    five passes come depends on the draw more than on anything else.
    """
    n, functions, terms = net.map_shapes[0]
    n_free = functions * (terms - 1)
    noise = rng.standard_normal((max(n, n_free), min(n, n_free)))
    Q = np.linalg.qr(noise)[0]
    Q = Q.T if n < n_free else Q * np.sqrt(n / n_free)
    coefficients = np.zeros((n, functions, terms))
    coefficients[:, :, 1:] = FIRST_MAP * Q.reshape(n, functions, terms - 1)
    return coefficients


def check_shape(shape):
    """Return the size of a picture, or raise a ValueError that names it."""
    sizes = integers(shape)
    if sizes is None or len(sizes) != 2 or min(sizes) < 1:
        raise ValueError(
            f"shape must be (height, width), both at least 1, got {shape!r}. Channels "
            f"are those of the training images."
        )
    return sizes


def pixel_positions(height, width, some=slice(None)):
    """Return the centres of some rows' pixels, or of all, in the unit square.

    As ((row + 1/2) / height, (column + 1/2) / width), of shape (n_pixels, 2).

    Examples
    --------
    >>> from gaussflow.baselines.fourier.net import pixel_positions
    >>> pixel_positions(1, 2).tolist()
    [[0.5, 0.25], [0.5, 0.75]]
    """
    rows = (np.arange(height)[some] + 0.5) / height
    columns = (np.arange(width) + 0.5) / width
    grid = np.meshgrid(rows, columns, indexing="ij")
    return np.stack(grid, axis=-1).reshape(-1, 2)


def fourier_basis(x):
    """Return cos(2 pi k.x) and sin(2 pi k.x) for every k in {0, 1}^m, of m columns.

    Built by doubling: with each coordinate the terms so far are repeated, turned by
    its angle, so that m pairs of sine and cosine are all that is evaluated. The shape
    is (n_points, 2, 2**m); k stands at sum_i k_i 2**i.
    """
    turn = np.ones((len(x), 1), dtype=np.result_type(x, np.complex64))
    for angle in 2 * np.pi * x.T:
        turn = np.concatenate([turn, turn * np.exp(1j * angle)[:, np.newaxis]], axis=1)
    return np.stack([turn.real, turn.imag], axis=1)
