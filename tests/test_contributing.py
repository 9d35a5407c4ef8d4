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
