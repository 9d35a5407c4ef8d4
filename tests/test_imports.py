"""The ladder: imports go one way, and heavy packages load only where used.

kernels -> persistence -> marginals, rotations, metrics -> mixtures, forests -> layers
        -> flows -> tabular, information, baselines -> plotting -> cli
"""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "gaussflow"

# The floor that each part stands on. A part imports only from lower floors,
# and from itself.
FLOORS = {
    "_common": 0,
    "_version": 0,
    "kernels": 0,
    "theory": 1,
    "persistence": 1,
    "datasets": 2,
    "marginals": 2,
    "metrics": 2,
    "rotations": 2,
    "forests": 3,
    "mixtures": 3,
    "layers": 4,
    "flows": 5,
    "architectures": 6,
    "baselines": 6,
    "diagnostics": 6,
    "estimator_checks": 6,
    "information": 6,
    "tabular": 6,
    "plotting": 7,
    "cli": 8,
    "": 8,  # gaussflow/__init__.py
    "__main__": 9,
}

# Who may import a heavy package when it is itself imported, and who inside
# its functions only. The required ones (numpy, scipy, sklearn, joblib) are free.
TORCH = {
    f"baselines.{path.parent.name}.{path.stem}"
    for path in (PACKAGE / "baselines").rglob("torch_*.py")
}
AT_IMPORT = {"numba": {"kernels"}, "pandas": {"tabular"}, "torch": TORCH}
IN_FUNCTIONS = {
    "pandas": {"tabular", "cli"},
    "pyarrow": {"tabular", "cli"},
    "matplotlib": {"plotting", "tabular", "cli"},
    "torch": {"baselines"},
    "yaml": {"tabular"},
}
REQUIRED = {"numpy", "scipy", "sklearn", "joblib", "threadpoolctl", "gaussflow"}


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(p for p in parts if p != "__init__")


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def part(module):
    """Return the first name below gaussflow: 'layers' for gaussflow.layers.base."""
    return module.removeprefix("gaussflow").lstrip(".").split(".")[0]


def within(module, places):
    below = module.removeprefix("gaussflow.")
    return any(below == p or below.startswith(p + ".") for p in places)


def imports_of(tree):
    """Return (name, line, lazy) of each import, by ``import`` or import_optional."""
    found = []

    def visit(node, lazy):
        if isinstance(node, ast.Import):
            found.extend((alias.name, node.lineno, lazy) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative import"
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                found.append(
                    (name if name in MODULES else node.module, node.lineno, lazy)
                )
        elif (
            isinstance(node, ast.Call)
            and getattr(node.func, "id", getattr(node.func, "attr", ""))
            in ("import_optional", "import_module")
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            found.append((node.args[0].value, node.lineno, lazy))
        inside = lazy or isinstance(
            node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
        )
        # `if TYPE_CHECKING:` never runs.
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            children = node.orelse
        else:
            children = ast.iter_child_nodes(node)
        for child in children:
            visit(child, inside)

    visit(tree, False)
    return found


IMPORTS = {
    name: imports_of(ast.parse(path.read_text(), str(path)))
    for name, path in MODULES.items()
}


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_from_lower_floors(module):
    here = part(module)
    assert here in FLOORS, f"give {here!r} a floor in FLOORS"
    for name, line, _ in IMPORTS[module]:
        if name.split(".")[0] != "gaussflow":
            continue
        there = part(name)
        if there == here:
            continue
        lower = FLOORS[there] < FLOORS[here]
        assert lower, f"{module}:{line} imports {name}, which is not on a lower floor"


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_heavy_packages_only_where_allowed(module):
    for name, line, lazy in IMPORTS[module]:
        package = name.split(".")[0]
        if package in REQUIRED or package in sys.stdlib_module_names:
            continue
        allowed = set(AT_IMPORT.get(package, ()))
        if lazy:
            allowed |= IN_FUNCTIONS.get(package, set())
        where = "inside a function" if lazy else "at import"
        assert within(module, allowed), f"{module}:{line} imports {package} {where}"


def test_no_circle_of_imports():
    graph = {
        module: {name for name, _, lazy in found if name in MODULES and not lazy}
        for module, found in IMPORTS.items()
    }
    done, path = set(), []

    def visit(module):
        assert module not in path, " -> ".join([*path, module])
        if module in done:
            return
        path.append(module)
        for name in sorted(graph[module] - {"gaussflow"}):
            visit(name)
        done.add(path.pop())

    for module in MODULES:
        visit(module)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import pandas", [("pandas", False)]),
        ("def f():\n    import pandas.api", [("pandas.api", True)]),
        ("from gaussflow import flows", [("gaussflow.flows", False)]),
        ("class A:\n    import dask", [("dask", False)]),
        (
            "f = lambda: import_optional('torch', extra='', caller='')",
            [("torch", True)],
        ),
        ("if TYPE_CHECKING:\n    import pandas", []),
    ],
)
def test_the_reader_of_imports_sees_them(source, expected):
    found = [(name, lazy) for name, _, lazy in imports_of(ast.parse(source))]
    assert found == expected


def loaded_by(statement):
    code = f"{statement}; import json, sys; print(json.dumps(sorted(sys.modules)))"
    out = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    return set(json.loads(out.stdout))


OPTIONAL = {"pandas", "polars", "torch", "matplotlib", "dask", "skops", "IPython"}
REQUIREMENTS = "import joblib, numba, scipy.special, sklearn.base, sklearn.utils"


BLOCK = f"""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {OPTIONAL!r}:
            raise ModuleNotFoundError("absent", name=name)

sys.meta_path.insert(0, Absent())
"""


def test_importing_gaussflow_needs_nothing_optional():
    loaded = loaded_by(BLOCK + "import gaussflow")
    assert "gaussflow.tabular" not in loaded


def test_importing_gaussflow_loads_little_beyond_its_requirements():
    """The rest of scipy and scikit-learn would cost more than all of gaussflow."""
    # scikit-learn itself imports pandas where it finds it.
    extra = loaded_by("import gaussflow") - loaded_by(REQUIREMENTS)
    roots = {name.split(".")[0] for name in extra if not name.startswith("_")}
    assert not roots & OPTIONAL
    assert not roots - sys.stdlib_module_names - REQUIRED - {"numba", "llvmlite"}
    slow = {"sklearn.ensemble", "sklearn.mixture", "sklearn.decomposition"}
    assert not extra & slow
