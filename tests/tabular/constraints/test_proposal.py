import json

import numpy as np
import pandas as pd
import pytest

from gaussflow.tabular import Constraint, Schema
from tests.tabular.constraints.clinic import RULES, clinic
from tests.tabular.frames import patients


def test_rules_of_each_sort_are_proposed_and_no_others():
    proposed = Schema.infer(clinic()).constraints
    assert [rule for rule in RULES if rule not in proposed] == []
    # Besides, only what the table was made to keep too.
    true = {"cigs == 0 -> smoker == 'no'", "lean <= weight"}
    assert set(proposed) - set(RULES) <= true


def test_nothing_is_proposed_for_noise():
    rng = np.random.default_rng(0)
    frame = {f"x{i}": rng.integers(0, 30, 300) for i in range(12)}
    frame |= {f"c{i}": rng.choice(list("abc"), 300) for i in range(6)}
    frame |= {f"f{i}": rng.standard_normal(300) for i in range(6)}
    assert Schema.infer(pd.DataFrame(frame)).constraints == []


@pytest.mark.parametrize("rule", RULES)
def test_one_row_that_breaks_a_rule_silences_it(rule):
    df = clinic()
    broken = {
        "weight": 500.0,
        "country": "Spain",
        "group": "unborn",
        "low": 999,
        "admitted": pd.Timestamp("2030-01-01"),
        "insulin": 77.0,
        "cigs": 3,
    }
    row = np.flatnonzero((df["smoker"] == "no") & df["skin"].isna())[0]
    for column, value in broken.items():
        df.loc[row, column] = value
    assert rule not in Schema.infer(df).constraints


def test_few_rows_say_nothing():
    assert Schema.infer(clinic(40)).constraints == []


@pytest.mark.parametrize(
    ("expression", "rule"),
    [
        (lambda d: 2.5 * d["x"], "2.5 * x == z"),
        (lambda d: d["x"] / 4, "x / 4 == z"),
        (lambda d: d["x"], "x == z"),
        (lambda d: d["x"] + d["y"] - 3, "x + y - 3 == z"),
        (lambda d: 100 - d["x"] - d["y"], "-x - y + 100 == z"),
    ],
)
def test_sums_and_ratios_are_written_out(expression, rule):
    rng = np.random.default_rng(1)
    df = pd.DataFrame({"x": rng.integers(0, 90, 200), "y": rng.integers(1, 50, 200)})
    df["z"] = expression(df)
    proposed = Schema.infer(df).constraints
    assert rule in proposed
    assert Constraint(rule).holds(df).all()


def test_schema_keeps_its_rules_in_print_and_file(tmp_path):
    schema = Schema.infer(clinic())
    assert "fat + lean == weight" in str(schema)
    schema.constraints.append("age >= 18")
    schema.save(tmp_path / "schema.json")
    assert Schema.load(tmp_path / "schema.json") == schema
    assert Schema.infer(clinic(), constraints=False).constraints == []
    data = json.loads((tmp_path / "schema.json").read_text())
    data["constraints"] = ["age >> 18"]
    with pytest.raises(ValueError, match="position 6"):
        Schema.from_dict(data)


def test_known_logic_of_the_small_clinic_is_found():
    assert Schema.infer(patients()).constraints == ["cigs determines smoker"]
