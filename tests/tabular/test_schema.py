import datetime
import decimal
import json

import numpy as np
import pandas as pd
import pytest

from gaussflow.tabular import CopulaSynthesizer, Schema
from tests.tabular.frames import GaussianFlow, nasty_frame, patients

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


def test_keys_and_free_text_are_excluded():
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


def visits(n=120):
    """Patients with keys of every sort."""
    rng = np.random.default_rng(0)
    start = pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(n) % 90, "D")
    return pd.DataFrame(
        {
            "Unnamed: 0": range(n),
            "patient_id": rng.permutation(10**6)[:n],
            "visit_id": np.where(np.arange(n) < 9, np.nan, np.arange(n) * 7.0),
            "patient_nbr": rng.integers(10**5, 10**6, n)[np.arange(n) * 3 // 4],
            "mrn": [f"P{i:04}" for i in range(n)],
            "number_of_visits": rng.integers(0, 9, n),
            "ward": rng.choice([3, 7, 12], n),
            "stage": rng.choice(["low", "mid", "high"], n),
            "start": start,
            "flag": rng.random(n) < 0.5,
        }
    )


def test_keys_in_any_dress_are_never_learned_and_the_user_is_told():
    df = visits()
    schema = Schema.infer(df)
    keys = ["Unnamed: 0", "patient_id", "visit_id", "patient_nbr", "mrn"]
    assert [c.name for c in schema.excluded()] == keys
    assert all(
        "not learned" in c.note and "made anew" in c.note for c in schema.excluded()
    )
    assert schema["number_of_visits"].kind == "integer"
    synthesizer = CopulaSynthesizer(GaussianFlow(), random_state=0)
    with pytest.warns(UserWarning, match="Not learned: 'Unnamed: 0' .*'mrn'"):
        synthesizer.fit(df)
    synthetic = synthesizer.sample(50, random_state=0)
    pd.testing.assert_series_equal(synthetic.dtypes, df.dtypes)
    for name in keys:
        assert synthetic[name].is_unique
        assert not set(synthetic[name]) & set(df[name])
        assert f"{name} " in str(synthesizer.schema_)


@pytest.mark.parametrize(
    ("kinds", "kind", "levels"),
    [
        ({"ward": "categorical"}, "categorical", [3, 7, 12]),
        ({"ward": "ordinal"}, "ordinal", [3, 7, 12]),
        ({"stage": ["low", "mid", "high"]}, "ordinal", ["low", "mid", "high"]),
        ({"flag": "categorical"}, "categorical", [False, True]),
        ({"ward": "continuous"}, "continuous", None),
        ({"patient_id": "integer"}, "integer", None),
        ({"start": "categorical"}, None, None),
        ({"ward": "identifier"}, "identifier", None),
        ({"stage": "text"}, "text", None),
    ],
)
def test_kind_can_be_chosen_and_comes_back_in_the_same_dtype(kinds, kind, levels):
    df, (name,) = visits(), kinds
    if kind is None:
        with pytest.raises(ValueError, match="categories of type Timestamp"):
            Schema.infer(df, kinds=kinds)
        return
    schema = Schema.infer(df, kinds=kinds)
    assert schema[name].kind == kind
    assert schema[name].levels == levels
    assert Schema.from_dict(schema.to_dict()) == schema
    synthesizer = CopulaSynthesizer(GaussianFlow(), schema=schema).fit(df)
    synthetic = synthesizer.sample(30, random_state=0)[name]
    assert synthetic.dtype == df[name].dtype
    if levels is not None:
        assert set(synthetic) <= set(levels)


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        ({"ward": "zip code"}, "choose one of continuous"),
        ({"wards": "categorical"}, r"columns \['wards'\], which the table does not"),
        ({"stage": "integer"}, "'stage' integer, but it holds .* pandas.to_numeric"),
        ({"stage": "datetime"}, "pandas.to_datetime"),
        ({"stage": ["low", "mid"]}, "the table also holds 1 other"),
        ({"ward": "boolean"}, "astype.bool."),
        ({"start": "identifier"}, "keys are whole numbers or text"),
        ({"ward": "text"}, "int64 has no missing cells"),
    ],
)
def test_kind_that_does_not_suit_is_refused(kinds, message):
    with pytest.raises(ValueError, match=message):
        Schema.infer(visits(), kinds=kinds)


def test_edit_changes_one_column_in_place():
    schema = Schema.infer(patients())
    assert schema.edit("site", kind="identifier", note="a pseudonym") is schema
    assert schema["site"].kind == "identifier"
    assert "a pseudonym" in str(schema)


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("sites", {"kind": "text"}, "no column 'sites'. Columns: age"),
        ("site", {"colour": 1}, "no attribute colour to change. Attributes: kind"),
        ("site", {"name": "ward"}, "no attribute name"),
        ("site", {"kind": "constant"}, "cannot become constant: it holds 3 values"),
        ("smoker", {"kind": "text"}, "bool has no missing cells"),
    ],
)
def test_edit_that_makes_no_sense_is_refused(name, changes, message):
    schema = Schema.infer(patients())
    before = schema.to_dict()
    with pytest.raises(ValueError, match=message):
        schema.edit(name, **changes)
    assert schema.to_dict() == before


def test_what_a_kind_needs_is_read_off_the_table_at_fit():
    """An edited kind lacks levels or bounds; cells that cannot be so are refused."""
    schema = Schema.infer(patients(), constraints=False).edit("age", kind="categorical")
    assert not schema["age"].is_complete
    fitted = CopulaSynthesizer(GaussianFlow(), schema=schema).fit(patients()).schema_
    counts = patients()["age"].value_counts()
    assert fitted["age"].levels == sorted(counts[counts >= 5].index)
    schema = Schema.infer(patients()).edit("site", kind="integer")
    with pytest.raises(ValueError, match="'site' is integer .* but holds"):
        CopulaSynthesizer(GaussianFlow(), schema=schema).fit(patients())


@pytest.mark.parametrize("suffix", ["yaml", "yml"])
def test_yaml_round_trip(tmp_path, suffix):
    pytest.importorskip("yaml", reason="the extra yaml is not installed")
    schema = Schema.infer(nasty_frame())
    schema.constraints.append("`even` >= 0")
    schema.save(tmp_path / f"schema.{suffix}")
    assert Schema.load(tmp_path / f"schema.{suffix}") == schema
    (tmp_path / "bad.yaml").write_text("a: [1")
    with pytest.raises(ValueError, match="not a YAML file"):
        Schema.load(tmp_path / "bad.yaml")


@pytest.mark.parametrize(
    ("values", "way_out"),
    [
        ([datetime.date(2020, 1, 1 + i) for i in range(6)], r"to_datetime\(df\['a'\]"),
        ([pd.Timestamp(2020, 1, 1), "9999-12-31"] * 3, "errors='coerce'"),
        ([decimal.Decimal("1.5")] * 3 + [decimal.Decimal(2)] * 3, "astype.float"),
        ([b"x", b"y"] * 3, "decode"),
        ([1, "x"] * 3, "astype.str"),
    ],
)
def test_values_that_cannot_be_kept_are_refused_with_what_to_call(values, way_out):
    df = pd.DataFrame({"a": pd.Series(values, dtype=object), "b": range(6)})
    with pytest.raises(ValueError, match=f"Column 'a' mixes types.*{way_out}"):
        Schema.infer(df)


def test_dates_far_from_ours_are_kept_and_told():
    dates = np.array(["2020-01-01", "2020-01-07", "2020-02-01", "9999-12-31"] * 9)
    df = pd.DataFrame({"end": dates.astype("datetime64[s]"), "age": np.arange(36) % 5})
    column = Schema.infer(df)["end"]
    assert "9 dates before 1800 or after 2200" in column.note
    synthetic = CopulaSynthesizer(GaussianFlow()).fit(df).sample(40, random_state=0)
    assert set(synthetic["end"]) == set(df["end"])
    assert synthetic["end"].dtype == df["end"].dtype


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda df: df.drop(columns="age"), r"absent \['age'\], unexpected \[\]"),
        (lambda df: df.assign(new=1), r"absent \[\], unexpected \['new'\]"),
        (
            lambda df: df.assign(age=df["site"]),
            "'age' is integer .int64. in the schema",
        ),
        (
            lambda df: df.assign(site="west"),
            "holds 1 level.s. that the schema does not",
        ),
    ],
)
def test_table_that_the_schema_does_not_describe_is_refused(change, message):
    df = patients()
    with pytest.raises(ValueError, match=message):
        CopulaSynthesizer(GaussianFlow(), schema=Schema.infer(df)).fit(change(df))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *[("dtype", v) for v in (7, None, "no such type", "U1000000")],
        *[("step", v) for v in (0, -2, "1", 0.5)],
        *[("origin", v) for v in (10**40, "0", None)],
        *[("decimals", v) for v in (-1, 400, "2", 1.5)],
        *[("low", v) for v in ("1", 10**6, float("nan"), None)],
        *[("missing", v) for v in (-1, "0", 0.5)],
        *[("levels", v) for v in ("ab", [{}], [[1]])],
        *[("name", v) for v in ([1], {})],
        ("kind", "number"),
        ("repeated", 2.0),
        ("distinct", None),
        ("note", 5),
        ("colour", "red"),
    ],
)
def test_a_description_that_makes_no_sense_is_refused(key, value):
    df = pd.DataFrame({"weight": [61, 58, 72, 58], "height": [1.5, 1.75, 1.8, 1.6]})
    data = Schema.infer(df, kinds={"weight": "integer"}).to_dict()
    data["columns"][0][key] = value
    with pytest.raises(ValueError, match="This is not a schema"):
        Schema.from_dict(data)


@pytest.mark.parametrize("n_rows", [-5, 2.5, float("inf"), "4", None])
def test_a_number_of_rows_that_makes_no_sense_is_refused(n_rows):
    with pytest.raises(ValueError, match="n_rows must be an integer"):
        Schema.from_dict({"columns": [], "n_rows": n_rows})
