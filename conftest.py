"""Where torch is absent, the examples of what it trains cannot run."""

from importlib.util import find_spec

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
