"""A Network as a torch module, step by step the same."""

import torch
import torch.nn.functional as F
from torch import nn

from gaussflow.baselines.networks.network import run_steps
from gaussflow.baselines.networks.torch_training import Trainable


class NetworkModule(nn.Module):
    """The torch module of a :class:`~gaussflow.baselines.networks.network.Network`."""

    def __init__(self, network):
        super().__init__()
        self.steps = network.steps
        self.weights = nn.ParameterList([torch.tensor(w) for w in network.weights])

    def forward(self, x, labels=None, generator=None):
        """Return the output; a generator switches dropout on."""
        others = {"labels": labels, "dropout": generator}
        return run_steps(self.steps, self.weights, x, RUN, **others)

    def arrays(self):
        """Return the weights as numpy arrays."""
        return [w.detach().cpu().numpy().copy() for w in self.weights]


class CodeModule(Trainable):
    """An encoder and a decoder, trained together."""

    def __init__(self, model, settings):
        super().__init__()
        self.encoder = NetworkModule(model["encoder"])
        self.decoder = NetworkModule(model["decoder"])
        self.settings = settings

    def model(self):
        """Return the parts as numpy arrays."""
        return {"encoder": self.encoder.arrays(), "decoder": self.decoder.arrays()}


def loss_of(reconstruction, weight, regularization):
    """Return what an autoencoder minimises, and its parts."""
    return {
        "loss": reconstruction + weight * regularization,
        "reconstruction": reconstruction,
        "regularization": regularization,
    }


def append_labels(x, n_labels, labels):
    """Append one-hot labels to rows as columns, to maps as constant maps."""
    if x.dim() == 4:
        labels = labels[:, :, None, None].expand(-1, -1, *x.shape[2:])
    return torch.cat([x, labels], dim=1)


def dropout(x, p, generator):
    """Zero a share p of the entries by the generator; without one, none."""
    if generator is None or p == 0:
        return x
    kept = torch.rand(x.shape, generator=generator, device=x.device) >= p
    return x * kept / (1 - p)


RUN = {
    "dense": lambda x, n_in, n_out, w, b: F.linear(x, w, b),
    "conv": lambda x, i, o, k, stride, pad, w, b: F.conv2d(x, w, b, stride, pad),
    "deconv": lambda x, i, o, k, stride, pad, w, b: F.conv_transpose2d(
        x, w, b, stride, pad
    ),
    "relu": F.relu,
    "pool": lambda x: F.max_pool2d(x, 2),
    "average": lambda x: x.mean(dim=(2, 3)),
    "image": lambda x, h, w, c: x.view(-1, h, w, c).permute(0, 3, 1, 2),
    "rows": lambda x: x.permute(0, 2, 3, 1).reshape(len(x), -1),
    "maps": lambda x, c, h, w: x.view(-1, c, h, w),
    "flat": lambda x: x.reshape(len(x), -1),
    "crop": lambda x, h, w: x[:, :, :h, :w],
    "labels": append_labels,
    "dropout": dropout,
}
