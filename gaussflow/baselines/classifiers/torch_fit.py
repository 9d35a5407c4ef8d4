"""Cross-entropy training of a network."""

import torch.nn.functional as F
from torch import nn

from gaussflow.baselines.networks.torch_module import NetworkModule
from gaussflow.baselines.networks.torch_training import Trainable, train


class Classifier(Trainable):
    """A network whose outputs are logits, on the rows that another module makes."""

    def __init__(self, network, below=None):
        super().__init__()
        self.below = nn.Identity() if below is None else below
        self.network = NetworkModule(network)

    def loss(self, x, codes, generator):
        """Return the cross-entropy in nats; dropout only in training."""
        rows = self.below(x)
        logits = self.network(rows, generator=generator if self.training else None)
        return {"loss": F.cross_entropy(logits, codes)}


def fit_classifier(network, X, codes, *, below=None, **fitting):
    """Train the network's weights, and those below, in place; return the history.

    The torch module ``below`` makes the network's rows of float32 rows X, which are
    taken as they are where it is None; ``fitting`` is for ``train``.
    """
    model = Classifier(network, below)
    history = train(model, (X, codes), **fitting)
    network.weights = model.network.arrays()
    return history
