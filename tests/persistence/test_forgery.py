"""Whatever a file holds, it is refused in words or can be used, in time and in bounds.

GAUSSFLOW_FORGERIES sets how many are tried: 10,000 at night. By default 500 with every
array access checked, as CI runs it, and a few of each model otherwise.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gaussflow import (
    BaggedGenFlow,
    ClassConditionalFlow,
    DensityOutlierDetector,
    GenFlow,
)
from gaussflow.baselines import (
    AutoencoderTransformer,
    FourierImageCompressor,
    VAETransformer,
)
from gaussflow.baselines.autoencoders.priors import fit_prior
from gaussflow.layers import (
    Conv,
    Dequantize,
    Elliptical,
    Haar,
    Linear,
    Logit,
    PatchMatching,
    Principal,
    Pyramid,
    ScaleMixture,
    SlicedMatching,
    Transport,
    TreeTriangular,
    Triangular,
)
from gaussflow.persistence import save
from gaussflow.tabular import CopulaSynthesizer, TabularSynthesizer

FORGER = Path(__file__).with_name("forger.py")
CHECKED = os.environ.get("NUMBA_BOUNDSCHECK") == "1"
N_FORGERIES = int(os.environ.get("GAUSSFLOW_FORGERIES", "500" if CHECKED else "140"))
SECONDS = 5.0
IMAGE = (4, 4, 1)


def rows(n=80, d=4):
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, d)) / np.sqrt(rng.chisquare(3, (n, 1)) / 3)


def images():
    return np.random.default_rng(0).random((40, 16))


def flow():
    always = {"n_iter": 1, "gate": None, "random_state": 0}
    layers = [
        Elliptical(gate=0.0),
        *[
            Linear(rotation=rotation, marginal=marginal, **always)
            for rotation, marginal in [
                ("identity", "polynomial"),
                ("random", "spline"),
                ("structured", "quantile"),
                ("pca", "kde"),
            ]
        ],
        Triangular(n_components=2, covariance_type="full", n_estimators=1),
        ScaleMixture(n_shapes=2, n_scales=2, max_iter=2),
        TreeTriangular(n_estimators=2),
        Principal(Elliptical(), n_components=2),
    ]
    return GenFlow(layers, validation_fraction=0, random_state=0).fit(rows())


def generator():
    layers = [Transport(Triangular(n_components=2)), SlicedMatching(1, gate=None)]
    flow = GenFlow(layers, direction="generate", validation_fraction=0, random_state=0)
    return flow.fit(rows())


def pictures():
    layers = [
        Logit(),
        Haar(IMAGE),
        Haar(IMAGE, inverse=True),
        Pyramid(IMAGE, Elliptical()),
        Conv(IMAGE, (2, 2), n_iter=1, gate=None),
    ]
    return GenFlow(layers, validation_fraction=0, random_state=0).fit(images())


def table():
    rng = np.random.default_rng(0)
    n = 120
    df = pd.DataFrame({"a": rng.integers(0, 9, n), "b": rng.integers(0, 9, n)})
    df["total"] = df["a"] + df["b"]
    df["dx"] = rng.choice(list("ABC"), n)
    df["city"] = df["dx"].map({"A": "x", "B": "y", "C": "z"})
    df["lab"] = np.where(rng.random(n) < 0.2, np.nan, rng.lognormal(size=n))
    df["day"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(
        rng.integers(0, 99, n), "D"
    )
    return df


def autoencoder(kind):
    """Return an autoencoder as if it were fitted: torch is not needed to use it."""
    X, rng = images(), np.random.default_rng(0)
    model = kind(latent_dim=2, random_state=0)
    model.n_features_in_ = X.shape[1]
    start = model._start(X, None, rng)
    weights = {name: start[name].weights for name in ("encoder", "decoder")}
    log_noise = np.zeros(X.shape[1], dtype=np.float32)
    model._finish(start, weights | {"log_noise": log_noise}, [])
    model.image_shape_, model._n_features_out = None, 2
    model.prior_ = fit_prior("gmm", rng.standard_normal((60, 2)), 2, rng)
    return model


def small():
    return GenFlow([Elliptical()], validation_fraction=0, random_state=0)


MODELS = {
    "flow": flow,
    "generator": generator,
    "pictures": pictures,
    "patches": lambda: PatchMatching(IMAGE, (2, 2), n_iter=1).fit(images()),
    "pixels": lambda: Dequantize(random_state=0).fit(np.floor(images() * 255)),
    "default": lambda: GenFlow(random_state=0).fit(rows(60)),
    "bag": lambda: BaggedGenFlow(small(), n_estimators=2, random_state=0).fit(rows()),
    "classes": lambda: ClassConditionalFlow(small()).fit(rows(), np.arange(80) % 2),
    "outliers": lambda: DensityOutlierDetector(small(), random_state=0).fit(rows()),
    "table": lambda: TabularSynthesizer(random_state=0).fit(table()),
    "copula": lambda: CopulaSynthesizer(small(), random_state=0).fit(table()),
    "autoencoder": lambda: autoencoder(AutoencoderTransformer),
    "vae": lambda: autoencoder(VAETransformer),
    "picture": lambda: FourierImageCompressor(
        width=3, depth=2, max_iter=2, random_state=0
    ).fit(np.uint8(255 * images().reshape(32, 20))),
}


def forged(path, first, stop):
    """Return what came of each forgery, in processes that may die."""
    found, environment = [], os.environ | {"OMP_NUM_THREADS": "1"}
    while first < stop:
        command = [sys.executable, FORGER, path, str(first), str(stop)]
        ran = subprocess.run(command, capture_output=True, text=True, env=environment)
        valid, *lines = map(json.loads, ran.stdout.splitlines())
        assert not valid["valid"], valid
        pairs = list(zip(lines[::2], lines[1::2], strict=False))
        found += [begun | done for begun, done in pairs]
        if ran.returncode:
            died = {"outcome": f"died, status {ran.returncode}: {ran.stderr[-900:]}"}
            found.append(lines[-1] | died)
        else:
            assert len(lines) == 2 * (stop - first)
        first = found[-1]["seed"] + 1
    return found


def fault(one, size):
    """Return what is wrong with an outcome, or None."""
    if one["outcome"] not in ("refused", "used"):
        return one["outcome"]
    if any("IndexError" in error or "SystemError" in error for error in one["errors"]):
        return "read out of range"
    if one["seconds"] > SECONDS:
        return "took too long"
    if one["bytes"] > 4 * size + 100_000_000:
        return "took too much memory"
    return None


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", MODELS)
def test_a_forged_file_is_refused_or_can_be_used(name, tmp_path):
    path = tmp_path / name
    save(MODELS[name](), path)
    share = -(-N_FORGERIES // len(MODELS))
    found = forged(path, 0, share)
    if log := os.environ.get("GAUSSFLOW_FORGERY_LOG"):
        with open(log, "a", encoding="utf-8") as file:
            file.writelines(json.dumps({"model": name} | one) + "\n" for one in found)
    size = path.stat().st_size
    wrong = [one | {"fault": fault(one, size)} for one in found if fault(one, size)]
    assert not wrong, "\n".join(map(str, wrong[:5]))
    assert sum(one["outcome"] == "refused" for one in found) > 0.1 * share
    assert any(one["outcome"] == "used" for one in found) or share < 20
