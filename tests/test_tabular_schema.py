import json

import numpy as np
import pandas as pd
import pytest

from gaussflow.tabular import Schema
from tests.tabular_frames import nasty_frame

KINDS = {
    "int": "integer",
    "int_as_float": "integer",
    "even": "integer",
    "bool": "boolean",
    "object_bool": "boolean",
    "unused_levels": "categorical",
    "ordered": "ordinal",
    "text": "categorical",
    "constant": "constant",
    "constant_missing": "constant",
    "all_missing": "constant",
    "float": "continuous",
    "two_decimals": "continuous",
    "date": "datetime",
    "date_zone": "datetime",
    "duration": "datetime",
}


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
def test_kind_is_inferred(name, kind):
    assert Schema.infer(nasty_frame())[name].kind == kind


def test_grid_is_the_columns_own():
    schema = Schema.infer(nasty_frame())
    assert schema["two_decimals"].decimals == 2
    assert schema["even"].step == 2
    assert schema["float"].decimals is None
    assert schema["date"].step % (24 * 3600) == 0


def test_json_round_trip(tmp_path):
    schema = Schema.infer(nasty_frame())
    json.dumps(schema.to_dict())
    schema.save(tmp_path / "schema.json")
    assert Schema.load(tmp_path / "schema.json") == schema


def test_print_names_every_column():
    text = str(Schema.infer(nasty_frame()))
    assert all(name in text for name in nasty_frame().columns)


def test_keys_and_free_text_are_set_aside():
    n = 40
    df = pd.DataFrame(
        {
            "patient_id": np.arange(1000, 1000 + n) * 7,
            "row": range(n),
            "mrn": [f"A{i}" for i in range(n)],
            "note": [f"text {i // 2} {i % 2 and 1}" for i in range(n - 1)]
            + ["text 0 0"],
            "age": np.arange(n) % 9,
        }
    )
    kinds = {c.name: c.kind for c in Schema.infer(df)}
    assert kinds == {
        "patient_id": "identifier",
        "row": "identifier",
        "mrn": "identifier",
        "note": "text",
        "age": "integer",
    }


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"]), "distinct.*'a'"),
        (pd.DataFrame({"a": [1]}), "1 rows"),
        (pd.DataFrame({"a": [np.nan] * 5, "b": [None] * 5}), "Every cell"),
        (pd.DataFrame({"a": [1, "x", 2.5]}, dtype=object), "'a' mixes types"),
        (pd.DataFrame({"a": [1.0, np.inf]}), "'a' has 1 infinite"),
        (pd.DataFrame({"a": [[1], [2]]}), "'a' (mixes types|holds lists)"),
        (pd.DataFrame({"a": [1j, 2j]}), "complex"),
    ],
)
def test_bad_table_is_refused_with_a_way_out(frame, message):
    with pytest.raises(ValueError, match=message):
        Schema.infer(frame)


def test_array_is_refused():
    with pytest.raises(TypeError, match=r"pandas DataFrame, got ndarray"):
        Schema.infer(np.ones((3, 2)))


def test_foreign_json_is_refused(tmp_path):
    (tmp_path / "a.json").write_text('{"columns": [{"colour": 1}]}')
    with pytest.raises(ValueError, match="not a schema"):
        Schema.load(tmp_path / "a.json")
    (tmp_path / "b.json").write_text("not json")
    with pytest.raises(ValueError, match="not a JSON file"):
        Schema.load(tmp_path / "b.json")
