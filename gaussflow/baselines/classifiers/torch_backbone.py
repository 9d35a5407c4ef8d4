"""A torch module of the user's as the backbone of a classifier."""

import numpy as np
import torch
from torch import nn

from gaussflow.baselines.classifiers.torch_fit import fit_classifier

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


class Pooled(nn.Module):
    """A module whose outputs on rows of pixels are pooled."""

    def __init__(self, module, image_shape):
        super().__init__()
        self.module, self.image_shape = module, image_shape

    def forward(self, x):
        """Return the pooled features."""
        return pooled(self.module, x, self.image_shape)


def fit_head(module, head, X, codes, image_shape, *, freeze, device, **fitting):
    """Train the head's weights, and the module's where not frozen, in place."""
    below = None
    if freeze:
        X = features(module.to(device), X, image_shape)
    else:
        below = Pooled(module, image_shape)
    history = fit_classifier(head, X, codes, below=below, device=device, **fitting)
    module.to("cpu").eval()
    return history
