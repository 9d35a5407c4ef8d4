"""Docstrings that say only what is new, completed when their class is made.

Parameters and attributes that a class does not describe are described as in the classes
that it extends; arguments and results of a method as in the method that it overrides
or, at last, in ``ARGUMENTS`` and ``METHODS``. ``help`` shows them all.
"""

import inspect
import re

#: What arguments of methods are, where no method says otherwise.
ARGUMENTS = """\
X : array-like of shape (n_samples, n_features)
    Rows in the units of the training data.
y : None
    Ignored.
n_samples : int, default=1
    Number of rows, at least 1.
random_state : int, RandomState, Generator or None, default=None
    Randomness of this draw.
Z : array-like of shape (n_samples, latent_dim)
    Codes.
labels : array-like of shape (n_samples,), or one label, or None
    None takes ``infer_labels(X)``.
shape : tuple (height, width) or None, default=None
    Pixels to paint; None takes the training images'."""
#: What methods of a name take and return, where none says otherwise.
METHODS = {
    "fit": {
        "Parameters": "X : array-like of shape (n_samples, n_features)\n"
        "    Training rows.",
        "Returns": "self : object\n    The fitted estimator.",
    },
    "sample": {
        "Returns": "X : ndarray of shape (n_samples, n_features)\n"
        "    New rows in the units of the training data."
    },
    "score": {"Returns": "score : float\n    Higher is better."},
    "score_samples": {
        "Returns": "log_density : ndarray of shape (n_samples,)\n"
        "    Log density in nats."
    },
}


def complete_docstrings(cls):
    """Complete the docstrings of a class and of its methods; return it."""
    parts = sections(cls.__doc__)
    above = [sections(base.__doc__) for base in cls.__mro__[:0:-1]]
    known = _entries("Parameters", *above, parts)
    parameters = inspect.signature(cls).parameters
    entries = [
        _with_default(known[name], parameter.default)
        for name, parameter in parameters.items()
        if name in known
    ]
    # What a base class describes for those that extend it.
    own = _entries("Parameters", parts)
    entries += [entry for name, entry in own.items() if name not in parameters]
    parts["Parameters"] = "\n".join(entries)
    attributes = _entries("Attributes", *above, parts)
    parts["Attributes"] = "\n".join(dict.fromkeys(attributes.values()))
    cls.__doc__ = _joined(parts)
    for name, method in vars(cls).items():
        method = getattr(method, "__func__", method)  # of a class method
        if inspect.isfunction(method) and method.__doc__ and not name.startswith("_"):
            overridden = getattr(super(cls, cls), name, None)
            ours = str(getattr(overridden, "__module__", "")).startswith("gaussflow.")
            above = sections(overridden.__doc__ if ours else "")
            complete(method, {"Parameters": ARGUMENTS}, METHODS.get(name, {}), above)
    return cls


class Documented:
    """Base of classes that describe only what those they extend do not."""

    def __init_subclass__(cls, **options):
        """Complete the docstrings."""
        super().__init_subclass__(**options)
        complete_docstrings(cls)


def complete(function, *above):
    """Complete the docstring of a function by sections of others; return it."""
    parts = sections(function.__doc__)
    docs = [*above, parts]
    known = _entries("Parameters", *docs)
    names = [n for n in inspect.signature(function).parameters if n in known]
    parts["Parameters"] = "\n".join(dict.fromkeys(known[n] for n in names))
    parts["Returns"] = next((d["Returns"] for d in docs[::-1] if "Returns" in d), "")
    function.__doc__ = _joined(parts)
    return function


def sections(doc):
    """Return the texts of a docstring's sections by their titles."""
    doc = "Summary\n---\n" + inspect.cleandoc(doc or "")
    parts = re.split(r"^(\w[\w ]+)\n-{3,}\n", doc, flags=re.MULTILINE)[1:]
    texts = (text.rstrip() for text in parts[1::2])
    return dict(zip(parts[::2], texts, strict=True))


def _entries(title, *docs):
    """Return the entries of a section by the names that they describe.

    Of docstrings that describe the same name the last one counts.
    """
    found = {}
    for doc in docs:
        for entry in re.split(r"\n(?=\S)", doc.get(title, "")):
            for name in entry.split(" :")[0].split(", "):
                found[name.strip("*")] = entry
    found.pop("", None)
    return found


def _with_default(entry, default):
    if isinstance(default, type):  # none, or a class, which repr does not spell
        return entry
    first, *rest = entry.split("\n")
    default = f'"{default}"' if isinstance(default, str) else repr(default)
    return "\n".join([f"{first.split(', default=')[0]}, default={default}", *rest])


def _joined(parts):
    """Return a docstring of sections, parameters and attributes before all others."""
    firsts = dict.fromkeys(("Summary", "Parameters", "Attributes", "Returns"))
    texts = [
        f"{title}\n{'-' * len(title)}\n{parts[title]}"
        for title in firsts | parts
        if parts.get(title)
    ]
    return "\n\n".join(texts).removeprefix("Summary\n-------\n")
