"""Whether a flow has converged or overfits, is calibrated, and its latent rows normal.

Every function returns an object with numbers (``to_dict``) and a text (``summary``).
"""

from gaussflow.diagnostics._results import Estimate, LossCurve, LossDecomposition
from gaussflow.diagnostics.calibration import Calibration, calibration
from gaussflow.diagnostics.gaussianity import Gaussianity, GaussianityTest, gaussianity
from gaussflow.diagnostics.loss import loss_decomposition

__all__ = [
    "Calibration",
    "Estimate",
    "Gaussianity",
    "GaussianityTest",
    "LossCurve",
    "LossDecomposition",
    "calibration",
    "gaussianity",
    "loss_decomposition",
]
