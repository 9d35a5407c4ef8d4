"""What docstrings say of the parameters that many classes share."""

import inspect
import re
import textwrap

#: Parameters of training: the kind of each, and what it does. ``%(auto)s`` is the
#: class's own number of rows.
TRAINING_PARAMETERS = {
    "n_epochs": ("int", "Passes over the rows."),
    "batch_size": (
        'int or "auto"',
        'Rows of a gradient step; "auto" takes %(auto)s, or all where there are fewer.',
    ),
    "learning_rate": ("float", "Step of Adam."),
    "early_stopping": (
        "bool",
        "Hold out ``validation_fraction`` of the rows, stop after ``patience``\n"
        "epochs without gain on them, and keep the best weights.",
    ),
    "validation_fraction": ("float", "Share of the rows held out."),
    "patience": ("int", "Epochs without gain."),
    "warm_start": ("bool", "Go on from the weights of the last fit."),
    "device": ('{"auto", "cpu", "cuda"}', "Where torch trains."),
    "random_state": (
        "int, RandomState, Generator or None",
        "Same seed, same weights. torch's own state is left alone.",
    ),
    "verbose": ("int", "Above 0, print a line per epoch."),
}

#: Those of autoencoders too.
LATENT_PARAMETERS = TRAINING_PARAMETERS | {
    "image_shape": (
        "tuple (height, width, channels) or None",
        "Shape of images whose pixels are the columns of X.",
    ),
    "channels": (
        "tuple of int or None",
        "With ``image_shape``, convolutions of stride 2 with so many maps in place\n"
        "of ``hidden_sizes``.",
    ),
    "prior": (
        '{"standard", "gaussian", "gmm", "gaussianization"} or estimator',
        "What ``sample`` draws codes from: N(0, I), or a distribution fitted on the\n"
        "codes of the training rows (of each label, where the model has labels): a\n"
        "Gaussian, a mixture, a GenFlow, or a density estimator of your own.",
    ),
    "n_components": ("int", 'Gaussians of ``prior="gmm"``.'),
}


def fill_docstring(cls, shared, auto_batch):
    """Put shared parameters in place of the line ``%(training)s`` of a docstring.

    They are those of ``__init__`` that the docstring does not describe itself, in
    the order of the signature, with the defaults of the class.

    Parameters
    ----------
    cls : type
        The class; without such a line it stays as it is.
    shared : dict of str to (str, str)
        Kind and description of each parameter.
    auto_batch : int
        Rows that ``batch_size="auto"`` takes.
    """
    doc = cls.__doc__ or ""
    place = re.search(r"^( *)%\(training\)s$", doc, re.MULTILINE)
    if place is None:
        return
    entries = []
    for name, parameter in inspect.signature(cls.__init__).parameters.items():
        described = re.search(rf"^ *{name} :", doc, re.MULTILINE)
        if name not in shared or described:
            continue
        kind, text = shared[name]
        default = parameter.default
        default = f'"{default}"' if isinstance(default, str) else repr(default)
        text = textwrap.indent(text.replace("%(auto)s", str(auto_batch)), "    ")
        entries.append(f"{name} : {kind}, default={default}\n{text}")
    block = textwrap.indent("\n".join(entries), place[1])
    cls.__doc__ = doc[: place.start()] + block + doc[place.end() :]
