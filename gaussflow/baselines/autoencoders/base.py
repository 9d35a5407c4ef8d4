"""The face that every autoencoder of this package shows."""

from functools import partial

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from gaussflow._common.checks import (
    Choice,
    Integer,
    check_integer,
    check_params,
    check_sizes,
)
from gaussflow._common.seeds import as_generator
from gaussflow.baselines.autoencoders.likelihoods import expit
from gaussflow.baselines.autoencoders.priors import (
    PRIORS,
    LabelledPrior,
    fit_prior,
    standard_prior,
)
from gaussflow.baselines.networks.architectures import (
    conv_decoder,
    conv_encoder,
    dense_decoder,
    dense_encoder,
)
from gaussflow.baselines.networks.network import Network
from gaussflow.baselines.networks.training import Trained, standardisation, standardised
from gaussflow.persistence.shapes import Items, Part


class LatentModel(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Trained):
    """Base of the autoencoders: codes, reconstructions, samples, scores.

    A subclass says what is minimised (``_objective``), how wide the encoder's output
    is, and what a row scores.

    Parameters
    ----------
    latent_dim : int
        Width of the code.
    hidden_sizes : tuple of int
        Hidden layers of the encoder; the decoder has them in reverse.
    image_shape : tuple (height, width, channels) or None
        Shape of images whose pixels are the columns of X.
    channels : tuple of int or None
        With ``image_shape``, convolutions of stride 2 with so many maps in place of
        ``hidden_sizes``.
    prior : {"standard", "gaussian", "gmm", "gaussianization"} or estimator
        What ``sample`` draws codes from: N(0, I), or a distribution fitted on the
        codes of the training rows (of each label, where the model has labels): a
        Gaussian, a mixture, a GenFlow, or a density estimator of your own.
    n_components : int
        Gaussians of ``prior="gmm"``.

    Attributes
    ----------
    encoder_, decoder_ : Network
        Steps and weights, as numpy arrays.
    prior_ : object
        The distribution of codes, with ``sample`` and ``score_samples``.
    loss_curve_ : list of dict
        Of each epoch: "loss", "reconstruction", "regularization" and, with early
        stopping, "validation_loss".
    image_shape_ : tuple or None
        Shape of an image.
    """

    _state = {
        "encoder_": Part("Network"),
        "decoder_": Part("Network"),
        "prior_": Part("MixturePrior ModelPrior LabelledPrior"),
        "image_shape_": Items(Integer(1), None, tuple, None),
        "_fitted_width": Integer(1),
        "_n_features_out": Integer(1),
    }

    #: Encoder outputs for each latent dimension: 2 are a mean and a log-variance.
    _outputs_per_code = 1
    #: Where labels enter the networks; nowhere in models without labels.
    label_injection: tuple = ()
    _rules = Trained._rules | {"latent_dim": Integer(1), "n_components": Integer(1)}

    # -- fitting --------------------------------------------------------------

    def fit(self, X, y=None):
        """Train the networks on X, then fit the prior on the codes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows.

        Returns
        -------
        self : object
        """
        self._fit(X, None)
        return self

    def _fit(self, X, onehot):
        """Fit on rows and, where the model has them, one-hot labels."""
        X = self._validate(X, reset=True)
        self._check_params(X.shape[1])
        init_rng, split_rng, train_rng, prior_rng = self._rngs(4)
        fitting = self._fitting(len(X), split_rng, train_rng)
        rows = fitting["parts"][0]
        model = self._start(X[rows], onehot, init_rng)
        arrays = self._arrays(X, onehot, model)
        from gaussflow.baselines.autoencoders.torch_modules import fit_autoencoder

        kind, settings = self._objective()
        trained, history = fit_autoencoder(
            kind, model, arrays, settings=settings, **fitting
        )
        self._finish(model, trained, history)
        self.image_shape_ = self._shape_of_images(X.shape[1])
        self._n_features_out = self.latent_dim
        self._fit_prior(X[rows], None if onehot is None else onehot[rows], prior_rng)

    def _arrays(self, X, onehot, model):
        """Return what a batch is cut from: the networks' inputs, and labels."""
        inputs = standardised(X, model["offset"], model["scale"])
        return [inputs] if onehot is None else [inputs, onehot.astype(np.float32)]

    def _shape_of_images(self, n_features):
        return None if self.image_shape is None else (*self.image_shape,)

    def _check_params(self, n_features):
        check_params(self)
        if self.latent_dim > n_features:
            raise ValueError(
                f"latent_dim={self.latent_dim} is larger than the number of features, "
                f"{n_features}: there is nothing to compress. Lower latent_dim."
            )
        self._check_networks()
        estimates = all(hasattr(self.prior, m) for m in ("fit", "sample", "get_params"))
        if not estimates and not Choice(PRIORS).accepts(self.prior):
            raise ValueError(
                f"prior must be one of {', '.join(PRIORS)} or a density estimator with "
                f"fit and sample, got {self.prior!r}."
            )

    def _check_networks(self):
        check_sizes("hidden_sizes", self.hidden_sizes)
        if self.image_shape is not None and self.channels is not None:
            check_sizes("channels", self.channels)

    def _start(self, X, onehot, rng):
        """Return the networks to start from, and how rows are standardised."""
        if self._goes_on:
            width = self._fitted_width
            if width != X.shape[1]:
                raise ValueError(
                    f"X has {X.shape[1]} features, but the networks that "
                    f"warm_start=True keeps were trained on {width}. Set "
                    f"warm_start=False to train anew."
                )
            networks = self.encoder_, self.decoder_
            units = self.offset_, self.scale_
        else:
            n_labels = 0 if onehot is None else onehot.shape[1]
            steps = self._steps(X.shape[1], n_labels)
            networks = [Network.draw(part, rng) for part in steps]
            units = self._units(X)
        names = "encoder", "decoder", "offset", "scale"
        return dict(zip(names, [*networks, *units], strict=True))

    @property
    def _goes_on(self):
        """Whether ``fit`` starts from the networks of the last one."""
        return self.warm_start and hasattr(self, "encoder_")

    def _units(self, X):
        if self._likelihood == "bernoulli":
            return np.zeros(1), np.ones(1)
        return standardisation(X, self.image_shape)

    def _steps(self, n_features, n_labels):
        """Return the steps of the encoder and of the decoder."""
        n_out = self._outputs_per_code * self.latent_dim
        injected = {
            place: n_labels if place in self.label_injection else 0
            for place in ("input", "latent", "output")
        }
        labels = {"n_labels": injected["latent"], "n_last": injected["output"]}
        if self.image_shape is None or self.channels is None:
            sizes = (n_features, tuple(self.hidden_sizes))
            encoder = dense_encoder(*sizes, n_out, injected["input"])
            return encoder, dense_decoder(self.latent_dim, *sizes[::-1], **labels)
        nets = tuple(self.image_shape), tuple(self.channels)
        encoder = conv_encoder(*nets, n_out, injected["input"])
        return encoder, conv_decoder(self.latent_dim, *nets, **labels)

    def _finish(self, model, trained, history):
        self.loss_curve_ = [*(self.loss_curve_ if self._goes_on else ()), *history]
        for name in ("encoder", "decoder"):
            setattr(self, f"{name}_", Network(model[name].steps, trained[name]))
        self.offset_, self.scale_ = model["offset"], model["scale"]
        self._fitted_width = self.n_features_in_

    def fit_prior(self, X, y=None):
        """Fit the prior again, as ``prior`` now says; the networks stay.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or None
            The rows' labels, for models with labels.

        Returns
        -------
        self : object
        """
        X = self._validate(X)
        self._check_params(X.shape[1])
        self._fit_prior(X, self._onehot(y, len(X)), self._rngs(4)[3])
        return self

    def _fit_prior(self, X, onehot, rng):
        if self._standard_prior:
            self.prior_ = standard_prior(self._n_codes)
            return
        Z = self._draw_codes(X, onehot, rng)
        fit = partial(fit_prior, self.prior, n_components=self.n_components, rng=rng)
        if onehot is None:
            self.prior_ = fit(Z)
        else:
            self.prior_ = LabelledPrior([fit(Z[rows]) for rows in onehot.T == 1.0])

    @property
    def _standard_prior(self):
        return isinstance(self.prior, str) and self.prior == "standard"

    def _draw_codes(self, X, onehot, rng):
        """Return codes as the decoder met them in training."""
        return self._encode(X, onehot)[:, : self.latent_dim]

    # -- codes and rows -------------------------------------------------------

    def transform(self, X):
        """Return the mean code of each row.

        Returns
        -------
        Z : ndarray of shape (n_samples, latent_dim)
        """
        return self._codes(X)[0]

    def inverse_transform(self, Z):
        """Return the mean row of each code: what the decoder makes of it.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
        """
        return self._decode(self._validate_codes(Z))

    def reconstruct(self, X):
        """Return each row as the decoder makes it of the row's mean code.

        Returns
        -------
        X_hat : ndarray of shape (n_samples, n_features)
        """
        return self.inverse_transform(self.transform(X))

    def sample(self, n_samples=1, *, labels=None, random_state=None):
        """Draw new rows: codes of the prior, decoded.

        Images are the decoder's means; rows of tables with a Gaussian
        likelihood have its noise added.

        Parameters
        ----------
        labels : None
            For models with labels only.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        self._onehot_of(None, labels)
        n_samples = check_integer("n_samples", n_samples, 1)
        rng = as_generator(random_state)
        X = self._decode(self.prior_.sample(n_samples, rng))
        return self._add_noise(X, rng)

    def _add_noise(self, X, rng):
        return X

    def interpolate(self, a, b, n=10, labels=None):
        """Return rows on the way from one row to another, straight in code.

        Parameters
        ----------
        a, b : array-like of shape (n_features,)
            The ends.
        n : int, default=10
            Rows to return, both ends' reconstructions included.
        labels : array-like of shape (2,), or one label, or None
            Of the ends, for models with labels; None infers them. Between two labels
            the one-hot labels are interpolated too.

        Returns
        -------
        X : ndarray of shape (n, n_features)
        """
        check_is_fitted(self)
        n = check_integer("n", n, 2)
        a, b = np.asarray(a), np.asarray(b)
        if a.shape != b.shape:
            raise ValueError(
                f"a and b must be rows of one width, got shapes {a.shape} and "
                f"{b.shape}."
            )
        codes, onehot = self._codes(np.stack([a.ravel(), b.ravel()]), labels)
        share = np.linspace(0.0, 1.0, n)[:, np.newaxis]
        if onehot is not None:
            onehot = (1 - share) * onehot[0] + share * onehot[1]
        return self._decode((1 - share) * codes[0] + share * codes[1], onehot)

    def traverse(self, x, dim, values, labels=None):
        """Return rows along one latent dimension, the others as in one row.

        Parameters
        ----------
        x : array-like of shape (n_features,)
            The row whose code is changed.
        dim : int
            The latent dimension.
        values : array-like of shape (n_values,)
            What it is set to.
        labels : label or None
            Of the row, for models with labels; None infers it.

        Returns
        -------
        X : ndarray of shape (n_values, n_features)
        """
        check_is_fitted(self)
        dim = check_integer("dim", dim, 0, self._n_codes - 1)
        code, onehot = self._codes(np.asarray(x).reshape(1, -1), labels)
        values = np.asarray(values, dtype=code.dtype).ravel()
        codes = np.repeat(code, len(values), axis=0)
        codes[:, dim] = values
        if onehot is not None:
            onehot = np.repeat(onehot, len(codes), axis=0)
        return self._decode(codes, onehot)

    def _codes(self, X, labels=None):
        """Return the mean codes of rows, and the one-hot labels that they go with."""
        X = self._validate(X)
        onehot = self._onehot_of(X, labels)
        return self._encode(X, onehot)[:, : self._n_codes], onehot

    def _onehot_of(self, X, labels):
        """Return one-hot labels, or None in models without labels."""
        if labels is not None:
            raise ValueError(
                f"{type(self).__name__} was fitted without labels, so labels must be "
                f"None. ConditionalVAETransformer samples by label."
            )

    def _onehot(self, y, n_samples):
        """Return the one-hot labels of a fit; models without labels ignore them."""
        return

    # -- helpers --------------------------------------------------------------

    def _validate(self, X, *, reset=False):
        X = super()._validate(X, reset=reset)
        if self._likelihood == "bernoulli" and (X.min() < 0 or X.max() > 1):
            raise ValueError(
                f"X has values from {X.min():.4g} to {X.max():.4g}, but a Bernoulli "
                f"likelihood needs them in [0, 1]. Divide by the largest value (255 "
                f"for bytes), or choose another likelihood."
            )
        return X

    def _validate_codes(self, Z):
        check_is_fitted(self)
        Z = check_array(Z, dtype=[np.float64, np.float32], input_name="Z")
        if Z.shape[1] != self._n_codes:
            raise ValueError(
                f"Z has {Z.shape[1]} columns, but {type(self).__name__} has "
                f"{self._n_codes} latent dimensions. Pass codes as wide as transform "
                f"returns them."
            )
        return Z

    def _encode(self, X, onehot=None):
        return self.encoder_(self._inputs(X), onehot)

    def _decode(self, Z, onehot=None):
        """Return the mean row of each code, in the units of X."""
        output = self.decoder_(Z, onehot)
        if self._likelihood == "bernoulli":
            return expit(output)
        return output * self.scale_.astype(Z.dtype) + self.offset_.astype(Z.dtype)

    @property
    def _n_codes(self):
        return self._n_features_out

    def __sklearn_tags__(self):
        """Declare what the estimator accepts and keeps."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
