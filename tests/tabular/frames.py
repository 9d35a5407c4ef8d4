"""Tables and flows that the tests of gaussflow.tabular share."""

import numpy as np
import pandas as pd

from gaussflow._common.seeds import as_generator


class GaussianFlow:
    """The simplest flow there is: one Gaussian. Quick, for tests of the frame."""

    def fit(self, Z, y=None):
        self.mean_ = Z.mean(axis=0)
        self.covariance_ = np.atleast_2d(np.cov(Z, rowvar=False))
        return self

    def sample(self, n_samples=1, random_state=None):
        rng = as_generator(random_state)
        return rng.multivariate_normal(self.mean_, self.covariance_, n_samples)


def sometimes(values, rng, share=0.25):
    return [None if rng.random() < share else v for v in values]


def nasty_frame(n=80, seed=0):
    """One column of each kind that a table has thrown at somebody."""
    rng = np.random.default_rng(seed)
    days = pd.to_timedelta(rng.integers(0, 900, n), "D")
    seconds = pd.to_timedelta(rng.integers(0, 9_000_000, n), "s")
    start = pd.Timestamp("2020-01-01")
    zoned = pd.Series(start + seconds).dt.tz_localize("UTC")
    columns = {
        "int": rng.integers(0, 50, n),
        "int_as_float": np.where(rng.random(n) < 0.2, np.nan, rng.integers(90, 180, n)),
        "even": 2 * rng.integers(40, 90, n),
        "Int64": pd.array(sometimes(rng.integers(-5, 5, n).tolist(), rng), "Int64"),
        "uint8": rng.integers(0, 255, n).astype("uint8"),
        "bool": rng.random(n) < 0.3,
        "boolean": pd.array(sometimes((rng.random(n) < 0.5).tolist(), rng), "boolean"),
        "object_bool": pd.Series(
            sometimes([True, False] * (n // 2), rng), dtype=object
        ),
        "unused_levels": pd.Categorical(rng.choice(list("abc"), n), list("zcbay")),
        "ordered": pd.Categorical(
            rng.choice(["lo", "mid", "hi"], n), ["lo", "mid", "hi"], ordered=True
        ),
        "int_category": pd.Categorical(rng.choice([3, 1, 2], n)),
        "text": rng.choice(["x", "y", "z"], n),
        "text_missing": sometimes(rng.choice(["x", "y"], n).tolist(), rng),
        "text_object": pd.Series(sometimes(["x", "y"] * (n // 2), rng), dtype=object),
        "string": pd.array(sometimes(["x", "y"] * (n // 2), rng), "string"),
        "one_row_category": ["rare"] + ["common", "usual"] * (n // 2 - 1) + ["usual"],
        "constant": 7,
        "constant_missing": sometimes(["k"] * n, rng),
        "all_missing": np.full(n, np.nan),
        "float": rng.standard_normal(n),
        "float32": rng.standard_normal(n).astype("float32"),
        "two_decimals": np.round(10 * rng.standard_normal(n), 2),
        "Float64": pd.array(
            sometimes(np.round(rng.standard_normal(n), 1).tolist(), rng), "Float64"
        ),
        "zero_or_more": np.where(rng.random(n) < 0.5, 0, rng.exponential(1, n)),
        "four_digits": [float(f"{v:.4g}") for v in np.exp(rng.normal(3, 3, n))],
        "date": start + days,
        "date_missing": pd.Series(start + days).where(rng.random(n) < 0.7),
        "date_zone": zoned.dt.tz_convert("Europe/Berlin"),
        "duration": pd.to_timedelta(rng.integers(0, 900, n), "h"),
        "beyond_2_53": rng.integers(2**60, 2**60 + 10**6, n),
        "tiny": rng.standard_normal(n) * 1e-12,
        "huge": rng.standard_normal(n) * 1e12,
    }
    return pd.DataFrame(columns)


def patients(n=300, seed=0):
    """A small clinic: mixed columns that depend on each other."""
    rng = np.random.default_rng(seed)
    age = rng.integers(20, 90, n)
    smoker = rng.random(n) < 0.4
    cigs = np.where(smoker, 5 * rng.integers(1, 7, n), 0)
    pressure = np.round(90 + 0.6 * age + 8 * rng.standard_normal(n))
    site = np.where(age > 55, "north", np.where(rng.random(n) < 0.5, "south", "east"))
    lab = np.round(1 + 0.02 * pressure + rng.exponential(1, n), 1)
    lab[rng.random(n) < 0.2] = np.nan
    frame = {"age": age, "smoker": smoker, "cigs": cigs, "pressure": pressure}
    return pd.DataFrame(frame | {"site": site, "lab": lab})
