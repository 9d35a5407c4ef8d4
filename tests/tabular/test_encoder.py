import numpy as np
import pandas as pd
import pytest
from scipy import stats

from gaussflow.tabular import TableEncoder
from tests.tabular.frames import nasty_frame, patients


@pytest.mark.parametrize("name", nasty_frame().columns)
def test_every_column_comes_back_exactly(name, global_random_seed):
    df = nasty_frame(seed=global_random_seed)[[name, "int"]]
    df = df.loc[:, ~df.columns.duplicated()]
    encoder = TableEncoder(min_count=1).fit(df, random_state=0)
    back = encoder.decode(encoder.encode(df, random_state=1))
    pd.testing.assert_frame_equal(back, df, check_exact=True)


def test_whole_nasty_table_comes_back_exactly(global_random_seed):
    df = nasty_frame(seed=global_random_seed)
    encoder = TableEncoder(min_count=1)
    Z = encoder.fit_encode(df, random_state=0)
    assert np.isfinite(Z).all()
    pd.testing.assert_frame_equal(encoder.decode(Z), df, check_exact=True)


def test_fresh_scores_decode_to_the_same_dtypes_and_bounds():
    df = nasty_frame(300)
    encoder = TableEncoder().fit(df, random_state=0)
    rng = np.random.default_rng(0)
    synthetic = encoder.decode(3 * rng.standard_normal((500, len(encoder.maps_))))
    df["unused_levels"] = df["unused_levels"].cat.remove_unused_categories()
    pd.testing.assert_series_equal(synthetic.dtypes, df.dtypes)
    for name in ["int", "even", "two_decimals", "float", "Float64", "date", "tiny"]:
        assert synthetic[name].min() >= df[name].min()
        assert synthetic[name].max() <= df[name].max()
    assert (synthetic["even"] % 2 == 0).all()
    assert np.array_equal(synthetic["two_decimals"].round(2), synthetic["two_decimals"])
    assert synthetic["all_missing"].isna().all()
    assert (synthetic["constant"] == 7).all()


def test_scores_are_standard_normal():
    Z = TableEncoder().fit_encode(patients(2000), random_state=0)
    for z in Z.T:
        assert stats.kstest(z, "norm").pvalue > 1e-4


def test_repeated_values_come_out_as_often_as_they_were():
    df = patients(2000)
    encoder = TableEncoder().fit(df, random_state=0)
    Z = np.random.default_rng(0).standard_normal((20000, len(encoder.maps_)))
    synthetic = encoder.decode(Z)
    assert abs((synthetic["cigs"] == 0).mean() - (df["cigs"] == 0).mean()) < 0.015
    assert set(synthetic["cigs"]) <= set(df["cigs"])


def test_equal_binary_columns_get_nearly_equal_scores():
    """Placed each on its own they would correlate by 2/pi only."""
    yes = np.random.default_rng(0).random(1000) < 0.5
    df = pd.DataFrame({"a": yes, "b": yes})
    Z = TableEncoder().fit_encode(df, random_state=0)
    assert np.corrcoef(Z.T)[0, 1] > 0.95


@pytest.mark.parametrize("min_count", [2, 5])
def test_rare_levels_and_lone_extremes_never_come_out(min_count):
    df = patients(500)
    df.loc[0, "site"] = "unique"
    df.loc[0, "pressure"] = 400.0
    df["marker"] = np.random.default_rng(0).standard_normal(500)
    encoder = TableEncoder(min_count=min_count).fit(df, random_state=0)
    Z = 4 * np.random.default_rng(0).standard_normal((20000, len(encoder.maps_)))
    synthetic = encoder.decode(Z)
    assert "unique" not in set(synthetic["site"])
    assert encoder.suppressed_["site"] == {"levels": 1, "rows": 1}
    assert synthetic["pressure"].max() < 400
    assert synthetic["marker"].max() < df["marker"].max()
    assert synthetic["marker"].min() > df["marker"].min()


@pytest.mark.parametrize("few", [True, False])
def test_pattern_of_missing_cells_is_kept(few):
    rng = np.random.default_rng(0)
    n = 2000
    values = rng.standard_normal((n, 8)).round(3)
    if few:
        values[rng.random(n) < 0.3, :4] = np.nan
    else:
        values[rng.random((n, 8)) < 0.3] = np.nan
        values[np.isnan(values[:, 0]), 1] = np.nan
    df = pd.DataFrame(values, columns=list("abcdefgh"))
    encoder = TableEncoder()
    Z = encoder.fit_encode(df, random_state=0)
    assert encoder.missing_.joint_ == few
    fresh = rng.multivariate_normal(np.zeros(Z.shape[1]), np.cov(Z.T), n)
    synthetic = encoder.decode(fresh)
    assert np.abs(synthetic.isna().mean() - df.isna().mean()).max() < 0.05
    together = synthetic["a"].isna() & ~synthetic["b"].isna()
    assert together.mean() < 0.05


def test_same_seed_same_scores():
    df = patients()
    encoder = TableEncoder().fit(df, random_state=3)
    again = TableEncoder().fit(df, random_state=3)
    assert np.array_equal(encoder.encode(df, 1), again.encode(df, 1))
    assert not np.array_equal(encoder.encode(df, 1), encoder.encode(df, 2))


def test_unseen_column_is_refused():
    df = patients()
    encoder = TableEncoder().fit(df, random_state=0)
    with pytest.raises(ValueError, match=r"absent \['age'\]"):
        encoder.encode(df.drop(columns="age"))
    with pytest.raises(ValueError, match="Z has shape"):
        encoder.decode(np.zeros((3, 2)))


def test_table_without_anything_to_learn_is_refused():
    df = pd.DataFrame({"id": range(20), "k": 1})
    with pytest.raises(ValueError, match="no column to learn"):
        TableEncoder().fit(df)
