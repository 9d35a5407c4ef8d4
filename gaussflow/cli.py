"""The command line: ``gaussflow synth`` and ``gaussflow demo``."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from gaussflow import __version__

DESCRIPTION = """\
Turn a table into a synthetic one with the same columns: rows of nobody, with
the distributions of the real ones, and a report on how faithful and how private
they are.
"""

EXAMPLES = """\
examples:
  gaussflow demo
      a real table of 569 patients, its synthetic twin and a report, in ./demo
  gaussflow synth patients.csv --rows 1000 --out synthetic.csv
  gaussflow synth patients.csv --out synthetic.csv --report report.html \\
      --target diagnosis --seed 1
  gaussflow synth export.csv --sep ';' --encoding latin-1 --missing '?' --out s.csv

Bad input ends with one line on stderr and exit code 2; nothing is left half
written. The same seed and table give the same bytes.
"""


class CommandError(Exception):
    """A mistake of the user's; its message is shown in one line."""


def main(argv=None):
    """Run the command line and return its exit code.

    Parameters
    ----------
    argv : list of str or None, default=None
        Arguments; None takes those of the process.

    Returns
    -------
    code : int
        0, or 2 for bad input, or 130 if interrupted.
    """
    parser = _parser()
    args = parser.parse_args(argv)
    if not hasattr(args, "run"):
        parser.print_help()
        return 0
    try:
        args.run(args)
    except (CommandError, ImportError) as exc:
        print(f"gaussflow: {' '.join(str(exc).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("gaussflow: interrupted; nothing was written", file=sys.stderr)
        return 130
    return 0


def _parser():
    parser = argparse.ArgumentParser(
        prog="gaussflow",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--version", action="version", version=f"gaussflow {__version__}"
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    synth = commands.add_parser(
        "synth",
        help="make a synthetic table from a CSV file",
        description=(
            "Learn a CSV table and write a synthetic one. Part of the rows is held "
            "out: the flow never sees them, and the report scores against them."
        ),
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    synth.add_argument("table", metavar="TABLE.csv", help="the real table")
    synth.add_argument(
        "--out", required=True, metavar="SYNTH.csv", help="where the synthetic rows go"
    )
    synth.add_argument(
        "--rows",
        type=int,
        metavar="N",
        help="synthetic rows (default: as many as real)",
    )
    synth.add_argument("--report", metavar="REPORT.html", help="also write this report")
    synth.add_argument(
        "--target", metavar="COLUMN", help="the column that the table should predict"
    )
    synth.add_argument(
        "--holdout",
        type=float,
        default=0.25,
        metavar="SHARE",
        help="share of the rows kept from the flow for scoring (default: 0.25)",
    )
    synth.add_argument(
        "--min-category-count",
        type=int,
        default=5,
        metavar="K",
        help="a category held by fewer rows never comes out (default: 5)",
    )
    synth.add_argument("--sep", default=",", help="separator (default: ',')")
    synth.add_argument("--encoding", default="utf-8", help="default: utf-8")
    synth.add_argument(
        "--missing",
        action="append",
        default=[],
        metavar="TEXT",
        help="a further text that means a missing cell; may be repeated",
    )
    _common(synth)
    synth.set_defaults(run=_synth)
    demo = commands.add_parser(
        "demo",
        help="the breast cancer patients of scikit-learn, from table to report",
        description=(
            "Write patients.csv (569 real patients), synthetic.csv and report.html."
        ),
    )
    demo.add_argument("--out-dir", default="demo", metavar="DIR", help="default: demo")
    _common(demo)
    demo.set_defaults(run=_demo)
    return parser


def _common(parser):
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    parser.add_argument(
        "--force", action="store_true", help="overwrite files that exist"
    )


def _synth(args):
    if args.rows is not None and args.rows < 1:
        raise CommandError(f"--rows must be at least 1, got {args.rows}.")
    _check_options(args)
    outputs = [args.out] + ([args.report] if args.report else [])
    _check_outputs(outputs, args.force, source=args.table)
    df = _read(args)
    from gaussflow.tabular._csv import csv_text

    name = Path(args.table).name
    synthetic, page, summary = _make(
        df, args.rows or len(df), name, args.seed, args.target,
        args.holdout, args.min_category_count,
    )  # fmt: skip
    contents = {args.out: csv_text(synthetic, df.attrs["bare"])}
    if args.report:
        contents[args.report] = page
    _write_all(contents)
    print(summary)
    for path in contents:
        print(f"wrote {path}")


def _demo(args):
    _check_seed(args.seed)
    folder = Path(args.out_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise CommandError(f"cannot make the directory {folder}: {exc}") from exc
    paths = [str(folder / n) for n in ("patients.csv", "synthetic.csv", "report.html")]
    _check_outputs(paths, args.force)
    _import_tabular()
    from gaussflow.datasets import load_breast_cancer_table
    from gaussflow.tabular._csv import csv_text

    df = load_breast_cancer_table()
    synthetic, page, summary = _make(
        df, len(df), "Breast cancer, 569 patients", args.seed, "diagnosis", 0.25, 5
    )
    _write_all(dict(zip(paths, [csv_text(df), csv_text(synthetic), page], strict=True)))
    print(summary)
    for path in paths:
        print(f"wrote {path}")


def _import_tabular():
    from gaussflow._optional import import_optional

    import_optional("pandas", extra="tabular", caller="The gaussflow command")


def _read(args):
    _import_tabular()
    from gaussflow.tabular._csv import TableError, read_csv

    try:
        return read_csv(
            args.table,
            separator=args.sep,
            encoding=args.encoding,
            missing=args.missing,
        )
    except TableError as exc:
        raise CommandError(str(exc)) from exc


def _make(df, n_rows, title, seed, target, holdout, min_count):
    """Fit on a part of the rows, sample, score against the rest."""
    from sklearn.model_selection import train_test_split

    from gaussflow.tabular import (
        PrivacyReport,
        QualityReport,
        Schema,
        TabularSynthesizer,
        html_report,
    )

    n_holdout = round(holdout * len(df))
    if n_holdout < 2 or len(df) - n_holdout < 2:
        raise CommandError(
            f"{title} has {len(df)} rows, too few to hold out {holdout:.0%} of them. "
            "Give more rows or another --holdout."
        )
    train, unseen = train_test_split(df, test_size=n_holdout, random_state=seed)
    train, unseen = train.reset_index(drop=True), unseen.reset_index(drop=True)
    try:
        synthesizer = TabularSynthesizer(
            schema=Schema.infer(df),
            target=target,
            min_category_count=min_count,
            random_state=seed,
        ).fit(train)
    except ValueError as exc:
        raise CommandError(f"{title}: {exc}") from exc
    schema = synthesizer.schema_
    synthetic = synthesizer.sample(n_rows, random_state=seed)
    quality = QualityReport.compute(
        train, unseen, synthetic, schema, target, random_state=seed
    )
    privacy = PrivacyReport.compute(
        train,
        unseen,
        synthetic,
        schema,
        suppressed=synthesizer.encoder_.suppressed_,
        random_state=seed,
    )
    facts = [("seed", seed), ("gaussflow", __version__)]
    page = html_report(quality, privacy, title=title, facts=facts)
    aside = [str(c.name) for c in schema.aside()]
    summary = (
        f"{n_rows} synthetic rows, learned from {len(train)} rows, scored against "
        f"{len(unseen)} rows kept unseen\n{quality}\n{privacy}"
    )
    if aside:
        summary += f"\nnot learned     {', '.join(aside)} (the report says why)"
    return synthetic, page, summary


def _check_options(args):
    _check_seed(args.seed)
    if not 0.0 < args.holdout < 1.0:
        raise CommandError(
            f"--holdout must lie between 0 and 1, got {args.holdout}: without unseen "
            "rows no score is honest."
        )
    if args.min_category_count < 1:
        raise CommandError(
            f"--min-category-count must be at least 1, got {args.min_category_count}."
        )
    if len(args.sep) != 1:
        separators = {"\\t": "\t", "tab": "\t"}
        if args.sep not in separators:
            raise CommandError(f"--sep must be one character, got {args.sep!r}.")
        args.sep = separators[args.sep]


def _check_seed(seed):
    if not 0 <= seed < 2**32:
        raise CommandError(f"--seed must lie between 0 and 2**32 - 1, got {seed}.")


def _check_outputs(paths, force, source=None):
    """Refuse what cannot be written before any work is done."""
    resolved = [Path(p).resolve() for p in paths]
    if len(set(resolved)) < len(resolved):
        raise CommandError(f"--out and --report are the same file, {paths[0]}.")
    for path, full in zip(paths, resolved, strict=True):
        if source is not None and full == Path(source).resolve():
            raise CommandError(f"{path} is the input table; name another output.")
        if full.is_dir():
            raise CommandError(f"{path} is a directory; name a file.")
        if not full.parent.is_dir():
            raise CommandError(
                f"the directory of {path} does not exist; make it first: "
                f"mkdir -p {Path(path).parent}"
            )
        if full.exists() and not force:
            raise CommandError(f"{path} exists; add --force to overwrite it.")
        if not os.access(full.parent, os.W_OK):
            raise CommandError(f"{path} cannot be written: no permission.")


def _write_all(contents):
    """Write all files or none: first beside their places, then into them."""
    staged, backups, placed = {}, {}, []
    try:
        for path, text in contents.items():
            folder = Path(path).resolve().parent
            with tempfile.NamedTemporaryFile(
                "w", encoding="utf-8", newline="", dir=folder, delete=False,
                prefix=".gaussflow-", suffix=".tmp",
            ) as file:  # fmt: skip
                staged[path] = file.name
                file.write(text)
            os.chmod(staged[path], 0o666 & ~_umask())
        for path, temporary in staged.items():
            if os.path.exists(path):
                os.replace(path, temporary + ".old")
                backups[path] = temporary + ".old"
            os.replace(temporary, path)
            placed.append(path)
    except BaseException as exc:
        for path in placed:
            os.unlink(path)
        for path, old in backups.items():
            os.replace(old, path)
        if isinstance(exc, OSError):
            raise CommandError(
                f"the output cannot be written ({exc}); nothing was changed."
            ) from exc
        raise
    finally:
        leftovers = [p for p in staged.values() if os.path.exists(p)]
        leftovers += [p for p in backups.values() if os.path.exists(p)]
        for path in leftovers:
            os.unlink(path)


def _umask():
    """Return the process's umask, which can be read only by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


if __name__ == "__main__":
    sys.exit(main())
