# Everything works on a fresh machine with git, make and Python 3.11 or newer: each target makes
# the virtual environment first, and again when pyproject.toml changed.
PYTHON ?= python3
VENV   := .venv
CLIENTS := .venv-clients
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
DOCS   := $(VENV)/.docs
# One process per core, two at most: each one loads TensorFlow.
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help install demo test test-settings durations lint clients docs bench export-matrix clean

help:
	@echo "make demo    train, export, verify and replay a small model (sets everything up)"
	@echo "make test    run the tests                                   (sets everything up)"
	@echo "make test-settings SETTING=one-core   the tests in another setting; without SETTING: which there are"
	@echo "make install only set up .venv"
	@echo "make lint    ruff and mypy"
	@echo "make clients the tests of the device kits with MediaPipe, tflite-micro, a browser (sets them up)"
	@echo "make docs    the site of the guides, the course and the API, in site/   (sets everything up)"
	@echo "make bench   measurements against peers, results in benchmarks/results/"
	@echo "make export-matrix every model as float32 and int8 file, in docs/export_matrix.md (hours; resumable)"
	@echo "make clean   remove .venv and everything generated"

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "kerascnn needs Python 3.11 or newer; this is $$($(PYTHON) --version). Try: make PYTHON=python3.12"; exit 1; }
	@echo "installing kerascnn, TensorFlow and what the tests need into $(VENV): about 3 GB on disk, some minutes, once"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $(STAMP)

install: $(STAMP)

demo: $(STAMP)
	$(BIN)/kerascnn demo --out demo

test: $(STAMP)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

test-settings: $(STAMP)
	PYTHON=$(BIN)/python BASE_PYTHON=$(PYTHON) WORKERS=$(WORKERS) tests/settings.sh $(SETTING)

# What orders the files of tests, measured anew.
durations: $(STAMP)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --write-durations

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clients: $(STAMP)
	$(BIN)/python tests/kits/with_clients.py $(CLIENTS)

$(DOCS): $(STAMP)
	@echo "installing what the site needs into $(VENV): about 0.2 GB on disk"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	@touch $(DOCS)

docs: $(DOCS)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	$(BIN)/python -m pytest tests/test_docs_site.py tests/test_notebooks.py

bench: $(STAMP)
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/quantize.py
	$(BIN)/python benchmarks/build_time.py
	$(BIN)/python benchmarks/inference.py
	$(BIN)/python benchmarks/train_step.py

# PHOTOS: a folder of photos; FILES: where the files are kept, for --latency-only.
export-matrix: $(STAMP)
	$(BIN)/python benchmarks/export_matrix.py $(if $(PHOTOS),--photos "$(PHOTOS)") $(if $(FILES),--files "$(FILES)")

clean:
	rm -rf $(VENV) $(VENV)-lowest $(VENV)-nightly $(CLIENTS) demo site build dist .pytest_cache .ruff_cache .mypy_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
