import pandas as pd
import pytest

from gaussflow.cli.conditions import parse_conditions
from gaussflow.cli.files import CommandError
from gaussflow.tabular import Schema
from tests.tabular.frames import patients

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
