import json
import warnings

import pandas as pd

from gaussflow import cli
from gaussflow.tabular import Constraint, Schema, TabularSynthesizer
from tests.cli.running import files, refused
from tests.tabular.frames import patients


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


def test_row_numbers_are_keys_whatever_is_held_out(here, table):
    frame = pd.read_csv(table)
    frame.insert(0, "patient", range(1, len(frame) + 1))
    frame.to_csv("numbered.csv", index=False)
    assert cli.main(["synth", "numbered.csv", "--out", "s.csv"]) == 0
    keys = pd.read_csv("s.csv")["patient"]
    assert keys.is_unique
    assert not keys.isin(frame["patient"]).any()


def test_summary_tells_what_too_few_rows_hold(here, capsys):
    frame = patients(120)
    frame["dose"] = [float(k * k) if k < 12 else 0.0 for k in range(120)]
    frame.to_csv("t.csv", index=False)
    assert cli.main(["synth", "t.csv", "--out", "s.csv", "--holdout", "0"]) == 0
    assert set(pd.read_csv("s.csv")["dose"]) == {0.0}
    out = capsys.readouterr().out
    assert "held back, as too few rows hold them: values of dose (of 11 rows)" in out
