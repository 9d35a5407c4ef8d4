"""The picture of ARCHITECTURE.md is the real one."""

import re
from pathlib import Path

from tests.test_imports import FLOORS, PACKAGE, ROOT

TEXT = (ROOT / "ARCHITECTURE.md").read_text()
TREE, LADDER = re.findall(r"```\n(.*?)```", TEXT, flags=re.DOTALL)


def drawn():
    """Return the paths of the drawn tree, relative to the repository."""
    above, found = [], set()
    for line in TREE.splitlines():
        name = line.split()[0]
        depth = (len(line) - len(line.lstrip())) // 2
        above[depth:] = [name.rstrip("/")]
        found.add(Path(*above))
    return found


def test_every_room_is_drawn_and_no_other():
    rooms = {path.parent.relative_to(ROOT) for path in PACKAGE.rglob("__init__.py")}
    files = {path for path in drawn() if path.suffix}
    assert drawn() - files == rooms
    assert all((ROOT / path).is_file() for path in files)


def test_the_drawn_ladder_is_the_one_that_is_tested():
    floors = {}
    for line in LADDER.splitlines():
        floor, names = line.split(maxsplit=1)
        for name in names.split(", "):
            floors["" if "/" in name else name] = int(floor)
    assert floors == FLOORS


def test_every_path_that_the_page_names_exists():
    names = set(re.findall(r"`([\w./]+(?:/|\.py|\.md))`", TEXT))
    places = [ROOT, PACKAGE, *PACKAGE.glob("tabular"), *PACKAGE.glob("tabular/*")]
    missing = {n for n in names if not any((p / n).exists() for p in places)}
    assert names
    assert not missing
