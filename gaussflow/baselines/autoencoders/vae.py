"""Variational and Wasserstein autoencoders."""

import numpy as np
from scipy.special import ndtri

from gaussflow._common.checks import Choice, Number, check_integer, keep_params
from gaussflow._common.normal import LOG_2PI
from gaussflow.baselines.autoencoders.base import LatentModel
from gaussflow.baselines.autoencoders.likelihoods import (
    bernoulli_log_likelihood,
    gaussian_log_likelihood,
)
from gaussflow.baselines.noise import NOISES
from gaussflow.persistence.shapes import Array

LIKELIHOODS = ("bernoulli", "gaussian")
REGULARIZERS = ("kl", "mmd")
NOISE = ("gaussian", *NOISES)

#: Log-variances of posteriors are kept between these.
LOG_VARIANCES = (-12.0, 12.0)
#: The likelihood's log-variance, in standardised units, stays above this: without
#: a floor, a constant column would have infinite density.
MIN_LOG_NOISE = -12.0
#: Seed of the noise of scores: every row meets the same, in every call.
SCORE_SEED = 0


class VAETransformer(LatentModel):
    """Variational autoencoder: codes, samples and bounds on the likelihood.

    The loss is the reconstruction's, summed over features, plus
    ``beta`` * KL(q(z | x) || N(0, I)), the mean over the batch (Kingma & Welling
    2014). With ``regularizer="mmd"`` the codes' distribution is brought to N(0, I)
    instead of each posterior: the Wasserstein autoencoder (Tolstikhin et al. 2018).

    Parameters
    ----------
    beta : float, default=1.0
        Weight of the regulariser; the MMD is also multiplied by the number of
        features, over which the reconstruction is summed.
    likelihood : {"bernoulli", "gaussian"}, default="bernoulli"
        Of a row given its code. "bernoulli" needs values in [0, 1]; "gaussian"
        standardises the rows and learns a variance, one per column of a table.
    regularizer : {"kl", "mmd"}, default="kl"
        What holds the codes near N(0, I).
    noise : {"gaussian", "logistic-map"}, default="gaussian"
        Noise of the reparameterisation in training.

    Attributes
    ----------
    encoder_, decoder_ : Network
        Steps and weights, as numpy arrays. The encoder returns the mean and the
        log-variance of q(z | x), the decoder logits or standardised means.
    log_noise_ : ndarray
        Log-variances of the Gaussian likelihood, in standardised units.

    References
    ----------
    D. Kingma, M. Welling (2014), "Auto-encoding variational Bayes". Y. Burda,
    R. Grosse, R. Salakhutdinov (2016), "Importance weighted autoencoders".
    I. Tolstikhin, O. Bousquet, S. Gelly, B. Schoelkopf (2018), "Wasserstein
    auto-encoders".

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from gaussflow.baselines import VAETransformer
    >>> X = load_digits().data / 16
    >>> vae = VAETransformer(8, (64,), prior="gmm", random_state=0).fit(X)
    >>> vae.transform(X).shape
    (1797, 8)
    >>> vae.sample(3, random_state=0).shape
    (3, 64)
    """

    _outputs_per_code = 2

    _rules = LatentModel._rules | {
        "beta": Number("[0, inf)"),
        "likelihood": Choice(LIKELIHOODS),
        "regularizer": Choice(REGULARIZERS),
        "noise": Choice(NOISE),
    }

    _state = {"log_noise_": Array("f", None)}

    def __init__(
        self,
        latent_dim=20,
        hidden_sizes=(400,),
        *,
        beta=1.0,
        likelihood="bernoulli",
        regularizer="kl",
        noise="gaussian",
        image_shape=None,
        channels=None,
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

    # -- scores ---------------------------------------------------------------

    def score_samples(self, X, method="elbo", n_importance=200):
        """Return a lower bound on each row's log-likelihood under the model.

        The model is the prior that ``sample`` draws from and the decoder's
        likelihood; ``beta`` does not enter. On binary data with the Bernoulli
        likelihood it bounds a log probability, on continuous data with the
        Gaussian likelihood a log density in the units of X.

        Parameters
        ----------
        method : {"elbo", "iwae"}, default="elbo"
            The evidence lower bound, or the tighter importance-weighted bound.
        n_importance : int, default=200
            Draws of the code for each row. The noise is the same for every row and
            call: scores repeat, and share an error (some tenths of a nat on MNIST).

        Returns
        -------
        bound : ndarray of shape (n_samples,)
            In nats.
        """
        return self._bound(self._validate(X), None, method, n_importance)

    def score(self, X, y=None):
        """Return the mean of ``score_samples``: a bound on the log-likelihood.

        Returns
        -------
        score : float
            In nats; higher is better.
        """
        return float(np.mean(self.score_samples(X)))

    def _bound(self, X, onehot, method, n_importance):
        Choice(("elbo", "iwae")).check("method", method)
        n_importance = check_integer("n_importance", n_importance, 1)
        noise = stratified_noise(n_importance, self._n_codes)
        closed = method == "elbo" and self._standard_prior
        mean, log_variance = self._posterior(X, onehot)
        std = np.exp(0.5 * log_variance)
        total = np.full(len(X), -np.inf if method == "iwae" else 0.0)
        for eps in noise:
            Z = mean + std * eps.astype(X.dtype)
            log_weight = self._log_likelihood(X, Z, onehot)
            if not closed:
                log_q = -0.5 * (log_variance.sum(axis=1) + eps @ eps)
                log_q = log_q - 0.5 * self._n_codes * LOG_2PI
                log_weight = log_weight + self._log_prior(Z, onehot) - log_q
            if method == "iwae":
                total = np.logaddexp(total, log_weight)
            else:
                total += log_weight / n_importance
        if method == "iwae":
            total -= np.log(n_importance)
        if closed:
            total -= kl_to_standard_normal(mean, log_variance)
        # A density in standardised units, in the units of X.
        return total - np.broadcast_to(np.log(self.scale_), X.shape[1:]).sum()

    def _log_prior(self, Z, onehot):
        return self.prior_.score_samples(Z)

    def _log_likelihood(self, X, Z, onehot):
        output = self.decoder_(Z, onehot)
        if self._likelihood == "bernoulli":
            log_likelihood = bernoulli_log_likelihood(X, output)
        else:
            inputs = self._inputs(X)
            log_likelihood = gaussian_log_likelihood(inputs, output, self.log_noise_)
        return log_likelihood.astype(np.float64)

    def posterior(self, X):
        """Return the mean and the variance of each row's code, q(z | x).

        Returns
        -------
        mean, variance : ndarray of shape (n_samples, latent_dim)
        """
        mean, log_variance = self._posterior(self._validate(X))
        return mean, np.exp(log_variance)

    # -- helpers --------------------------------------------------------------

    @property
    def _likelihood(self):
        return self.likelihood

    def _start(self, X, onehot, rng):
        start = super()._start(X, onehot, rng)
        log_noise = self.log_noise_ if self._goes_on else np.zeros(len(start["scale"]))
        return start | {"log_noise": log_noise.astype(np.float32)}

    def _objective(self):
        low, high = LOG_VARIANCES
        return "variational", {
            "beta": float(self.beta),
            "likelihood": self.likelihood,
            "regularizer": self.regularizer,
            "noise": self.noise,
            "least_log_noise": MIN_LOG_NOISE,
            "low": low,
            "high": high,
        }

    def _finish(self, model, trained, history):
        super()._finish(model, trained, history)
        self.log_noise_ = trained["log_noise"]

    def _posterior(self, X, onehot=None):
        mean, log_variance = np.split(self._encode(X, onehot), 2, axis=1)
        return mean, np.clip(log_variance, *LOG_VARIANCES)

    def _draw_codes(self, X, onehot, rng):
        """Return a code of each row, drawn from its posterior."""
        mean, log_variance = self._posterior(X, onehot)
        noise = rng.standard_normal(mean.shape)
        return mean + np.exp(0.5 * log_variance) * noise

    def _add_noise(self, X, rng):
        if self.likelihood == "bernoulli" or self.image_shape_ is not None:
            return X
        std = self.scale_ * np.exp(0.5 * self.log_noise_.astype(np.float64))
        return X + std * rng.standard_normal(X.shape)


def stratified_noise(n_draws, n_columns):
    """Return standard normal rows whose every column is spread evenly, always the same.

    All rows of data meet the same noise, so that a row's score does not depend on
    its neighbours; a Latin hypercube keeps what they share of its error small.
    """
    rng = np.random.default_rng(SCORE_SEED)
    strata = rng.permuted(np.tile(np.arange(n_draws), (n_columns, 1)), axis=1).T
    return ndtri((strata + rng.uniform(1e-9, 1.0, strata.shape)) / n_draws)


def kl_to_standard_normal(mean, log_variance):
    """Return KL(N(mean, exp(log_variance)) || N(0, I)) of each row, in nats."""
    terms = mean**2 + np.exp(log_variance) - log_variance - 1.0
    return 0.5 * terms.sum(axis=1, dtype=np.float64)
