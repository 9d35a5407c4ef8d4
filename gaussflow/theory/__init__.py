"""The closed forms that gaussflow is tested against, and what they promise."""

from gaussflow.theory.convergence import (
    coupling_contraction,
    layers_for_loss_ratio,
    least_layers,
    loss_after_step,
    random_rotation_losses,
    rotation_contraction,
)
from gaussflow.theory.gaussian import (
    LossSplit,
    gaussian_entropy,
    gaussian_kl,
    gaussian_loss_split,
    gaussian_mutual_information,
)
from gaussflow.theory.spurious import SpuriousProjection, spurious_projection

__all__ = [
    "LossSplit",
    "SpuriousProjection",
    "coupling_contraction",
    "gaussian_entropy",
    "gaussian_kl",
    "gaussian_loss_split",
    "gaussian_mutual_information",
    "layers_for_loss_ratio",
    "least_layers",
    "loss_after_step",
    "random_rotation_losses",
    "rotation_contraction",
    "spurious_projection",
]
