# Every target sets itself up in .venv and does nothing twice: the stamps are
# newer than pyproject.toml once its requirements are installed. Needed: make
# and Python 3.11 or later (another one: make PYTHON=/path/to/python test).

VENV := .venv
PY := $(VENV)/bin/python
CANDIDATES := python3 python3.14 python3.13 python3.12 python3.11 python
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in $(CANDIDATES); do \
	$$p -c '$(NEW_ENOUGH)' 2>/dev/null && echo $$p && break; done)
PIP_INSTALL := $(PY) -m pip install --quiet --disable-pip-version-check
# One BLAS thread for each test process; numba and joblib see the same limit.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

.DEFAULT_GOAL := help
.PHONY: help demo check test torch lint bench tables images
.NOTPARALLEL:

help:  ## Show this list
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 10

demo: $(VENV)/.demo  ## Turn a real table of patients into a synthetic one: demo/
	$(PY) -m gaussflow demo

# Imports, pages, contracts, kernels and files: no fit of a flow, little compiling.
QUICK := tests/test_imports.py tests/test_architecture.py tests/test_version.py \
	tests/persistence tests/rotations tests/kernels/test_spline.py \
	tests/layers/test_patches.py tests/tabular/constraints tests/tabular/test_schema.py

check: $(VENV)/.dev  ## Run lint and the quick tests, for daily work
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(ONE_THREAD) $(PY) -m pytest -q -n auto --maxprocesses 4 $(QUICK) $(ARGS)

test: $(VENV)/.test  ## Run the tests and the examples of the docstrings
	$(ONE_THREAD) $(PY) -m pytest -n auto --maxprocesses 4 --dist worksteal --durations=10 $(ARGS)

torch: $(VENV)/.torch  ## Run the tests of what torch trains
	$(PY) -c "import torch"
	$(ONE_THREAD) $(PY) -m pytest gaussflow/baselines tests -k "baselines or autoencoders or fourier" $(ARGS)

lint: $(VENV)/.dev  ## Check style, formatting, types and spelling
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -m codespell_lib

bench: $(VENV)/.demo  ## Measure; writes results and the README's table
	$(ONE_THREAD) $(PY) benchmarks/density/density.py
	$(ONE_THREAD) $(PY) benchmarks/speed/speed.py
	$(ONE_THREAD) $(PY) benchmarks/density/picture.py
	$(PY) benchmarks/readme_table.py

tables: $(VENV)/.demo  ## Measure tables; needs GAUSSFLOW_DATA and GAUSSFLOW_JUDGE
	$(ONE_THREAD) $(PY) benchmarks/tables/tabular.py
	$(ONE_THREAD) $(PY) benchmarks/tables/impute.py
	$(ONE_THREAD) $(PY) benchmarks/tables/conditions.py
	$(ONE_THREAD) $(PY) benchmarks/speed/tabular_speed.py
	$(PY) benchmarks/tables/frontier.py
	$(PY) benchmarks/readme_table.py

images: $(VENV)/.torch $(VENV)/.demo  ## Measure images; needs GAUSSFLOW_DATA
	$(ONE_THREAD) $(PY) benchmarks/images/images.py mnist fashion cifar digits mnist_2 mnist_7
	$(ONE_THREAD) $(PY) benchmarks/images/images.py mnist --methods flow_by_label
	$(ONE_THREAD) $(PY) benchmarks/images/images_density.py digits bsds
	$(ONE_THREAD) $(PY) benchmarks/images/fourier.py compress rd generate
	$(PY) benchmarks/readme_table.py

$(VENV)/.demo: EXTRAS := tabular,viz
$(VENV)/.test: EXTRAS := test
$(VENV)/.torch: EXTRAS := test,torch
$(VENV)/.dev: EXTRAS := dev
$(VENV)/.demo $(VENV)/.test $(VENV)/.torch $(VENV)/.dev: pyproject.toml | $(VENV)/.python
	@echo "Installing gaussflow[$(EXTRAS)] into $(VENV)"
	@$(PIP_INSTALL) --editable ".[$(EXTRAS)]"
	@touch $@

# An environment that works is kept; a half-made one (no pip) is made again.
$(VENV)/.python:
	@$(PY) -m pip --version >/dev/null 2>&1 || { \
	  test -n "$(PYTHON)" || { \
	    echo "gaussflow needs Python 3.11 or later, and none was found." \
	      "Install one, or name it: make PYTHON=/path/to/python"; exit 1; }; \
	  $(PYTHON) -c '$(NEW_ENOUGH)' || { \
	    echo "gaussflow needs Python 3.11 or later; $(PYTHON) is older."; exit 1; }; \
	  echo "Making $(VENV) with $(PYTHON)"; \
	  $(PYTHON) -m venv --clear $(VENV); } || { \
	    echo "Could not make $(VENV). On Debian and Ubuntu: apt install python3-venv"; \
	    exit 1; }
	@touch $@
