"""The default strategy: a mixture of the others that suits the dimension."""

from gaussflow.rotations.base import strategy
from gaussflow.rotations.haar import random_rotation
from gaussflow.rotations.ica import ica_rotation
from gaussflow.rotations.sliced import sliced_rotation
from gaussflow.rotations.structured import structured_rotation

# In up to 3 dimensions random directions do as well as learned ones, and cost
# a tenth. Up to 256, "sliced" with a quarter of "ica" was best over gated flows
# of 40 iterations (held-out nats on breast cancer, digits and an 8-D t):
#   sliced 1.88, 2.17, 0.99; 3/4 sliced + 1/4 ica 1.97, 2.25, 1.03;
#   1/2 sliced + 1/4 ica + 1/4 random 1.86, 2.13, 1.04.
# Beyond 256 a dense random rotation costs more than its marginals, and a
# search nearly a second: half of the iterations mix all columns cheaply.
_FEW_FEATURES = 3
_MANY_FEATURES = 256


@strategy(learned=True)
def auto_rotation(Z, rng, *, n_directions=None, target=None):
    """Draw one of the strategies that suit the number of features.

    Up to 3 features: "random". Up to 256: "sliced" in three calls of four,
    else "ica". More: "sliced" or "structured" in equal parts. The kind is drawn
    from ``rng``, so that calls need not know of each other.

    Parameters
    ----------
    rng : numpy.random.Generator
        Randomness of the kind, and of the strategy drawn.
    n_directions : int or None, default=None
        Number of directions; None leaves it to the strategy drawn.

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
    if n_features <= _FEW_FEATURES:
        kinds = [random_rotation]
    elif n_features <= _MANY_FEATURES:
        kinds = [sliced_rotation, sliced_rotation, sliced_rotation, ica_rotation]
    else:
        kinds = [sliced_rotation, structured_rotation]
    chosen = kinds[rng.integers(len(kinds))]
    return chosen(Z, rng, n_directions=n_directions, target=target)
