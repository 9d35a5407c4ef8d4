"""Time, memory, and measurements in a process of their own."""

import multiprocessing
import resource
import sys
import time
import traceback
from pathlib import Path


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
