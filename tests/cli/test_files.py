import os
import sys

import pandas as pd
import pytest

from gaussflow import cli
from gaussflow.cli.files import write_all
from gaussflow.tabular import TabularSynthesizer
from tests.cli.running import files, refused
from tests.tabular.frames import patients


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
