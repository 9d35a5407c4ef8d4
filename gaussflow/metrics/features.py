"""Features of images from a small classifier, for distances between samples."""

import warnings

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.utils.validation import check_is_fitted, validate_data

from gaussflow._common.checks import Integer, Number, check_params, check_sizes
from gaussflow._common.refit import keep_old_on_failure
from gaussflow._common.seeds import as_generator, draw_seed
from gaussflow.metrics._classifier import FeatureClassifier
from gaussflow.metrics._rows import KEPT, blocks, check_magnitude

#: Held-out rows below which their accuracy is no guide: that of 100 rows is known
#: within 5 %, by the binomial law.
MIN_HELD_OUT = 100


class ClassifierFeatures(FeatureClassifier, BaseEstimator):
    """Last hidden layer of a small classifier fitted on real images.

    Fit it on the training split, then compare real and generated images by what it
    makes of them: ``transform`` for distances, ``predict_proba`` for the inception
    score. A distance on these features is a Frechet classifier distance (FCD), and
    never to be called FID, which is the distance on the Inception network's features.
    Distances on features of two fits are not comparable with each other: score all
    samples of a comparison by one fit.

    Any object with ``transform`` and ``predict_proba`` may stand in its place: the
    metrics take the arrays.

    Parameters
    ----------
    hidden : tuple of int, default=(256, 64)
        Widths of the hidden layers; the last is the number of features.
    max_iter : int, default=100
        Passes over the rows, at most.
    validation_fraction : float, default=0.1
        Share of the rows held out to stop early by their accuracy. Fewer than 100
        rows tell little: then, and with 0, nothing is held out.
    patience : int, default=10
        Passes without gain, in the held-out accuracy or else the training loss, that
        end the fit.
    random_state : int, RandomState, Generator or None, default=None
        Randomness of weights, batches and the split.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels seen at fit.
    mean_, scale_ : float
        Mean and standard deviation of all training values: rows are standardised as
        a whole, since a pixel's own scale would blow up pixels that are hardly used.
    coefs_, intercepts_ : list of ndarray
        Weights and offsets of the layers; layers but the last end in max(0, .).
    n_iter_ : int
        Passes made.
    n_features_in_ : int
        Columns of the training rows.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.datasets import load_digits_images
    >>> from gaussflow.metrics import ClassifierFeatures, frechet_distance
    >>> digits = load_digits_images()
    >>> X, y = digits.data, digits.target
    >>> features = ClassifierFeatures((32, 16), random_state=0).fit(X[:1000], y[:1000])
    >>> features.score(X[1000:], y[1000:]) > 0.85
    True
    >>> real, test = features.transform(X[:797]), features.transform(X[1000:])
    >>> noise = np.random.default_rng(0).integers(0, 17, (797, 64))
    >>> near = frechet_distance(real, test)
    >>> near < 0.2 * frechet_distance(real, features.transform(noise))
    True
    """

    def __init__(
        self,
        hidden=(256, 64),
        *,
        max_iter=100,
        validation_fraction=0.1,
        patience=10,
        random_state=None,
    ):
        self.hidden = hidden
        self.max_iter = max_iter
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.random_state = random_state

    _rules = {
        "max_iter": Integer(1),
        "validation_fraction": Number("[0, 1)"),
        "patience": Integer(1),
    }

    @keep_old_on_failure
    def fit(self, X, y):
        """Train the classifier.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Real rows of the training split.
        y : array-like of shape (n_samples,)
            Their labels, of at least two classes.

        Returns
        -------
        self : ClassifierFeatures
        """
        X, y = validate_data(self, X, y, dtype=np.float64, ensure_min_samples=2)
        check_magnitude(X, "X")
        check_params(self)
        hidden = check_sizes("hidden", self.hidden)
        if not hidden:
            raise ValueError("hidden must be a tuple of at least one width, got ().")
        self.classes_, codes = self._check_classes(y)
        self.mean_ = float(X.mean())
        # Constant rows are all zero after scaling, whatever the divisor.
        self.scale_ = float(X.std()) or 1.0
        n_held_out = int(self.validation_fraction * len(X))
        stops = n_held_out >= max(MIN_HELD_OUT, len(self.classes_))
        # Both parts are to hold every class.
        stops = stops and np.bincount(codes).min() >= 2
        network = MLPClassifier(
            hidden,
            # Few rows get small batches: as many steps a pass as let it learn.
            batch_size=min(len(X), int(np.clip(len(X) // 30, 8, 200))),
            max_iter=self.max_iter,
            early_stopping=bool(stops),
            validation_fraction=self.validation_fraction if stops else 0.1,
            n_iter_no_change=self.patience,
            random_state=draw_seed(as_generator(self.random_state)),
        )
        with warnings.catch_warnings():
            # The number of passes is a budget; the score tells what it bought.
            warnings.simplefilter("ignore", ConvergenceWarning)
            # In float32 the fit takes half the time.
            network.fit(((X - self.mean_) / self.scale_).astype(np.float32), y)
        self.coefs_ = [W.astype(np.float64) for W in network.coefs_]
        self.intercepts_ = [b.astype(np.float64) for b in network.intercepts_]
        self.n_iter_ = network.n_iter_
        return self

    def transform(self, X):
        """Return the activations of the last hidden layer.

        Returns
        -------
        features : ndarray of shape (n_samples, hidden[-1]), float64
            At least 0.
        """
        return self._forward(X, n_left_out=1)

    def _scores(self, X):
        scores = self._forward(X)
        # Two classes share one score, the second's; the first's is 0.
        if scores.shape[1] == 1:
            scores = np.column_stack([np.zeros(len(scores)), scores])
        return scores

    def _forward(self, X, n_left_out=0):
        """Return what comes out before the last ``n_left_out`` layers."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=KEPT, reset=False)
        check_magnitude(X, "X")
        n_layers = len(self.coefs_) - n_left_out
        out = np.empty((len(X), self.coefs_[n_layers - 1].shape[1]))
        widest = max(max(W.shape) for W in self.coefs_)
        for rows in blocks(len(X), widest):
            Z = (X[rows] - self.mean_) / self.scale_
            for k in range(n_layers):
                Z = Z @ self.coefs_[k] + self.intercepts_[k]
                if k < len(self.coefs_) - 1:
                    np.maximum(Z, 0.0, out=Z)
            out[rows] = Z
        return out

    @property
    def _n_features_out(self):
        return len(self.intercepts_[-2])
