"""The list of layers that a flow holds, and the parameters inside it."""

from sklearn.base import clone

from gaussflow.layers.base import Layer


class LayerList:
    """Mixin of an estimator whose parameter ``layers`` is a list of layers, or "auto".

    ``set_params(layers__0__rotation="ica")`` reaches into the list.
    """

    def get_layer_list(self):
        """Return the layers: the fitted ones after fit, else those given.

        Returns
        -------
        layers : list of Layer
        """
        if hasattr(self, "layers_"):
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
                if hasattr(layer, "get_params"):
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
