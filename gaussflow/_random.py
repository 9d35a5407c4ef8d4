"""One way to turn a scikit-learn ``random_state`` into numpy Generators."""

import numpy as np
from sklearn.utils import check_random_state


def as_generator(random_state=None):
    """Return a numpy Generator for any scikit-learn ``random_state``.

    Parameters
    ----------
    random_state : int, RandomState, Generator or None
        A Generator passes through unchanged; everything else seeds a new one.

    Returns
    -------
    numpy.random.Generator

    Examples
    --------
    >>> from gaussflow._random import as_generator
    >>> int(as_generator(0).integers(100)) == int(as_generator(0).integers(100))
    True
    """
    if isinstance(random_state, np.random.Generator):
        return random_state
    entropy = check_random_state(random_state).randint(2**31 - 1, size=4)
    return np.random.default_rng(entropy)


def draw_seed(rng):
    """Draw an integer seed that can be stored and drawn from again."""
    return int(rng.integers(2**31 - 1))
