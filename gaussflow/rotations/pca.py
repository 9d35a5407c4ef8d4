"""Principal axes: the rotation that decorrelates."""

import numpy as np

from gaussflow.rotations.base import strategy
from gaussflow.rotations.dense import DenseRotation


@strategy(learned=True)
def pca_rotation(Z, rng, *, n_directions=None, target=None):
    """Take the principal axes of ``target``, or of Z without it.

    The axes come by falling variance, each with its largest entry positive,
    so that they do not depend on the platform's linear algebra. They are a
    complete basis even where Z has fewer rows than columns.

    Parameters
    ----------
    rng : numpy.random.Generator
        Not used.

    Returns
    -------
    DenseRotation

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.rotations import pca_rotation
    >>> rng = np.random.default_rng(0)
    >>> Z = rng.standard_normal((1000, 2)) * [1.0, 5.0]
    >>> np.abs(pca_rotation(Z, rng).matrix()).round(1)
    array([[0., 1.],
           [1., 0.]])
    """
    rows = np.asarray(Z if target is None else target, dtype=np.float64)
    rows = rows - rows.mean(axis=0)
    axes = np.linalg.eigh(rows.T @ rows / len(rows))[1].T[::-1][:n_directions]
    largest = np.abs(axes).argmax(axis=1)
    signs = np.where(axes[np.arange(len(axes)), largest] < 0.0, -1.0, 1.0)
    return DenseRotation(axes * signs[:, None])
