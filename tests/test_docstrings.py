"""Help describes every public thing, though what classes share is written once."""

import importlib
import inspect
import pkgutil
import re

import pytest

import gaussflow
from gaussflow import baselines, layers

FACES = [getattr(room, name) for room in (layers, baselines) for name in room.__all__]
FACES += [
    gaussflow.GenFlow,
    gaussflow.BaggedGenFlow,
    gaussflow.ClassConditionalFlow,
    gaussflow.DensityOutlierDetector,
]


def public_methods(cls):
    """Return the methods that this package gives a class."""
    return [
        method
        for name, method in inspect.getmembers(cls, inspect.isfunction)
        if name[0] != "_" and method.__module__.startswith("gaussflow")
    ]


@pytest.mark.parametrize("cls", FACES, ids=lambda cls: cls.__name__)
def test_help_describes_every_parameter_and_argument(cls):
    for documented in [cls, *public_methods(cls)]:
        parts = re.split(r"^(\w+)\n-+\n", inspect.getdoc(documented), flags=re.M)
        text = dict(zip(parts[1::2], parts[2::2], strict=True)).get("Parameters", "")
        described = re.findall(r"^\*{0,2}(\w.*) :", text, re.M)
        described = [name for names in described for name in names.split(", ")]
        assert {*inspect.signature(documented).parameters} - {"self"} <= {*described}
        assert len(described) == len({*described})


def test_every_public_method_is_described_where_it_is_first_defined():
    """Linting leaves this to us: a method that overrides another inherits its text."""
    for _, name, _ in pkgutil.walk_packages(gaussflow.__path__, "gaussflow."):
        if ".torch_" in name or name.endswith("__main__"):
            continue
        module = importlib.import_module(name)
        for cls in vars(module).values():
            if inspect.isclass(cls) and cls.__module__ == name:
                bare = [
                    method
                    for method, value in vars(cls).items()
                    if method[0] != "_"
                    and cls.__name__[0] != "_"
                    and (inspect.isfunction(value) or isinstance(value, property))
                    and not inspect.getdoc(getattr(cls, method))
                ]
                assert not bare, (cls, bare)
