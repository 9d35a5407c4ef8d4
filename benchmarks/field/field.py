"""Does every table of a folder go through the command line, and gives nobody away?

Each file goes through ``gaussflow schema``, ``synth --report`` and, where cells are
missing, ``impute``, as a stranger would call them. What comes out is compared with the
file's own cells as text, without the package's reading of them: no cell of a key (whole
numbers, all different, that count the rows or are named so), no text that fewer than 5
rows hold, in the table or in its report, no lowest or highest number or date that fewer
hold. A command that runs into the time limit, hangs, or kills its process is named.
"""

import contextlib
import io
import multiprocessing
import os
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.common.results import ResultFile, arguments

COMMANDS = ("schema", "synth", "impute")
#: What names of tables end with, before ".gz".
SUFFIXES = (".csv", ".data", ".txt")
#: What stands for a missing cell, as the command line documents it.
GAPS = ["", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "<NA>"]
#: ``--min-category-count`` of the command line.
MIN_COUNT = 5
#: A table hangs that takes so many times its limit by the clock on the wall.
PATIENCE = 20
#: Tables below this size need not give a synthetic table.
MIN_SHAPE = (30, 2)
#: Texts this short may stand in a page by chance, as part of a word.
MIN_TOLD = 6


def main(argv=None):
    parser = arguments(__doc__, __file__)
    parser.add_argument("folder", type=Path, nargs="+")
    parser.add_argument("--head", type=int, help="only the first rows of each table")
    parser.add_argument("--sample", type=int, help="only so many tables, by chance")
    parser.add_argument("--limit", type=float, default=60, help="CPU seconds a table")
    parser.add_argument("--resume", action="store_true", help="keep earlier results")
    parser.add_argument("--jobs", type=int, default=1)
    args = parser.parse_args(argv)
    tables = [
        (folder, path)
        for folder in args.folder
        for path in sorted(folder.rglob("*"))
        if path.name.removesuffix(".gz").endswith(SUFFIXES)
    ]
    if args.sample:
        chosen = np.random.default_rng(0).permutation(len(tables))[: args.sample]
        tables = [tables[i] for i in chosen]
    out = ResultFile(args.out, ["table", "head"])
    if args.resume:
        done = {(r["table"], r["head"]) for r in out.content["results"]}
        tables = [t for t in tables if (name_of(*t), args.head) not in done]
    waiting, workers = iter(tables), [Worker() for _ in range(args.jobs)]
    busy = {w: next(waiting, None) for w in workers}
    for worker, task in busy.items():
        if task:
            worker.begin(task[1], args.head, args.limit)
    while any(busy.values()):
        for worker in [w for w, task in busy.items() if task]:
            record = worker.poll()
            if record is None:
                continue
            name = name_of(*busy[worker])
            out.add({"table": name, "head": args.head, **record})
            print(line(name, record), flush=True)
            busy[worker] = next(waiting, None)
            if busy[worker]:
                worker.begin(busy[worker][1], args.head, args.limit)
    for worker in workers:
        worker.close()
    out.content["summary"] = summary(out.content["results"])
    out.add(out.content["results"][-1])
    print(out.content["summary"])


def name_of(folder, path):
    return f"{folder.name}/{path.relative_to(folder)}"


def line(name, record):
    """Say in a line how a table fared."""
    exits = " ".join(f"{c} {e}" for c, e in record["exit"].items())
    parts = [name, f"{record['rows']} x {record['columns']}", exits]
    parts += [f"{record['seconds']} s", *record["refusals"].values()]
    parts += [f"{kind}: {v}" for kind, v in record["leaks"].items()]
    return "; ".join(parts)


def summary(records):
    """Count the tables that kept each promise."""
    ends = Counter(str(e) for r in records for e in r["exit"].values())
    leaks = Counter(kind for r in records for kind in r["leaks"])
    due = [
        r for r in records if r["rows"] >= MIN_SHAPE[0] and r["columns"] >= MIN_SHAPE[1]
    ]
    made = sum(r["exit"].get("synth") == 0 for r in due)
    return {
        "tables": len(records),
        "exits": dict(sorted(ends.items())),
        "tables_with": dict(sorted(leaks.items())),
        "of_30_rows_and_2_columns": len(due),
        "gave_a_table": made,
        "share": round(made / max(len(due), 1), 4),
    }


class Worker:
    """A process that takes one table after another, and is replaced when it dies."""

    def __init__(self):
        self.context = multiprocessing.get_context("spawn")
        self.process = None

    def begin(self, path, head, limit):
        if self.process is None or not self.process.is_alive():
            self.pipe, other = self.context.Pipe()
            self.process = self.context.Process(target=work, args=(other,), daemon=True)
            self.process.start()
            other.close()
            self.pipe.recv()  # it has imported all
        self.deadline, self.limit = time.monotonic() + PATIENCE * limit, limit
        self.record = blank()
        self.pipe.send((path, head, limit))

    def poll(self):
        """Return the record if the table is done, has had its time, or killed it."""
        try:
            while self.pipe.poll(0.05):
                self.record, done = self.pipe.recv()
                if done:
                    return self.record
        except EOFError:
            self.process.join()
        if self.process.is_alive() and time.monotonic() < self.deadline:
            return None
        self.close()
        self.record["seconds"] = self.limit
        end = {-signal.SIGPROF: "time limit", -signal.SIGKILL: "hangs"}
        command = COMMANDS[min(len(self.record["exit"]), len(COMMANDS) - 1)]
        code = self.process.exitcode
        self.record["exit"][command] = end.get(code, f"died ({code})")
        return self.record

    def close(self):
        if self.process is not None:
            self.process.kill()
            self.process.join()


def blank():
    return {
        "rows": 0,
        "columns": 0,
        "exit": {},
        "seconds": 0.0,
        "refusals": {},
        "leaks": {},
    }


def work(pipe):
    """Take tables from the pipe, and send their records as they grow."""
    import gaussflow.cli.commands  # noqa: F401  (before the clock runs)

    sys.stdin = open(os.devnull)
    pipe.send("ready")
    while True:
        path, head, limit = pipe.recv()
        # Of the processor's time, which other work on the machine does not change.
        signal.setitimer(signal.ITIMER_PROF, limit)
        record, start = blank(), time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            for _ in steps(path, head, Path(folder), record):
                record["seconds"] = round(time.process_time() - start, 1)
                pipe.send((record, False))
        signal.setitimer(signal.ITIMER_PROF, 0)
        record["seconds"] = round(time.process_time() - start, 1)
        pipe.send((record, True))


def steps(path, head, folder, record):
    """Run the commands on a table; yield after each."""
    table = path
    if head:
        table = folder / path.name.removesuffix(".gz")
        table.write_bytes(first_lines(path, head + 1))
    real = cells(table)
    record["rows"], record["columns"] = (0, 0) if real is None else real.shape
    yield
    made, page = folder / "made.csv", folder / "made.html"
    filled = folder / "filled.csv"
    told = [run(record, "schema", table)]
    yield
    told += [run(record, "synth", table, "--out", made, "--report", page)]
    if real is not None and made.exists():
        told += [page.read_text()]
        record["leaks"] = leaks(real, cells(made), told)
    yield
    if real is None or real.isna().to_numpy().any():
        run(record, "impute", table, "--out", filled)
        if real is not None and filled.exists():
            changed = changes(real, cells(filled))
            if changed:
                record["leaks"]["changed_by_impute"] = changed


def run(record, command, *args):
    """Run a command in this process; note how it ended; return what it printed."""
    from gaussflow.cli import main as command_line

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            end = command_line([command, *map(str, args)])
        except SystemExit as exc:
            end = exc.code
        except Exception as exc:
            end = "traceback"
            where = traceback.extract_tb(exc.__traceback__)[-1]
            text = "".join(traceback.format_exception_only(exc)).strip()
            err.write(f"{text} ({Path(where.filename).name}:{where.lineno})")
    record["exit"][command] = end
    if end != 0:
        lines = [x for x in err.getvalue().splitlines() if ": warning: " not in x]
        text = " ".join(lines).replace(str(args[0]), Path(args[0]).name)
        record["refusals"][command] = text[:400]
    return err.getvalue() if end == "traceback" else out.getvalue() + err.getvalue()


def first_lines(path, n):
    import gzip

    opened = gzip.open if path.name.endswith(".gz") else open
    with opened(path, "rb") as file:
        return b"".join(line for line, _ in zip(file, range(n), strict=False))


def cells(path):
    """Return a file's cells as texts, None if it is no table."""
    try:
        return pd.read_csv(
            path, dtype=object, index_col=False, keep_default_na=False, na_values=GAPS
        )
    except (ValueError, OSError, UnicodeError):
        return None


def leaks(real, made, told):
    """Count, by kind and column, what fewer than five rows hold and came out."""
    found = {"keys": {}, "levels": {}, "extremes": {}, "in_report": {}}
    if made.shape[1] != real.shape[1]:
        return {"columns": {"in all": made.shape[1]}}
    made = made.set_axis(real.columns, axis=1)  # spaces around names are not kept
    told = "\n".join(told)
    # What may be told: names of columns, and cells that enough rows hold.
    common = [str(name) for name in real]
    for name in real:
        counts = real[name].value_counts()
        common += counts.index[counts >= MIN_COUNT].tolist()
    common = "\n".join(common)
    for name in real:
        was, new = real[name].dropna(), made[name].dropna()
        numbers = pd.to_numeric(was, errors="coerce")
        dates = pd.to_datetime(was, errors="coerce", format="ISO8601", utc=True)
        counts = was.value_counts()
        rare = counts.index[counts < MIN_COUNT]
        is_number = numbers.notna().all() and len(was) > 0
        is_whole = is_number and (numbers == np.rint(numbers)).all()
        is_date = len(was) > 0 and not is_number and dates.notna().all()
        is_key = len(was) == len(real) and counts.max() == 1
        if is_key and is_row_number(name, numbers, is_whole):
            found["keys"][name] = int(new.isin(was).sum())
        elif is_number or is_date:
            ends = pd.to_numeric(new, errors="coerce") if is_number else new
            if is_date:
                numbers = dates
                ends = pd.to_datetime(new, errors="coerce", format="ISO8601", utc=True)
            found["extremes"][name] = at_ends(numbers, ends)
        else:
            found["levels"][name] = int(new.isin(rare).sum())
        if not is_number and not is_date:
            texts = (t for t in rare if len(t) >= MIN_TOLD and t not in common)
            found["in_report"][name] = sum(t in told for t in texts)
    kinds = {k: {str(c): n for c, n in v.items() if n} for k, v in found.items()}
    return {kind: columns for kind, columns in kinds.items() if columns}


def is_row_number(name, numbers, is_whole):
    """Tell whether whole numbers, all different, count rows, or are named as a key."""
    if not is_whole:
        return False
    span = numbers.max() - numbers.min() + 1
    named = str(name).lower().replace("_", "").endswith(("id", "rownames", "key"))
    return span == len(numbers) or named


def at_ends(was, new):
    """Count the cells that are an end which fewer than five real rows hold."""
    ends = [end for end in (was.min(), was.max()) if (was == end).sum() < MIN_COUNT]
    return int(new.isin(ends).sum())


def changes(real, filled):
    """Count the cells that were there and came back otherwise."""
    if real.shape != filled.shape:
        return real.size
    filled = filled.set_axis(real.columns, axis=1)
    held = real.notna()
    return int((held & (real.astype(str) != filled.astype(str))).to_numpy().sum())


if __name__ == "__main__":
    main()
