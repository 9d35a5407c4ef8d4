"""Autoencoders without a likelihood, which are judged by what they reconstruct."""

import numpy as np

from gaussflow.baselines.autoencoders.base import LatentModel
from gaussflow.baselines.autoencoders.likelihoods import bernoulli_log_likelihood


class ReconstructionModel(LatentModel):
    """Base of the autoencoders whose score is an error, not a density."""

    def reconstruction_error(self, X):
        """Return the loss of each row's reconstruction.

        It is half the squared error in the units that the networks see (rows that
        are standardised, or pixels in [-1, 1] of Fourier nets) or, with a Bernoulli
        loss, the cross-entropy in nats.

        Returns
        -------
        errors : ndarray of shape (n_samples,)
            Lower is better.
        """
        X = self._validate(X)
        output = self._output(self._encode(X))
        if self._likelihood == "bernoulli":
            return -bernoulli_log_likelihood(X, output)
        return 0.5 * np.sum((self._inputs(X) - output) ** 2, axis=1)

    def score(self, X, y=None):
        """Return minus the mean of ``reconstruction_error``.

        Returns
        -------
        score : float
            Higher is better.
        """
        return -float(np.mean(self.reconstruction_error(X)))

    def _output(self, Z):
        """Return what the decoder makes of codes, in the networks' units."""
        return self.decoder_(Z)
