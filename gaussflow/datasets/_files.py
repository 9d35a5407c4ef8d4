"""Files of public data sets: where they lie, and reading them with care."""

import gzip
import os
import zipfile
import zlib
from pathlib import Path

import numpy as np

#: The folder that holds images/ and density/.
FOLDER_VARIABLE = "GAUSSFLOW_DATA"

#: Bytes read at a time.
_PIECE = 2**20

#: Type codes of the idx format: http://yann.lecun.com/exdb/mnist (big-endian).
_IDX_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def data_file(*names):
    """Return the path of the first of some files that is there, or None.

    ``names`` are paths inside the folder that GAUSSFLOW_DATA names, the best one first.
    """
    folder = os.environ.get(FOLDER_VARIABLE)
    if not folder:
        return None
    if not Path(folder).is_dir():
        raise NotADirectoryError(
            f"{FOLDER_VARIABLE} is set to {folder!r}, which is no folder. Set it to "
            f"the folder that holds images/ and density/, or unset it."
        )
    paths = (Path(folder, name) for name in names)
    return next((path for path in paths if path.is_file()), None)


def where_looked(name):
    """Say in words which file was looked for, for messages."""
    folder = os.environ.get(FOLDER_VARIABLE)
    if not folder:
        return f"the environment variable {FOLDER_VARIABLE} is not set"
    return f"{Path(folder, name)} is not there"


def read_idx(path):
    """Read an array from a file in the idx format, the format of MNIST.

    Parameters
    ----------
    path : str or path-like
        The file; one whose name ends in ``.gz`` is unpacked on the way.

    Returns
    -------
    array : ndarray
        Of the file's shape and type, in the machine's byte order.

    Raises
    ------
    ValueError
        If the file is no idx file, or is cut off, too long or damaged.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from gaussflow.datasets import read_idx
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "labels-idx1-ubyte")
    ...     _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1]))
    ...     read_idx(path)
    array([7, 2, 1], dtype=uint8)
    """
    path = Path(path)
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as file:
            magic = file.read(4)
            if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _IDX_TYPES:
                raise ValueError(
                    f"{path} is no idx file: its first bytes are "
                    f"'{magic.hex(' ')}', not 00 00 and a type code."
                )
            lengths = file.read(4 * magic[3])
            if len(lengths) < 4 * magic[3]:
                raise ValueError(f"{path} is cut off within its header.")
            shape = tuple(int(n) for n in np.frombuffer(lengths, ">u4"))
            dtype = np.dtype(_IDX_TYPES[magic[2]])
            # Python's integers: a damaged header must not overflow.
            wanted = dtype.itemsize
            for n in shape:
                wanted *= n
            # By pieces: a damaged header may announce more than memory holds.
            body = bytearray()
            while len(body) <= wanted and (piece := file.read(_PIECE)):
                body += piece
    except (EOFError, zlib.error, gzip.BadGzipFile) as exc:
        raise ValueError(f"{path} is damaged: {exc}. Fetch the file again.") from exc
    if len(body) != wanted:
        raise ValueError(
            f"{path} announces {wanted} bytes of shape {shape}, but holds "
            f"{'more' if len(body) > wanted else len(body)}. Fetch the file again."
        )
    return np.frombuffer(body, dtype).reshape(shape).astype(dtype.newbyteorder("="))


def read_npz(path, **expected):
    """Return uint8 arrays of an npz file, in the order expected, without pickles.

    ``expected`` gives the shape of each by its name; None stands for any length.
    """
    arrays = []
    try:
        # numpy does not close a file that it cannot read: opened here.
        with open(path, "rb") as raw:
            if not zipfile.is_zipfile(raw):
                raise ValueError("it is no npz file")
            raw.seek(0)
            with np.load(raw, allow_pickle=False) as file:
                arrays += [file[name] for name in expected]
    except KeyError as exc:
        raise ValueError(f"{path} holds no array {exc.args[0]!r}.") from exc
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError) as exc:
        if isinstance(exc, OSError) and exc.errno is not None:
            raise  # the system's own error: its message names the file
        raise ValueError(f"{path} is damaged: {exc}. Fetch the file again.") from exc
    for (name, shape), array in zip(expected.items(), arrays, strict=True):
        fits = array.ndim == len(shape) and all(
            wanted in (None, n) for wanted, n in zip(shape, array.shape, strict=True)
        )
        if not fits or array.dtype != np.uint8:
            raise ValueError(
                f"{path}: {name!r} is {array.dtype} of shape {array.shape}, not uint8 "
                f"of shape {shape} (None: any length)."
            )
    return arrays
