"""Scores: arrays in, a number out."""

from gaussflow.metrics.bits import bits_per_dimension
from gaussflow.metrics.frechet import frechet_distance, frechet_distance_from_moments
from gaussflow.metrics.inception import inception_score
from gaussflow.metrics.kernel import kernel_distance
from gaussflow.metrics.neighbours import (
    density_coverage,
    nearest_distance,
    precision_recall,
)
from gaussflow.metrics.sliced import sliced_wasserstein
from gaussflow.metrics.structure import psnr, ssim

__all__ = [
    "bits_per_dimension",
    "density_coverage",
    "frechet_distance",
    "frechet_distance_from_moments",
    "inception_score",
    "kernel_distance",
    "nearest_distance",
    "precision_recall",
    "psnr",
    "sliced_wasserstein",
    "ssim",
]
