import json
import re

import numpy as np
import pytest

from gaussflow.tabular import (
    PrivacyReport,
    QualityReport,
    TabularSynthesizer,
    html_report,
)
from tests.tabular_frames import GaussianFlow, nasty_frame, patients


def made(train, holdout, target=None):
    synthesizer = TabularSynthesizer(GaussianFlow(), target=target, random_state=0)
    synthetic = synthesizer.fit(train).sample(len(train), random_state=0)
    schema = synthesizer.schema_
    quality = QualityReport.compute(train, holdout, synthetic, schema, target)
    suppressed = synthesizer.encoder_.suppressed_
    privacy = PrivacyReport.compute(train, holdout, synthetic, schema, suppressed)
    page = html_report(
        quality, privacy, schema, holdout, synthetic, title="<clinic> & co"
    )
    return quality, privacy, page


@pytest.fixture(scope="module")
def clinic():
    return made(patients(400, 0), patients(200, 1), "smoker")


def test_scores_are_plain_numbers(clinic):
    quality, privacy, _ = clinic
    json.dumps([quality.to_dict(), privacy.to_dict()])
    assert quality.n_holdout == 200
    assert 0.8 < quality.shape <= 1
    assert 0.4 < quality.detection < 0.9
    assert quality.utility_reference > 0.9
    assert privacy.copies <= privacy.copies_reference + 0.05
    assert "detection AUC" in str(quality)
    assert "membership AUC" in str(privacy)


def test_page_is_whole_escaped_and_self_contained(clinic):
    page = clinic[2]
    assert page.startswith("<!DOCTYPE html>")
    assert page.rstrip().endswith("</html>")
    assert "&lt;clinic&gt; &amp; co" in page
    assert "<clinic>" not in page
    assert not re.search(r"<script|https?://|src=|@import|url\(", page)
    assert "nan" not in re.findall(r"\d[^<]*nan|nan[^<]*px", page)
    assert page.count("<svg") == page.count("</svg>") > 10
    assert "200 unseen rows" in page


def test_resampled_training_rows_are_called_out():
    train, holdout = patients(400, 0), patients(200, 1)
    schema = TabularSynthesizer(GaussianFlow()).fit(train).schema_
    copies = train.sample(400, replace=True, random_state=0).reset_index(drop=True)
    quality = QualityReport.compute(train, holdout, copies, schema)
    privacy = PrivacyReport.compute(train, holdout, copies, schema)
    assert privacy.copies == 1
    assert privacy.dcr_share > 0.7
    page = html_report(quality, privacy, schema, holdout, copies, title="copies")
    assert "more exact copies of training rows than chance explains" in page


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
    assert np.isfinite(quality.pairs)
