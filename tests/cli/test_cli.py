import io
import json
import os
import stat
import sys
import time
import warnings

import pandas as pd
import pytest

from gaussflow import cli
from gaussflow.cli.conditions import parse_conditions
from gaussflow.cli.files import CommandError, write_all
from gaussflow.cli.progress import Progress
from gaussflow.tabular import Constraint, Schema, TabularSynthesizer
from tests.tabular.frames import patients


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def table(here):
    patients(120).to_csv("patients.csv", index=False)
    return "patients.csv"


def files(folder):
    return sorted(p.name for p in folder.iterdir())


def refused(capsys, *argv):
    """Run, expect exit code 2 and one line on stderr; return that line."""
    assert cli.main(list(argv)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return err


def test_synth_writes_table_and_report(here, table, capsys):
    argv = ["synth", table, "--rows", "50", "--out", "s.csv", "--report", "r.html"]
    assert cli.main([*argv, "--seed", "1", "--target", "smoker"]) == 0
    synthetic, real = pd.read_csv("s.csv"), pd.read_csv(table)
    assert synthetic.shape == (50, real.shape[1])
    assert (synthetic.dtypes == real.dtypes).all()
    assert (here / "r.html").read_text().startswith("<!DOCTYPE html>")
    assert files(here) == ["patients.csv", "r.html", "s.csv"]
    out = capsys.readouterr().out
    assert "learned from 90 rows, scored against 30 rows kept unseen" in out
    assert "Detection" in out


def test_same_seed_same_bytes(here, table):
    for k in "ab":
        argv = ["synth", table, "--out", f"{k}.csv", "--report", f"{k}.html"]
        assert cli.main([*argv, "--seed", "5"]) == 0
    assert (here / "a.csv").read_bytes() == (here / "b.csv").read_bytes()
    assert (here / "a.html").read_bytes() == (here / "b.html").read_bytes()
    assert cli.main(["synth", table, "--out", "c.csv", "--seed", "6"]) == 0
    assert (here / "a.csv").read_bytes() != (here / "c.csv").read_bytes()


def test_demo_writes_its_three_files(here, capsys):
    assert cli.main(["demo", "--seed", "0"]) == 0
    assert files(here / "demo") == ["patients.csv", "report.html", "synthetic.csv"]
    real, synthetic = (pd.read_csv(f"demo/{n}.csv") for n in ("patients", "synthetic"))
    assert real.shape == synthetic.shape == (569, 31)
    assert set(synthetic["diagnosis"]) == {"benign", "malignant"}
    assert "Utility" in capsys.readouterr().out
    assert "add --force" in refused(capsys, "demo")


def test_whole_numbers_and_dates_are_written_as_they_were(here):
    frame = patients(120)
    frame["seen"] = pd.Timestamp("2021-03-01") + pd.to_timedelta(frame["age"], "D")
    frame["visits"] = frame["cigs"].astype("Int64").where(frame["age"] > 30)
    frame["dose"] = frame["lab"].map(lambda v: "" if v != v else f"{v:g}")
    frame.to_csv("dates.csv", index=False)
    assert cli.main(["synth", "dates.csv", "--out", "s.csv"]) == 0
    synthetic = pd.read_csv("s.csv", dtype=str)
    assert synthetic["seen"].str.fullmatch(r"\d{4}-\d\d-\d\d").all()
    assert not synthetic["dose"].dropna().str.endswith(".0").any()
    assert synthetic["lab"].dropna().str.contains(".", regex=False).all()
    assert synthetic["visits"].dropna().str.fullmatch(r"\d+").all()


def lines(*texts):
    return "\n".join([*texts, ""]).encode()


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
    "twice.csv": (b"a,b,a\n1,2,3\n4,5,6\n", "'a' occur more than once"),
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
    "the_input": (["--out", "patients.csv", "--force"], "is the input table"),
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


def test_force_overwrites(here, table):
    (here / "s.csv").write_text("old")
    assert cli.main(["synth", table, "--out", "s.csv", "--force"]) == 0
    assert len(pd.read_csv("s.csv")) == 120


@pytest.mark.parametrize("n_good", [0, 1, 2, 3])
def test_failed_write_leaves_everything_as_it_was(n_good, here, monkeypatch):
    """Each of the renames may fail; then the old files are back, the new gone."""
    (here / "a").write_text("old a")
    (here / "b").write_text("old b")
    replace, calls = os.replace, []

    def failing(source, target):
        calls.append(target)
        if len(calls) == n_good + 1:
            raise OSError("disk is full")
        replace(source, target)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(cli.CommandError, match="disk is full.*nothing was changed"):
        write_all({"a": "new a", "b": "new b"})
    assert files(here) == ["a", "b"]
    assert (here / "a").read_text() == "old a"
    assert (here / "b").read_text() == "old b"


def test_interruption_leaves_nothing(here, table, monkeypatch, capsys):
    def interrupted(self, *args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(TabularSynthesizer, "sample", interrupted)
    assert cli.main(["synth", table, "--out", "s.csv"]) == 130
    assert files(here) == ["patients.csv"]


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


def test_gzip_separator_encoding_and_missing_marker(here):
    frame = patients(120)
    frame["site"] = frame["site"].replace("east", "Málaga")
    frame["lab"] = frame["lab"].astype(object).where(frame["lab"].notna(), "?")
    frame.to_csv("t.csv.gz", index=False, sep=";", encoding="latin-1")
    argv = ["synth", "t.csv.gz", "--out", "s.csv", "--sep", ";"]
    assert cli.main([*argv, "--encoding", "latin-1", "--missing", "?"]) == 0
    synthetic = pd.read_csv("s.csv", sep=";", encoding="latin-1")
    assert "Málaga" in set(synthetic["site"])
    assert synthetic["lab"].dtype == "float64"


def test_a_table_of_european_habits_comes_back_in_them(here):
    frame = patients(120)
    frame["site"] = frame["site"].replace("east", "Málaga")
    frame.to_csv("t.csv", index=False, sep=";", decimal=",", encoding="utf-16")
    argv = ["synth", "t.csv", "--out", "s.csv", "--sep", ";", "--holdout", "0"]
    assert cli.main([*argv, "--decimal", ","]) == 0
    synthetic = pd.read_csv("s.csv", sep=";", decimal=",")
    assert synthetic["lab"].dtype == "float64"
    assert "Málaga" in set(synthetic["site"])


def test_conditions_hold_and_scores_are_of_a_sample_without_them(here, table, capsys):
    conditions = ["--condition", "age=40..70", "--condition", "site=north,south"]
    argv = ["synth", table, "--out", "s.csv", "--rows", "60", *conditions]
    assert cli.main(argv) == 0
    synthetic = pd.read_csv("s.csv")
    assert synthetic["age"].between(40, 70).all()
    assert set(synthetic["site"]) == {"north", "south"}
    assert len(synthetic) == 60
    out = capsys.readouterr().out
    assert "a sample without the conditions" in out
    assert "Likelihood attack" in out
    argv = ["synth", table, "--out", "t.csv", "--condition", "age=200..300"]
    assert "--condition: " in refused(capsys, *argv, "--holdout", "0")


def test_declared_constraints_hold(here, table):
    rule = "cigs <= 30"
    argv = ["synth", table, "--out", "s.csv", "--constraint", rule, "--holdout", "0"]
    assert cli.main(argv) == 0
    assert Constraint(rule).holds(pd.read_csv("s.csv")).all()


def test_impute_fills_missing_cells_only(here, table, capsys):
    assert cli.main(["impute", table, "--out", "f.csv"]) == 0
    real, filled = pd.read_csv(table), pd.read_csv("f.csv")
    n_missing = int(real["lab"].isna().sum())
    assert f"{n_missing} missing cells filled" in capsys.readouterr().out
    assert not filled.isna().to_numpy().any()
    pd.testing.assert_frame_equal(filled.where(real.notna()), real)
    assert filled["lab"].between(real["lab"].min(), real["lab"].max()).all()
    assert "misses no cell" in refused(capsys, "impute", "f.csv", "--out", "g.csv")


def test_a_warning_is_one_line_on_stderr(here, table, capsys, monkeypatch):
    sample = TabularSynthesizer.sample

    def warned(self, *args, **kwargs):
        warnings.warn("few rows\nmeet this", stacklevel=2)
        return sample(self, *args, **kwargs)

    monkeypatch.setattr(TabularSynthesizer, "sample", warned)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        assert cli.main(["synth", table, "--out", "s.csv", "--holdout", "0"]) == 0
    assert capsys.readouterr().err == "gaussflow: warning: few rows meet this\n"


def test_holdout_from_a_file_learns_from_every_row(here, table, capsys):
    patients(60, seed=1).to_csv("unseen.csv", index=False)
    assert cli.main(["synth", table, "--out", "s.csv", "--holdout", "unseen.csv"]) == 0
    out = capsys.readouterr().out
    assert "learned from 120 rows, scored against 60 rows kept unseen" in out
    patients(60).drop(columns="lab").to_csv("other.csv", index=False)
    line = refused(capsys, "synth", table, "--out", "t.csv", "--holdout", "other.csv")
    assert "other.csv has other columns than the real table: absent lab" in line


def test_schema_is_printed_written_and_used(here, table, capsys):
    assert cli.main(["schema", table, "--out", "schema.json"]) == 0
    assert "120 rows, 6 columns" in capsys.readouterr().out
    schema = Schema.load("schema.json")
    assert schema == Schema.from_dict(schema.to_dict())
    assert schema["smoker"].kind == "boolean"
    edited = json.loads((here / "schema.json").read_text())
    edited["columns"][5]["kind"] = "text"
    (here / "schema.json").write_text(json.dumps(edited))
    argv = ["synth", table, "--out", "s.csv", "--schema", "schema.json"]
    assert cli.main([*argv, "--holdout", "0"]) == 0
    assert pd.read_csv("s.csv")["lab"].isna().all()
    assert "not learned: lab" in capsys.readouterr().out


def test_report_judges_tables_from_anywhere(here, table, capsys):
    patients(100, seed=1).to_csv("unseen.csv", index=False)
    argv = ["report", table, table, "--holdout", "unseen.csv", "--sensitive", "lab"]
    outputs = ["--out", "r.html", "--json", "scores.json"]
    assert cli.main([*argv, *outputs, "--strict"]) == 1
    assert "privacy: fail" in capsys.readouterr().out
    scores = json.loads((here / "scores.json").read_text())
    assert scores["privacy"]["scores"]["copies"]["value"] == 1
    assert list(scores["privacy"]["attributes"]) == ["lab"]
    assert "Fail: Exact copies" in (here / "r.html").read_text()
    assert cli.main(["report", table, "unseen.csv"]) == 0
    assert "no unseen real rows" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--out", "patients.csv", "--force"], "is the input table"),
        (["--target", "hope"], "target 'hope' is not among"),
        (["--known", "hope", "--holdout", "patients.csv"], "known names 'hope'"),
        (["--constraint", "hope > 1"], "hope"),
    ],
)
def test_bad_report_is_one_clear_line(extra, message, table, capsys):
    assert message in refused(capsys, "report", table, table, *extra)


CONDITIONS = {
    "age=60..80": {"age": (60, 80)},
    "age=..80": {"age": (None, 80)},
    "age = 60..": {"age": (60, None)},
    "lab=-1.5..2": {"lab": (-1.5, 2.0)},
    "age=61": {"age": 61},
    "age=61,62": {"age": [61, 62]},
    "smoker=true": {"smoker": [True]},
    "smoker=True": {"smoker": True},
    "site=north,east": {"site": ["north", "east"]},
    "a=b=1": {"a=b": 1},
    "day=2020-01-01..2020-02-01": {"day": ("2020-01-01", "2020-02-01")},
    "odd=x,y": {"odd": "x,y"},
}


@pytest.fixture(scope="module")
def odd_schema():
    frame = patients(60).assign(odd="x,y")
    frame.loc[:9, "odd"] = "z"
    frame["a=b"] = frame["age"] % 7
    frame["day"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(frame["age"], "D")
    return Schema.infer(frame)


@pytest.mark.parametrize("text", CONDITIONS)
def test_conditions_are_read_by_the_columns_kind(text, odd_schema):
    assert parse_conditions([text], odd_schema) == CONDITIONS[text]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["age"], "must read COLUMN=VALUE"),
        (["age="], "has no value"),
        (["hope=1"], "'hope' is not a column"),
        (["Age=1"], "'Age' is not a column.*Did you mean 'age'"),
        (["age=old"], "'old' is no number"),
        (["age=1..old"], "'old' is no number"),
        (["site=west"], "'west' does not occur in 'site'. Known: east"),
        (["age=1", "age=2"], "names 'age' twice"),
    ],
)
def test_a_bad_condition_is_named(texts, message, odd_schema):
    with pytest.raises(CommandError, match=message):
        parse_conditions(texts, odd_schema)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_shown_to_a_terminal_only_and_wiped():
    seen, unseen = Terminal(), io.StringIO()
    for stream in (seen, unseen):
        with Progress(2, stream) as progress:
            progress.step("learning")
            time.sleep(0.4 if stream is seen else 0)
    assert unseen.getvalue() == ""
    assert "[#.] learning" in seen.getvalue()
    assert seen.getvalue().endswith("\r\033[K")


def test_parquet_without_pyarrow_says_what_to_install(here, table, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (here / "t.parquet").write_bytes(b"PAR1")
    expected = 'needs pyarrow. Install it with: pip install "gaussflow[parquet]"'
    assert expected in refused(capsys, "synth", "t.parquet", "--out", "s.csv")
    line = refused(capsys, "synth", table, "--out", "s.parquet", "--holdout", "0")
    assert expected in line
    assert files(here) == ["patients.csv", "t.parquet"]


def test_parquet_keeps_the_dtypes(here, capsys):
    pytest.importorskip("pyarrow")
    frame = patients(120).astype({"site": "category", "age": "int16"})
    frame["seen"] = pd.Timestamp("2021-03-01") + pd.to_timedelta(frame["cigs"], "D")
    frame.to_parquet("t.parquet")
    assert cli.main(["synth", "t.parquet", "--out", "s.parquet", "--holdout", "0"]) == 0
    assert (pd.read_parquet("s.parquet").dtypes == frame.dtypes).all()
    capsys.readouterr()
    (here / "broken.parquet").write_bytes(b"PAR1 and no more")
    line = refused(capsys, "synth", "broken.parquet", "--out", "t.csv")
    assert "cannot be read as Parquet" in line
