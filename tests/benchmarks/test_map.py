"""The map of benchmarks/README.md names every script and result, and no other."""

import re

from tests.benchmarks.scripts import BENCHMARKS, ROOT


def rows_of_the_map():
    """Return (scripts, results) of each row, as sets of paths."""
    rows = re.findall(r"^\| .* \|$", (BENCHMARKS / "README.md").read_text(), re.M)[1:]
    for row in rows:
        script, result = row.split("|")[3:5]
        found = re.findall(r"`([^`]+)`", script), re.findall(r"`([^`]+)`", result)
        assert all(found), f"no script or no result: {row}"
        yield tuple(
            {p for text in part for p in BENCHMARKS.glob(text)} for part in found
        )


def test_the_map_names_every_script_and_every_result():
    scripts = {
        path for path in BENCHMARKS.glob("*/*.py") if "__main__" in path.read_text()
    }
    results = {*BENCHMARKS.glob("*/results/*")}
    rows = list(rows_of_the_map())
    assert set().union(*(s for s, _ in rows)) == scripts
    assert set().union(*(r for _, r in rows)) == results


def test_a_result_lies_beside_its_script():
    for scripts, results in rows_of_the_map():
        assert scripts
        assert results
        folders = {path.parent for path in scripts}
        assert {path.parents[1] for path in results} == folders


def test_every_path_of_a_benchmark_that_is_written_down_exists():
    texts = [ROOT / name for name in ("README.md", "CHANGELOG.md", "Makefile")]
    texts += [
        *(ROOT / "notebooks").glob("*.ipynb"),
        *(ROOT / "gaussflow").rglob("*.py"),
    ]
    texts += BENCHMARKS.rglob("*.py")
    named = {
        name
        for path in texts
        for name in re.findall(
            r"benchmarks/[\w/.]*\.(?:py|json|png|md)", path.read_text()
        )
    }
    assert len(named) > 15
    assert not {name for name in named if not (ROOT / name).exists()}
