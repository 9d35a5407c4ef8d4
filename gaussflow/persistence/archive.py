"""Models in one file that is safe to open, whoever sent it.

The file is an uncompressed zip: ``manifest.json`` describes the tree of
objects, and each array is a ``.npy`` member of its own. Nothing in it is ever
executed or imported; only subclasses of ``Persistent`` are built, by name, and
only from the classes that Python has loaded already.
"""

import json
import math
import os
import struct
import zipfile
from itertools import pairwise

import numpy as np
from sklearn.utils.validation import check_is_fitted

from gaussflow._common.files import write_files
from gaussflow._common.refit import keep_old_on_failure
from gaussflow._version import __version__
from gaussflow.persistence.codec import (
    Decoder,
    Encoder,
    PersistenceError,
    describe,
    plain_dtype,
)
from gaussflow.persistence.state import Persistent

__all__ = ["PersistenceError", "Saved", "load", "save"]

FORMAT = "gaussflow"
FORMAT_VERSION = 1
MANIFEST = "manifest.json"
#: What the head of every file says of who may have it, beside ``shareable``.
NOTICE = (
    "A fitted model is to be guarded as the rows it was fitted on: it tells how likely "
    "each of them is. Only one that was not fitted may be shared."
)
#: Memory that loading may take: so many times the file, and so many bytes beside.
MEMORY_RATIO, MEMORY_FLOOR = 4, 100_000_000
#: Bytes that a value, and a list or dict, of the manifest takes at most, read as JSON
#: and once more as an object: sys.getsizeof of small ones in Python 3.11, doubled.
NODE_BYTES, CONTAINER_BYTES = 120, 500


def save(obj, path):
    """Write a model, fitted or not, to one file.

    An existing file is replaced only once the new one is complete.

    Parameters
    ----------
    obj : Persistent
        A GenFlow, a layer, or another model of gaussflow. Its attributes must
        be None, bool, int, float, str, arrays, dtypes, and lists, tuples and
        dicts (with str keys) of these and of other such objects.
    path : str or os.PathLike
        File to write; its folder must exist.

    Raises
    ------
    PersistenceError
        If an attribute cannot be stored, or the file cannot be written.

    See Also
    --------
    load : Read the model back.

    Notes
    -----
    Arrays keep their dtype and C or Fortran order, so that the loaded model gives
    the same bits, in the byte order of the machine. The same model gives the same
    file. ``manifest.json`` in it says under ``shareable`` whether it may be given away:
    a fitted model may not.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from gaussflow.persistence.state import Persistent
    >>> from gaussflow.persistence import load, save
    >>> from gaussflow.persistence.shapes import Array
    >>> class Scale(Persistent):
    ...     _state = {"factor": Array("f", None)}
    ...     def __init__(self, factor):
    ...         self.factor = factor
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "scale.gaussflow")
    ...     save(Scale(np.array([1.0, 2.0])), path)
    ...     load(path).factor
    array([1., 2.])
    """
    if not isinstance(obj, Persistent):
        raise PersistenceError(
            f"save writes gaussflow's models, such as a GenFlow or a layer; got "
            f"{describe(obj)}. Use pickle or joblib for other objects."
        )
    target = os.path.realpath(os.fspath(path))
    folder = os.path.dirname(target)
    if not os.path.isdir(folder):
        raise PersistenceError(
            f"Cannot write {target!r}: the folder {folder!r} does not exist. "
            f"Create it first."
        )
    if os.path.isdir(target):
        raise PersistenceError(
            f"Cannot write {target!r}: it is a folder. Name a file in it."
        )
    encoder = Encoder()
    manifest = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "gaussflow_version": __version__,
        "shareable": not any(name.endswith("_") for name in vars(obj)),
        "notice": NOTICE,
        "model": encoder.encode(obj, type(obj).__name__),
    }
    text = json.dumps(manifest, allow_nan=False, ensure_ascii=True)
    try:
        write_files({target: lambda file: _write(file, text, encoder.arrays)})
    except OSError as exc:
        raise PersistenceError(
            f"Cannot write {target!r}: {exc.strerror or exc}. Choose a place that "
            f"you may write to, with room for the model."
        ) from exc


def load(path, expected=None):
    """Read a model that ``save`` wrote. No code in the file can run.

    Parameters
    ----------
    path : str or os.PathLike
        File to read.
    expected : type or None, default=None
        Class that the model must be an instance of; None accepts any model.

    Returns
    -------
    obj : Persistent
        The model.

    Raises
    ------
    PersistenceError
        If there is no such file, or it is damaged, cut short, foreign, of a
        newer version, or holds another kind of model.

    See Also
    --------
    save : Write a model.
    """
    path = os.fspath(path)
    try:
        with open(path, "rb") as file:
            obj = _read(path, file)
    except OSError as exc:
        raise PersistenceError(f"Cannot read {path!r}: {exc.strerror or exc}.") from exc
    if expected is not None and not isinstance(obj, expected):
        raise PersistenceError(
            f"{path!r} holds a {type(obj).__name__}, not a {expected.__name__}. "
            f"Open it with gaussflow.persistence.load."
        )
    return obj


class Saved:
    """Give a fitted model the methods ``save`` and ``load``, and whole fits."""

    def __init_subclass__(cls, **options):
        """Let fits that fail leave the old model, or none."""
        for name in ("fit", "fit_transform", "refine"):
            if name in vars(cls):
                setattr(cls, name, keep_old_on_failure(vars(cls)[name]))
        super().__init_subclass__(**options)

    def save(self, path):
        """Write the fitted model to one file that contains no pickle.

        Parameters
        ----------
        path : str or path-like
            File to write; an existing one is replaced whole.

        Examples
        --------
        >>> import os, tempfile
        >>> import numpy as np
        >>> from gaussflow import GenFlow
        >>> from gaussflow.layers import Elliptical
        >>> X = np.random.default_rng(0).standard_normal((50, 2))
        >>> flow = GenFlow([Elliptical()], random_state=0).fit(X)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "clinic.gflow")
        ...     flow.save(path)
        ...     again = GenFlow.load(path)
        >>> bool((again.transform(X) == flow.transform(X)).all())
        True
        """
        check_is_fitted(self)
        save(self, path)

    @classmethod
    def load(cls, path):
        """Load a model that ``save`` wrote; safe on a stranger's file.

        Parameters
        ----------
        path : str or path-like
            File to read.

        Returns
        -------
        model : instance of the class
        """
        return load(path, expected=cls)


# -- writing -------------------------------------------------------------------


def _write(file, text, arrays):
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        with archive.open(_member(MANIFEST), "w") as member:
            member.write(text.encode())
        for number, array in enumerate(arrays):
            name = _member(_array_name(number))
            with archive.open(name, "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def _member(name):
    """Name a member with a fixed date: the same model gives the same bytes."""
    return zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))


def _array_name(number):
    return f"arrays/{number}.npy"


# -- reading -------------------------------------------------------------------

# What zipfile, json and numpy raise on bytes that make no sense.
_DAMAGE = (
    zipfile.BadZipFile,
    struct.error,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    RecursionError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    Warning,
)


def _read(path, file):
    size = os.fstat(file.fileno()).st_size
    start = file.read(4)
    if not zipfile.is_zipfile(file):
        if start == b"PK\x03\x04":
            raise PersistenceError(
                f"{path!r} is damaged: its end is missing. Copy or save it again."
            )
        raise PersistenceError(
            f"{path!r} is not a gaussflow model. Models are written by save; a pickle "
            f"is opened with pickle or joblib, if you trust it."
        )
    try:
        with zipfile.ZipFile(file) as archive:
            _check_members(path, archive, size)
            manifest = _read_manifest(path, archive, size)
            return _decode(archive, manifest, size)
    except PersistenceError:
        raise
    except _DAMAGE as exc:
        raise PersistenceError(
            f"{path!r} is damaged ({exc}). Copy or save it again."
        ) from exc


def _check_members(path, archive, size):
    """Refuse compressed or overlapping members: a file holds what it weighs."""
    members = sorted(archive.infolist(), key=lambda member: member.header_offset)
    if MANIFEST not in archive.namelist():
        raise PersistenceError(
            f"{path!r} is a zip file, but not a gaussflow model: it has no {MANIFEST}."
        )
    stored = all(
        member.compress_type == zipfile.ZIP_STORED
        and member.compress_size == member.file_size
        for member in members
    )
    apart = all(
        a.header_offset + a.file_size < b.header_offset for a, b in pairwise(members)
    )
    if not (stored and apart and sum(m.file_size for m in members) <= size):
        raise PersistenceError(
            f"{path!r} declares more data than it holds. It was not written by "
            f"gaussflow; do not trust it."
        )


def _read_manifest(path, archive, size):
    text = archive.read(MANIFEST)
    needed = NODE_BYTES * text.count(b",")
    needed += CONTAINER_BYTES * (text.count(b"[") + text.count(b"{"))
    if needed > MEMORY_RATIO * size + MEMORY_FLOOR:
        raise PersistenceError(
            f"{path!r} describes so many parts that they would take far more memory "
            f"than the file's {size} bytes. It was not written by gaussflow; do not "
            f"trust it."
        )
    manifest = json.loads(text)
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise PersistenceError(
            f"{path!r} is a zip file, but not a gaussflow model: its {MANIFEST} is of "
            f"another program."
        )
    version = manifest["format_version"]
    if not isinstance(version, int) or version < 1:
        raise ValueError(f"format_version is {version!r}")
    if version > FORMAT_VERSION:
        raise PersistenceError(
            f"{path!r} has format {version}, written by gaussflow "
            f"{manifest.get('gaussflow_version')}; this is gaussflow "
            f"{__version__}, which reads formats up to {FORMAT_VERSION}. "
            f"Upgrade gaussflow to open it."
        )
    return manifest


def _decode(archive, manifest, size):
    model = Decoder(lambda i: _read_array(archive, _array_name(i), size)).decode(
        manifest["model"]
    )
    if not isinstance(model, Persistent):
        raise TypeError("it holds no model")
    return model


def _read_array(archive, name, size):
    """Read one array, reserving no more memory than the file accounts for.

    It comes in this machine's byte order: compiled kernels take any other for theirs.
    """
    with archive.open(name) as member:
        version = np.lib.format.read_magic(member)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, fortran_order, dtype = read_header(member)
        dtype = plain_dtype(dtype)
        count = math.prod(shape)
        present = archive.getinfo(name).file_size - member.tell()
        sizes = all(0 <= length <= size for length in shape)
        if not sizes or count * dtype.itemsize != present:
            raise ValueError(f"{name} declares {shape} of {dtype}, not what it holds")
        array = np.empty(count, dtype=dtype)
        if member.readinto(array.view(np.uint8).data) != present or member.read(1):
            raise EOFError(f"{name} is cut short")
    array = array.astype(dtype.newbyteorder("="), copy=False)
    return array.reshape(shape, order="F" if fortran_order else "C")
