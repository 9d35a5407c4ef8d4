import numpy as np
import pandas as pd
import pytest

from gaussflow.tabular import Constraint
from gaussflow.tabular.constraints.parser import parse
from gaussflow.tabular.constraints.syntax import quote_name, quote_value


def cells():
    """One column of each kind, three rows, the second with gaps."""
    return pd.DataFrame(
        {
            "a": [1, 2, 3],
            "b": pd.array([1, None, 5], "Int64"),
            "c": [0.1, np.nan, 0.2],
            "text": ["x", None, "y"],
            "two words": ["x", "q", "z"],
            "stage": pd.Categorical(["I", None, "II"], ["I", "II"], ordered=True),
            "flag": [True, False, True],
            "ward": pd.Categorical([1, 2, 1]),
            "start": pd.to_datetime(["2020-01-01", None, "2022-01-01"]),
            "end": pd.to_datetime(["2020-01-01", "2020-01-02", "2021-01-01"]),
            "large": [2**60, 2**60 + 1, 2**60 + 2],
        }
    )


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("a <= b", [1, 1, 1]),
        ("a + 1 > b", [1, 1, 0]),
        ("2 * a - b/2 == 0.5", [0, 1, 0]),
        ("c + 0.2 == 0.3", [1, 1, 0]),  # 0.1 + 0.2 is not 0.3 in floats
        ("large - 1 >= 1152921504606846976", [0, 1, 1]),  # exact beyond 2**53
        ("1 <= a < 3", [1, 1, 0]),
        ("'x' == text", [1, 1, 0]),
        ("text != 'x'", [0, 1, 1]),
        ("text == `two words`", [1, 1, 0]),
        ("stage >= 'II'", [0, 1, 1]),
        ("flag == true", [1, 0, 1]),
        ("ward == 1", [1, 0, 1]),
        ("ward in {1, 3}", [1, 0, 1]),
        ("a not in {1, 2.0}", [0, 0, 1]),
        ("start <= end", [1, 1, 0]),
        ("start < '2021-06-01 12:00'", [1, 1, 0]),
        ("text is missing", [0, 1, 0]),
        ("text is not missing", [1, 0, 1]),
        ("text is missing -> c is missing", [1, 1, 1]),
        ("a == 1 or a == 3", [1, 0, 1]),
        ("a >= 2 and flag == true", [0, 0, 1]),
        # unknown or false is unknown, which is kept; unknown and false is false
        ("c == 0.1 or a == 7", [1, 1, 0]),
        ("c == 0.1 and a == 7", [0, 0, 0]),
        ("c == 0.1 -> a == 7", [0, 1, 1]),
        ("a == 2 -> c == 7", [1, 1, 1]),
        ("fixed: ward, flag", [1, 1, 1]),
        ("ward determines flag", [1, 1, 1]),
    ],
)
def test_rule_tells_the_rows_that_keep_it(rule, expected):
    df = cells().set_index(pd.Index(["r", "s", "t"]))
    kept = Constraint(rule).holds(df)
    assert kept.astype(int).tolist() == expected
    assert kept.index.equals(df.index)
    broken = Constraint(rule).violations(df)
    assert broken.index.tolist() == [
        i for i, k in zip("rst", expected, strict=True) if not k
    ]


def test_combinations_are_those_of_the_reference():
    df = pd.DataFrame({"city": list("ABAB"), "country": list("xyxx")})
    real = df.iloc[:2]
    assert Constraint(("city", "country")).holds(df, real).tolist() == [1, 1, 1, 0]
    rule = Constraint("city determines country")
    assert rule.holds(df, real).tolist() == [1, 1, 1, 0]
    assert not rule.holds(df).all()  # B goes with y and with x


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("a = b", r"position 3: .*found '=' \(write == for equality\)"),
        ("a >=", "position 5: expected a column"),
        ("blood pressure >= 3", "position 7: .*several words in backticks"),
        ("a ? b", "position 3: expected .* found '\\?'"),
        ("(a + b) == c", "position 1: .*no parentheses"),
        ("a * b == c", "position 5: .*not multiplied with each other"),
        ("1 < 2", "expected a column, found constants only"),
        ("fixed: a", "two or more different columns"),
        ("a == 'open", "position 6: .*close every quote"),
        ("a in {}", "position 7"),
        ("a / 0 == b", "expected a divisor, found 0"),
        ("a <= b; import os", "found ';'"),
        ("__import__('os') == 1", "no parentheses"),
        ("", "found the end of the text"),
    ],
)
def test_slip_is_told_with_its_position(rule, message):
    with pytest.raises(ValueError, match=message) as error:
        Constraint(rule)
    assert repr(rule) in str(error.value)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("aa <= b", "no column 'aa'. Did you mean 'a'"),
        ("text > 'x'", "no order"),
        ("start == 3", "holds dates"),
        ("start + 1 > end", "cannot be added"),
        ("stage > 'IX'", "no level 'IX' among its 2"),
        ("a == 'x'", "'x' is a text. Write the number without quotes"),
        ("start < 'soonish'", "'soonish' is no date"),
        ("text <= a", "'text' holds"),
    ],
)
def test_rule_that_does_not_suit_the_columns_is_refused(rule, message):
    with pytest.raises(ValueError, match=message):
        Constraint(rule).holds(cells())


@pytest.mark.parametrize("number", ["1e400", "1e300000000", "1e-300000000", "1" * 50])
@pytest.mark.parametrize(
    "rule", ["a <= {}", "a in {{{}}}", "a == {} * b", "a < b / {}"]
)
def test_a_number_beyond_floats_is_refused_at_once(rule, number):
    with pytest.raises(ValueError, match=r"expected a number .* at most 40 signs"):
        Constraint(rule.format(number))


@pytest.mark.parametrize("rule", [3, None, ("a",), ("a", "a")])
def test_what_is_no_rule_is_refused(rule):
    with pytest.raises((TypeError, ValueError), match="(text such as|two or more)"):
        Constraint(rule)


@pytest.mark.parametrize("name", ["a", "a.b", "two words", "tick`tick", "in", "é", "0"])
def test_any_column_name_can_be_written(name):
    df = pd.DataFrame({name: [1, 2]})
    assert Constraint(f"{quote_name(name)} >= 2").holds(df).tolist() == [False, True]


@pytest.mark.parametrize("value", ["it's", 'a "b"', "back\\slash", True, 3, -2.5])
def test_any_level_can_be_written(value):
    assert parse(f"a in {{{quote_value(value)}}}").values == (value,)
