"""Scores: arrays in, a number out."""

from gaussflow.metrics.bits import bits_per_dimension
from gaussflow.metrics.disentanglement import dci, mutual_information_gap
from gaussflow.metrics.frechet import frechet_distance, frechet_distance_from_moments
from gaussflow.metrics.inception import inception_score
from gaussflow.metrics.kernel import kernel_distance
from gaussflow.metrics.latent import (
    active_units,
    information_rate,
    label_consistency,
    noise_stability,
    path_smoothness,
)
from gaussflow.metrics.neighbours import (
    density_coverage,
    nearest_distance,
    precision_recall,
)
from gaussflow.metrics.sliced import sliced_wasserstein
from gaussflow.metrics.structure import psnr, ssim

__all__ = [
    "ClassifierFeatures",
    "active_units",
    "bits_per_dimension",
    "dci",
    "density_coverage",
    "frechet_distance",
    "frechet_distance_from_moments",
    "inception_score",
    "information_rate",
    "kernel_distance",
    "label_consistency",
    "mutual_information_gap",
    "nearest_distance",
    "noise_stability",
    "path_smoothness",
    "precision_recall",
    "psnr",
    "sliced_wasserstein",
    "ssim",
]


def __getattr__(name):
    """Import the classifier only where used: its imports cost more than all else."""
    if name == "ClassifierFeatures":
        from gaussflow.metrics.features import ClassifierFeatures

        return ClassifierFeatures
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
