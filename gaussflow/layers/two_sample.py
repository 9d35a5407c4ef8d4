"""Layers that carry rows toward other rows, in place of a standard normal."""

from abc import abstractmethod

from gaussflow.layers.base import Layer


class TwoSample(Layer):
    """Base class of layers that are fitted between two samples.

    A flow of direction "generate" is made of them: latent samples are carried, one
    layer after the other, to where the data are.
    """

    @abstractmethod
    def fit_between(self, X, target, rng, *, monitor=None):
        """Fit the layer to carry X toward the law that other rows were drawn from.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            Carried samples, overwritten.
        target : ndarray of shape (n_target, n_features)
            Data, in the same units; left as they are.
        rng : numpy.random.Generator
            Takes the place of ``random_state``.
        monitor : Monitor or None, default=None
            A layer of several iterations reports each to it.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            The samples, carried through the layer.
        log_det : ndarray of shape (n_samples,)
        """

    def fit_forward(self, X, rng, *, monitor=None, start=None):
        """Fit between X and as many draws of a standard normal."""
        noise = rng.standard_normal(X.shape).astype(X.dtype)
        return self.fit_between(X, noise, rng, monitor=monitor)
