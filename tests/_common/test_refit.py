import pickle
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

import gaussflow
from gaussflow import (
    BaggedGenFlow,
    ClassConditionalFlow,
    DensityOutlierDetector,
    GenFlow,
)
from gaussflow.layers import (
    Elliptical,
    Linear,
    Radial,
    TreeTriangular,
    Triangular,
)
from gaussflow.metrics import ClassifierFeatures
from gaussflow.tabular import CopulaSynthesizer, TableEncoder, TabularSynthesizer
from tests.tabular.frames import patients

MIXTURE = Triangular(n_components=2, n_estimators=1)
MODELS = {
    "flow": GenFlow([Elliptical(), Linear(n_iter=3)]),
    "generate": GenFlow([MIXTURE], direction="generate", n_gen_samples=60),
    "warm start": GenFlow([Elliptical(), Linear(n_iter=2)], warm_start=True),
    "linear": Linear(n_iter=3),
    "elliptical": Elliptical(),
    "radial": Radial(),
    "triangular": MIXTURE,
    "trees": TreeTriangular(),
    "by class": ClassConditionalFlow(GenFlow([Elliptical()])),
    "bagged": BaggedGenFlow(GenFlow([Elliptical()]), n_estimators=2),
    "detector": DensityOutlierDetector(GenFlow([Elliptical()])),
    "features": ClassifierFeatures((8,), max_iter=20),
    "synthesizer": TabularSynthesizer(),
    "copula": CopulaSynthesizer(GenFlow([Elliptical()])),
    "encoder": TableEncoder(),
}
#: Where the package's functions are: not all that lies in a folder of its name, such as
#: the libraries of an environment in a clone.
PACKAGE = str(Path(gaussflow.__file__).parent)
#: Calls of functions after which a fit is interrupted, as shares of all its calls.
WHEN = (0.05, 0.5, 0.95)


def data_for(name, seed):
    if name in ("synthesizer", "copula", "encoder"):
        return (patients(60, seed=seed),)
    X = np.random.default_rng(seed).standard_normal((60, 3))
    return X, (X[:, 0] > 0).astype(int)


class Interruption:
    """Count the calls of gaussflow's functions, and raise at one of them."""

    def __init__(self, at=None):
        self.at, self.n_calls = at, 0

    def __enter__(self):
        sys.setprofile(self._count)
        return self

    def __exit__(self, *exc):
        sys.setprofile(None)

    def _count(self, frame, event, arg):
        if event == "call" and frame.f_code.co_filename.startswith(PACKAGE):
            self.n_calls += 1
            if self.n_calls == self.at:
                raise KeyboardInterrupt


def state(model):
    # Written and read once, as equal strings may be one object or two.
    return pickle.dumps(pickle.loads(pickle.dumps(vars(model))))


def new(name):
    if name == "encoder":
        return TableEncoder()
    model = clone(MODELS[name])
    return model.set_params(random_state=0)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", MODELS)
def test_interrupted_fit_leaves_the_old_model_or_none(name):
    first, second = data_for(name, 0), data_for(name, 1)
    new(name).fit(*second)  # what is compiled at first use is no part of a fit
    for model in (new(name).fit(*first), new(name)):
        before, other = state(model), pickle.loads(pickle.dumps(model))
        with Interruption() as whole:
            other.fit(*second)
        for share in WHEN:
            at = max(2, round(share * whole.n_calls))
            with Interruption(at), pytest.raises(KeyboardInterrupt):
                model.fit(*second)
            assert state(model) == before, f"after {at} of {whole.n_calls} calls"


def test_failed_fit_leaves_the_old_model():
    df = patients(60)
    synthesizer = TabularSynthesizer(random_state=0).fit(df)
    old = synthesizer.sample(9, random_state=0)
    with pytest.raises(ValueError, match="Every cell"):
        synthesizer.fit(pd.DataFrame({"a": [None] * 9}))
    pd.testing.assert_frame_equal(synthesizer.sample(9, random_state=0), old)
