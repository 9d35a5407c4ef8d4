"""Health tables of the folder that GAUSSFLOW_DATA names, and one that ships along.

Each loader returns a DataFrame and its target; keys and site numbers are dropped.
``load`` keeps the 200 most frequent levels of each text column and calls the others
"other": the judge's classifiers take at most 255 (it tells on diabetes130 alone).
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd

MAX_LEVELS = 200
PIMA = (
    "pregnancies glucose blood_pressure skin insulin bmi pedigree age diabetes".split()
)
CLEVELAND = (
    "age sex cp trestbps chol fbs restecg thalach exang oldpeak slope ca thal num"
).split()
ADULT = (
    "age workclass fnlwgt education education_num marital occupation relationship "
    "race sex capital_gain capital_loss hours country income"
).split()


def read(name, **kwargs):
    folder = os.environ.get("GAUSSFLOW_DATA")
    if not folder:
        raise SystemExit(
            "Set GAUSSFLOW_DATA to the folder that holds tabular/" + name + ", or "
            "choose --tables breast_cancer, which ships with scikit-learn."
        )
    return pd.read_csv(Path(folder) / "tabular" / name, **kwargs)


def pima():
    df = read("pima_diabetes.csv", header=None, names=PIMA)
    measured = ["glucose", "blood_pressure", "skin", "insulin", "bmi"]
    df[measured] = df[measured].replace(0, np.nan)
    return df.assign(diabetes=df["diabetes"].map({0: "no", 1: "yes"})), "diabetes"


def heart():
    df = read("heart_disease_4site.csv").drop(columns="id")
    target = df.columns[-1]
    df[target] = (df[target] > 0).map({False: "no", True: "yes"})
    return df, target


def cleveland():
    df = read("heart_cleveland.data", header=None, names=CLEVELAND, na_values="?")
    return df.assign(num=(df["num"] > 0).map({False: "no", True: "yes"})), "num"


def hcv():
    df = read("hcv.csv")
    healthy = df["Category"].astype(str).str.startswith("0")
    return df.assign(Category=np.where(healthy, "donor", "patient")), "Category"


def ilpd():
    df = read("ilpd.csv")
    target = df.columns[-1]
    df[target] = df[target].map({1: "patient", 2: "not"})
    return df, target


def fetal():
    df = read("fetal_health.csv")
    return df, df.columns[-1]


def support2():
    df = read("support2.csv.gz")
    df["hospdead"] = df["hospdead"].map({0: "no", 1: "yes"})
    return df, "hospdead"


def diabetes130():
    df = read("diabetes130.csv.gz", na_values="?", low_memory=False)
    df = df.drop(columns=["encounter_id", "patient_nbr"])
    return df.sample(20_000, random_state=0).reset_index(drop=True), "readmitted"


def adult():
    df = read(
        "adult_train.csv.gz",
        header=None,
        names=ADULT,
        na_values="?",
        skipinitialspace=True,
    )
    return df.sample(20_000, random_state=0).reset_index(drop=True), "income"


def breast_cancer():
    from gaussflow.datasets import load_breast_cancer_table

    return load_breast_cancer_table(), "diagnosis"


TABLES = {
    "pima": pima,
    "heart": heart,
    "cleveland": cleveland,
    "hcv": hcv,
    "ilpd": ilpd,
    "fetal": fetal,
    "breast_cancer": breast_cancer,
    "adult": adult,
    "support2": support2,
    "diabetes130": diabetes130,
}


def load(name):
    """Return (DataFrame, column kinds for the judge, target)."""
    df, target = TABLES[name]()
    kinds = {}
    for column in df.columns:
        cells = df[column].dropna()
        if not pd.api.types.is_numeric_dtype(cells) and cells.nunique() > MAX_LEVELS:
            kept = cells.value_counts().index[:MAX_LEVELS]
            cells = cells.where(cells.isin(kept), "other")
            df[column] = cells.reindex(df.index)
        if not pd.api.types.is_numeric_dtype(cells) or cells.nunique() < 3:
            kinds[column] = "categorical"
        elif (cells == cells.round()).all():
            kinds[column] = "integer"
        else:
            kinds[column] = "numeric"
    return df, kinds, target
