"""Neural baselines: torch trains them, numpy runs them."""

from gaussflow.baselines.classifier import ImageClassifier

__all__ = ["ImageClassifier"]
