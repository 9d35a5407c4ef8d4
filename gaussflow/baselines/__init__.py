"""Neural baselines: torch trains them, numpy runs them."""

from gaussflow.baselines.classifier import ImageClassifier
from gaussflow.baselines.vae import VAETransformer

__all__ = ["ImageClassifier", "VAETransformer"]
