# make demo and make test need python3, make and the package index; both set up .venv first, and are quick the second time.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := $(VENV)/demo
READY := $(VENV)/ready
PIP := $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: help setup demo test check format bench docs clean

help: ## what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## the environment for everything, in .venv

$(READY): $(DEMO)
	$(PIP) -e '.[dev]'
	@touch $@

$(DEMO): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) torch
	$(PIP) -e '.[compare]'
	@touch $@

demo: $(DEMO) ## edt compare on the bundled model and real text, offline
	HF_HUB_OFFLINE=1 $(BIN)/edt compare

test: check ## every test
	HF_HUB_OFFLINE=1 $(BIN)/pytest -n 2

check: setup ## format, lint, types, import layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright --project pyproject.toml
	HF_HUB_OFFLINE=1 $(BIN)/pytest tests/test_layers.py

format: setup ## format the code in place
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup ## speed, side by side on this machine
	$(BIN)/python benchmarks/draw.py
	$(BIN)/python benchmarks/grid.py

docs: setup ## check that the commands and numbers in the docs are true
	$(BIN)/pytest tests/docs

clean: ## remove the environment and caches
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis build dist
