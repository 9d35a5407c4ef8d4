import os
import stat

import pytest

from gaussflow import cli
from tests.cli.running import files, lines, refused

BAD_TABLES = {
    "no_such.csv": (None, "does not exist"),
    "empty.csv": (b"", "is empty"),
    "header.csv": (b"a,b\n", "0 row"),
    "one_row.csv": (b"a,b\n1,2\n", "1 row"),
    "one_column.csv": (b"a\n1\n2\n", "one column only"),
    "semicolon.csv": (b"a;b\n1;2\n3;4\n", "try --sep ';'"),
    "ragged.csv": (b"a,b\n1,2\n3,4,5\n6,7\n", "line 3 has 3 fields"),
    "short.csv": (b"a,b,c\n1,2,3\n3,4\n", "line 3 has 2 fields"),
    "row_names.csv": (b"a,b\nx,1,2\ny,3,4\n", "name that column too"),
    "latin.csv": ("name,b\nJosé,1\nAna,2\n".encode("latin-1"), "--encoding latin-1"),
    "utf16.csv": ("a,b\n1,2\n3,4\n".encode("utf-16-le"), "encoding"),
    "decimal.csv": (b'a,b\n"1,5",2\n"2,5",4\n', "--decimal ','"),
    "binary.csv": (b"a,b\n\0\0,1\n2,3\n", "null characters"),
    "no_header.csv": (b"1,2.5\n3,4\n5,6\n", "first line holds numbers only"),
    "twice.csv": (b"a,b,a\n1,2,3\n4,5,6\n", "columns 1, 3 share their names"),
    "missing.csv": (b"a,b\n,NA\nNaN,\nNA,\n", "every cell is missing"),
    "ids.csv": (lines("id,k", *(f"{i},z" for i in range(20))), "no column to learn"),
    "infinite.csv": (lines("a,b", "inf,2", *["1.5,3"] * 9), "'a' has 1 infinite"),
    "unclosed.csv": (b'a,b\n"1,2\n3,4\n', "fields|row"),
    "tiny.csv": (b"a,b\n1,2\n3,4\n5,6\n", "too few to hold out"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_TABLES)
def test_bad_table_is_one_clear_line(name, here, capsys):
    content, message = BAD_TABLES[name]
    if content is not None:
        (here / name).write_bytes(content)
    before = files(here)
    line = refused(capsys, "synth", name, "--out", "s.csv", "--report", "r.html")
    assert any(m in line for m in message.split("|")), line
    assert files(here) == before


BAD_ARGUMENTS = {
    "rows_0": (["--rows", "0"], "--rows must be at least 1"),
    "rows_negative": (["--rows=-5"], "--rows must be at least 1"),
    "exists": (["--out", "old.csv"], "old.csv exists; add --force"),
    "report_exists": (["--report", "old.csv"], "old.csv exists; add --force"),
    "no_directory": (["--out", "no/s.csv"], "mkdir -p no"),
    "a_directory": (["--out", "folder"], "is a directory"),
    "the_input": (["--out", "patients.csv", "--force"], "is an input"),
    "same_file": (["--report", "s.csv"], "are the same file"),
    "holdout": (["--holdout", "1"], "--holdout must lie between 0 and 1"),
    "holdout_file": (["--holdout", "no.csv"], "no.csv does not exist"),
    "no_holdout": (["--holdout", "0", "--strict"], "without them no score is honest"),
    "decimal": (["--decimal", ","], "--decimal must be one character other"),
    "schema": (["--schema", "no.json"], "--schema no.json does not exist"),
    "no_schema": (["--schema", "old.csv"], "is not a JSON file"),
    "condition": (["--condition", "hope=1"], "'hope' is not a column"),
    "constraint": (["--constraint", "age > 60"], "age > 60"),
    "no_constraint": (["--constraint", "age >"], "age >"),
    "parquet": (["--out", "s.csv.parquet", "--rows", "0"], "--rows must be"),
    "seed": (["--seed=-1"], "--seed must lie"),
    "sep": (["--sep", ";;"], "--sep must be one character"),
    "encoding": (["--encoding", "klingon"], "unknown encoding 'klingon'"),
    "target": (["--target", "hope"], "'hope' is not a column"),
    "count": (["--min-category-count", "0"], "at least 1, got 0"),
}


@pytest.mark.parametrize("name", BAD_ARGUMENTS)
def test_bad_argument_is_one_clear_line(name, here, table, capsys):
    (here / "old.csv").write_text("precious")
    (here / "folder").mkdir()
    before = files(here)
    argv, message = BAD_ARGUMENTS[name]
    line = refused(capsys, "synth", table, "--out", "s.csv", *argv)
    assert message in line
    assert files(here) == before
    assert (here / "old.csv").read_text() == "precious"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_folder_without_permission_is_refused(here, table, capsys):
    (here / "locked").mkdir(mode=stat.S_IRUSR | stat.S_IXUSR)
    assert "no permission" in refused(capsys, "synth", table, "--out", "locked/s.csv")


def test_help_teaches(capsys):
    assert cli.main([]) == 0
    assert "gaussflow synth patients.csv" in capsys.readouterr().out
    with pytest.raises(SystemExit) as exit_:
        cli.main(["synth", "--help"])
    assert exit_.value.code == 0
    assert "--min-category-count" in capsys.readouterr().out


def test_version(capsys):
    with pytest.raises(SystemExit) as exit_:
        cli.main(["--version"])
    assert exit_.value.code == 0
    assert capsys.readouterr().out.startswith("gaussflow ")


@pytest.mark.parametrize(
    "argv", [["synth"], ["fly"], ["synth", "a.csv", "--rows", "x"]]
)
def test_wrong_usage_exits_with_2(argv):
    with pytest.raises(SystemExit) as exit_:
        cli.main(argv)
    assert exit_.value.code == 2


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--out", "patients.csv", "--force"], "is an input"),
        (["--target", "hope"], "target 'hope' is not among"),
        (["--known", "hope", "--holdout", "patients.csv"], "known names 'hope'"),
        (["--constraint", "hope > 1"], "hope"),
    ],
)
def test_bad_report_is_one_clear_line(extra, message, table, capsys):
    assert message in refused(capsys, "report", table, table, *extra)
