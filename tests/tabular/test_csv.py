import csv
import json

import numpy as np
import pandas as pd
import pytest

from gaussflow import cli
from gaussflow.tabular.files.csv import TableError, read_csv
from gaussflow.tabular.files.formats import DateFormat, NumberFormat


def write(path, columns, separator=","):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=separator, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def cells_of(path):
    with open(path, encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    return header, dict(zip(header, zip(*rows, strict=True), strict=True))


def column(tmp_path, cells, **options):
    """Return a column of such cells as it is read, and what is told of it."""
    other = [str(k % 7) for k in range(len(cells))]
    write(tmp_path / "t.csv", {"x": cells, "other": other}, ";")
    df = read_csv(tmp_path / "t.csv", separator=";", **options)
    return df["x"], df.attrs["layout"].notes


SPELLINGS = {
    "whole": ["12", "7", "131"],
    "two decimals": ["1.50", "0.25", "12.00"],
    "mixed decimals": ["1.5", "2", "0.125"],
    "exponents": ["1e-05", "2.5e+20", "3.25"],
    "signs and spaces": ["+3", " 4", "-5 "],
    "leading zeros": ["007", "07", "7"],
    "long codes": ["12345678901234567", "12345678901234568", "9"],
    "lettered codes": ["250.1", "V45", "E11-9"],
    "truths": ["TRUE", "FALSE", "TRUE"],
    "mixed truths": ["TRUE", "false", "yes"],
    "dates": ["2020-01-31", "1999-12-01", "2021-06-05"],
    "times": ["2020-01-31T08:30", "2020-02-01T23:59", "2020-02-02T00:00"],
    "zone": ["2020-01-31 08:30:00Z", "2020-02-01 23:59:01Z", "2020-02-02 00:00:00Z"],
    "fractions": ["2020-01-31 08:30:00.25", "2020-02-01 23:59:01.5", "2020-02-02"],
    "open end": ["2020-01-31", "9999-12-31", "2021-06-05"],
    "blanks": [" ", "a", "b "],
    "formulas": ["=1+1", "@x", "-a"],
    "groups": ["1,234,567", "12,345", "8"],
}  # fmt: skip


@pytest.mark.parametrize("kind", SPELLINGS)
def test_filled_cells_come_back_as_they_were_written(kind, tmp_path, monkeypatch):
    """By impute, and with levels that many rows hold by synth, too."""
    monkeypatch.chdir(tmp_path)
    cells = SPELLINGS[kind] * 20
    gaps = ["NA" if k % 7 == 0 else str(k % 4) for k in range(60)]
    table = write("t.csv", {"": range(1, 61), "x": cells, "gap": gaps})
    assert cli.main(["impute", table, "--out", "f.csv"]) == 0
    header, filled = cells_of("f.csv")
    assert header == ["", "x", "gap"]
    assert list(filled["x"]) == cells
    assert all(a == b for a, b in zip(gaps, filled["gap"], strict=True) if a != "NA")
    assert "NA" not in filled["gap"]
    assert cli.main(["synth", table, "--out", "s.csv", "--holdout", "0"]) == 0
    header, synthetic = cells_of("s.csv")
    assert header == ["", "x", "gap"]
    assert "NA" in synthetic["gap"]
    plain = {"signs and spaces", "exponents", "mixed decimals", "fractions"}
    if kind not in plain:  # their values come back, their spellings differ
        assert set(synthetic["x"]) == set(cells)


@pytest.mark.parametrize(
    ("cells", "dtype"),
    [
        (["1", "2", "3"], "int64"),
        (["1", "", "3"], "Int64"),
        (["1", "2.0", "3"], "float64"),
        (["01", "2", "3"], "str"),
        (["1234567890123456", "2", "3"], "str"),
        (["TRUE", "FALSE", "TRUE"], "bool"),
        (["True", "no", "False"], "str"),
        (["2020-01-01", "", "2020-01-03"], "datetime64[us]"),
        (["2020-01-01T10:00Z", "2020-01-01T10:00+01:00", ""], "str"),
        (["", "NA", "NaN"], "float64"),
    ],
)
def test_dtype_is_what_loses_nothing(cells, dtype, tmp_path):
    series, notes = column(tmp_path, cells)
    text = pd.Series(["a", None]).dtype  # object with older pandas
    assert series.dtype == (text if dtype == "str" else dtype)
    assert notes == []


@pytest.mark.parametrize("odd", ["?", "<0.5", "unknown", "12 mg", "."])
def test_odd_cell_in_numbers_is_counted_named_and_missing(odd, tmp_path):
    cells = [f"{k}.5" for k in range(40)]
    cells[7] = odd
    series, notes = column(tmp_path, cells)
    assert series.dtype == "float64"
    assert list(np.flatnonzero(series.isna())) == [7]
    assert len(notes) == 1
    assert "column 'x': 1 of 40 cells hold no number" in notes[0]
    assert odd not in notes[0].split("column")[1].removesuffix(".") or odd == "."
    many, notes = column(tmp_path, [odd] * 4 + cells)
    assert not pd.api.types.is_numeric_dtype(many.dtype)
    assert notes == []


def test_odd_cell_with_a_digit_is_no_gap_to_be_filled(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    cells = [f"{k % 9}.5" for k in range(60)]
    cells[3], cells[4], cells[5] = "<0.5", "?", ""
    write("t.csv", {"x": cells, "g": ["a", "b"] * 30})
    assert cli.main(["impute", "t.csv", "--out", "f.csv"]) == 0
    filled = cells_of("f.csv")[1]["x"]
    assert filled[3] == "<0.5"
    assert all(text.endswith(".5") for text in filled[:3] + filled[4:])
    assert "2 of 59 cells hold no number" in capsys.readouterr().err


def test_odd_date_is_missing(tmp_path):
    cells = [f"2020-01-{k:02}" for k in range(1, 29)]
    cells[2] = "0000-00-00"
    series, notes = column(tmp_path, cells)
    assert list(np.flatnonzero(series.isna())) == [2]
    assert "1 of 28 cells hold no date" in notes[0]
    assert "0000" not in notes[0]


@pytest.mark.parametrize(
    ("cells", "options", "told"),
    [
        (["85,210", "9,990", "950"], {}, "--thousands ','"),
        (["85,21", "9,99", "950"], {}, "--decimal ','"),
        (["0,215", "1,234", "2,345"], {}, "--decimal ','"),
        (["1.234,5", "2.345,25", "1.111,0"], {"decimal": ","}, "--thousands '.'"),
    ],
)
def test_separators_that_were_not_named_are_suggested(cells, options, told, tmp_path):
    with pytest.raises(TableError, match="column 'x' writes numbers with a") as caught:
        column(tmp_path, cells * 9, **options)
    assert told in str(caught.value)
    assert not any(cell in str(caught.value) for cell in cells)


def test_thousands_are_read_as_told_or_where_there_is_no_doubt(tmp_path):
    series, _ = column(tmp_path, ["85,210", "950"], thousands=",")
    assert series.tolist() == [85210, 950]
    series, _ = column(tmp_path, ["1,234,567", "85,210"])
    assert series.tolist() == [1234567, 85210]
    series, _ = column(tmp_path, ["1.234,5", "9,25"], thousands=".", decimal=",")
    assert series.tolist() == [1234.5, 9.25]


def test_formats_write_new_values_as_the_column_did():
    numbers = NumberFormat(["1.234,50", "3,25"], ",", ".")
    assert numbers.texts(pd.Series([9876.5, 2.0])) == ["9.876,50", "2,00"]
    dates = DateFormat(["2020-01-02T03:04Z"])
    new = pd.Series(pd.to_datetime(["1999-12-31 23:59:59"]))
    assert dates.texts(new) == ["1999-12-31T23:59Z"]


@pytest.mark.parametrize(
    ("cells", "kind", "dtype"),
    [
        (["3", "7", "11"], "categorical", "int64"),
        (["03", "7", "11"], "integer", "int64"),
        (["0", "1", "1"], "boolean", "bool"),
        (["no", "yes", "no"], "boolean", "bool"),
        (["3", "7", "11"], "ordinal", "int64"),
        (["2020-01-01", "2020-03-01", "2021-01-01"], "categorical", "str"),
    ],
)
def test_schema_file_governs_the_reading(cells, kind, dtype, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("t.csv", {"x": cells * 20, "y": range(0, 120, 2)})
    assert cli.main(["schema", "t.csv", "--out", "s.json"]) == 0
    schema = json.loads((tmp_path / "s.json").read_text())
    schema["columns"][0]["kind"] = kind
    if dtype == "str":
        schema["columns"][0]["dtype"] = "str"
    (tmp_path / "s.json").write_text(json.dumps(schema))
    argv = ["synth", "t.csv", "--schema", "s.json", "--holdout", "0"]
    assert cli.main([*argv, "--out", "s.csv"]) == 0
    came = set(cells_of("s.csv")[1]["x"])
    assert came <= {c.lstrip("0") or c for c in cells} | set(cells)
    pytest.importorskip("pyarrow")
    assert cli.main([*argv, "--out", "s.parquet"]) == 0
    found = pd.read_parquet("s.parquet")["x"].dtype
    text = pd.Series(["a"]).dtype
    assert found == (text if dtype == "str" else dtype)


def test_cells_that_cannot_be_what_the_schema_says_are_refused(tmp_path):
    with pytest.raises(TableError, match="'x': 30 of 30 cells hold no number"):
        column(tmp_path, ["a", "b"] * 15, kinds={"x": "number"})


def test_formulas_are_announced_and_escaped_on_request(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write("t.csv", {"x": ["=A1", "ok", "-b"] * 20, "y": [-3, 4, 5] * 20})
    argv = ["synth", "t.csv", "--holdout", "0"]
    assert cli.main([*argv, "--out", "s.csv"]) == 0
    assert "texts of 'x' begin as formulas" in capsys.readouterr().err
    assert cli.main([*argv, "--out", "e.csv", "--escape-formulas"]) == 0
    assert "formulas" not in capsys.readouterr().err
    cells = cells_of("e.csv")[1]
    assert set(cells["x"]) == {"'=A1", "ok", "'-b"}
    assert set(cells["y"]) == {"-3", "4", "5"}


def test_nothing_that_is_printed_steers_the_terminal(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    name = "a\x1b]0;title\x07"
    write("t.csv", {name: [1, 2, 3] * 20, "b": [str(k) for k in range(59)] + ["?"]})
    assert cli.main(["schema", "t.csv"]) == 0
    assert cli.main(["synth", "t.csv", "--out", "s.csv", "--target", name + "b"]) == 2
    out, err = capsys.readouterr()
    assert r"a\x1b]0;title\x07" in out
    assert "\x1b" not in out + err
