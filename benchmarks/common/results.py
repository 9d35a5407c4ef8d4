"""Files of results, the options of the scripts that write them, and the machine."""

import argparse
import json
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from gaussflow._common.files import write_files

PACKAGES = ("gaussflow", "numpy", "scipy", "scikit-learn", "numba", "torch", "zuko")


def arguments(doc, script, quick=None):
    """Return a parser of a script's options, for the script to add its own.

    Parameters
    ----------
    doc, script : str
        The script's ``__doc__``, whose first line is its question, and ``__file__``:
        ``--out`` is the JSON of the same name in ``results/`` beside it.
    quick : str, optional
        What ``--quick`` measures, as a smoke test.
    """
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    path = Path(script)
    out = path.parent / "results" / f"{path.stem}.json"
    parser.add_argument("--out", type=Path, default=out)
    if quick:
        help = f"{quick}: a smoke test"
        parser.add_argument("--quick", action="store_true", help=help)
    return parser


def environment():
    """Return the machine and the versions, as a dict for JSON."""
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "cpu": _cpu(),
            "cores": os.cpu_count(),
            "threads": os.environ.get("OMP_NUM_THREADS", "all"),
        },
        "versions": versions,
    }


def _cpu():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((x.split(":")[1].strip() for x in lines if "model name" in x), "")


class ResultFile:
    """A JSON file of records, written after each: an interrupted run keeps its part.

    Records of an earlier run stay if that run had the same machine and versions; or,
    in a file that is ``mixed``, always: there each record holds its own.
    """

    def __init__(self, path, keys, mixed=False):
        self.path, self.keys, self.mixed = Path(path), keys, mixed
        self.content = {"results": []} if mixed else {**environment(), "results": []}
        self._read()

    def _read(self):
        if self.path.exists():
            old = json.loads(self.path.read_text())
            same = (k for k in ("machine", "versions") if k in self.content)
            if all(old.get(k) == self.content[k] for k in same):
                self.content = old

    def add(self, record):
        """Put a record in the place of one with the same keys, and write."""
        if self.mixed:
            self._read()  # another run may have written since
            record = {**record, **environment()}
        key = [record[k] for k in self.keys]
        kept = [r for r in self.content["results"] if [r[k] for k in self.keys] != key]
        self.content["results"] = [*kept, record]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_files({self.path: json.dumps(self.content, indent=1) + "\n"})
