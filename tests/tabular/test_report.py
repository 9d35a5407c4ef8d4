import json
import re

import numpy as np
import pandas as pd
import pytest

from gaussflow.tabular import (
    CopulaSynthesizer,
    PrivacyReport,
    QualityReport,
    Schema,
    html_report,
)
from gaussflow.tabular.report.coding import code_tables
from gaussflow.tabular.report.score import Score, overall
from tests.tabular.frames import GaussianFlow, nasty_frame, patients


def made(train, holdout, target=None):
    synthesizer = CopulaSynthesizer(GaussianFlow(), target=target, random_state=0)
    synthetic = synthesizer.fit(train).sample(len(train), random_state=0)
    schema = synthesizer.schema_
    quality = QualityReport.compute(train, holdout, synthetic, schema, target)
    privacy = PrivacyReport.compute(train, holdout, synthetic, schema)
    privacy.suppressed = synthesizer.encoder_.suppressed_
    return quality, privacy, html_report(quality, privacy, title="<clinic> & co")


class Density:
    """A model that has learned by heart: likelier rows are those of its table."""

    def __init__(self, known):
        self.known = set(map(tuple, known.to_numpy(str)))

    def score_samples(self, df):
        return [float(tuple(row) in self.known) for row in df.to_numpy(str)]


RULE = "smoker == 0 -> cigs == 0"


@pytest.fixture(scope="module")
def tables():
    return patients(400, 0), patients(200, 1)


@pytest.fixture(scope="module")
def clinic(tables):
    return made(*tables, "smoker")


@pytest.fixture(scope="module")
def copied(tables):
    """The training rows, resampled: as private as no synthesizer at all."""
    train, holdout = tables
    copies = train.sample(400, replace=True, random_state=0).reset_index(drop=True)
    options = {"model": Density(train), "sensitive": "lab"}
    options["limits"] = {"likelihood": 0.55}
    return PrivacyReport.compute(train, holdout, copies, **options)


def test_scores_are_plain_numbers(clinic):
    quality, privacy, _ = clinic
    for report in (quality, privacy):
        plain = json.loads(json.dumps(report.to_dict(), allow_nan=False))
        assert list(plain["scores"]) == [s.name for s in report.scores]
        for score in plain["scores"].values():
            assert score["sentence"].endswith(".")
            assert score["status"] in ("pass", "unclear", "fail")
            assert score["limit"] is not None
        assert all(s.title in str(report) for s in report.scores)
    assert quality.n_holdout == 200
    assert 0.8 < quality["shape"].value <= 1
    assert 0.4 < quality["detection"].value < 0.9
    assert quality["utility"].reference > 0.9
    assert privacy["copies"].value <= privacy["copies"].reference + 0.05
    assert "utility" in quality
    assert "likelihood" not in privacy
    with pytest.raises(KeyError):
        quality["beauty"]


def test_page_is_whole_escaped_and_self_contained(clinic, tmp_path):
    quality, privacy, page = clinic
    alone = [
        r.to_html(tmp_path / "r.html", title="<clinic>") for r in (quality, privacy)
    ]
    assert (tmp_path / "r.html").read_text(encoding="utf-8") == alone[1]
    assert [p.name for p in tmp_path.iterdir()] == ["r.html"]
    for one in (page, *alone):
        assert one.startswith("<!DOCTYPE html>")
        assert one.rstrip().endswith("</html>")
        assert "&lt;clinic&gt;" in one
        assert "<clinic>" not in one
        assert not re.search(r"<script|https?://|src=|@import|url\(|\$\w", one)
        assert not re.search(r"\bnan\b|\binf\b", one)
        assert one.count("<svg") == one.count("</svg>") >= 8
        assert one.count("<table") == one.count("</table>")
        assert "200 unseen rows" in one
    assert "Is it private?" not in alone[0]
    assert "Is it faithful?" not in alone[1]


def test_same_seed_same_report(tables, clinic):
    again = made(*tables, "smoker")
    assert again[2] == clinic[2]


def test_resampled_training_rows_fail(copied):
    assert copied.verdict == "fail"
    assert copied["copies"].value == 1
    assert copied["dcr_share"].value > 0.7
    for name in ("copies", "membership", "membership_calibrated", "likelihood"):
        assert copied[name].status == "fail", name
    assert copied["likelihood"].value > 0.98  # some unseen rows equal a training row
    assert copied.likelihood_gap > 0.95
    assert list(copied.attributes) == ["lab"]
    assert len(copied.riskiest) == 10
    assert "equals it in every cell" in copied.riskiest[0]["why"]
    assert "Fail: Exact copies" in copied.to_html()


def test_other_real_rows_do_not_fail(tables):
    """The table of somebody else's patients is as private as can be."""
    other, limits = patients(400, 2), {"detection": 0.6, "shape": 0.9}
    privacy = PrivacyReport.compute(*tables, other)
    assert privacy.verdict != "fail"
    quality = QualityReport.compute(*tables, other, constraints=[RULE], limits=limits)
    assert quality.verdict != "fail"
    assert quality.constraints[RULE] == 1
    # The limits are the user's.
    assert quality["detection"].limit == 0.6
    assert quality["shape"].limit == pytest.approx(quality["shape"].reference - 0.9)


def test_broken_logic_fails(tables):
    broken = patients(400, 2).assign(cigs=lambda df: df["cigs"].iloc[::-1].to_numpy())
    quality = QualityReport.compute(*tables, broken, constraints=[RULE])
    assert quality["constraints"].status == "fail"
    assert 0.5 < quality["constraints"].value < 0.9
    assert "smoker == 0 -&gt; cigs == 0" in quality.to_html()


def test_a_small_table_is_told_to_be_small():
    parts = (patients(30, seed) for seed in range(3))
    privacy = PrivacyReport.compute(*parts)
    assert privacy.verdict == "unclear"
    assert "Too few rows" in privacy["membership_calibrated"].warning
    assert "Too few rows" in str(privacy)
    assert "too small to tell" in privacy.to_html()


def test_without_a_holdout_no_attack_is_judged(tables):
    train = tables[0]
    privacy = PrivacyReport.compute(train, None, patients(400, 2))
    assert [s.name for s in privacy.scores] == ["copies"]
    assert privacy.verdict == "unclear"
    assert "No unseen real rows were given" in privacy.to_html()
    quality = QualityReport.compute(train, None, patients(400, 2))
    assert quality.n_holdout == 0
    assert quality["shape"].value > 0.9


BAD = {
    "target": (QualityReport, {"target": "hope"}, "target 'hope' is not among"),
    "sensitive": (PrivacyReport, {"sensitive": ["hope"]}, "sensitive names 'hope'"),
    "known": (PrivacyReport, {"known": "hope"}, "known names 'hope'"),
    "limits": (PrivacyReport, {"limits": {"hope": 1}}, "unknown score"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_named(name, tables):
    report, options, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        report.compute(*tables, tables[1], **options)


def test_tables_that_do_not_fit_are_named(tables):
    train, holdout = tables
    with pytest.raises(ValueError, match="lacks the column.*'lab'"):
        QualityReport.compute(train, holdout, holdout.drop(columns="lab"))
    text = holdout.assign(lab="high")
    with pytest.raises(ValueError, match="'lab' is continuous .* cannot be compared"):
        PrivacyReport.compute(train, holdout, text)
    with pytest.raises(ValueError, match="holdout has 1 row"):
        PrivacyReport.compute(train, holdout[:1], holdout)


def test_dates_in_other_units_are_the_same_dates():
    days = pd.DataFrame({"seen": pd.date_range("2020-01-01", periods=9).repeat(2)})
    coarse = days.astype("datetime64[s]")
    assert (coarse.dtypes != days.dtypes).all()
    _, _, (a, b) = code_tables(Schema.infer(days), days, coarse)
    assert (a == b).all()


def test_rare_category_is_told_by_number_not_by_name():
    train, holdout = patients(300, 0), patients(150, 1)
    train.loc[0, "site"] = "secret place"
    holdout.loc[0, "site"] = "secret place"
    _, privacy, page = made(train, holdout)
    assert privacy.suppressed == {"site": {"levels": 1, "rows": 1}}
    assert "secret place" not in page
    assert "1 rare level(s)" in page


def test_nasty_table_gets_a_report():
    frame = nasty_frame(200)
    _, _, page = made(frame.iloc[:140].reset_index(drop=True), frame.iloc[140:])
    assert "every cell is missing" in page


def test_two_columns_are_enough():
    frame = patients(100)[["age", "smoker"]]
    quality, _, _ = made(frame.iloc[:70], frame.iloc[70:])
    assert np.isfinite(quality["pairs"].value)


def test_a_table_of_keys_has_nothing_to_score():
    keys = pd.DataFrame({"id": [f"k{i}" for i in range(30)]})
    with pytest.raises(ValueError, match="no column to score"):
        QualityReport.compute(keys, keys, keys, Schema.infer(keys))


@pytest.mark.parametrize(
    ("value", "error", "status"),
    [
        (0.52, 0.01, "pass"),
        (0.54, 0.02, "pass"),  # with a warning: it may be higher
        (0.52, 0.08, "unclear"),  # far too noisy to pass
        (0.58, 0.01, "fail"),
        (0.58, 0.05, "unclear"),  # beyond the limit, but so is chance
        (float("nan"), 0.01, "unclear"),
    ],
)
def test_a_score_is_judged_with_its_noise(value, error, status):
    score = Score("auc", value, error, ideal=0.5, limit=0.55)
    assert score.status == status
    assert bool(score.warning) == (status == "unclear" or value == 0.54)
    # The same the other way round.
    up = Score("x", 1 - value, error, ideal=0.5, limit=0.45, higher_is_better=True)
    assert up.status == status


def test_the_worst_score_decides():
    statuses = ["pass", "", "fail", "unclear"]
    scores = [Score("s", 0.0, status=s) for s in statuses]
    assert overall(scores) == "fail"
    assert overall(scores[:2]) == "pass"


def test_rows_repeated_across_the_split_excuse_no_copies():
    rng = np.random.default_rng(0)
    persons = patients(150, 0).assign(lab=rng.standard_normal(150).round(3))
    visits = persons.loc[rng.permutation(np.repeat(persons.index, 6))]
    train, holdout = visits[:675], visits[675:]
    report = PrivacyReport.compute(train, holdout, train.sample(675, random_state=1))
    assert (report.verdict, report["copies"].status) == ("fail", "fail")
    assert "a patient may be on both sides" in report["copies"].warning
    few = visits[["site", "smoker"]]  # which all rows share by chance
    report = PrivacyReport.compute(few[:675], few[675:], few[:675])
    assert report["copies"].status == "pass"


SPELLINGS = {
    "texts": lambda df: df.astype("str").where(df.notna()),
    "categories": lambda df: df.astype("category"),
    "objects": lambda df: df.astype(object),
    "floats": lambda df: df.astype({"grade": float, "ward": float}),
    "single": lambda df: df.astype({"dose": "float32", "smoker": int}),
    "dates": lambda df: df.astype({"seen": "datetime64[s]", "born": "datetime64[ns]"}),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_copies_fail_however_their_types_are_spelt(name):
    rng, n = np.random.default_rng(0), 300
    day = pd.Timestamp("2020-01-01")
    df = pd.DataFrame({
        "grade": rng.choice(3, n) + 1,
        "ward": pd.Categorical(rng.choice([1, 2, 5], n)),
        "dose": rng.standard_normal(n),
        "smoker": rng.random(n) < 0.4,
        "seen": day + pd.to_timedelta(rng.integers(0, 900, n), unit="D"),
        "born": day,
        "site": rng.choice(["1", "2", "X"], n),
    })  # fmt: skip
    train, holdout = df[:200], df[200:]
    copied = SPELLINGS[name](train.sample(200, random_state=0))
    report = PrivacyReport.compute(train, holdout, copied)
    assert report["copies"].value == 1
    assert report.verdict == "fail"


def test_rows_are_named_by_their_number_and_never_by_a_key():
    df = patients(400, 0)
    train, holdout = df.sample(300, random_state=1), df[:100]
    rows = PrivacyReport.compute(train, holdout, train).riskiest
    assert {row["row"] for row in rows} <= set(train.index)
    for keys in (train.index * 10**6, train.index.astype(str) + "-key"):
        rows = PrivacyReport.compute(train.set_axis(keys), holdout, train).riskiest
        assert {row["row"] for row in rows} <= set(range(300))


def test_pictures_tell_nothing_of_few_rows():
    df = patients(400, 0)
    df.loc[7, ["site", "lab"]] = ["Kuru", 987.25]
    copied = pd.concat([df, df.loc[[7] * 9]])
    page = QualityReport.compute(df, None, copied).to_html()
    assert "Kuru" not in page
    assert "987" not in page
