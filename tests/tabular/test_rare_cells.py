"""What fit accepts, scores, samples, imputations and reports accept: rare cells too."""

import numpy as np
import pandas as pd
import pytest

from gaussflow import cli
from gaussflow.tabular import PrivacyReport, QualityReport, TabularSynthesizer

N = 150


def base(seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({
        "age": rng.integers(18, 90, N),
        "sex": rng.choice(["f", "m"], N),
        "bmi": np.round(rng.normal(25, 4, N), 1),
    })  # fmt: skip
    frame.loc[rng.choice(N, 20, replace=False), "bmi"] = np.nan
    return frame


def rare_level(frame, rng):
    frame["sex"] = frame["sex"].where(frame.index % 50 > 0, "other")


def nearly_constant(frame, rng):
    frame["hiv"] = np.where(frame.index % 50 == 0, "yes", "no")


def nearly_constant_number(frame, rng):
    frame["dose"] = np.where(frame.index % 60 == 0, rng.normal(size=len(frame)), 5.0)


def nearly_constant_flag(frame, rng):
    frame["flag"] = frame.index % 60 == 0


def few_cells(n_cells, decimals):
    def plant(frame, rng):
        cells = np.round(rng.normal(50, 9, n_cells), decimals)
        at = rng.choice(len(frame), n_cells, replace=False)
        frame["troponin"] = pd.Series(cells, index=at).reindex(frame.index)

    return plant


def far_numbers(frame, rng):
    frame["far"] = 1e300 * rng.normal(size=len(frame))


def rare_pattern(frame, rng):
    frame["lab"] = rng.normal(size=len(frame))
    frame.loc[[1, 70, 140], "lab"] = np.nan
    frame.loc[[70, 140], "bmi"] = np.nan


def own_patterns(frame, rng):
    for k in range(8):
        frame[f"gap{k}"] = np.where(rng.random(len(frame)) < 0.4, np.nan, 1.0 * k)
        frame.loc[frame.index % 3 == 0, f"gap{k}"] = k + 1.0


ODD = {
    "rare level": rare_level,
    "nearly constant text": nearly_constant,
    "nearly constant number": nearly_constant_number,
    "nearly constant flag": nearly_constant_flag,
    "numbers beyond single floats": far_numbers,
    "rare pattern": rare_pattern,
    "every row its own pattern": own_patterns,
}
ODD |= {f"{n} cells of {d}": few_cells(n, d) for n in (11, 12, 17) for d in (1, 9)}


@pytest.mark.parametrize("plant", ODD.values(), ids=ODD)
def test_what_fit_accepts_all_others_accept(plant):
    frame = base()
    plant(frame, np.random.default_rng(1))
    train, unseen = frame.iloc[: N // 2 + 1], frame.iloc[N // 2 + 1 :]
    synthesizer = TabularSynthesizer(random_state=0).fit(train.reset_index(drop=True))
    for rows in (train, unseen):
        assert np.isfinite(synthesizer.score_samples(rows)).all()
        filled = synthesizer.impute(rows, random_state=0)
        held = rows.notna()
        pd.testing.assert_frame_equal(filled.where(held), rows.where(held))
    synthetic = synthesizer.sample(60, random_state=0)
    tables = train, unseen, synthetic, synthesizer.schema_
    privacy = PrivacyReport.compute(*tables, model=synthesizer, random_state=0)
    assert np.isfinite(privacy["likelihood"].value)
    QualityReport.compute(*tables, random_state=0)


@pytest.mark.parametrize("plant", [nearly_constant, few_cells(15, 1)])
def test_the_command_line_accepts_them(plant, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame = base()
    plant(frame, np.random.default_rng(1))
    frame.to_csv("t.csv", index=False)
    assert cli.main(["synth", "t.csv", "--out", "s.csv", "--report", "r.html"]) == 0
    assert cli.main(["impute", "t.csv", "--out", "filled.csv"]) == 0
    assert not pd.read_csv("filled.csv")["bmi"].isna().any()


@pytest.mark.parametrize("n_cells", [5, 8, 11, 14, 17, 25])
@pytest.mark.parametrize("decimals", [0, 1, 9])
def test_few_cells_come_out_within_their_extremes(n_cells, decimals):
    rng = np.random.default_rng(n_cells)
    frame = pd.DataFrame({"sex": rng.choice(["f", "m"], 200)})
    few_cells(n_cells, decimals)(frame, rng)
    synthesizer = TabularSynthesizer(random_state=0).fit(frame)
    made = synthesizer.sample(500, random_state=0)["troponin"].dropna()
    ends = frame["troponin"].agg(["min", "max"])
    counts = [(frame["troponin"] == end).sum() for end in ends]
    assert len(made) == 0 or counts[0] >= 5 or made.min() > ends["min"]
    assert len(made) == 0 or counts[1] >= 5 or made.max() < ends["max"]
