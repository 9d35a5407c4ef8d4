import os
import sys

import pandas as pd
import pytest

from gaussflow import cli
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


@pytest.mark.parametrize("command", ["synth", "report", "impute", "schema"])
def test_an_input_is_never_an_output_by_whatever_name(command, here, table, capsys):
    assert cli.main(["schema", table, "--out", "s.json"]) == 0
    capsys.readouterr()
    os.symlink("s.json", "link")
    os.link(table, "again.csv")
    tables = [table] * (2 if command == "report" else 1)
    options = [] if command == "schema" else ["--schema", "s.json"]
    inputs = [table, "again.csv"] if command == "schema" else ["s.json", "link", table]
    before = {name: (here / name).read_bytes() for name in files(here)}
    for name in inputs:
        line = refused(capsys, command, *tables, *options, "--out", name, "--force")
        assert f"{name} is an input; name another output." in line
    assert {name: (here / name).read_bytes() for name in files(here)} == before


def test_a_command_says_which_output_was_not_written(here, table, capsys):
    (here / "there").mkdir()
    (here / "there").chmod(0o555)
    if os.access(here / "there", os.W_OK):
        pytest.skip("root may write everywhere")
    argv = ["schema", table, "--out", "there/s.json"]
    assert "there/s.json cannot be written" in refused(capsys, *argv)


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
