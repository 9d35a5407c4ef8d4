"""The Inverse layer: another layer, run backwards."""

from gaussflow._common.checks import keep_params
from gaussflow.layers.base import Layer
from gaussflow.persistence.shapes import Part


class Inverse(Layer):
    """Run a layer backwards: what it takes to noise, this takes from noise.

    For the data steps of a flow of direction "generate", whose list goes from noise to
    data: ``[..., Conv(...), Inverse(Dequantize())]`` learns to draw what
    :class:`~gaussflow.layers.Dequantize` makes of the data, and ends with whole
    numbers. Such layers stand at the end of the list: the flow fits them to the
    data first, last layer first, and the layers before them see what they make of it.

    Parameters
    ----------
    layer : Layer
        A layer of data, such as ``Dequantize()`` or ``Logit()``.

    Attributes
    ----------
    layer_ : Layer
        The fitted layer.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow import GenFlow
    >>> from gaussflow.layers import Dequantize, Elliptical, Inverse
    >>> X = np.random.default_rng(0).poisson(3.0, size=(500, 2))
    >>> layers = [Elliptical(), Inverse(Dequantize(n_levels=None))]
    >>> flow = GenFlow(layers, direction="generate", random_state=0).fit(X)
    >>> samples = flow.sample(3, random_state=0)
    >>> bool((samples == samples.round()).all())
    True
    """

    _state = {"layer_": Part("Layer")}

    def __init__(self, layer, *, n_jobs=None, random_state=None):
        keep_params(locals())

    data_step = True

    @property
    def spreads_ties(self):
        return self.layer.spreads_ties

    def prepare(self, data, rng):
        if not isinstance(self.layer, Layer):
            raise TypeError(
                f"Inverse takes a layer such as Dequantize(), got {self.layer!r}."
            )
        self.n_features_in_ = data.shape[1]
        self.layer_ = self.layer.unfitted(self.n_jobs)
        return self.layer_.fit_forward(data, rng)[0]

    def fit_forward(self, X, rng, *, monitor=None, start=None):
        """Refuse: the inverse of a map that makes X normal is no map that does."""
        raise ValueError(
            'Inverse is for direction="generate". In direction "gaussianize", put '
            f"the layer itself into the list: {self.layer!r}."
        )

    def forward_and_log_det(self, X):
        return self.layer_.inverse_and_log_det(X)

    def inverse_and_log_det(self, Z):
        return self.layer_.forward_and_log_det(Z)
