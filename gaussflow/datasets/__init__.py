"""Tables and images for examples, demonstrations and benchmarks."""

from gaussflow.datasets._files import read_idx
from gaussflow.datasets.images import (
    fetch_cifar10,
    fetch_fashion_mnist,
    fetch_mnist,
    load_digits_images,
)
from gaussflow.datasets.patches import bsds300_rows, fetch_bsds300_patches
from gaussflow.datasets.patients import load_breast_cancer_table
from gaussflow.datasets.shapes import make_shapes

__all__ = [
    "bsds300_rows",
    "fetch_bsds300_patches",
    "fetch_cifar10",
    "fetch_fashion_mnist",
    "fetch_mnist",
    "load_breast_cancer_table",
    "load_digits_images",
    "make_shapes",
    "read_idx",
]
