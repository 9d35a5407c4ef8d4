"""The log-density of rows: probabilities sum to 1, densities integrate to 1."""

import itertools

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from gaussflow.tabular import CopulaSynthesizer, TabularSynthesizer
from tests.tabular.frames import GaussianFlow, nasty_frame, patients


def fitted(df, **kwargs):
    return TabularSynthesizer(random_state=0, **kwargs).fit(df)


def every_row(**values):
    rows = itertools.product(*values.values())
    return pd.DataFrame(list(rows), columns=list(values))


def test_probabilities_of_all_rows_sum_to_one():
    rng = np.random.default_rng(0)
    stage = rng.choice(["I", "II", "III"], 400)
    pain = rng.integers(0, 4, 400) + 1.0 * (stage == "II")
    pain[rng.random(400) < 0.2] = np.nan
    df = pd.DataFrame({"stage": stage, "pain": pain, "dead": rng.random(400) < 0.3})
    rows = every_row(
        stage=["I", "II", "III"], pain=[0, 1, 2, 3, 4, np.nan], dead=[False, True]
    )
    probability = np.exp(fitted(df).score_samples(rows))
    assert_allclose(probability.sum(), 1.0, atol=1e-9)
    # The shares of a sample are these probabilities.
    sample = fitted(df).sample(40_000, random_state=0)
    share = [
        (sample.isna() & r.isna() | (sample == r)).all(axis=1).mean()
        for _, r in rows.iterrows()
    ]
    assert_allclose(share, probability, atol=0.01)


def test_probabilities_of_a_grid_sum_to_one():
    """Each value of a grid owns ranks that may lie in several cells."""
    df = patients(300)[["age", "pressure"]]
    for min_count in (1, 5):
        synthesizer = fitted(df, min_category_count=min_count)
        rows = every_row(age=np.arange(20, 90), pressure=np.arange(60.0, 180.0))
        kept = synthesizer.sample(20_000, random_state=0)
        values = [sorted(set(kept[c])) for c in df]
        rows = rows[rows["age"].isin(values[0]) & rows["pressure"].isin(values[1])]
        total = np.exp(synthesizer.score_samples(rows)).sum()
        assert_allclose(total, 1.0, atol=2e-3)


def test_density_integrates_to_one():
    """Half of the column is zero: an atom, which counts by its probability."""
    rng = np.random.default_rng(0)
    dose = np.where(rng.random(300) < 0.5, 0.0, rng.exponential(1.0, 300))
    df = pd.DataFrame({"arm": rng.choice(["a", "b"], 300), "dose": dose})
    synthesizer = fitted(df)
    # It is constant between knots: middles integrate. Beyond the last, whatever few
    # rows lie there, a value scores as the last that comes out.
    last = synthesizer.encoder_.maps_[1].knots_[-1]
    assert 0.5 * dose.max() < last < dose.max()
    ends = np.unique(np.r_[dose[dose < last], np.linspace(0.0, last, 20_001)])
    middle, width = 0.5 * (ends[1:] + ends[:-1]), np.diff(ends)
    total = 0.0
    for arm in "ab":
        rows = pd.DataFrame({"arm": arm, "dose": np.r_[0.0, middle]})
        total += np.exp(synthesizer.score_samples(rows)) @ np.r_[1.0, width]
    assert_allclose(total, 1.0, atol=0.005)


def test_rows_of_every_kind_of_column_score():
    df = nasty_frame(200)
    score = fitted(df, min_category_count=1).score_samples(df)
    assert np.isfinite(score).all()
    # Scores are of rows, whatever the order of rows and columns.
    turned = fitted(df, min_category_count=1).score_samples(df.iloc[::-1, ::-1])
    assert_array_equal(turned, score[::-1])


def test_likely_rows_score_higher():
    df = patients(600)
    synthesizer = fitted(df)
    rng = np.random.default_rng(0)
    shuffled = df.apply(lambda c: rng.permutation(c.to_numpy()))
    other = patients(600, seed=1)
    inside = other["age"].between(df["age"].min(), df["age"].max())
    for c in ("pressure", "lab"):
        inside &= other[c].isna() | other[c].between(df[c].min(), df[c].max())
    assert inside.mean() > 0.9
    real = synthesizer.score(other[inside])
    assert real > synthesizer.score(shuffled) + 1.0


def test_what_never_comes_out_scores_as_the_nearest_or_as_not_observed():
    df = patients(300).assign(clinic="A")
    synthesizer = fitted(df)
    row = df.iloc[[0]].astype({"age": float})
    oldest = synthesizer.sample(2000, random_state=0)["age"].max()
    high, far = (synthesizer.score_samples(row.assign(age=v)) for v in (oldest, 500))
    assert_array_equal(high, far)
    west, north = (row.assign(site=v) for v in ("west", "north"))
    assert synthesizer.score_samples(west) > synthesizer.score_samples(north)
    for change in ({"clinic": "B"}, {"pressure": np.nan}, {"site": None}):
        score = synthesizer.score_samples(row.assign(**change))
        assert np.isfinite(score).all()
        assert score >= synthesizer.score_samples(row)


def test_no_rows_and_one_row():
    df = patients(100)
    synthesizer = fitted(df)
    assert synthesizer.score_samples(df.iloc[:0]).shape == (0,)
    one = synthesizer.score_samples(df.iloc[[5]])
    assert_allclose(one, synthesizer.score_samples(df)[5])


def test_one_column():
    df = pd.DataFrame({"smoker": ["no"] * 60 + ["yes"] * 30 + [None] * 10})
    rows = pd.DataFrame({"smoker": ["no", "yes", None]})
    score = fitted(df).score_samples(rows)
    assert_allclose(np.exp(score), [0.6, 0.3, 0.1], atol=0.03)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.drop(columns="age"), "absent .'age'."),
        (lambda d: d.assign(more=1), "unexpected .'more'."),
        (
            lambda d: d.assign(age="old"),
            "Column 'age' is integer .int64. in the schema",
        ),
    ],
)
def test_bad_rows_are_refused(change, message):
    df = patients(100)
    with pytest.raises(ValueError, match=message):
        fitted(df).score_samples(change(df))


def test_other_flows_have_no_density():
    assert not hasattr(CopulaSynthesizer(GaussianFlow()), "score_samples")
