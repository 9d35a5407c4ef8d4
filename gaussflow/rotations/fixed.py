"""Strategies that look at no rows: random, structured, identity."""

import numpy as np

from gaussflow._random import draw_seed
from gaussflow.rotations.base import strategy
from gaussflow.rotations.haar import HaarRotation
from gaussflow.rotations.identity import IdentityRotation
from gaussflow.rotations.structured import StructuredRotation


def _first(n_directions):
    return None if n_directions is None else np.arange(n_directions)


@strategy(learned=False)
def random_rotation(Z, rng, *, n_directions=None, target=None):
    """Draw directions uniformly; see HaarRotation."""
    return HaarRotation(draw_seed(rng), Z.shape[1], _first(n_directions))


@strategy(learned=False)
def structured_rotation(Z, rng, *, n_directions=None, target=None):
    """Draw directions in O(D log D); see StructuredRotation."""
    return StructuredRotation(draw_seed(rng), Z.shape[1], _first(n_directions))


@strategy(learned=False)
def identity_rotation(Z, rng, *, n_directions=None, target=None):
    """Take the coordinate axes; see IdentityRotation."""
    return IdentityRotation(Z.shape[1], _first(n_directions))
