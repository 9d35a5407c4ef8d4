"""The default strategy: a mixture of the others that suits the dimension."""

from gaussflow.rotations.base import strategy
from gaussflow.rotations.fixed import random_rotation, structured_rotation
from gaussflow.rotations.ica import ica_rotation
from gaussflow.rotations.sliced import sliced_rotation

# In up to 3 dimensions random directions do as well as learned ones, and cost
# a tenth; beyond 256 a dense random rotation costs more than its marginals.
_FEW_FEATURES = 3
_MANY_FEATURES = 256


@strategy(learned=True)
def auto_rotation(Z, rng, *, n_directions=None, target=None):
    """Draw one of the strategies that suit the number of features.

    Up to 3 features: "random". More: "sliced" half of the time, else "ica" or
    "random" (beyond 256 features "structured") in equal parts. The kind is
    drawn from ``rng``, so that calls need not know of each other.

    Parameters
    ----------
    Z : ndarray of shape (n_samples, n_features)
        Rows to learn from.
    rng : numpy.random.Generator
        Randomness of the kind, and of the strategy drawn.
    n_directions : int or None, default=None
        Number of directions; None leaves it to the strategy drawn.
    target : ndarray of shape (n_target, n_features) or None, default=None
        Rows to carry Z toward; None stands for N(0, I).

    Returns
    -------
    Rotation

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.rotations import auto_rotation
    >>> rng = np.random.default_rng(0)
    >>> type(auto_rotation(rng.standard_normal((10, 2)), rng)).__name__
    'HaarRotation'
    """
    n_features = Z.shape[1]
    blind = structured_rotation if n_features > _MANY_FEATURES else random_rotation
    if n_features <= _FEW_FEATURES:
        chosen = blind
    else:
        kinds = (sliced_rotation, sliced_rotation, ica_rotation, blind)
        chosen = kinds[rng.integers(len(kinds))]
    return chosen(Z, rng, n_directions=n_directions, target=target)
