"""A small classifier of images or rows, whose features and verdicts are used."""

import numpy as np
from sklearn.utils.validation import validate_data

from gaussflow._common.checks import Integer, Number, check_params, keep_params
from gaussflow.baselines.networks.architectures import (
    dense_steps,
    flat_width,
    pooled_steps,
)
from gaussflow.baselines.networks.network import Network
from gaussflow.baselines.networks.training import (
    Trained,
    standardisation,
    standardised,
)
from gaussflow.metrics._classifier import FeatureClassifier
from gaussflow.persistence.shapes import Array, Part


class NetworkClassifier(FeatureClassifier, Trained):
    """Base of the classifiers whose last steps are dropout and a dense layer.

    A subclass's ``_fit_network`` sets ``network_``, ``offset_`` and ``scale_``.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels.
    network_ : Network
        Steps and weights, as numpy arrays.
    loss_curve_ : list of dict
        Loss of each epoch.
    """

    _state = {
        "network_": Part("Network"),
        "classes_": Array("biufUSO", None, within=None),
    }

    _rules = Trained._rules | {"hidden": Integer(1), "dropout": Number("[0, 1)")}
    #: Streams of randomness: for the start, the split, the training, and others.
    _n_streams = 3

    def fit(self, X, y):
        """Train the classifier.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows or images.
        y : array-like of shape (n_samples,)
            Labels, of at least two classes.

        Returns
        -------
        self : object
        """
        X, y = validate_data(
            self, X, y, dtype=[np.float64, np.float32], ensure_min_samples=2
        )
        check_params(self)
        self._check_image_shape(X.shape[1])
        classes, codes = self._check_classes(y)
        init_rng, split_rng, train_rng, *others = self._rngs(self._n_streams)
        fitting = self._fitting(len(X), split_rng, train_rng)
        rngs = init_rng, *others
        self.loss_curve_ = self._fit_network(X, codes, len(classes), rngs, fitting)
        self.classes_ = classes
        return self

    def transform(self, X):
        """Return the features: the last hidden layer.

        Returns
        -------
        features : ndarray of shape (n_samples, hidden)
        """
        inputs = self._inputs(self._validate(X))
        last = Network(self.network_.steps[:-2], self.network_.weights[:-2])
        return last(inputs)

    def decision_function(self, X):
        """Return the logits; for two classes, the difference of the two.

        Returns
        -------
        logits : ndarray of shape (n_samples, n_classes) or (n_samples,)
        """
        logits = self._scores(X)
        return logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits

    def _scores(self, X):
        inputs = self._inputs(self._validate(X))
        return self.network_(inputs)

    @property
    def _n_features_out(self):
        return self.network_.steps[-1][1]

    def __sklearn_tags__(self):
        """Declare what the estimator accepts and keeps."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class ImageClassifier(NetworkClassifier):
    """Small neural classifier; its last hidden layer are features of images.

    Two convolutions with pooling and a dense layer on images, dense layers on
    tables. The Frechet distance on its features is a Frechet classifier
    distance (FCD), not a FID; its probabilities score conditional samples.

    Parameters
    ----------
    image_shape : tuple (height, width, channels) or None, default=None
        Shape of the images whose pixels are the columns of X, in the order
        (row, column, channel); None takes X as a table.
    channels : tuple of int, default=(16, 32)
        Maps of the convolutions, each followed by 2 x 2 pooling.
    hidden : int, default=64
        Width of the last hidden layer: the features.
    dropout : float, default=0.0
        Share of the features zeroed in training.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from gaussflow.baselines import ImageClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> classifier = ImageClassifier((8, 8, 1), n_epochs=10, random_state=0)
    >>> classifier.fit(X[:1500], y[:1500]).score(X[1500:], y[1500:]) > 0.85
    True
    >>> classifier.transform(X).shape
    (1797, 64)
    """

    def __init__(
        self,
        image_shape=None,
        *,
        channels=(16, 32),
        hidden=64,
        dropout=0.0,
        n_epochs=3,
        batch_size="auto",
        learning_rate=1e-3,
        early_stopping=False,
        validation_fraction=0.1,
        patience=3,
        device="auto",
        random_state=None,
        verbose=0,
    ):
        keep_params(locals())

    def _fit_network(self, X, codes, n_classes, rngs, fitting):
        from gaussflow.baselines.classifiers.torch_fit import fit_classifier

        rows = fitting["parts"][0]
        offset, scale = standardisation(X[rows], self.image_shape)
        network = Network.draw(self._steps(X.shape[1], n_classes), rngs[0])
        inputs = standardised(X, offset, scale)
        history = fit_classifier(network, inputs, codes, **fitting)
        self.network_, self.offset_, self.scale_ = network, offset, scale
        return history

    def _steps(self, n_features, n_classes):
        hidden = int(self.hidden)
        if self.image_shape is None:
            steps = dense_steps((n_features, hidden, hidden), last_activation=True)
        else:
            steps = pooled_steps(self.image_shape, self.channels)
            width = flat_width(self.image_shape, self.channels)
            steps += [("dense", width, hidden), ("relu",)]
        return [*steps, ("dropout", float(self.dropout)), ("dense", hidden, n_classes)]
