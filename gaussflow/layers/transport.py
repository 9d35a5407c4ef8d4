"""The Transport layer: to noise by one map, to data by the inverse of another."""

from gaussflow._common.checks import keep_params
from gaussflow.layers.inverse import Inverse
from gaussflow.layers.two_sample import TwoSample
from gaussflow.mixtures.normality import looks_standard_normal
from gaussflow.persistence.shapes import Part


class Transport(TwoSample):
    """Carry samples to data: a layer's map of the ones, then its inverse of the others.

    Both maps are copies of one layer, each fitted from rows to noise; what is noise
    already, by its moments, needs no map of its own.

    Parameters
    ----------
    layer : Layer
        An unfitted layer; never fitted itself.

    Attributes
    ----------
    source_ : Layer or None
        The map of the samples; None where they are noise.
    goal_ : Inverse
        The map of the data, backwards.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow import GenFlow
    >>> from gaussflow.layers import Elliptical
    >>> X = np.random.default_rng(0).normal(7.0, 2.0, size=(500, 2))
    >>> flow = GenFlow([Elliptical()], direction="generate", random_state=0).fit(X)
    >>> flow.layers_[0]
    Transport(layer=Elliptical())
    >>> flow.sample(1000, random_state=0).mean().round().item()
    7.0
    """

    def __init__(self, layer, *, n_jobs=None, random_state=None):
        keep_params(locals())

    @property
    def spreads_ties(self):
        return self.layer.spreads_ties

    def fit_between(self, X, target, rng, *, monitor=None):
        """Fit the layer to the target, and to X where it is no noise."""
        self.n_features_in_ = X.shape[1]
        self.goal_ = Inverse(self.layer, n_jobs=self.n_jobs)
        self.goal_.prepare(target.copy(order="C"), rng)
        self.source_ = None
        if not looks_standard_normal(X):
            self.source_ = self.layer.unfitted(self.n_jobs)
            self.source_.fit_forward(X.copy(), rng)
        return self.forward_and_log_det(X)

    def forward_and_log_det(self, X):
        added = 0.0
        if self.source_ is not None:
            X, added = self.source_.forward_and_log_det(X)
        X, log_det = self.goal_.forward_and_log_det(X)
        return X, log_det + added

    def inverse_and_log_det(self, Z):
        Z, log_det = self.goal_.inverse_and_log_det(Z)
        if self.source_ is not None:
            Z, added = self.source_.inverse_and_log_det(Z)
            log_det = log_det + added
        return Z, log_det

    _state = {"goal_": Part("Inverse"), "source_": Part("Layer", None)}
