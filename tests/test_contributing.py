import ast
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
(EXAMPLE,) = re.findall(
    r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), flags=re.DOTALL
)


def test_the_layer_of_contributing_keeps_the_laws_of_every_layer():
    """In a process of its own: classes of layers are remembered by their names."""
    subprocess.run([sys.executable, "-W", "error", "-c", EXAMPLE], check=True, cwd=ROOT)


def test_the_layer_of_contributing_has_at_most_40_lines():
    (layer,) = (x for x in ast.parse(EXAMPLE).body if isinstance(x, ast.ClassDef))
    assert layer.end_lineno - layer.lineno < 40


def test_every_target_of_make_that_the_pages_name_exists():
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M))
    for page in ("CONTRIBUTING.md", "README.md", "ARCHITECTURE.md"):
        named = re.findall(r"`make (\w+)", (ROOT / page).read_text())
        assert set(named) <= targets, page
