"""Deep Fourier Machines as a generator: a code makes the net that paints the image."""

import math

import numpy as np

from gaussflow._common.checks import (
    Choice,
    Integer,
    Number,
    check_sizes,
    is_integer,
    keep_params,
)
from gaussflow.baselines.autoencoders.priors import MAX_ROWS
from gaussflow.baselines.autoencoders.reconstruction import ReconstructionModel
from gaussflow.baselines.fourier.codes import (
    affine_map,
    decode,
    find_codes,
    first_codes,
    principal_codes,
)
from gaussflow.baselines.fourier.net import (
    BASES,
    INITS,
    MAX_WEIGHTS,
    FourierNet,
    check_shape,
    first_map,
    pixel_positions,
)
from gaussflow.baselines.networks.architectures import dense_steps
from gaussflow.baselines.networks.training import standardised
from gaussflow.persistence.shapes import Array, Plain, Text
from gaussflow.persistence.state import check_that

MODES = ("encoder", "autodecoder")
#: The decoder's last layer starts this much smaller than others: what all images have
#: in common, its bias, then comes before what they differ in.
LAST_LAYER = {"scaled": 0.1, "thesis": 1e-5}
#: Share of the pixels that a step looks at, and how many it does at least.
PIXEL_SHARE, MIN_PIXELS = 0.5, 256
#: Steps to a row's code without an encoder.
SEARCH_STEPS = 100

#: The nets of the thesis. Of that for CIFAR-10 only the Fourier net is known.
PRESETS = {
    "mnist": {"width": 4, "depth": 6, "basis": "cas", "image_shape": (28, 28, 1)},
    "cifar10": {"width": 6, "depth": 10, "basis": "cas", "image_shape": (32, 32, 3)},
}


class FourierGenerator(ReconstructionModel):
    """Autoencoder whose decoder makes a Deep Fourier Machine for each image.

    A code goes through dense layers to the weights of a small net, which maps a
    position in the unit square to a pixel. An image therefore has no resolution of
    its own: ``inverse_transform(Z, shape)`` paints it at any. The loss is half the
    squared error, summed over pixels that are scaled to [-1, 1], plus
    ``latent_penalty`` times the squared length of the code; the mean over the batch.

    Parameters
    ----------
    width : int, default=4
        Coordinates between the maps of a net.
    depth : int, default=6
        Maps to ``width`` coordinates; one more goes to the pixel.
    mode : {"encoder", "autodecoder"}, default="encoder"
        Where codes come from: a network, or a search for each row's own code, by
        gradient steps along with the decoder in ``fit`` and with the fitted decoder
        in ``transform``.
    encoder : tuple of int, default=(512, 256)
        Hidden layers from rows to codes.
    decoder : tuple of int, default=(170, 220)
        Hidden layers from codes to the weights of a net.
    basis : {"full", "cas"}, default="full"
        Cosines and sines with a coefficient each, or with one in common: half the
        weights.
    init : {"scaled", "thesis"}, default="scaled"
        What nets start as: "scaled" has a first map that tells positions apart,
        "thesis" weights of variance 2e-10, which train slowly.
    latent_penalty : float, default=1e-2
        Weight of the codes' squared length.
    n_search : int or "auto", default="auto"
        Steps of L-BFGS that ``transform`` goes towards each row's best code, from
        the encoder's or a linear guess: about a millisecond each. "auto" goes none
        with an encoder and 100 without. Ten halve the error on MNIST.
    n_pixels : int or "auto", default="auto"
        Pixels of each image that a step looks at, drawn anew in each; "auto" takes
        half, or 256 where that is more.
    image_shape : tuple (height, width, channels) or None, default=None
        Shape of the images whose pixels are the columns of X; None takes rows as
        grey squares or, where the number of columns is no square, as single lines.
    learning_rate : float, default=2e-3
        Largest step of Adam: it falls to 0 along a cosine.
    batch_size : int or "auto"
        Rows of a gradient step; "auto" takes 64, or all where there are fewer.

    Attributes
    ----------
    encoder_, decoder_ : Network
        Steps and weights, as numpy arrays; the encoder has no steps in mode
        "autodecoder".
    n_weights_ : int
        Weights of a net: what the decoder returns.
    start_ : ndarray of shape (n_features_in_ + 1, latent_dim) or None
        The affine map from rows to where the search for their codes starts.
    offset_, scale_ : ndarray
        Middle and half-width of the training pixels' range, which is [-1, 1] inside.

    See Also
    --------
    AutoencoderTransformer : Decodes to all pixels at once.

    References
    ----------
    H. Asadi (2022), "Exploring low-dimensional structures in images using deep
    Fourier machines".

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from gaussflow.baselines import FourierGenerator
    >>> X = load_digits().data / 16
    >>> model = FourierGenerator(3, 4, latent_dim=8, n_epochs=3, random_state=0)
    >>> Z = model.fit(X).transform(X)
    >>> Z.shape
    (1797, 8)
    >>> model.inverse_transform(Z[:5], shape=(16, 16)).shape
    (5, 256)
    """

    _auto_batch = 64
    _trained_codes = None

    _rules = ReconstructionModel._rules | {
        "width": Integer(1, 24),
        "depth": Integer(1),
        "mode": Choice(MODES),
        "basis": Choice(tuple(BASES)),
        "init": Choice(INITS),
        "latent_penalty": Number("[0, inf)"),
        "n_search": Integer(0, None, "auto"),
        "n_pixels": Integer(1, None, "auto"),
    }

    _state = {
        "n_weights_": Integer(1),
        "start_": Array("f", None, None, others=(None,)),
        "_net": Plain(),
        "_mode": Text(),
    }

    def _check_state(self):
        super()._check_state()
        if "_net" in vars(self):
            *numbers, basis = self._net
            fits = len(numbers) == 3 and all(is_integer(n, 1, 255) for n in numbers)
            fits = fits and basis in BASES
            fits = fits and FourierNet(*self._net).n_weights == self.n_weights_
            fits = fits and self.decoder_.weights[-1].shape == (self.n_weights_,)
            check_that(self, fits, "its decoder gives weights of another net")

    def __init__(
        self,
        width=4,
        depth=6,
        latent_dim=55,
        *,
        mode="encoder",
        encoder=(512, 256),
        decoder=(170, 220),
        basis="full",
        init="scaled",
        latent_penalty=1e-2,
        n_search="auto",
        n_pixels="auto",
        image_shape=None,
        prior="gmm",
        n_components=30,
        n_epochs=20,
        batch_size="auto",
        learning_rate=2e-3,
        early_stopping=False,
        validation_fraction=0.1,
        patience=5,
        warm_start=False,
        device="auto",
        random_state=None,
        verbose=0,
    ):
        keep_params(locals())

    @classmethod
    def preset(cls, name, **params):
        """Return a generator, not fitted, with a net of the thesis.

        Its dense layers are those for MNIST by default, which are all that is known.

        Parameters
        ----------
        name : {"mnist", "cifar10"}
            Width 4 and depth 6, 352 weights, or width 6 and depth 10, 3,672.
        **params
            Parameters of the class; they override the preset's.

        Returns
        -------
        generator : FourierGenerator

        Examples
        --------
        >>> from gaussflow.baselines import FourierGenerator
        >>> FourierGenerator.preset("mnist", random_state=0).basis
        'cas'
        """
        Choice(tuple(PRESETS)).check("name", name)
        return cls(**PRESETS[name] | params)

    # -- codes and rows -------------------------------------------------------

    def inverse_transform(self, Z, shape=None):
        """Return the image of each code, at any resolution.

        Returns
        -------
        X : ndarray of shape (n_samples, height * width * channels)
        """
        return self._decode(self._validate_codes(Z), shape=shape)

    def reconstruct(self, X, shape=None):
        """Return each row's image as its code's net paints it, at any resolution.

        Returns
        -------
        X_hat : ndarray of shape (n_samples, height * width * channels)
        """
        return self.inverse_transform(self.transform(X), shape)

    # -- checks ---------------------------------------------------------------

    def _check_params(self, n_features):
        super()._check_params(n_features)
        if self.mode == "autodecoder" and self.early_stopping:
            raise ValueError(
                'early_stopping=True needs codes of rows held out, which mode="auto'
                'decoder" has not while it trains. Use early_stopping=False or mode='
                '"encoder".'
            )

    def _check_networks(self):
        check_sizes("encoder", self.encoder)
        hidden = check_sizes("decoder", self.decoder)
        net = FourierNet(self.width, self.depth, 1, self.basis).checked()
        n_last = net.n_weights * (hidden[-1] if hidden else self.latent_dim)
        if n_last > MAX_WEIGHTS:
            raise ValueError(
                f"width={self.width} and depth={self.depth} make nets of "
                f"{net.n_weights:,} weights, and the decoder's last layer "
                f"{n_last:,}: more than {MAX_WEIGHTS:,}. Lower width or the last "
                f"size in decoder."
            )

    # -- fitting --------------------------------------------------------------

    @property
    def _likelihood(self):
        return "mse"

    def _training_options(self, n_rows):
        return super()._training_options(n_rows) | {"schedule": "cosine"}

    def _shape_of_images(self, n_features):
        if self.image_shape is not None:
            return (*self.image_shape,)
        side = math.isqrt(n_features)
        return (side, side, 1) if side**2 == n_features else (1, n_features, 1)

    def _units(self, X):
        low, high = float(X.min()), float(X.max())
        half = 0.5 * high - 0.5 * low
        return np.array([low + half]), np.array([half if half > 0 else 1.0])

    def _steps(self, n_features, n_labels):
        encoder = []
        if self.mode == "encoder":
            encoder = dense_steps((n_features, *self.encoder, self.latent_dim))
        net = FourierNet(*self._net_of(n_features))
        return encoder, dense_steps((self.latent_dim, *self.decoder, net.n_weights))

    def _net_of(self, n_features):
        """Return what the nets are as numbers, which can be saved."""
        channels = self._shape_of_images(n_features)[2]
        return (int(self.width), int(self.depth), int(channels), self.basis)

    def _start(self, X, onehot, rng):
        net = self._net_of(X.shape[1])
        if self._goes_on and (net, self.mode) != (self._net, self._mode):
            raise ValueError(
                f"warm_start=True keeps networks of mode={self._mode!r} for nets of "
                f"(width, depth, channels, basis) = {self._net}, but the parameters "
                f"now say {self.mode!r} and {net}. Set warm_start=False to train anew."
            )
        start = super()._start(X, onehot, rng)
        if not self._goes_on:
            weight, bias = start["decoder"].weights[-2:]
            weight *= LAST_LAYER[self.init]
            net = FourierNet(*net)
            bias[:] = net.draw(rng, self.init)
            if self.init == "scaled":
                net.split(bias)[0][...] = first_map(net, rng)
        if self.mode == "autodecoder":
            inputs = standardised(X, start["offset"], start["scale"])
            start["inputs"] = inputs
            if self._goes_on:
                codes = first_codes(inputs, self.start_).astype(np.float32)
            else:
                codes = principal_codes(inputs, self.latent_dim, rng)
            start["codes"] = codes
        return start

    def _arrays(self, X, onehot, model):
        arrays = super()._arrays(X, onehot, model)
        return arrays if self.mode == "encoder" else [*arrays, np.arange(len(X))]

    def _objective(self):
        shape = self._shape_of_images(self.n_features_in_)
        n_pixels = shape[0] * shape[1]
        if self.n_pixels == "auto":
            wanted = max(MIN_PIXELS, math.ceil(PIXEL_SHARE * n_pixels))
        else:
            wanted = self.n_pixels
        return "fourier", {
            "net": self._net_of(self.n_features_in_),
            "positions": pixel_positions(*shape[:2]).astype(np.float32),
            "n_pixels": min(wanted, n_pixels),
            "latent_penalty": float(self.latent_penalty),
        }

    def _finish(self, model, trained, history):
        super()._finish(model, trained, history)
        self._net, self._mode = self._net_of(self.n_features_in_), self.mode
        self.n_weights_ = FourierNet(*self._net).n_weights
        self.start_ = None
        if "codes" in trained:
            # Until the prior is fitted: the rows' codes are not the model's to keep.
            self._trained_codes = trained["codes"]
            self.start_ = affine_map(model["inputs"], trained["codes"])

    def _fit_prior(self, X, onehot, rng):
        super()._fit_prior(X, onehot, rng)
        vars(self).pop("_trained_codes", None)

    def _draw_codes(self, X, onehot, rng):
        if self._trained_codes is not None:
            return self._trained_codes
        if self._n_steps() and len(X) > MAX_ROWS:
            X = X[np.sort(rng.choice(len(X), MAX_ROWS, replace=False))]
        return self._encode(X)

    # -- codes and pixels -----------------------------------------------------

    def _n_steps(self):
        """Return the steps of the search for each row's code."""
        if self.n_search == "auto":
            return 0 if self.start_ is None else SEARCH_STEPS
        return self.n_search

    def _encode(self, X, onehot=None):
        inputs, n_steps = self._inputs(X), self._n_steps()
        if self.start_ is None:
            starts = self.encoder_(inputs)
        else:
            starts = first_codes(inputs, self.start_)
        if n_steps:
            starts = find_codes(
                FourierNet(*self._net),
                self.decoder_,
                inputs,
                pixel_positions(*self.image_shape_[:2]),
                float(self.latent_penalty),
                starts,
                n_steps,
            )
        return starts.astype(X.dtype, copy=False)

    def _decode(self, Z, onehot=None, shape=None):
        pixels = self._output(Z, shape)
        return pixels * self.scale_.astype(Z.dtype) + self.offset_.astype(Z.dtype)

    def _output(self, Z, shape=None):
        """Return the images of codes as rows of pixels in (-1, 1)."""
        if shape is None:
            shape = self.image_shape_[:2]
        positions = pixel_positions(*check_shape(shape))
        return decode(FourierNet(*self._net), self.decoder_, Z, positions)
