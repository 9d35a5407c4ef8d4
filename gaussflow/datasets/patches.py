"""Patches of natural images, the flow literature's 63-dimensional density."""

import numpy as np
from sklearn.utils import Bunch

from gaussflow._common.checks import Choice
from gaussflow._common.seeds import as_generator
from gaussflow.datasets._files import FOLDER_VARIABLE, data_file, read_npz, where_looked

_FILE = "density/bsds300_patches.npz"


def fetch_bsds300_patches(subset="train"):
    """Fetch grey 8 x 8 patches of the Berkeley segmentation images (BSDS300).

    Reads ``density/bsds300_patches.npz`` in the folder that the environment variable
    GAUSSFLOW_DATA names. The patches are another draw than the literature's: log
    densities on them are near published ones, not equal to them.

    Parameters
    ----------
    subset : {"train", "val", "test"}, default="train"
        Which of the three splits.

    Returns
    -------
    bunch : sklearn.utils.Bunch
        ``data`` of shape (n_samples, 64), uint8, in the order row, column;
        ``image_shape`` (8, 8, 1); ``n_levels`` 256; ``DESCR``.

    See Also
    --------
    bsds300_rows : The recipe that turns patches into rows of 63 numbers.

    References
    ----------
    D. Martin, C. Fowlkes, D. Tal and J. Malik (2001), "A database of human segmented
    natural images", ICCV.

    Examples
    --------
    >>> from gaussflow.datasets import bsds300_rows, fetch_bsds300_patches
    >>> patches = fetch_bsds300_patches("val").data             # doctest: +SKIP
    >>> bsds300_rows(patches, random_state=0).shape             # doctest: +SKIP
    (20000, 63)
    """
    Choice(["train", "val", "test"]).check("subset", subset)
    path = data_file(_FILE)
    if path is None:
        raise FileNotFoundError(
            f"fetch_bsds300_patches: {where_looked(_FILE)}. Set {FOLDER_VARIABLE} to "
            f"the folder that holds {_FILE}."
        )
    (patches,) = read_npz(path, **{subset: (None, 64)})
    return Bunch(
        data=patches,
        image_shape=(8, 8, 1),
        n_levels=256,
        DESCR=(
            "Grey 8 x 8 patches of the BSDS300 images, uint8; row.reshape(8, 8) is the "
            "patch. Not the flow literature's own draw."
        ),
    )


def bsds300_rows(patches, random_state=None):
    """Turn patches of bytes into the flow literature's rows of 63 numbers.

    Uniform noise spreads the bytes, x = (p + U[0, 1)) / 256; each patch loses its
    mean, and with it one dimension, for which its last pixel is dropped.

    Parameters
    ----------
    patches : array-like of shape (n_samples, 64)
        Whole numbers from 0 to 255.
    random_state : int, RandomState, Generator or None, default=None
        Randomness of the noise.

    Returns
    -------
    rows : ndarray of shape (n_samples, 63), float64

    References
    ----------
    G. Papamakarios, T. Pavlakou and I. Murray (2017), "Masked autoregressive flow for
    density estimation", NeurIPS, appendix D.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow.datasets import bsds300_rows
    >>> rows = bsds300_rows(np.full((2, 64), 100), random_state=0)
    >>> rows.shape, bool(np.abs(rows).max() < 1 / 256)
    ((2, 63), True)
    """
    patches = np.asarray(patches)
    if patches.ndim != 2 or patches.shape[1] != 64:
        raise ValueError(
            f"patches must have shape (n_samples, 64), got {patches.shape}."
        )
    if patches.dtype != np.uint8:
        bytes_only = (
            patches.dtype.kind in "iuf"
            and (
                (patches >= 0) & (patches <= 255) & (patches == np.floor(patches))
            ).all()
        )
        if not bytes_only:
            raise ValueError(
                "patches must hold whole numbers from 0 to 255. Pass the bytes as "
                "fetch_bsds300_patches returns them, before any scaling."
            )
    rows = as_generator(random_state).random(patches.shape)
    rows += patches
    rows /= 256.0
    rows -= rows.mean(axis=1, keepdims=True)
    return np.ascontiguousarray(rows[:, :-1])
