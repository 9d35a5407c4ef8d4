"""The script that sends the tables of a folder through the command line sees leaks."""

import numpy as np
import pandas as pd

from benchmarks.field import field
from tests.benchmarks.scripts import results


def real_table():
    return pd.DataFrame({
        "id": np.arange(1, 61).astype(str),
        "age": [str(20 + k // 3) for k in range(60)],
        "site": ["north"] * 57 + ["Reykjavik"] * 3,
        "seen": [f"2020-01-{1 + k // 6:02}" for k in range(60)],
    })  # fmt: skip


def test_each_kind_of_leak_is_counted_by_column():
    real, told = real_table(), ["a page"]
    made = real.assign(
        id=[str(900 + k) for k in range(60)],
        age=[str(21 + k // 4) for k in range(60)],
        site="north",
    )
    assert field.leaks(real, made, told) == {}
    assert field.leaks(real, made.assign(id=real["id"]), told) == {"keys": {"id": 60}}
    found = field.leaks(real, made.assign(age=real["age"]), told)
    assert found == {"extremes": {"age": 6}}  # three rows at either end
    rare = real.assign(seen=["1999-01-01", *real["seen"][1:]])
    found = field.leaks(rare, made.assign(seen="1999-01-01"), told)
    assert found == {"extremes": {"seen": 60}}
    found = field.leaks(real, made.assign(site=real["site"]), told)
    assert found == {"levels": {"site": 3}}
    found = field.leaks(real, made, ["one of Reykjavik"])
    assert found == {"in_report": {"site": 1}}
    longer = real.assign(town=["Reykjavik harbour"] * 60)
    assert field.leaks(longer, longer.assign(**made), ["in Reykjavik harbour"]) == {}


def test_cells_that_come_back_otherwise_are_counted():
    real = real_table()
    assert field.changes(real, real) == 0
    assert field.changes(real, real.replace({"site": {"north": "North"}})) == 57
    assert field.changes(real, real.iloc[1:]) == real.size
    gap = real.assign(site=real["site"].where(real["id"] != "7"))
    assert field.changes(gap, real) == 0


def test_a_folder_is_gone_through_whatever_is_in_it(tmp_path, capsys):
    folder, out = tmp_path / "tables", tmp_path / "field.json"
    folder.mkdir()
    real_table().to_csv(folder / "good.csv", index=False)
    (folder / "ragged.csv").write_text("a,b\n1,2\n3\n" + "4,5,6\n" * 40)
    field.main([str(folder), "--head", "50", "--limit", "300", "--out", str(out)])
    good, ragged = sorted(results(out), key=lambda r: r["table"])
    assert (good["table"], good["rows"], good["columns"]) == ("tables/good.csv", 50, 4)
    assert good["exit"] == {"schema": 0, "synth": 0}
    assert good["leaks"] == good["refusals"] == {}
    assert ragged["exit"]["synth"] == 2
    assert "line" in ragged["refusals"]["synth"]
    assert len(capsys.readouterr().out.splitlines()) == 3
