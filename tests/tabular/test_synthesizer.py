import pickle

import numpy as np
import pandas as pd
import pytest

from gaussflow.persistence import load, save
from gaussflow.tabular import CopulaSynthesizer, Schema, TabularSynthesizer
from tests.tabular.frames import GaussianFlow, nasty_frame, patients


def test_same_seed_same_table():
    df = patients()
    one = CopulaSynthesizer(GaussianFlow(), random_state=0).fit(df)
    two = CopulaSynthesizer(GaussianFlow(), random_state=0).fit(df)
    a, b = one.sample(200, random_state=1), two.sample(200, random_state=1)
    pd.testing.assert_frame_equal(a, b)
    assert not a.equals(one.sample(200, random_state=2))


def test_nasty_table_keeps_its_columns_and_dtypes():
    df = nasty_frame(200)
    synthetic = CopulaSynthesizer(GaussianFlow()).fit(df).sample(50, random_state=0)
    df["unused_levels"] = df["unused_levels"].cat.remove_unused_categories()
    pd.testing.assert_series_equal(synthetic.dtypes, df.dtypes)
    assert len(synthetic) == 50


def test_dependence_survives():
    df = patients(1000)
    synthetic = CopulaSynthesizer(GaussianFlow()).fit(df).sample(2000, random_state=0)
    real = df["age"].corr(df["pressure"], method="spearman")
    assert (
        abs(synthetic["age"].corr(synthetic["pressure"], method="spearman") - real)
        < 0.1
    )


def test_keys_are_made_anew():
    df = patients().assign(patient_id=lambda d: np.arange(len(d)) + 50)
    schema = Schema.infer(df)
    synthesizer = CopulaSynthesizer(GaussianFlow(), schema=schema).fit(df)
    keys = synthesizer.sample(100, random_state=0)["patient_id"]
    assert keys.is_unique
    assert not set(keys) & set(df["patient_id"])
    assert [c.name for c in synthesizer.schema_.excluded()] == ["patient_id"]


def test_edited_schema_is_used():
    df = patients()
    schema = Schema.infer(df)
    schema["site"].kind = "text"
    synthesizer = CopulaSynthesizer(GaussianFlow(), schema=schema).fit(df)
    assert synthesizer.sample(10, random_state=0)["site"].isna().all()


def test_flow_given_is_not_fitted_itself():
    flow = GaussianFlow()
    CopulaSynthesizer(flow).fit(patients())
    assert not hasattr(flow, "mean_")


def test_pickle_samples_the_same():
    synthesizer = CopulaSynthesizer(GaussianFlow(), random_state=0).fit(patients())
    again = pickle.loads(pickle.dumps(synthesizer))
    pd.testing.assert_frame_equal(
        synthesizer.sample(20, random_state=1), again.sample(20, random_state=1)
    )


@pytest.mark.parametrize("n", [0, -3, 2.5, True, "4"])
def test_bad_number_of_rows_is_refused(n):
    synthesizer = CopulaSynthesizer(GaussianFlow()).fit(patients())
    with pytest.raises(ValueError, match="n_samples must be an integer of at least 1"):
        synthesizer.sample(n)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"flow": "best"}, "flow must be None or an estimator"),
        ({"schema": "guess"}, "schema must be 'infer'"),
        ({"min_category_count": 0}, "min_category_count must be"),
        ({"target": "nobody"}, "target 'nobody' is not a column"),
    ],
)
def test_bad_parameter_is_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        CopulaSynthesizer(**({"flow": GaussianFlow()} | parameters)).fit(patients())


def test_shares_are_exact_whatever_the_flow_gets_wrong():
    class Squeezed(GaussianFlow):
        def sample(self, n_samples=1, *, random_state=None):
            return 0.7 * super().sample(n_samples, random_state=random_state) + 0.2

    df = patients(2000)
    synthetic = (
        CopulaSynthesizer(Squeezed(), random_state=0)
        .fit(df)
        .sample(8000, random_state=0)
    )
    assert abs(synthetic["smoker"].mean() - df["smoker"].mean()) < 0.02
    assert abs(synthetic["age"].std() - df["age"].std()) < 0.5


def test_default_flow_learns_what_a_gaussian_cannot():
    rng = np.random.default_rng(0)
    x = rng.standard_normal(500).round(2)
    frame = {"x": x, "y": (x**2 + 0.1 * rng.standard_normal(500)).round(2)}
    synthesizer = TabularSynthesizer(random_state=0).fit(pd.DataFrame(frame))
    synthetic = synthesizer.sample(1000, random_state=0)
    assert (synthetic["x"] ** 2).corr(synthetic["y"], method="spearman") > 0.8
    again = synthesizer.sample(1000, random_state=0)
    pd.testing.assert_frame_equal(synthetic, again)


def test_saved_and_loaded_samples_the_same(tmp_path):
    synthesizer = TabularSynthesizer(random_state=0).fit(patients()[["age", "site"]])
    save(synthesizer, tmp_path / "clinic.gaussflow")
    again = load(tmp_path / "clinic.gaussflow")
    pd.testing.assert_frame_equal(
        synthesizer.sample(20, random_state=1), again.sample(20, random_state=1)
    )
