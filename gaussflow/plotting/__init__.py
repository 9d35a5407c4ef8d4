"""Pictures of flows, in the manner of scikit-learn's displays.

Each is made by ``from_estimator``, which computes and stores, and drawn by ``plot``,
which needs matplotlib: ``pip install "gaussflow[viz]"``.
"""

from gaussflow.plotting.latents import LatentDisplay
from gaussflow.plotting.loss import LossCurveDisplay, LossDecompositionDisplay
from gaussflow.plotting.maps import MarginalMapDisplay
from gaussflow.plotting.pairs import PairsDisplay

__all__ = [
    "LatentDisplay",
    "LossCurveDisplay",
    "LossDecompositionDisplay",
    "MarginalMapDisplay",
    "PairsDisplay",
]
