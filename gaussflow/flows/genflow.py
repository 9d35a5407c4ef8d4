"""GenFlow: a list of invertible layers, fitted one after the other.

The whole face of a flow can be read here and in its base class, which is why the file
is longer than most; how it is fitted is in ``flows/fitting.py``.
"""

import numpy as np
from sklearn.base import clone

from gaussflow._common.checks import (
    Choice,
    Flag,
    Integer,
    Number,
    check_params,
    keep_params,
)
from gaussflow._common.seeds import as_generator
from gaussflow.flows.fitting import chain, fit_flow
from gaussflow.flows.refinement.last_layer import refine_flow
from gaussflow.layers.base import Layer
from gaussflow.persistence.shapes import ABSENT, Items, Part, Plain


class GenFlow(Layer):
    """Generative model by iterative Gaussianization: a list of layers.

    The layers carry the data to a standard normal, one after the other, without
    back-propagation; backwards, they turn noise into new rows. Density, latent
    rows and inverse are exact.

    Parameters
    ----------
    layers : "auto" or list of Layer, default="auto"
        The stack, from data to noise, or from noise to data in direction "generate".
        "auto" tries the stems of
        :func:`gaussflow.flows.architectures.stems` on held-out rows and follows the
        best one by gated iterations of rotations and marginal maps.
    direction : {"gaussianize", "generate"}, default="gaussianize"
        "gaussianize" fits the maps from data to noise, for the best density;
        "generate" carries ``n_gen_samples`` latent samples from noise to the
        data, for the best samples. Both are exactly invertible.
    n_gen_samples : int or None, default=None
        Latent samples carried in direction "generate"; None takes as many as
        there are rows, at least 2,000.
    validation_fraction : float, default=0.1
        Share of the rows held out for the loss curve and for stopping (at most
        10,000 rows). Up to 20,000 rows, the flow is then fitted again on all
        rows with the layers and iterations that the held-out rows chose. 0
        holds out none.
    refinement : "joint" or None, default=None
        "joint" improves the iterations of the last layer, a Linear, together after
        they were fitted one by one, from where they are and from a random start, and
        keeps what the held-out rows gain by: see :meth:`refine`, which does the same
        to a flow that is fitted already.
    warm_start : bool, default=False
        With True, ``fit`` keeps the layers that are fitted and goes on with
        those that were added after ``last_fitted_layer_``.
    dtype : numpy dtype, default=np.float64
        Precision of the arithmetic: float64 or float32.
    verbose : int, default=0
        Above 0, print one line per iteration.

    Attributes
    ----------
    layers_ : list of Layer
        The fitted layers, from data to noise ("gaussianize") or from noise to
        data ("generate").
    last_fitted_layer_ : int
        Index of the last fitted layer.
    n_layers_, n_iter_ : int
        Number of layers, and of iterations over all layers.
    loss_curve_ : list of dict
        One per layer or iteration: "layer", "iteration", "train" and "held_out"
        loss (mean negative log-likelihood, nats a row), "admitted" directions,
        "candidates", "seconds". Losses are None in direction "generate" and,
        for "held_out", without held-out rows.
    refinement_ : dict or None
        What the refinement did: "start", "stages" (steps under each penalty), the
        held-out "gain" in nats with its "standard_error", and whether it was
        "admitted".
    stem_scores_ : dict of str to float
        With layers="auto", the held-out log-likelihood of every stem tried.

    References
    ----------
    V. Laparra, G. Camps-Valls, J. Malo (2011), "Iterative Gaussianization: from
    ICA to random rotations". B. Dai, U. Seljak (2021), "Sliced iterative
    normalizing flows". F. Draxler, L. Kuehmichel, A. Rousselot, J. Mueller,
    C. Schnoerr, U. Koethe (2023), "On the convergence rate of Gaussianization
    with random rotations".

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from gaussflow import GenFlow
    >>> X, _ = make_moons(80, noise=0.1, random_state=0)
    >>> flow = GenFlow(random_state=0).fit(X)
    >>> flow.sample(3, random_state=0).shape
    (3, 2)
    >>> bool(abs(flow.inverse_transform(flow.transform(X)) - X).max() < 1e-8)
    True
    """

    instead = "put its layers into the outer list"
    _rules = {
        "direction": Choice(("gaussianize", "generate")),
        "n_gen_samples": Integer(2, None, None),
        "validation_fraction": Number("[0, 1)"),
        "refinement": Choice(("joint",), None),
        "warm_start": Flag(),
    }

    _state = {
        "layers_": Items(Part("Layer")),
        "refinement_": Plain(),
        "loss_curve_": Plain(),
        "last_fitted_layer_": Integer(-1),
        "n_layers_": Integer(0),
        "n_iter_": Integer(0),
        "stem_scores_": Plain(ABSENT),
    }

    def __init__(
        self,
        layers="auto",
        *,
        direction="gaussianize",
        n_gen_samples=None,
        validation_fraction=0.1,
        refinement=None,
        warm_start=False,
        dtype=np.float64,
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        keep_params(locals())

    # -- fitting --------------------------------------------------------------

    def _fit_validated(self, X, rng=None):
        self.check_settings()
        rng = as_generator(self.random_state) if rng is None else rng
        done = self._fitted_so_far()
        fit = fit_flow(self, X, rng, done)
        earlier = self.loss_curve_ if done else []
        for layer in fit.layers:
            layer.forget_search()
        if fit.stem_scores is not None:
            self.stem_scores_ = fit.stem_scores
        self.refinement_ = fit.refinement
        self.loss_curve_ = [*earlier, *fit.loss_curve]
        self.layers_ = fit.layers
        self.last_fitted_layer_ = len(fit.layers) - 1
        self.n_layers_ = len(fit.layers)
        self.n_iter_ = sum(int(layer.n_iter_) for layer in fit.layers)

    def fit_forward(self, X, rng, *, monitor=None, start=None):
        self.n_features_in_ = X.shape[1]
        self._fit_validated(X, rng)
        return self.forward_and_log_det(X)

    def refine(
        self,
        X,
        *,
        start="best",
        n_iter=None,
        rotations=True,
        validation_fraction=0.2,
        random_state=None,
    ):
        """Improve all maps of the last layer together, by maximum likelihood.

        A fit adds one iteration after the other, each the best for the moment. Here
        all of them move together, along exact gradients, while rows held out from X
        say when to stop (Meng et al., 2020, "Gaussianization flows"). Where these
        rows gain no more than two standard errors, the flow stays as it is, to the bit.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to refine on. Held-out rows that the flow was fitted to flatter what
            it is now: pass fresh rows where there are some, or fit with
            ``refinement="joint"``, which keeps rows apart for both.
        start : {"best", "fitted", "random"}, default="best"
            "fitted" goes on from the fitted maps; "random" trains end to end, from
            random rotations and identity maps, which take the place of the layer's
            iterations; "best" does both, and takes what held-out rows prefer.
        n_iter : int or None, default=None
            Rotations of a random start; None takes 24 for two columns, fewer for more.
        rotations : bool, default=True
            Move the directions too.
        validation_fraction : float, default=0.2
            Share of the rows that say when to stop, at most 10,000.
        random_state : int, RandomState, Generator or None, default=None
            Randomness of the split and of a random start.

        Returns
        -------
        self : GenFlow
            ``refinement_`` tells what was done.

        Examples
        --------
        >>> from sklearn.datasets import make_moons
        >>> from gaussflow import GenFlow
        >>> from gaussflow.layers import Linear
        >>> X, _ = make_moons(1500, noise=0.1, random_state=0)
        >>> flow = GenFlow([Linear(n_iter=8)], random_state=0).fit(X[:500])
        >>> before = flow.score(X[1000:])
        >>> flow = flow.refine(X[500:1000], n_iter=6, random_state=0)
        >>> flow.refinement_["admitted"], flow.score(X[1000:]) > before + 0.05
        (True, True)
        """
        self.layers_, self.refinement_ = refine_flow(
            self,
            self._validate(X),
            start=start,
            n_iter=n_iter,
            rotations=rotations,
            validation_fraction=validation_fraction,
            random_state=random_state,
        )
        return self

    # -- the map --------------------------------------------------------------

    def forward_and_log_det(self, X):
        if self.direction == "generate":
            return chain(X, reversed(self.layers_), "inverse_and_log_det")
        return chain(X, self.layers_, "forward_and_log_det")

    def inverse_and_log_det(self, Z):
        if self.direction == "generate":
            return chain(Z, self.layers_, "forward_and_log_det")
        return chain(Z, reversed(self.layers_), "inverse_and_log_det")

    def stages_by_layer(self):
        found = [(i, layer.stages()) for i, layer in enumerate(self.layers_)]
        if self.direction != "generate":
            return found
        return [
            (i, [(number, back, ahead) for number, ahead, back in reversed(maps)])
            for i, maps in reversed(found)
        ]

    @property
    def spreads_ties(self):  # type: ignore[override]
        if isinstance(self.layers, str):
            return True
        facing = self.layers[-1 if self.direction == "generate" else 0]
        return facing.spreads_ties

    def working_dtype(self):
        """Return the numpy dtype of the arithmetic."""
        message = f"dtype must be float64 or float32, got {self.dtype!r}."
        try:
            dtype = np.dtype(self.dtype)
        except TypeError as exc:
            raise ValueError(message) from exc
        if dtype not in (np.dtype("f8"), np.dtype("f4")):
            raise ValueError(message)
        return dtype

    def as_chosen(self):
        if not isinstance(self.layers, str):
            return clone(self)
        return clone(self).set_params(layers=[clone(one) for one in self.layers_])

    # -- the list of layers -----------------------------------------------------

    def get_layer_list(self):
        """Return the layers: the fitted ones after fit, else those given.

        Returns
        -------
        layers : list of Layer
        """
        if "layers_" in vars(self):
            return list(self.layers_)
        return list(self.layers) if isinstance(self.layers, (list, tuple)) else []

    def add_layer(self, layer):
        """Append a layer to the list; return self.

        With ``warm_start=True`` the next ``fit`` goes on with it after the
        layers that are fitted.

        Parameters
        ----------
        layer : Layer
            An unfitted layer.

        Returns
        -------
        self : GenFlow
        """
        if not isinstance(layer, Layer):
            raise TypeError(
                f"add_layer takes a Layer such as Linear(), got {type(layer).__name__}."
            )
        given = self.layers
        if isinstance(given, str):
            # From here on the list is the user's: what "auto" chose, and this.
            given = [clone(fitted) for fitted in getattr(self, "layers_", [])]
        self.layers = [*given, layer]
        return self

    def get_params(self, deep=True):
        """Return the parameters; with deep=True those of the layers too.

        Parameters
        ----------
        deep : bool, default=True
            Also return ``layers__0__rotation`` and its like.

        Returns
        -------
        params : dict
        """
        params = super().get_params(deep=False)
        if deep and isinstance(self.layers, (list, tuple)):
            for index, layer in enumerate(self.layers):
                if isinstance(layer, Layer):
                    params[f"layers__{index}"] = layer
                    for name, value in layer.get_params(deep=True).items():
                        params[f"layers__{index}__{name}"] = value
        return params

    def set_params(self, **params):
        """Set parameters, those of layers by ``layers__<index>__<name>``.

        Parameters
        ----------
        **params : dict
            Names and values.

        Returns
        -------
        self : GenFlow
        """
        own = {k: v for k, v in params.items() if not k.startswith("layers__")}
        super().set_params(**own)
        # Layers first, then what is inside them.
        for name in sorted(params.keys() - own.keys()):
            self._set_layer_param(name, params[name])
        return self

    def _set_layer_param(self, name, value):
        _, index, *rest = name.split("__", 2)
        n_layers = len(self.layers) if isinstance(self.layers, (list, tuple)) else 0
        if not index.isdigit() or int(index) >= n_layers:
            raise ValueError(
                f"Invalid parameter {name!r} for {type(self).__name__}: layers has "
                f"{n_layers} layers to set (layers={self.layers!r}). Pass a list "
                f"of layers and use layers__0__<name> and up."
            )
        if rest:
            self.layers[int(index)].set_params(**{rest[0]: value})
        else:
            layers = list(self.layers)
            layers[int(index)] = value
            self.layers = layers

    # -- checks -----------------------------------------------------------------

    def check_settings(self):
        check_params(self)
        if isinstance(self.layers, str):
            if self.layers != "auto":
                raise ValueError(
                    f'layers must be "auto" or a list of layers, got {self.layers!r}.'
                )
        elif not isinstance(self.layers, (list, tuple)) or not all(
            isinstance(layer, Layer) for layer in self.layers
        ):
            raise TypeError(
                f'layers must be "auto" or a list of layers such as [Linear()], got '
                f"{self.layers!r}."
            )
        elif len(self.layers) == 0:
            raise ValueError('layers is empty: pass "auto" or at least one layer.')
        if self.refinement is not None:
            self._check_refinement()

    def _check_refinement(self):
        if self.direction != "gaussianize" or float(self.validation_fraction) == 0:
            raise ValueError(
                'refinement="joint" climbs the likelihood until held-out rows say stop:'
                ' it needs direction="gaussianize" and a validation_fraction above 0, '
                f"got {self.direction!r} and {self.validation_fraction!r}."
            )
        if not isinstance(self.layers, str) and not self.layers[-1].refinable:
            raise ValueError(
                'refinement="joint" improves the last layer, which must be a Linear, '
                f"got {self.layers[-1]!r}. Append Linear()."
            )

    def _fitted_so_far(self):
        """Layers that a warm start keeps."""
        if not self.warm_start or "layers_" not in vars(self):
            return []
        width = self.layers_[0].n_features_in_
        if width != self.n_features_in_:
            raise ValueError(
                f"X has {self.n_features_in_} features, but the layers that "
                f"warm_start=True keeps were fitted on {width}. Set warm_start=False "
                f"to fit them anew."
            )
        return list(self.layers_)
