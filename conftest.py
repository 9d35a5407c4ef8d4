"""Examples draw without a display; without torch, those that it trains cannot run."""

import os
from importlib.util import find_spec

os.environ.setdefault("MPLBACKEND", "Agg")
TRAINED = ("autoencoders", "classifiers", "networks")
collect_ignore_glob = (
    []
    if find_spec("torch")
    else [
        *(f"gaussflow/baselines/{room}/*" for room in TRAINED),
        "gaussflow/baselines/fourier/generator.py",
        "gaussflow/baselines/*/torch_*.py",
    ]
)
