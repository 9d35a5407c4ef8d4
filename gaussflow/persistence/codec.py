"""A tree of objects as JSON and a list of arrays, and back.

JSON's own types stand for None, bool, int, float, str and list. Anything else
is a dict with one key that names its kind, such as ``{"tuple": [...]}``.
"""

import math

import numpy as np

from gaussflow.persistence.shapes import check_state
from gaussflow.persistence.state import Persistent

# Bools, numbers, dates and fixed-width text: dtypes without Python objects.
PLAIN_KINDS = "biufcmMSU"
SCALAR_TYPES: list[type] = [bool, int, float, str]
SCALAR_TYPES += [np.dtype(code).type for code in np.typecodes["All"]]
#: Objects that references may stand for, all together and with all that is in them:
#: parts that hold one part twice, and so on, would take time without end.
MAX_AGAIN = 1_000_000
TYPES = {f"{cls.__module__}.{cls.__name__}": cls for cls in SCALAR_TYPES}


class PersistenceError(ValueError):
    """A model could not be written to, or read from, a file."""


class Encoder:
    """Turn objects into JSON values, collecting their arrays on the way.

    Attributes
    ----------
    arrays : list of ndarray
        The arrays met so far; ``{"array": i}`` stands for the i-th.
    """

    def __init__(self):
        self.arrays = []
        self._numbers = {}  # id of an array or object -> its number
        self._open = set()  # ids of the objects that are being encoded
        self._keep = []  # keeps those ids from being used again
        self._n_objects = 0

    def encode(self, value, where):
        """Encode a value; ``where`` is its name in messages."""
        try:
            return self._encode(value, where)
        except RecursionError as exc:
            raise PersistenceError(
                f"Cannot save {where}: it is nested too deep, or contains itself."
            ) from exc

    def _encode(self, value, where):
        kind = type(value)
        if value is None or kind in (bool, int, str):
            return value
        if kind is float:
            return value if math.isfinite(value) else {"float": repr(value)}
        if kind is list:
            return [self._encode(v, f"{where}[{i}]") for i, v in enumerate(value)]
        if kind is tuple:
            return {"tuple": self._encode(list(value), where)}
        if kind is dict:
            return {"dict": self._encode_dict(value, where)}
        if kind in (np.ndarray, np.memmap):
            return self._encode_array(value, where)
        if isinstance(value, np.generic) and value.dtype.kind in PLAIN_KINDS:
            return {"scalar": [value.dtype.str, value.tobytes().hex()]}
        if isinstance(value, np.dtype) and value.kind in PLAIN_KINDS:
            return {"dtype": value.str}
        if isinstance(value, Persistent):
            return self._encode_object(value, where)
        for name, cls in TYPES.items():
            if value is cls:
                return {"type": name}
        raise PersistenceError(
            f"Cannot save {where}: it is {describe(value)}, and a model file holds "
            f"only numbers, text, arrays and gaussflow's own objects. {_way_out(value)}"
        )

    def _encode_dict(self, value, where):
        for key in value:
            if type(key) is not str:
                raise PersistenceError(
                    f"Cannot save {where}: its key {key!r} is of type "
                    f"{type(key).__name__}, and the keys of a dict must be str."
                )
        return {k: self._encode(v, f"{where}[{k!r}]") for k, v in value.items()}

    def _encode_array(self, value, where):
        if id(value) in self._numbers:
            return {"array": self._numbers[id(value)]}
        if value.dtype.kind == "O":
            items = self._encode(value.ravel().tolist(), where)
            return {"object_array": [list(value.shape), items]}
        if value.dtype.kind not in PLAIN_KINDS or value.dtype.itemsize == 0:
            raise PersistenceError(
                f"Cannot save {where}: arrays of dtype {value.dtype} are not "
                f"supported. Store its fields as arrays of their own."
            )
        self._numbers[id(value)] = len(self.arrays)
        self._keep.append(value)
        self.arrays.append(np.asarray(value))
        return {"array": len(self.arrays) - 1}

    def _encode_object(self, value, where):
        name = type(value).__name__
        if id(value) in self._open:
            raise RecursionError
        if id(value) in self._numbers:
            return {"ref": self._numbers[id(value)]}
        if Persistent.classes.get(name) is not type(value):
            raise PersistenceError(
                f"Cannot save {where}: another class named {name!r} was defined after "
                f"its own, so the file would be ambiguous. Rename one of them."
            )
        self._numbers[id(value)] = self._n_objects
        self._keep.append(value)
        self._n_objects += 1
        self._open.add(id(value))
        state = {
            key: self._encode(v, f"{where}.{key}") for key, v in vars(value).items()
        }
        self._open.remove(id(value))
        return {"object": [name, state]}


class Decoder:
    """Rebuild what ``Encoder`` described, from classes loaded already.

    Parameters
    ----------
    read_array : callable
        Returns the array of a number.
    """

    def __init__(self, read_array):
        self._read_array = read_array
        self._arrays = {}
        self._objects = []  # each with the number of objects in it, itself included
        self._n_met = self._n_again = 0
        self._decoders = {
            "array": self._decode_array,
            "dict": self._decode_dict,
            "dtype": plain_dtype,
            "float": {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}.__getitem__,
            "object": self._decode_object,
            "object_array": self._decode_object_array,
            "ref": self._decode_ref,
            "scalar": self._decode_scalar,
            "tuple": self._decode_tuple,
            "type": TYPES.__getitem__,
        }

    def decode(self, node):
        """Return the value that a node of JSON stands for."""
        if isinstance(node, list):
            return [self.decode(v) for v in node]
        if not isinstance(node, dict):
            return node
        ((kind, content),) = node.items()
        return self._decoders[kind](content)

    def _decode_tuple(self, content):
        return tuple(self.decode(v) for v in content)

    def _decode_dict(self, content):
        return {key: self.decode(v) for key, v in content.items()}

    def _decode_scalar(self, content):
        text, data = content
        if text in ("<U0", "|S0"):
            return np.dtype(text).type()
        return np.frombuffer(bytes.fromhex(data), dtype=plain_dtype(text), count=1)[0]

    def _decode_object_array(self, content):
        shape, items = content
        array = np.empty(len(items), dtype=object)
        for i, item in enumerate(items):
            array[i] = self.decode(item)
        return array.reshape(shape)

    def _decode_array(self, number):
        if number not in self._arrays:
            self._arrays[number] = self._read_array(number)
        return self._arrays[number]

    def _decode_ref(self, number):
        obj, weight = self._objects[number]
        self._n_met += weight
        self._n_again += weight
        if self._n_again > MAX_AGAIN:
            raise ValueError("its parts hold each other too often")
        return obj

    def _decode_object(self, content):
        name, state = content
        cls = Persistent.classes.get(name)
        if cls is None:
            raise PersistenceError(
                f"The file holds an object of the class {name!r}, which is not "
                f"loaded. Import the module that defines it first (gaussflow.tabular, "
                f"or one of your own that you trust)."
            )
        obj, number, before = object.__new__(cls), len(self._objects), self._n_met
        self._objects.append(())  # until it is complete: nothing contains itself
        self._n_met += 1
        for key, value in state.items():
            # In the place of a method or property it would be called instead.
            kept = getattr(cls, key, None)
            taken = callable(kept) or hasattr(type(kept), "__get__")
            if not key.isidentifier() or key.startswith("__") or taken:
                raise ValueError(f"{key!r} is not the name of an attribute")
            obj.__dict__[key] = self.decode(value)
        check_state(obj)
        self._objects[number] = obj, self._n_met - before
        return obj


def plain_dtype(spec):
    """Return the dtype, if it is one that holds no Python objects."""
    dtype = np.dtype(spec)
    if dtype.kind not in PLAIN_KINDS or dtype.itemsize == 0:
        raise ValueError(f"dtype {spec!r} is not one that gaussflow writes")
    return dtype


def describe(value):
    """Name a value in a message: its class, and its own name if it has one."""
    name = getattr(value, "__name__", None)
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    return f"the {kind} {name!r}" if isinstance(name, str) else f"a {kind}"


def _way_out(value):
    if isinstance(value, (np.random.Generator, np.random.RandomState)):
        return "Pass random_state as an int."
    if callable(value):
        return (
            "Use a strategy that has a name (a string), or keep the model with "
            "pickle, which only its owner should open."
        )
    return "Remove it from the model, or keep the model with pickle."
