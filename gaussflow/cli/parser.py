"""What the command line takes, and the help that teaches it."""

import argparse

from gaussflow._version import __version__

DESCRIPTION = """\
Turn a table into a synthetic one with the same columns: rows of nobody, with
the distributions of the real ones, and a report on how faithful and how private
they are. Tables are CSV (.csv, .csv.gz) or Parquet (.parquet) files.
"""

EXAMPLES = """\
examples:
  gaussflow demo
      a real table of 569 patients, its synthetic twin and a report, in ./demo
  gaussflow schema patients.csv
      what the columns are taken for, and which rules hold between them
  gaussflow synth patients.csv --out synthetic.csv --report report.html \\
      --target diagnosis
  gaussflow report patients.csv synthetic.csv --holdout unseen.csv --out report.html
      judge a synthetic table, whatever made it
  gaussflow impute patients.csv --out filled.csv

gaussflow COMMAND --help says more, with examples.

Bad input ends with one line on stderr and exit code 2; with --strict, a table
that does not pass ends with exit code 1. Nothing is left half written. The same
seed and table give the same bytes.
"""

SYNTH = """\
Learn a table and write a synthetic one. Part of the rows is held out: the flow
never sees them, and the report scores against them.
"""

SYNTH_EXAMPLES = """\
examples:
  gaussflow synth patients.csv --rows 1000 --out synthetic.csv
  gaussflow synth patients.csv --out s.csv --report r.html --target diagnosis
  gaussflow synth patients.csv --out s.csv --condition "age=60..80" \\
      --condition "sex=F" --condition "stage=III,IV"
      only women of 60 to 80 in stage III or IV
  gaussflow synth patients.csv --out s.csv --constraint "worst >= mean" \\
      --constraint "smoker == 'no' -> cigs == 0"
      rules that hold in every synthetic row
  gaussflow synth patients.csv --out s.csv --holdout unseen.csv
      learn from every row of patients.csv, score against another file
  gaussflow synth export.csv --sep ';' --decimal ',' --encoding latin-1 \\
      --missing '?' --out s.csv
  gaussflow schema patients.csv --out schema.json   (edit it, then)
  gaussflow synth patients.csv --out s.csv --schema schema.json

A CSV file is written with the separator, decimal point and encoding of the input.

conditions: COLUMN=VALUE, COLUMN=A,B,C (one of), COLUMN=LOW..HIGH (both
included; leave one out for no bound). Quote them: shells read * and >. A
condition's rows follow the learned distribution of such rows; the scores are
those of a sample without conditions.

exit codes: 0 done; 1 with --strict, if the verdict is not "pass" (the files are
written, so that the report can be read); 2 bad input, nothing written.
"""

REPORT = """\
Judge a synthetic table, whatever made it: how faithful it is, and what it gives
away of the rows that it was learned from.
"""

REPORT_EXAMPLES = """\
examples:
  gaussflow report real.csv synthetic.csv --holdout unseen.csv --out report.html
  gaussflow report real.csv synthetic.csv --holdout unseen.csv --strict
      for scripts: exit code 1 unless it passes
  gaussflow report real.csv synthetic.csv --holdout unseen.csv --target outcome \\
      --sensitive hiv --known age --known sex --known postcode --json scores.json

REAL are the rows that were learned from; --holdout are real rows that were kept
from the synthesizer. Without them copies are counted and fidelity is scored
against REAL, but no attack can be judged, and the verdict is "unclear" at best.
"""

IMPUTE = """\
Fill the missing cells of a table with draws from their distribution given the
other cells of their row. Filled cells of the table stay as they are.
"""

IMPUTE_EXAMPLES = """\
examples:
  gaussflow impute patients.csv --out filled.csv
  gaussflow impute patients.csv --out filled.csv --seed 2
      another draw: analyse several, to see what the missing cells leave open
"""

SCHEMA = """\
Say what the columns of a table are taken for: kind, precision, levels, missing
cells, columns that will not be learned, and rules that hold in every row.
"""

SCHEMA_EXAMPLES = """\
examples:
  gaussflow schema patients.csv
  gaussflow schema patients.csv --out schema.json
      a file to edit: "kind" of a column, the list of "constraints"; then
  gaussflow synth patients.csv --schema schema.json --out synthetic.csv
"""


def make_parser():
    """Return the parser of all commands."""
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

    def command(name, short, description, epilog=None):
        one = commands.add_parser(
            name,
            help=short,
            description=description,
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        one.set_defaults(command=name)
        return one

    _synth(command("synth", "make a synthetic table", SYNTH, SYNTH_EXAMPLES))
    _report(command("report", "judge a synthetic table", REPORT, REPORT_EXAMPLES))
    _impute(command("impute", "fill missing cells", IMPUTE, IMPUTE_EXAMPLES))
    _schema(command("schema", "say what the columns are", SCHEMA, SCHEMA_EXAMPLES))
    demo = command(
        "demo",
        "the breast cancer patients of scikit-learn, from table to report",
        "Write patients.csv (569 real patients), synthetic.csv and report.html.",
    )
    demo.add_argument("--out-dir", default="demo", metavar="DIR", help="default: demo")
    _seed(demo)
    _force(demo)
    return parser


def _synth(parser):
    parser.add_argument("table", metavar="TABLE", help="the real table")
    parser.add_argument(
        "--out", required=True, metavar="SYNTH", help="where the synthetic rows go"
    )
    parser.add_argument(
        "--rows",
        type=int,
        metavar="N",
        help="synthetic rows (default: as many as real)",
    )
    parser.add_argument(
        "--report", metavar="REPORT.html", help="also write this report"
    )
    parser.add_argument(
        "--condition",
        action="append",
        default=[],
        metavar="COND",
        help='rows of this kind only, such as "age=60..80"; may be repeated',
    )
    _learning(parser)
    parser.add_argument(
        "--holdout",
        default="0.25",
        metavar="SHARE|FILE",
        help="share of the rows kept from the flow for scoring, or a file of such "
        "rows; 0 learns from all rows and scores nothing (default: 0.25)",
    )
    parser.add_argument(
        "--min-category-count",
        type=int,
        default=5,
        metavar="K",
        help="a category held by fewer rows never comes out (default: 5)",
    )
    parser.add_argument(
        "--min-leaf",
        type=int,
        metavar="K",
        help="least rows of a leaf of the trees: fewer is sharper, and less private "
        "(default: 50, in tables of fewer than 500 rows a tenth, but at least 10)",
    )
    _strict(parser)
    _reading(parser)
    _writing(parser)
    _seed(parser)
    _force(parser)


def _report(parser):
    parser.add_argument("real", metavar="REAL", help="the rows that were learned from")
    parser.add_argument("synthetic", metavar="SYNTH", help="the synthetic rows")
    parser.add_argument(
        "--holdout", metavar="FILE", help="real rows that were not learned from"
    )
    parser.add_argument("--out", metavar="REPORT.html", help="write this page")
    parser.add_argument("--json", metavar="FILE", help="write the scores as JSON")
    _learning(parser)
    for name, text in (
        ("sensitive", "a column whose value an attacker wants (default: the first 20)"),
        ("known", "a column that he knows (default: all others)"),
    ):
        parser.add_argument(
            f"--{name}",
            action="append",
            metavar="COLUMN",
            help=f"{text}; may be repeated",
        )
    _strict(parser)
    _reading(parser)
    _seed(parser)
    _force(parser)


def _impute(parser):
    parser.add_argument("table", metavar="TABLE", help="a table with missing cells")
    parser.add_argument(
        "--out", required=True, metavar="FILLED", help="where the filled table goes"
    )
    _learning(parser)
    _reading(parser)
    _writing(parser)
    _seed(parser)
    _force(parser)


def _schema(parser):
    parser.add_argument("table", metavar="TABLE", help="the table")
    parser.add_argument("--out", metavar="SCHEMA.json", help="also write it as JSON")
    _reading(parser)
    _force(parser)


def _learning(parser):
    parser.add_argument(
        "--target", metavar="COLUMN", help="the column that the table should predict"
    )
    parser.add_argument(
        "--schema",
        metavar="FILE",
        help="what the columns are, as gaussflow schema wrote it (default: inferred)",
    )
    parser.add_argument(
        "--constraint",
        action="append",
        default=[],
        metavar="RULE",
        help='a rule that every row keeps, such as "low <= high"; may be repeated',
    )


def _reading(parser):
    group = parser.add_argument_group("how a CSV file is written")
    group.add_argument("--sep", default=",", help="separator (default: ',')")
    group.add_argument("--decimal", default=".", help="decimal point (default: '.')")
    group.add_argument(
        "--thousands",
        default="",
        metavar="SIGN",
        help="what stands between groups of three digits (default: nothing)",
    )
    group.add_argument("--encoding", default="utf-8", help="default: utf-8")
    group.add_argument(
        "--missing",
        action="append",
        default=[],
        metavar="TEXT",
        help="a further text that means a missing cell; may be repeated",
    )


def _writing(parser):
    parser.add_argument(
        "--escape-formulas",
        action="store_true",
        help="write an apostrophe before texts that a spreadsheet would run: those "
        "that begin with =, +, - or @",
    )


def _strict(parser):
    parser.add_argument(
        "--strict",
        action="store_true",
        help='exit with code 1 unless the verdict is "pass"',
    )


def _seed(parser):
    parser.add_argument("--seed", type=int, default=0, help="default: 0")


def _force(parser):
    parser.add_argument(
        "--force", action="store_true", help="overwrite files that exist"
    )
