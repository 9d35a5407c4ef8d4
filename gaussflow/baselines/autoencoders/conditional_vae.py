"""The conditional variational autoencoder: rows by label."""

import numpy as np
from scipy.special import logsumexp
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from gaussflow._common.checks import Choice, check_integer, keep_params
from gaussflow._common.labels import label_codes
from gaussflow._common.seeds import as_generator
from gaussflow.baselines.autoencoders.vae import VAETransformer, kl_to_standard_normal
from gaussflow.persistence.shapes import Array

PLACES = ("input", "latent", "output")


class ConditionalVAETransformer(VAETransformer):
    """Variational autoencoder of rows given their labels.

    Encoder and decoder are told the label: as input columns (constant maps for
    images), beside the code, and in the last hidden layer (the last maps) of the
    decoder. What the label tells need not be in the code.

    Parameters
    ----------
    label_injection : tuple, default=("input", "latent", "output")
        Where the label enters: any of these.
    channels : tuple of int or None, default=(16, 32, 64)
        With ``image_shape``, convolutions of stride 2 with so many maps in place
        of ``hidden_sizes``: three make 4 x 4 codes of 28 x 28 images.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels.
    class_prior_ : ndarray of shape (n_classes,)
        Their shares of the training rows.
    prior_ : object
        The distribution of codes given the label.

    References
    ----------
    K. Sohn, H. Lee, X. Yan (2015), "Learning structured output representation
    using deep conditional generative models".

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from gaussflow.baselines import ConditionalVAETransformer
    >>> X, y = load_digits(return_X_y=True)
    >>> cvae = ConditionalVAETransformer(4, (64,), random_state=0).fit(X / 16, y)
    >>> cvae.sample(3, labels=[0, 1, 7], random_state=0).shape
    (3, 64)
    """

    _state = {
        "classes_": Array("biufUSO", "classes", within=None),
        "class_prior_": Array("f", "classes", within="[0, 1]"),
    }

    def __init__(
        self,
        latent_dim=50,
        hidden_sizes=(400,),
        *,
        label_injection=("input", "latent", "output"),
        beta=1.0,
        likelihood="bernoulli",
        regularizer="kl",
        noise="gaussian",
        image_shape=None,
        channels=(16, 32, 64),
        prior="standard",
        n_components=50,
        n_epochs=20,
        batch_size="auto",
        learning_rate=1e-3,
        early_stopping=False,
        validation_fraction=0.1,
        patience=5,
        warm_start=False,
        device="auto",
        random_state=None,
        verbose=0,
    ):
        keep_params(locals())

    def fit(self, X, y):
        """Train the networks on rows and labels, then fit the prior.

        Parameters
        ----------
        y : array-like of shape (n_samples,)
            Their labels.
        """
        _, y = validate_data(self, X, y, dtype=[np.float64, np.float32])
        check_classification_targets(y)
        classes, codes = np.unique(y, return_inverse=True)
        if self._goes_on and not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"y has the labels {classes}, but the networks that warm_start=True "
                f"keeps know {self.classes_}. Set warm_start=False to train anew."
            )
        self.classes_ = classes
        self.class_prior_ = np.bincount(codes) / len(codes)
        self._fit(X, np.eye(len(classes))[codes])
        return self

    # -- codes and rows -------------------------------------------------------

    def infer_labels(self, X):
        """Return the label under which each row is likeliest, by the ELBO.

        The ELBO is taken at the posterior's mean, plus the log of the label's
        share of the training rows.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
        """
        codes = self._infer(self._validate(X)).argmax(axis=1)
        return self.classes_[codes]

    def transform(self, X, labels=None):
        """Return the mean code of each row given its label."""
        return self._codes(X, labels)[0]

    def inverse_transform(self, Z, labels=None):
        """Return the mean row of each code and label.

        Parameters
        ----------
        labels : array-like of shape (n_samples,), or one label
            Needed.
        """
        Z = self._validate_codes(Z)
        return self._decode(Z, self._onehot(labels, len(Z)))

    def reconstruct(self, X, labels=None):
        """Return each row as the decoder makes it of its mean code and label."""
        return self._decode(*self._codes(X, labels))

    def sample(self, n_samples=1, *, labels=None, random_state=None):
        """Draw new rows of given labels.

        Parameters
        ----------
        labels : array-like of shape (n_samples,), or one label, or None
            None draws them by their shares of the training rows.
        """
        check_is_fitted(self)
        n_samples = check_integer("n_samples", n_samples, 1)
        rng = as_generator(random_state)
        if labels is None:
            labels = rng.choice(self.classes_, n_samples, p=self.class_prior_)
        onehot = self._onehot(labels, n_samples)
        if self._standard_prior:
            Z = self.prior_.sample(n_samples, rng)
        else:
            Z = self.prior_.sample(onehot.argmax(axis=1), rng)
        return self._add_noise(self._decode(Z, onehot), rng)

    # -- scores ---------------------------------------------------------------

    def score_samples(self, X, method="elbo", n_importance=200, labels=None):
        """Return a lower bound on each row's log-likelihood.

        Parameters
        ----------
        labels : array-like of shape (n_samples,), or one label, or None
            With labels the bound is on log p(x | label); None sums over the labels
            by their shares of the training rows: log p(x).
        """
        X = self._validate(X)
        if labels is not None:
            onehot = self._onehot(labels, len(X))
            return self._bound(X, onehot, method, n_importance)
        bounds = [
            self._bound(X, self._onehot(label, len(X)), method, n_importance)
            for label in self.classes_
        ]
        return logsumexp(np.log(self.class_prior_) + np.transpose(bounds), axis=1)

    def posterior(self, X, labels=None):
        """Return the mean and the variance of each row's code, q(z | x, label)."""
        X = self._validate(X)
        mean, log_variance = self._posterior(X, self._onehot_of(X, labels))
        return mean, np.exp(log_variance)

    # -- helpers --------------------------------------------------------------

    def _check_params(self, n_features):
        super()._check_params(n_features)
        places = self.label_injection
        if not isinstance(places, (tuple, list)) or len(places) == 0:
            raise ValueError(
                f"label_injection must be a tuple of at least one of {PLACES}, got "
                f"{places!r}."
            )
        for place in places:
            Choice(PLACES).check("every place in label_injection", place)

    def _log_prior(self, Z, onehot):
        if self._standard_prior:
            return self.prior_.score_samples(Z)
        return self.prior_.score_samples(Z, onehot.argmax(axis=1))

    def _onehot(self, labels, n_samples):
        """Return one-hot labels of known classes, one for each row."""
        if labels is None:
            raise ValueError(
                f"labels are missing: {type(self).__name__} needs the label of each "
                f"row. It knows {self.classes_}."
            )
        codes = label_codes(labels, self.classes_, n_samples)
        return np.eye(len(self.classes_))[codes]

    def _onehot_of(self, X, labels):
        return self._infer(X) if labels is None else self._onehot(labels, len(X))

    def _infer(self, X):
        scores = []
        for label, share in zip(self.classes_, self.class_prior_, strict=True):
            onehot = self._onehot(label, len(X))
            mean, log_variance = self._posterior(X, onehot)
            score = self._log_likelihood(X, mean, onehot)
            score = score - kl_to_standard_normal(mean, log_variance)
            scores.append(score + np.log(share))
        return np.eye(len(scores))[np.argmax(scores, axis=0)]

    def __sklearn_tags__(self):
        """Declare that labels are needed to fit."""
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags
