"""Transfer learning: a new head on features that were learned elsewhere."""

import copy

import numpy as np
from scipy.ndimage import zoom
from sklearn.datasets import load_digits
from sklearn.utils.validation import check_is_fitted

from gaussflow._common.checks import keep_params
from gaussflow._common.seeds import draw_seed
from gaussflow.baselines.classifiers.image import ImageClassifier, NetworkClassifier
from gaussflow.baselines.networks.network import Network
from gaussflow.baselines.networks.training import standardised
from gaussflow.persistence.shapes import Scalar

#: Passes over the bundled digits that pretrain the default backbone.
PRETRAINING_EPOCHS = 10


class TransferClassifier(NetworkClassifier):
    """Classifier of few labelled images: a pretrained backbone and a new head.

    The backbone's pooled maps go through a dense layer, dropout and a softmax.
    Frozen, its features are computed once, and only the head is trained.

    Parameters
    ----------
    image_shape : tuple (height, width, channels) or None, default=None
        Shape of the images whose pixels are the columns of X; None takes the
        backbone's, where it is an ImageClassifier.
    backbone : None, ImageClassifier or torch module, default=None
        None pretrains a small convolutional net on the digits that come with
        scikit-learn, enlarged to ``image_shape``. A fitted ImageClassifier of
        the same ``image_shape`` gives its convolutions. A torch module, such as
        the ``features`` of torchvision's MobileNetV2, takes tensors of shape
        (n, channels, height, width) and returns maps, which are averaged, or
        rows; pixels are given to it as they are in X. It is copied, and ``save``
        cannot write it.
    freeze : bool, default=True
        Leave the backbone as it is; False trains it along with the head.
    hidden : int, default=128
        Width of the head's hidden layer.
    dropout : float, default=0.5
        Share of the hidden layer zeroed in training.
    batch_size : int or "auto"
        Rows of a gradient step; "auto" takes 32, or all where there are fewer.

    Attributes
    ----------
    network_ : Network
        Backbone and head, or the head alone on a torch module.
    backbone_ : torch module or None
        The copy of a torch module.
    offset_, scale_ : ndarray
        The rows are standardised by these, as the backbone's were.

    Examples
    --------
    >>> from gaussflow.baselines import TransferClassifier
    >>> from gaussflow.datasets import make_shapes
    >>> shapes = make_shapes(400, image_size=16, random_state=0)
    >>> classifier = TransferClassifier((16, 16, 1), random_state=0)
    >>> classifier.fit(shapes.data[:200], shapes.target[:200])
    TransferClassifier(image_shape=(16, 16, 1), random_state=0)
    >>> classifier.score(shapes.data[200:], shapes.target[200:]) > 0.8
    True
    """

    # Labels are few here, and a step is a batch.
    _auto_batch = 32
    _n_streams = 4

    _state = {"backbone_": Scalar()}

    def __init__(
        self,
        image_shape=None,
        *,
        backbone=None,
        freeze=True,
        hidden=128,
        dropout=0.5,
        n_epochs=50,
        batch_size="auto",
        learning_rate=3e-3,
        early_stopping=False,
        validation_fraction=0.1,
        patience=3,
        device="auto",
        random_state=None,
        verbose=0,
    ):
        keep_params(locals())

    def _fit_network(self, X, codes, n_classes, rngs, fitting):
        init_rng, backbone_rng = rngs
        if isinstance(self.backbone, (type(None), ImageClassifier)):
            backbone = self._our_backbone(X.shape[1], backbone_rng)
            return self._fit_ours(X, codes, n_classes, backbone, init_rng, fitting)
        return self._fit_module(X, codes, n_classes, init_rng, fitting)

    def _our_backbone(self, n_features, rng):
        """Return a fitted ImageClassifier for images like the rows."""
        if self.backbone is None:
            if self.image_shape is None:
                raise ValueError(
                    "TransferClassifier(backbone=None) needs image_shape=(height, "
                    "width, channels): convolutions see images, not rows."
                )
            return _pretrained(self.image_shape, self.device, rng)
        check_is_fitted(self.backbone)
        shape, ours = self.backbone.image_shape, self.image_shape
        if shape is None or (ours is not None and tuple(ours) != tuple(shape)):
            raise ValueError(
                f"The backbone was fitted with image_shape={shape}, which does not fit "
                f"image_shape={ours}. Fit it on images of that shape."
            )
        if np.prod(shape) != n_features:
            raise ValueError(
                f"The backbone was fitted on images of shape {tuple(shape)}, but X has "
                f"{n_features} features. Fit it on images of that size."
            )
        return self.backbone

    def _head(self, n_in, n_classes, rng):
        hidden = int(self.hidden)
        steps = [("dense", n_in, hidden), ("relu",), ("dropout", float(self.dropout))]
        return Network.draw([*steps, ("dense", hidden, n_classes)], rng)

    def _fit_ours(self, X, codes, n_classes, backbone, rng, fitting):
        from gaussflow.baselines.classifiers.torch_fit import fit_classifier

        offset, scale = backbone.offset_, backbone.scale_
        inputs = standardised(X, offset, scale)
        steps, weights = backbone.network_.steps, backbone.network_.weights
        flat = steps.index(("flat",)) + 1
        n_weights = 2 * sum(step[0] == "conv" for step in steps[:flat])
        below = Network(steps[:flat], [w.copy() for w in weights[:n_weights]])
        head = self._head(steps[flat][1], n_classes, rng)
        if self.freeze:
            history = fit_classifier(head, below(inputs), codes, **fitting)
        network = Network(below.steps + head.steps, below.weights + head.weights)
        if not self.freeze:
            history = fit_classifier(network, inputs, codes, **fitting)
        self.backbone_, self.network_ = None, network
        self.offset_, self.scale_ = offset, scale
        return history

    def _fit_module(self, X, codes, n_classes, rng, fitting):
        from gaussflow.baselines.classifiers import torch_backbone as transfer

        if self.image_shape is None:
            raise ValueError(
                "TransferClassifier needs image_shape=(height, width, channels) to "
                "give a torch module images."
            )
        transfer.check_module(self.backbone)
        module = copy.deepcopy(self.backbone)
        inputs = X.astype(np.float32)
        shape = tuple(self.image_shape)
        features = transfer.features(module, inputs[:1], shape)
        head = self._head(features.shape[1], n_classes, rng)
        history = transfer.fit_head(
            module, head, inputs, codes, shape, freeze=self.freeze, **fitting
        )
        self.backbone_, self.network_ = module, head
        self.offset_, self.scale_ = np.zeros(1), np.ones(1)
        return history

    def _inputs(self, X):
        inputs = super()._inputs(X)
        if self.backbone_ is None:
            return inputs
        from gaussflow.baselines.classifiers import torch_backbone as transfer

        features = transfer.features(self.backbone_, inputs, tuple(self.image_shape))
        return features.astype(inputs.dtype)


def _pretrained(image_shape, device, rng):
    """Return an ImageClassifier fitted to the bundled digits, enlarged."""
    digits = load_digits()
    height, width, channels = image_shape
    pictures = zoom(digits.images / 16.0, (1, height / 8, width / 8), order=1)
    X = np.repeat(pictures.reshape(len(pictures), -1, 1), channels, axis=2)
    classifier = ImageClassifier(
        tuple(image_shape),
        n_epochs=PRETRAINING_EPOCHS,
        device=device,
        random_state=draw_seed(rng),
    )
    return classifier.fit(X.reshape(len(X), -1), digits.target)
