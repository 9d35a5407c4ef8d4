"""Image data sets by name: a whole set, or one class of it."""

from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import train_test_split

from gaussflow import datasets

#: Sets that a benchmark names, and what it measures of each unless told otherwise.
SETS = {
    "mnist": ("mnist",),
    "fashion": ("fashion",),
    "cifar": ("cifar_ship", "cifar_cat"),
    "digits": ("digits",),
    "bsds": ("bsds",),
}
CIFAR_CLASSES = {"cat": 3, "ship": 8}


@dataclass
class Images:
    """Rows of whole numbers from 0 to ``top``, float32.

    ``label`` is the class that they are of, or None where they are of all.
    """

    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    image_shape: tuple
    n_levels: int
    label: int | None = None

    @property
    def top(self):
        return self.n_levels - 1


def parts(name):
    """Return what is measured by a name: those of a set, or a class as it is."""
    whole, _, part = name.partition("_")
    if name in SETS:
        return SETS[name]
    classes = CIFAR_CLASSES if whole == "cifar" else tuple("0123456789")
    if whole in ("mnist", "fashion", "digits", "cifar") and part in classes:
        return (name,)
    raise KeyError(
        f"{name!r} is none of {', '.join(SETS)}, nor a class of one, such as mnist_2 "
        f"or {' or '.join(f'cifar_{c}' for c in CIFAR_CLASSES)}"
    )


def base(name):
    """Return the set that a name such as mnist_2 is a part of."""
    return name.split("_")[0]


def load(name, rows=None):
    """Load a set such as mnist, or a class of one such as mnist_2 or cifar_ship.

    ``rows`` keeps the first rows of each part. Of the digits, and of CIFAR-10,
    whose test images are not at hand, one row in five is the test.
    """
    whole, _, part = name.partition("_")
    bunch, train, test = _split(whole)
    label = None
    if part:
        label = CIFAR_CLASSES[part] if whole == "cifar" else int(part)
        train, test = (_only(label, *rows_of) for rows_of in (train, test))
    return Images(
        *(a[:rows] for a in (*train, *test)),
        image_shape=bunch.image_shape,
        n_levels=bunch.n_levels,
        label=label,
    )


def _split(whole):
    if whole in ("mnist", "fashion"):
        fetch = datasets.fetch_mnist
        if whole == "fashion":
            fetch = datasets.fetch_fashion_mnist
        train, test = fetch("train"), fetch("test")
        return train, _rows(train.data, train.target), _rows(test.data, test.target)
    if whole == "cifar":
        bunch = datasets.fetch_cifar10("ship_cat_lossy")
    else:
        bunch = datasets.load_digits_images()
    X, X_test, y, y_test = train_test_split(
        *(bunch.data, bunch.target),
        test_size=0.2,
        random_state=0,
        stratify=bunch.target,
    )
    return bunch, _rows(X, y), _rows(X_test, y_test)


def _rows(X, y):
    return X.astype(np.float32), y


def _only(label, X, y):
    return X[y == label], y[y == label]
