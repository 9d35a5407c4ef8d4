"""Orthogonal directions: how to store them, and strategies that choose them."""

from gaussflow.rotations.auto import auto_rotation
from gaussflow.rotations.base import Rotation
from gaussflow.rotations.dense import DenseRotation
from gaussflow.rotations.haar import HaarRotation, random_rotation
from gaussflow.rotations.ica import ica_rotation
from gaussflow.rotations.identity import IdentityRotation, identity_rotation
from gaussflow.rotations.pca import pca_rotation
from gaussflow.rotations.registry import ROTATIONS, get_rotation
from gaussflow.rotations.sliced import sliced_rotation
from gaussflow.rotations.structured import StructuredRotation, structured_rotation

__all__ = [
    "ROTATIONS",
    "DenseRotation",
    "HaarRotation",
    "IdentityRotation",
    "Rotation",
    "StructuredRotation",
    "auto_rotation",
    "get_rotation",
    "ica_rotation",
    "identity_rotation",
    "pca_rotation",
    "random_rotation",
    "sliced_rotation",
    "structured_rotation",
]
