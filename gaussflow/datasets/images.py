"""Image data sets, as rows of bytes in the order row, column, channel."""

import importlib.util

import numpy as np
from sklearn.datasets import fetch_openml, load_digits
from sklearn.utils import Bunch

from gaussflow._common.checks import Choice
from gaussflow.datasets._files import (
    FOLDER_VARIABLE,
    data_file,
    read_idx,
    read_npz,
    where_looked,
)

_LAYOUT = (
    "A row holds one image of shape (height, width, channels) = {shape} as {levels} "
    "levels of uint8, 0 to {top}, in the order row, column, channel: "
    "row.reshape{shape} is the picture."
)

_FASHION = tuple(
    "T-shirt/top, Trouser, Pullover, Dress, Coat, Sandal, Shirt, Sneaker, Bag, "
    "Ankle boot".split(", ")
)
_CIFAR = tuple("airplane automobile bird cat deer dog frog horse ship truck".split())
_DIGITS = tuple("0123456789")

# How often each class occurs in the published splits. OpenML's tables hold the
# training split first; a table in another order would mix training and test images.
_MNIST_COUNTS = {
    "train": (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949),
    "test": (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009),
}
_FASHION_COUNTS = {"train": (6000,) * 10, "test": (1000,) * 10}
_CIFAR_COUNTS = {"train": (5000,) * 10, "test": (1000,) * 10}

# Files with a part of CIFAR-10, by the name of the subset.
_CIFAR_PARTS = {
    "train_first4000": "images/cifar10_train_first4000.npz",
    "ship_cat_lossy": "images/cifar10_ship_cat_lossy.npz",
}
_CIFAR_RECORD = 1 + 32 * 32 * 3


def load_digits_images():
    """Load the 8 x 8 digits that come with scikit-learn.

    Returns
    -------
    bunch : sklearn.utils.Bunch
        ``data`` of shape (1797, 64), uint8 from 0 to 16; ``target`` of shape (1797,),
        int64; ``image_shape`` (8, 8, 1); ``n_levels`` 17; ``target_names``; ``DESCR``.

    Examples
    --------
    >>> from gaussflow.datasets import load_digits_images
    >>> digits = load_digits_images()
    >>> digits.data.shape, str(digits.data.dtype), digits.image_shape
    ((1797, 64), 'uint8', (8, 8, 1))
    """
    digits = load_digits()
    text = "Hand-written digits of 8 x 8 pixels, as bundled with scikit-learn."
    return _bunch(digits.data, digits.target, (8, 8, 1), _DIGITS, text, n_levels=17)


def fetch_mnist(subset="train"):
    """Fetch MNIST: hand-written digits of 28 x 28 pixels.

    Reads ``images/mnist/*-ubyte.gz`` in the folder that the environment variable
    GAUSSFLOW_DATA names, else asks scikit-learn's ``fetch_openml`` for ``mnist_784``.

    Parameters
    ----------
    subset : {"train", "test"}, default="train"
        The published split: 60,000 or 10,000 images.

    Returns
    -------
    bunch : sklearn.utils.Bunch
        ``data`` of shape (n_samples, 784), uint8, in the order row, column, channel;
        ``target`` of shape (n_samples,), int64; ``image_shape`` (28, 28, 1);
        ``n_levels`` 256; ``target_names``; ``DESCR``.

    References
    ----------
    Y. LeCun, L. Bottou, Y. Bengio and P. Haffner (1998), "Gradient-based learning
    applied to document recognition", Proceedings of the IEEE 86.

    Examples
    --------
    >>> from gaussflow.datasets import fetch_mnist
    >>> train = fetch_mnist()                                   # doctest: +SKIP
    >>> train.data.shape, train.image_shape                     # doctest: +SKIP
    ((60000, 784), (28, 28, 1))
    """
    text = "MNIST: hand-written digits."
    return _fetch_idx(
        "fetch_mnist", "mnist", "mnist_784", subset, _MNIST_COUNTS, _DIGITS, text
    )


def fetch_fashion_mnist(subset="train"):
    """Fetch Fashion-MNIST: articles of clothing of 28 x 28 pixels.

    Reads ``images/fashion_mnist/*-ubyte.gz`` in the folder that the environment
    variable GAUSSFLOW_DATA names, else asks scikit-learn's ``fetch_openml`` for
    ``Fashion-MNIST``.

    Parameters
    ----------
    subset : {"train", "test"}, default="train"
        The published split: 60,000 or 10,000 images.

    Returns
    -------
    bunch : sklearn.utils.Bunch
        As of :func:`fetch_mnist`.

    References
    ----------
    H. Xiao, K. Rasul and R. Vollgraf (2017), "Fashion-MNIST: a novel image dataset
    for benchmarking machine learning algorithms", arXiv:1708.07747.

    Examples
    --------
    >>> from gaussflow.datasets import fetch_fashion_mnist
    >>> fetch_fashion_mnist("test").data.shape                  # doctest: +SKIP
    (10000, 784)
    """
    return _fetch_idx(
        "fetch_fashion_mnist",
        "fashion_mnist",
        "Fashion-MNIST",
        subset,
        _FASHION_COUNTS,
        _FASHION,
        "Fashion-MNIST: articles of clothing.",
    )


def fetch_cifar10(subset="train"):
    """Fetch CIFAR-10: colour photographs of 32 x 32 pixels in 10 classes.

    Reads, in the folder that the environment variable GAUSSFLOW_DATA names, the
    published binary files ``images/cifar-10-batches-bin/*.bin``, else asks
    scikit-learn's ``fetch_openml`` for ``CIFAR_10``.

    Parameters
    ----------
    subset : str, default="train"
        "train" or "test", the published split of 50,000 and 10,000 images;
        "train_first4000", the first images of the training split;
        "ship_cat_lossy", 5,000 training images each of cat (3) and ship (8) decoded
        from a JPEG copy: never to be used for bits per dimension, and to be had
        from ``images/cifar10_ship_cat_lossy.npz`` only.

    Returns
    -------
    bunch : sklearn.utils.Bunch
        ``data`` of shape (n_samples, 3072), uint8, in the order row, column, channel
        (red, green, blue); ``target`` of shape (n_samples,), int64; ``image_shape``
        (32, 32, 3); ``n_levels`` 256; ``target_names``; ``DESCR``.

    References
    ----------
    A. Krizhevsky (2009), "Learning multiple layers of features from tiny images".

    Examples
    --------
    >>> from gaussflow.datasets import fetch_cifar10
    >>> photos = fetch_cifar10("train_first4000")               # doctest: +SKIP
    >>> ships = photos.data[photos.target == 8]                 # doctest: +SKIP
    """
    Choice([*_CIFAR_COUNTS, *_CIFAR_PARTS]).check("subset", subset)
    text = f"CIFAR-10, {subset}: colour photographs."
    if subset in _CIFAR_PARTS:
        name = _CIFAR_PARTS[subset]
        path = data_file(name)
        if path is not None:
            X, y = read_npz(path, X=(None, 32, 32, 3), y=(None,))
            _check_images(path, X, y, (32, 32, 3))
            return _bunch(X, y, (32, 32, 3), _CIFAR, text)
        if subset == "ship_cat_lossy":
            raise FileNotFoundError(
                f"fetch_cifar10({subset!r}): {where_looked(name)}, and this subset is "
                f"nowhere else to be had. Set {FOLDER_VARIABLE} to the folder that "
                f"holds {name}, or take the classes 3 and 8 of subset='train'."
            )
        X, y = _openml("fetch_cifar10", "CIFAR_10", "train", _CIFAR_COUNTS, name)
        return _bunch(_planes_last(X[:4000]), y[:4000], (32, 32, 3), _CIFAR, text)
    stems = ["test_batch"]
    if subset == "train":
        stems = [f"data_batch_{k}" for k in range(1, 6)]
    names = [f"images/cifar-10-batches-bin/{stem}.bin" for stem in stems]
    paths = [data_file(name) for name in names]
    if None not in paths:
        records = np.concatenate([_cifar_records(path) for path in paths])
        X, y = records[:, 1:], records[:, 0]
    else:
        missing = names[paths.index(None)]
        X, y = _openml("fetch_cifar10", "CIFAR_10", subset, _CIFAR_COUNTS, missing)
    return _bunch(_planes_last(X), y, (32, 32, 3), _CIFAR, text)


def _fetch_idx(caller, folder, openml_name, subset, counts, names, text):
    """Read the two idx files of a split, or ask OpenML."""
    Choice(counts).check("subset", subset)
    prefix = f"images/{folder}/{'train' if subset == 'train' else 't10k'}"
    files = [f"{prefix}-{kind}-ubyte" for kind in ("images-idx3", "labels-idx1")]
    paths = [data_file(f"{file}.gz", file) for file in files]
    if None not in paths:
        X, y = (read_idx(path) for path in paths)
        _check_images(paths[0], X, y, (28, 28))
    else:
        missing = f"{files[paths.index(None)]}.gz"
        X, y = _openml(caller, openml_name, subset, counts, missing)
    return _bunch(X, y, (28, 28, 1), names, text)


def _openml(caller, name, subset, counts, wanted):
    """Return rows and labels of a split of an OpenML table, as uint8."""
    # With pandas the table is read quickly; without, slowly.
    parser = "auto" if importlib.util.find_spec("pandas") else "liac-arff"
    try:
        table = fetch_openml(name, version=1, as_frame=False, parser=parser)
    except (OSError, ValueError) as exc:
        raise OSError(
            f"{caller}: {where_looked(wanted)}, and OpenML could not be asked for "
            f"{name} ({type(exc).__name__}: {exc}). Set {FOLDER_VARIABLE} to a folder "
            f"that holds {wanted}, or connect to the network."
        ) from exc
    n_train, n_test = (sum(counts[split]) for split in ("train", "test"))
    rows = slice(n_train) if subset == "train" else slice(n_train, n_train + n_test)
    y = np.asarray(table.target)[rows].astype(np.int64)
    found = np.bincount(y, minlength=10) if (y >= 0).all() else y
    if tuple(found) != counts[subset] or len(table.target) != n_train + n_test:
        raise ValueError(
            f"{caller}: OpenML's table {name} does not hold the published {subset} "
            f"split where it should. Set {FOLDER_VARIABLE} to a folder that holds "
            f"{wanted}."
        )
    X = np.asarray(table.data[rows])
    if X.min() < 0 or X.max() > 255:
        raise ValueError(f"{caller}: OpenML's table {name} does not hold bytes.")
    return X, y


def _cifar_records(path):
    """Return the records of one of CIFAR-10's binary files: label, then planes."""
    raw = np.fromfile(path, dtype=np.uint8)
    if len(raw) == 0 or len(raw) % _CIFAR_RECORD:
        raise ValueError(
            f"{path} is damaged: it has {len(raw)} bytes, no multiple of "
            f"{_CIFAR_RECORD}. Fetch the file again."
        )
    records = raw.reshape(-1, _CIFAR_RECORD)
    if records[:, 0].max() > 9:
        raise ValueError(
            f"{path} is damaged: it has labels beyond 9. Fetch the file again."
        )
    return records


def _planes_last(X):
    """Bring rows of three colour planes into the order row, column, channel."""
    return X.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)


def _check_images(path, X, y, shape):
    """Refuse images and labels of a file that do not belong together."""
    if X.dtype != np.uint8 or X.shape[1:] != shape or X.ndim != 1 + len(shape):
        raise ValueError(
            f"{path} holds {X.dtype} of shape {X.shape}, not uint8 images of {shape}."
        )
    if y.dtype != np.uint8 or y.shape != X.shape[:1] or len(y) == 0 or y.max() > 9:
        raise ValueError(
            f"{path} holds {len(X)} images, but its labels are {y.dtype} of shape "
            f"{y.shape} and must be as many, from 0 to 9. Fetch both files again."
        )


def _bunch(X, y, image_shape, names, text, n_levels=256):
    """Return what every image data set returns."""
    data = np.ascontiguousarray(X.reshape(len(X), -1), dtype=np.uint8)
    layout = _LAYOUT.format(shape=image_shape, levels=n_levels, top=n_levels - 1)
    return Bunch(
        data=data,
        target=np.asarray(y, dtype=np.int64),
        image_shape=image_shape,
        n_levels=n_levels,
        target_names=list(names),
        DESCR=f"{text} {layout}",
    )
