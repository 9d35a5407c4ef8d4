"""Nothing that one patient alone holds comes out, in whatever place it stands.

Odd tables are drawn, one row of each is marked in every column, and the marks are
looked for in all that the commands write and say.
"""

import json

import numpy as np
import pandas as pd
import pytest

from gaussflow.cli import main
from gaussflow.tabular import Schema, TabularSynthesizer

pytest.importorskip("pyarrow", reason="the extra parquet is not installed")


def column(kind, n, row, rng, mark):
    """Return cells of a kind in which one row holds the mark, and texts of the mark."""
    if kind == "key":
        keys = rng.choice(10**6, n, replace=False) + 10**6
        keys[row] = keys.max() + 1 if rng.random() < 0.5 else 987654321 + mark
        return keys, [str(keys[row])]
    if kind in ("number", "whole", "lone number", "lone whole", "few"):
        value = [3141592.65 + mark, 7390614 + mark][kind.endswith("whole")]
        cells = rng.normal(50, 9, n).round(int(rng.integers(0, 4)))
        cells = rng.integers(0, 60, n).astype(float) if "whole" in kind else cells
        cells = rng.choice([0.0, 1.0, 2.5], n) if kind == "few" else cells
        if kind.startswith("lone"):
            cells = np.where(rng.permutation(n) < rng.integers(0, 9), cells, np.nan)
        cells[row] = value * rng.choice([-1, 1])
        return cells, [str(int(value)), f"{value:.4g}"]
    if kind in ("date", "lone date"):
        days = pd.to_timedelta(rng.integers(0, 900, n), unit="D")
        dates = pd.Series(pd.Timestamp("2020-01-01") + days)
        if kind == "lone date":
            dates[rng.permutation(n) >= rng.integers(0, 4)] = pd.NaT
        dates[row] = pd.Timestamp("1931-05-01") + pd.Timedelta(days=mark)
        return dates, [str(dates[row])[:10]]
    text = f"Kuru{mark}"
    cells = rng.choice(["flu", "copd", "none"], n).astype(object)
    if kind == "text":
        cells = np.array([f"seen {i // 2}" for i in range(n)], dtype=object)
    if kind in ("lone level", "lone category"):
        cells[rng.permutation(n) >= rng.integers(0, 4)] = None
    cells[row] = text
    if kind.endswith("category"):
        unused = [f"Unused{mark}"] if rng.random() < 0.5 else []
        order = [*pd.unique(cells[pd.notna(cells)]), *unused]
        ordered = bool(rng.random() < 0.3)
        return pd.Categorical(cells, order, ordered=ordered), [text, *unused]
    return cells, [text]


KINDS = [
    *("key", "number", "whole", "few", "lone number", "lone whole", "date"),
    *("lone date", "level", "category", "lone level", "lone category", "text"),
]


def marked_table(seed):
    """Return an odd table, and the texts of what its one marked row alone holds."""
    rng = np.random.default_rng(seed)
    n = int(rng.choice([30, 60, 150]))
    row = int(rng.integers(n))
    columns, marks = {"age": rng.integers(18, 90, n)}, []
    for k, kind in enumerate(rng.choice(KINDS, rng.integers(2, 7))):
        name = f"patient {k}" if kind == "key" else f"{kind} {k}"
        columns[name], texts = column(str(kind), n, row, rng, 7 * k)
        marks += texts
    for k in range(int(rng.choice([0, 0, 9]))):  # many patterns of missing cells
        columns[f"gap {k}"] = np.where(rng.random(n) < 0.3, np.nan, rng.normal(size=n))
    return pd.DataFrame(columns), marks


def found(marks, where, content):
    """Return which marks occur in a text or in bytes, and where."""
    if isinstance(content, str):
        content = content.encode()
    return [(where, mark) for mark in marks if mark.encode() in content]


def leaks_of(seed, folder, capsys):
    """Return the marks that come out of one table, and the places."""
    df, marks = marked_table(seed)
    real, out = folder / "real.parquet", folder / f"s.{['csv', 'parquet'][seed % 2]}"
    page, told, schema = (folder / n for n in ("p.html", "r.json", "schema.json"))
    df.to_parquet(real)
    runs = [
        ["schema", real, "--out", schema],
        ["synth", real, "--out", out, "--report", page],
        ["report", real, out, "--json", told, "--out", folder / "q.html"],
    ]
    leaks, wrong = [], []
    for run in runs:
        code = main([*map(str, run), "--force"])
        said = capsys.readouterr()
        leaks += found(marks, run[0], said.out + said.err)
        if code not in (0, 1):
            wrong.append((run[0], code, said.err))
    for path in folder.iterdir():
        if path != real:
            leaks += found(marks, path.name, path.read_bytes())
    if seed % 2 and out.exists():
        made = pd.read_parquet(out)
        leaks += found(marks, "cells", made.to_csv())
        named = [list(d.categories) for d in made.dtypes if hasattr(d, "categories")]
        leaks += found(marks, "categories", repr(named))
        made.to_parquet(folder / "plain.parquet", compression=None)
        leaks += found(marks, "plain", (folder / "plain.parquet").read_bytes())
    return leaks, wrong


@pytest.mark.parametrize("seed", range(4))
def test_no_mark_of_one_patient_comes_out(seed, tmp_path, capsys):
    leaks, wrong = leaks_of(seed, tmp_path, capsys)
    assert not leaks
    assert not wrong


def test_the_marks_are_found_where_nothing_is_held_back(tmp_path):
    """The search is not blind: without the gate every kind of mark comes out."""
    df, marks = marked_table(3)
    open_door = TabularSynthesizer(Schema.infer(df), min_category_count=1)
    synthetic = open_door.fit(df).sample(5000, random_state=0)
    told = synthetic.to_csv() + json.dumps(Schema.infer(df).to_dict())
    assert found(marks, "all", told)
