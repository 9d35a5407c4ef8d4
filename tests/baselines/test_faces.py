"""The faces work where torch is absent, and say what to install."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

BLOCK = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "torch":
            raise ModuleNotFoundError("absent", name=name)

sys.meta_path.insert(0, Absent())
"""

WITHOUT_TORCH = """
from gaussflow import baselines
for name in baselines.__all__:
    estimator = getattr(baselines, name)()
    repr(estimator), estimator.get_params()
    assert getattr(baselines, name).__doc__
    if {fit!r} == name:
        import numpy as np
        X = np.random.default_rng(0).random((30, 30))
        try:
            estimator.fit(X, np.arange(30) % 2)
        except ImportError as exc:
            print(exc)
"""


def run(code):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", BLOCK + code],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    return done.stdout


@pytest.mark.parametrize("name", ["AutoencoderTransformer", "VAETransformer"])
def test_without_torch_fit_says_which_extra_to_install(name):
    latent = WITHOUT_TORCH.format(fit=name)
    assert (
        f'{name}.fit needs torch. Install it with: pip install "gaussflow[torch]"'
        in run(latent)
    )


FITTED = """
import numpy as np
from gaussflow.baselines import ConditionalVAETransformer
from gaussflow.persistence import load
model = load({path!r})
X, y = np.random.default_rng(0).random((7, 16)), np.arange(7) % 2
assert model.transform(X, y).shape == (7, 3)
print(repr(model.sample(7, labels=y, random_state=0).sum()))
"""


def test_a_fitted_model_runs_without_torch(tmp_path):
    pytest.importorskip("torch")
    import numpy as np

    from gaussflow.baselines import ConditionalVAETransformer

    X, y = np.random.default_rng(0).random((40, 16)), np.arange(40) % 2
    model = ConditionalVAETransformer(
        3,
        image_shape=(4, 4, 1),
        channels=(2, 3),
        prior="gmm",
        n_epochs=1,
        random_state=0,
    ).fit(X, y)
    path = str(tmp_path / "model.gaussflow")
    model.save(path)
    total = model.sample(7, labels=y[:7], random_state=0).sum()
    assert run(FITTED.format(path=path)).strip() == repr(total)
