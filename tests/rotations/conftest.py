"""What the tests of rotations share."""

import numpy as np
import pytest

ROUNDING = 1e-12


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def orthonormality_error(rotation):
    Q = rotation.matrix()
    assert Q.shape == (rotation.n_directions, rotation.n_features)
    return np.abs(Q @ Q.T - np.eye(len(Q))).max()
