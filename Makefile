# Everything works on a fresh machine with git, make and Python 3.11 or newer: each target makes
# the virtual environment first, and again when pyproject.toml changed.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# One process per core, two at most: each one loads TensorFlow.
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help install demo test clients lint bench export-matrix clean

help:
	@echo "make demo    train, export, verify and replay a small model (sets everything up)"
	@echo "make test    run the tests                                   (sets everything up)"
	@echo "make clients the kits in MediaPipe, tflite-micro and Chromium, each in an environment of its own"
	@echo "make install only set up .venv"
	@echo "make lint    ruff and mypy"
	@echo "make bench   measurements against peers, results in benchmarks/results/"
	@echo "make export-matrix every model as float32 and int8 file, in docs/export_matrix.md (hours; resumable)"
	@echo "make clean   remove .venv and everything generated"

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "kerascnn needs Python 3.11 or newer; this is $$($(PYTHON) --version). Try: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $(STAMP)

install: $(STAMP)

demo: $(STAMP)
	$(BIN)/kerascnn demo --out demo

test: $(STAMP)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

# MediaPipe and tflite-micro pin other packages than ours, so each gets an environment of its own.
# What cannot be installed on this machine is skipped, and pytest says so.
CLIENTS := .venv-clients
$(CLIENTS)/.installed: export/micro/requirements.txt export/mediapipe/requirements.txt export/browser/package.json
	$(PYTHON) -m venv $(CLIENTS)/micro
	-$(CLIENTS)/micro/bin/python -m pip install --quiet --pre -r export/micro/requirements.txt
	$(PYTHON) -m venv $(CLIENTS)/mediapipe
	-$(CLIENTS)/mediapipe/bin/python -m pip install --quiet -r export/mediapipe/requirements.txt
	$(PYTHON) -m venv $(CLIENTS)/metadata
	-$(CLIENTS)/metadata/bin/python -m pip install --quiet mediapipe==0.10.21
	-npm install --silent --no-audit --no-fund --prefix $(CLIENTS)/browser @litertjs/core@2.5.3
	@touch $@

clients: $(STAMP) $(CLIENTS)/.installed
	@has() { ! $(CLIENTS)/$$1/bin/python -c "import $$2" 2>/dev/null || echo $(CURDIR)/$(CLIENTS)/$$1/bin/python; }; \
	KERASCNN_TFLM_PYTHON=$$(has micro tflite_micro) \
	KERASCNN_MEDIAPIPE_PYTHON=$$(has mediapipe mediapipe) \
	KERASCNN_MEDIAPIPE_METADATA_PYTHON=$$(has metadata mediapipe) \
	KERASCNN_LITERT_JS=$(CURDIR)/$(CLIENTS)/browser/node_modules \
	$(BIN)/python -m pytest tests/kits tests/export/test_metadata.py -rs

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

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
	rm -rf $(VENV) $(CLIENTS) demo build dist .pytest_cache .ruff_cache .mypy_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
