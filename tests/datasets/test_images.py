import gzip
import urllib.error

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import load_digits
from sklearn.utils import Bunch

from gaussflow.datasets import (
    bsds300_rows,
    fetch_bsds300_patches,
    fetch_cifar10,
    fetch_fashion_mnist,
    fetch_mnist,
    images,
    load_digits_images,
    read_idx,
)

TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def idx_bytes(array, code=8):
    header = bytes([0, 0, code, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return header + array.astype(TYPES[code]).tobytes()


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".gz":
        content = gzip.compress(content, 1)
    path.write_bytes(content)
    return path


def bytes_of(rng, *shape, top=256):
    return rng.integers(0, top, shape).astype(np.uint8)


@pytest.fixture
def rng(global_random_seed):
    return np.random.default_rng(global_random_seed)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("GAUSSFLOW_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture
def offline(monkeypatch):
    def no_network(*args, **kwargs):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(images, "fetch_openml", no_network)


# -- the reader of idx files -----------------------------------------------------


@pytest.mark.parametrize("name", ["some-idx", "some-idx.gz"])
@pytest.mark.parametrize("code", TYPES)
def test_idx_files_of_every_type_are_read(tmp_path, rng, name, code):
    array = rng.integers(0, 100, (3, 4, 5))
    read = read_idx(write(tmp_path / name, idx_bytes(array, code)))
    assert_array_equal(read, array)
    assert read.dtype == np.dtype(TYPES[code]).newbyteorder("=")
    assert read.flags.writeable


GOOD = idx_bytes(np.arange(12, dtype=np.uint8).reshape(3, 4))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no idx file"),
        (b"\x89PNG" + GOOD, "no idx file"),
        (b"\0\0\x07\x01" + GOOD[4:], "no idx file"),
        (GOOD[:7], "cut off within its header"),
        (GOOD[:-1], "announces 12 bytes of shape .3, 4., but holds 11"),
        (GOOD + b"\0", "but holds more"),
        # Lengths whose product overflows 64 bits.
        (b"\0\0\x08\x03" + b"\xff" * 12 + b"\0" * 9, "but holds 9"),
    ],
)
@pytest.mark.parametrize("name", ["some-idx", "some-idx.gz"])
def test_damaged_idx_files_are_refused_by_name(tmp_path, content, message, name):
    path = write(tmp_path / name, content)
    with pytest.raises(ValueError, match=message) as info:
        read_idx(path)
    assert str(path) in str(info.value)


@pytest.mark.parametrize("damage", ["cut", "turned", "foreign"])
def test_damaged_archives_are_refused_by_name(tmp_path, rng, damage):
    packed = bytearray(gzip.compress(idx_bytes(bytes_of(rng, 500))))
    if damage == "cut":
        packed = packed[:-20]
    elif damage == "turned":
        packed[len(packed) // 2] ^= 0xFF
    else:
        packed[:2] = b"PK"
    path = tmp_path / "some-idx.gz"
    path.write_bytes(bytes(packed))
    with pytest.raises(ValueError, match=r"some-idx\.gz is damaged"):
        read_idx(path)


# -- files in the folder ---------------------------------------------------------


@pytest.mark.parametrize(
    ("fetch", "name"), [(fetch_mnist, "mnist"), (fetch_fashion_mnist, "fashion_mnist")]
)
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_idx_images_are_fetched_from_the_folder(folder, rng, fetch, name, ending):
    place = folder / "images" / name
    splits = {}
    for subset, prefix in (("train", "train"), ("test", "t10k")):
        X, y = bytes_of(rng, 7, 28, 28), bytes_of(rng, 7, top=10)
        write(place / f"{prefix}-images-idx3-ubyte{ending}", idx_bytes(X))
        write(place / f"{prefix}-labels-idx1-ubyte{ending}", idx_bytes(y))
        splits[subset] = X, y
    for subset, (X, y) in splits.items():
        bunch = fetch(subset)
        assert_array_equal(bunch.data.reshape(-1, *bunch.image_shape)[..., 0], X)
        assert_array_equal(bunch.target, y)
        assert bunch.data.dtype == np.uint8
        assert bunch.target.dtype == np.int64
        assert (bunch.image_shape, bunch.n_levels) == ((28, 28, 1), 256)
        assert len(bunch.target_names) == 10
        assert "row, column, channel" in bunch.DESCR


@pytest.mark.parametrize(
    ("X_shape", "y"),
    [
        ((4, 28, 28), np.zeros(3, np.uint8)),
        ((4, 28, 27), np.zeros(4, np.uint8)),
        ((4, 784), np.zeros(4, np.uint8)),
        ((4, 28, 28), np.full(4, 10, np.uint8)),
        ((0, 28, 28), np.zeros(0, np.uint8)),
    ],
)
def test_images_and_labels_that_do_not_fit_are_refused(folder, X_shape, y):
    place = folder / "images" / "mnist"
    write(place / "train-images-idx3-ubyte", idx_bytes(np.zeros(X_shape, np.uint8)))
    write(place / "train-labels-idx1-ubyte", idx_bytes(y))
    with pytest.raises(ValueError, match="train-images-idx3-ubyte holds"):
        fetch_mnist()


def test_parts_of_cifar10_are_fetched_from_the_folder(folder, rng):
    X, y = bytes_of(rng, 5, 32, 32, 3), bytes_of(rng, 5, top=10)
    (folder / "images").mkdir()
    np.savez(folder / "images" / "cifar10_ship_cat_lossy.npz", X=X, y=y)
    bunch = fetch_cifar10("ship_cat_lossy")
    assert_array_equal(bunch.data.reshape(-1, *bunch.image_shape), X)
    assert_array_equal(bunch.target, y)
    assert bunch.target_names[3] == "cat"
    assert bunch.target_names[8] == "ship"


def test_cifar10_s_binary_files_are_brought_into_our_order(folder, rng):
    """They hold planes: all of red, then green, then blue."""
    X, y = bytes_of(rng, 10, 32, 32, 3), bytes_of(rng, 10, top=10)
    place = folder / "images" / "cifar-10-batches-bin"
    for k in range(5):
        some = slice(2 * k, 2 * k + 2)
        planes = [X[some, :, :, c].reshape(2, -1) for c in range(3)]
        records = np.column_stack([y[some], *planes])
        write(place / f"data_batch_{k + 1}.bin", records.tobytes())
    bunch = fetch_cifar10("train")
    assert_array_equal(bunch.data.reshape(-1, *bunch.image_shape), X)
    assert_array_equal(bunch.target, y)

    path = place / "data_batch_3.bin"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"data_batch_3\.bin is damaged"):
        fetch_cifar10("train")
    path.write_bytes(b"\x0a" * 3073)
    with pytest.raises(ValueError, match="labels beyond 9"):
        fetch_cifar10("train")


def test_patches_are_fetched_from_the_folder(folder, rng):
    splits = {name: bytes_of(rng, n, 64) for name, n in zip("tv", (6, 2), strict=True)}
    (folder / "density").mkdir()
    path = folder / "density" / "bsds300_patches.npz"
    np.savez(path, train=splits["t"], val=splits["v"])
    assert_array_equal(fetch_bsds300_patches().data, splits["t"])
    assert_array_equal(fetch_bsds300_patches("val").data, splits["v"])
    with pytest.raises(ValueError, match=r"bsds300_patches\.npz.* holds no .*test"):
        fetch_bsds300_patches("test")
    with pytest.raises(ValueError, match="subset must be one of"):
        fetch_bsds300_patches("validation")


@pytest.mark.parametrize("damage", ["cut", "text", "type", "shape", "pickle", "turned"])
def test_damaged_npz_files_are_refused_by_name(folder, rng, damage):
    (folder / "density").mkdir()
    path = folder / "density" / "bsds300_patches.npz"
    train = {
        "type": np.zeros((3, 64)),
        "shape": np.zeros((3, 63), np.uint8),
        "pickle": np.array([{}], dtype=object),
    }.get(damage, bytes_of(rng, 300, 64))
    np.savez_compressed(path, train=train)
    content = bytearray(path.read_bytes())
    if damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "text":
        path.write_text("<html>not found</html>")
    elif damage == "turned":
        content[len(content) // 2] ^= 0xFF
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"bsds300_patches\.npz"):
        fetch_bsds300_patches()


# -- OpenML ----------------------------------------------------------------------


def fake_openml(counts, n_features, **changes):
    """Return a loader of a table with the published counts, and what it was asked."""
    y = np.concatenate([np.repeat(np.arange(10), counts[s]) for s in ("train", "test")])
    row = np.arange(n_features, dtype=np.uint8)
    data = np.broadcast_to(row, (len(y), n_features))
    table = {"data": data, "target": y.astype(str)} | changes
    asked = []

    def fetch(name, **options):
        asked.append((name, options["as_frame"]))
        return Bunch(**table)

    return fetch, asked


@pytest.mark.parametrize(
    ("fetch", "counts", "name"),
    [
        (fetch_mnist, images._MNIST_COUNTS, "mnist_784"),
        (fetch_fashion_mnist, images._FASHION_COUNTS, "Fashion-MNIST"),
    ],
)
@pytest.mark.parametrize("set_folder", [False, True])
def test_openml_is_asked_where_files_are_missing(
    monkeypatch, tmp_path, fetch, counts, name, set_folder
):
    if set_folder:
        monkeypatch.setenv("GAUSSFLOW_DATA", str(tmp_path))
    else:
        monkeypatch.delenv("GAUSSFLOW_DATA", raising=False)
    loader, asked = fake_openml(counts, 784)
    monkeypatch.setattr(images, "fetch_openml", loader)
    bunch = fetch("test")
    assert asked == [(name, False)]
    assert bunch.data.shape == (10000, 784)
    assert tuple(np.bincount(bunch.target)) == counts["test"]


def test_openml_s_planes_are_brought_into_our_order(monkeypatch):
    monkeypatch.delenv("GAUSSFLOW_DATA", raising=False)
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3))
    planes = picture.transpose(2, 0, 1).reshape(1, -1).astype(float)
    loader, _ = fake_openml(
        images._CIFAR_COUNTS, 3072, data=np.broadcast_to(planes, (60000, 3072))
    )
    monkeypatch.setattr(images, "fetch_openml", loader)
    for subset, n in (("test", 10000), ("train_first4000", 4000)):
        bunch = fetch_cifar10(subset)
        assert bunch.data.shape == (n, 3072)
        assert_array_equal(bunch.data[1].reshape(bunch.image_shape), picture)


def test_a_table_in_another_order_is_refused(monkeypatch):
    """Else training images could end among the test images."""
    monkeypatch.delenv("GAUSSFLOW_DATA", raising=False)
    mixed = np.random.default_rng(0).permutation(np.repeat(np.arange(10), 7000))
    loader, _ = fake_openml(images._FASHION_COUNTS, 784, target=mixed)
    monkeypatch.setattr(images, "fetch_openml", loader)
    with pytest.raises(ValueError, match="does not hold the published test split"):
        fetch_fashion_mnist("test")


@pytest.mark.parametrize(
    ("fetch", "subset", "file"),
    [
        (fetch_mnist, "train", "images/mnist/train-images-idx3-ubyte.gz"),
        (fetch_mnist, "test", "images/mnist/t10k-images-idx3-ubyte.gz"),
        (fetch_fashion_mnist, "test", "images/fashion_mnist/t10k-images"),
        (fetch_cifar10, "train", "images/cifar-10-batches-bin/data_batch_1.bin"),
        (fetch_cifar10, "train_first4000", "images/cifar10_train_first4000.npz"),
        (fetch_cifar10, "ship_cat_lossy", "images/cifar10_ship_cat_lossy.npz"),
        (fetch_bsds300_patches, "test", "density/bsds300_patches.npz"),
    ],
)
@pytest.mark.parametrize("set_folder", [False, True])
def test_data_out_of_reach_says_what_to_set(
    monkeypatch, tmp_path, offline, fetch, subset, file, set_folder
):
    if set_folder:
        monkeypatch.setenv("GAUSSFLOW_DATA", str(tmp_path))
    else:
        monkeypatch.delenv("GAUSSFLOW_DATA", raising=False)
    with pytest.raises(OSError, match="Set GAUSSFLOW_DATA to") as info:
        fetch(subset)
    assert file in str(info.value)
    assert ("is not there" if set_folder else "is not set") in str(info.value)


def test_labels_without_images_name_the_file_that_is_missing(folder, offline):
    images_file = folder / "images/mnist/train-images-idx3-ubyte.gz"
    write(images_file, idx_bytes(np.zeros((1, 28, 28), np.uint8)))
    with pytest.raises(OSError, match="train-labels-idx1-ubyte.gz is not there"):
        fetch_mnist()


def test_a_folder_that_does_not_exist_is_an_error(monkeypatch, tmp_path, offline):
    monkeypatch.setenv("GAUSSFLOW_DATA", str(tmp_path / "absent"))
    with pytest.raises(NotADirectoryError, match="GAUSSFLOW_DATA is set to"):
        fetch_mnist()


@pytest.mark.parametrize("fetch", [fetch_mnist, fetch_fashion_mnist, fetch_cifar10])
@pytest.mark.parametrize("subset", ["all", None, 0])
def test_unknown_subsets_are_refused(fetch, subset):
    with pytest.raises(ValueError, match='subset must be one of "train", "test"'):
        fetch(subset)


# -- bundled, and the recipe -----------------------------------------------------


def test_bundled_digits_are_whole_numbers_of_the_right_kind():
    bunch = load_digits_images()
    assert_array_equal(bunch.data, load_digits().data)
    assert_array_equal(bunch.target, load_digits().target)
    assert bunch.data.max() == bunch.n_levels - 1
    assert bunch.data.dtype == np.uint8


def test_rows_of_patches_give_the_bytes_back(rng):
    """The last pixel is minus the sum of the others, and noise stays below 1 / 256."""
    patches = bytes_of(rng, 50, 64)
    rows = bsds300_rows(patches, random_state=1)
    assert rows.shape == (50, 63)
    full = np.column_stack([rows, -rows.sum(axis=1)])
    gap = 256 * full - (patches - patches.mean(axis=1, keepdims=True, dtype=float))
    # The noise, less the mean of the patch's noise.
    assert np.abs(gap).max() < 1
    assert 0.2 < gap.std() < 0.35  # sqrt(1 / 12) = 0.289
    assert_array_equal(rows, bsds300_rows(patches.astype(float), random_state=1))
    assert (rows != bsds300_rows(patches, random_state=2)).any()


@pytest.mark.parametrize(
    "patches",
    [
        np.zeros((3, 63)),
        np.zeros(64),
        np.full((2, 64), 0.5),
        np.full((2, 64), 256),
        np.full((2, 64), -1),
        np.full((2, 64), np.nan),
        np.full((2, 64), "a"),
    ],
)
def test_rows_that_are_no_bytes_are_refused(patches):
    with pytest.raises(ValueError, match="patches must"):
        bsds300_rows(patches)
