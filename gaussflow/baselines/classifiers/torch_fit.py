"""Cross-entropy training of a network."""

import torch
import torch.nn.functional as F

from gaussflow.baselines.networks.torch_module import NetworkModule
from gaussflow.baselines.networks.torch_training import train


class Classifier(NetworkModule):
    """A network whose outputs are logits."""

    def loss(self, x, codes, generator):
        """Return the cross-entropy in nats; dropout only in training."""
        logits = self(x, generator=generator if self.training else None)
        return {"loss": F.cross_entropy(logits, codes)}


def fit_classifier(network, X, codes, *, parts, device, options, rng, caller):
    """Train the network's weights in place; return the history.

    Parameters
    ----------
    network : Network
        Its weights are replaced.
    X : ndarray of shape (n_samples, n_features), float32
    codes : ndarray of shape (n_samples,)
        Classes from 0.
    parts : tuple of ndarray
        Rows to train on, and rows held out (or None).
    device, options, rng, caller
        See ``train``.
    """
    model = Classifier(network).to(device)

    def tensors(rows):
        if rows is None:
            return None
        arrays = torch.from_numpy(X[rows]), torch.from_numpy(codes[rows])
        return tuple(a.to(device) for a in arrays)

    train_rows, held_out = parts
    history = train(
        model,
        tensors(train_rows),
        options=options,
        rng=rng,
        held_out=tensors(held_out),
        caller=caller,
    )
    network.weights = model.arrays()
    return history
