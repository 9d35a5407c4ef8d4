"""Time, memory and the machine that they were measured on."""

import json
import multiprocessing
import os
import platform
import resource
import sys
import time
import traceback
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("gaussflow", "numpy", "scipy", "scikit-learn", "numba", "torch", "zuko")


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


def timed(function, *args, **kwargs):
    """Return (result, seconds)."""
    start = time.perf_counter()
    result = function(*args, **kwargs)
    return result, time.perf_counter() - start


def median_seconds(function, n_runs=7):
    """Return the median time of several calls, after one that warms up."""
    function()
    return sorted(timed(function)[1] for _ in range(n_runs))[n_runs // 2]


class PeakMemory:
    """Megabytes by which the resident memory grows inside a ``with`` block.

    Attributes
    ----------
    megabytes : float
        The highest point, less what was resident at the start.
    highest : float
        The highest point itself.
    """

    def __enter__(self):
        """Forget earlier peaks, where the system can."""
        try:
            Path("/proc/self/clear_refs").write_text("5")
            self._start = _status("VmRSS")
        except OSError:
            self._start = None
            self._rusage = _rusage()
        return self

    def __exit__(self, *exc):
        """Read the peak."""
        self.highest = _rusage() if self._start is None else _status("VmHWM")
        start = self._rusage if self._start is None else self._start
        self.megabytes = self.highest - start


def _status(field):
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    raise OSError(f"no {field} in /proc/self/status")


def _rusage():
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def in_new_process(function, *args):
    """Return function(*args), run in a process of its own, or {"error": ...}."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_call, args=(sender, function, args))
    process.start()
    sender.close()
    try:
        result = receiver.recv()
    except EOFError:
        result = {"error": "the process died"}
    process.join()
    if "error" in result and process.exitcode:
        result["error"] += f" (exit code {process.exitcode})"
    return result


def _call(sender, function, args):
    try:
        sender.send(function(*args))
    except Exception as exc:
        traceback.print_exc()
        sender.send({"error": f"{type(exc).__name__}: {exc}"})


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
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text(json.dumps(self.content, indent=1) + "\n")
        temporary.replace(self.path)
