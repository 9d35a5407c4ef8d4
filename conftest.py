"""Where torch is absent, the examples of what it trains cannot run."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("torch") else ["gaussflow/baselines/*"]
