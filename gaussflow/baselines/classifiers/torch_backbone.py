"""A torch module of the user's as the backbone of a classifier."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from gaussflow.baselines.classifiers.torch_fit import fit_classifier
from gaussflow.baselines.networks.torch_module import NetworkModule
from gaussflow.baselines.networks.torch_training import train

BATCH = 256


def check_module(backbone):
    """Raise ValueError unless a backbone is a torch module."""
    if not isinstance(backbone, nn.Module):
        raise ValueError(
            f"backbone must be None, an ImageClassifier or a torch module, got "
            f"{backbone!r}."
        )


def pooled(module, x, image_shape):
    """Return a module's rows, or the means of its maps, for rows of pixels."""
    height, width, channels = image_shape
    x = x.view(-1, height, width, channels).permute(0, 3, 1, 2)
    out = module(x)
    if out.dim() not in (2, 4):
        raise ValueError(
            f"The backbone returned a tensor of shape {tuple(out.shape)}: it must "
            f"return rows, or maps of shape (n, channels, height, width)."
        )
    return out.mean(dim=(2, 3)) if out.dim() == 4 else out


@torch.no_grad()
def features(module, X, image_shape):
    """Return the pooled features of rows of pixels, in batches, as numpy arrays."""
    module.eval()
    like = next(module.parameters(), torch.zeros(1))
    parts = [
        pooled(module, torch.tensor(X[i : i + BATCH]).to(like), image_shape).cpu()
        for i in range(0, len(X), BATCH)
    ]
    return np.concatenate([part.numpy() for part in parts])


class WithHead(nn.Module):
    """The module and a head that is trained with it."""

    def __init__(self, module, head, image_shape):
        super().__init__()
        self.module, self.image_shape = module, image_shape
        self.head = NetworkModule(head)

    def loss(self, x, codes, generator):
        """Return the cross-entropy in nats; dropout only in training."""
        rows = pooled(self.module, x, self.image_shape)
        logits = self.head(rows, generator=generator if self.training else None)
        return {"loss": F.cross_entropy(logits, codes)}


def fit_head(module, head, X, codes, image_shape, *, freeze, parts, device, **options):
    """Train the head's weights, and the module's where not frozen, in place."""
    module.to(device)
    if freeze:
        X = features(module, X, image_shape)
        history = fit_classifier(head, X, codes, parts=parts, device=device, **options)
    else:
        model = WithHead(module, head, image_shape).to(device)
        rows, held_out = (
            None
            if indices is None
            else tuple(torch.from_numpy(a[indices]).to(device) for a in (X, codes))
            for indices in parts
        )
        history = train(model, rows, held_out=held_out, **options)
        head.weights = model.head.arrays()
    module.to("cpu").eval()
    return history
