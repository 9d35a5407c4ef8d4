"""One way from a scikit-learn ``random_state`` to Generators and seeds."""

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state

#: Odd multipliers of the mixing function of Steele, Lea and Flood (2014),
#: "Fast splittable pseudorandom number generators".
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
MIX_2 = np.uint64(0x94D049BB133111EB)


def as_generator(random_state=None):
    """Return a numpy Generator for any scikit-learn ``random_state``.

    A Generator passes through unchanged; everything else seeds a new one.

    Examples
    --------
    >>> from gaussflow._common.seeds import as_generator
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


def mix_bits(bits):
    """Return 64 bits that look independent of those given, elementwise."""
    bits = bits + GOLDEN
    bits = (bits ^ (bits >> np.uint64(30))) * MIX_1
    bits = (bits ^ (bits >> np.uint64(27))) * MIX_2
    return bits ^ (bits >> np.uint64(31))


def seeded_clone(estimator, rng, n_jobs=None):
    """Return an unfitted copy with a seed of its own, where it takes one.

    ``n_jobs`` are the threads of the copy, where its own ``n_jobs`` is None.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow._common.seeds import seeded_clone
    >>> from gaussflow.layers import Linear
    >>> copy = seeded_clone(Linear(n_iter=7), np.random.default_rng(0), n_jobs=2)
    >>> copy.n_iter, copy.n_jobs, copy.random_state is None
    (7, 2, False)
    """
    copy = clone(estimator)
    params = copy.get_params(deep=False)
    if "random_state" in params:
        copy.set_params(random_state=draw_seed(rng))
    if params.get("n_jobs", 1) is None:
        copy.set_params(n_jobs=n_jobs)
    return copy
