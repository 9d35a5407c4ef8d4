import numpy as np
import pandas as pd


def clinic(n=400, seed=0):
    """A table with a rule of each sort."""
    rng = np.random.default_rng(seed)
    low = rng.integers(50, 120, n)
    width = rng.integers(0, 60, n)
    fat = rng.integers(0, 300, n) / 10
    lean = rng.integers(200, 900, n) / 10
    city = rng.choice(["Rome", "Bari", "Nice"], n, p=[0.5, 0.3, 0.2])
    age = rng.integers(18, 90, n)
    smoker = np.where(rng.random(n) < 0.4, "yes", "no")
    skin = np.where(rng.random(n) < 0.3, np.nan, rng.integers(10, 60, n))
    insulin = np.where(rng.random(n) < 0.3, np.nan, rng.integers(50, 400, n))
    start = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), "D")
    stay = pd.to_timedelta(rng.integers(0, 30, n), "D")
    return pd.DataFrame(
        {
            "low": low,
            "high": low + width,
            "fat": fat,
            "lean": lean,
            "weight": np.round(fat + lean, 1),
            "city": city,
            "country": np.where(city == "Nice", "France", "Italy"),
            "age": age,
            "group": np.where(age < 40, "young", np.where(age < 65, "middle", "old")),
            "smoker": smoker,
            "cigs": np.where(smoker == "no", 0, rng.integers(1, 40, n)),
            "skin": skin,
            "insulin": np.where(np.isnan(skin), np.nan, insulin),
            "admitted": start,
            "left": start + stay,
        }
    )


RULES = [
    "fat + lean == weight",
    "city determines country",
    "age determines group",
    "low <= high",
    "admitted <= left",
    "smoker == 'no' -> cigs == 0",
    "skin is missing -> insulin is missing",
]
