# make demo and make test need python3, make and the package index; both set up .venv first, and are quick the second time.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := $(VENV)/demo
READY := $(VENV)/ready
LLAMA_CPP := $(VENV)/llama-cpp
VLLM := .engines/vllm
PIP := install --quiet --disable-pip-version-check
HERE := HF_HUB_OFFLINE=1

.PHONY: help setup demo test test-engines check format bench docs clean

help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## the environment for everything, in .venv

$(READY): $(DEMO)
	$(BIN)/pip $(PIP) -c constraints.txt -e '.[dev]'
	@touch $@

$(DEMO): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip $(PIP) -c constraints.txt torch
	$(BIN)/pip $(PIP) -c constraints.txt -e '.[compare]'
	@touch $@

# llama.cpp is compiled: minutes, once; pip keeps the wheel.
$(LLAMA_CPP): $(READY)
	CMAKE_ARGS=-DLLAVA_BUILD=OFF $(BIN)/pip $(PIP) -c constraints.txt -e '.[llama-cpp]'
	@touch $@

# vLLM wants an environment of its own. What it brings for pictures and sound is built for CUDA, and does not load beside torch for CPUs.
# SGLang joins it without what it pins: its interface is tested, not the engine.
$(VLLM)/ready: pyproject.toml constraints-vllm.txt
	$(PYTHON) -m venv $(VLLM)
	$(VLLM)/bin/pip $(PIP) -c constraints-vllm.txt torch
	$(VLLM)/bin/pip $(PIP) -c constraints-vllm.txt --only-binary=:all: vllm pytest hypothesis openai ipython orjson
	$(VLLM)/bin/pip uninstall --quiet --yes torchvision torchaudio torchcodec
	$(VLLM)/bin/pip $(PIP) -c constraints-vllm.txt --no-deps sglang
	$(VLLM)/bin/pip $(PIP) -c constraints-vllm.txt -e .
	@touch $@

demo: $(DEMO) ## edt compare on the bundled model and real text, offline
	$(HERE) $(BIN)/edt compare

test: check ## every test but those on engines that must be built
	$(HERE) $(BIN)/pytest -n 2

test-engines: $(LLAMA_CPP) $(VLLM)/ready ## llama.cpp, transformers serve, vLLM, SGLang, GPU kernels: builds them once
	$(HERE) OMP_NUM_THREADS=1 $(BIN)/pytest tests_engines/llama_cpp tests_engines/transformers
	$(HERE) OMP_NUM_THREADS=1 $(VLLM)/bin/pytest -p no:cacheprovider tests_engines/vllm
	$(HERE) OMP_NUM_THREADS=1 $(VLLM)/bin/pytest -p no:cacheprovider tests_engines/sglang
	$(HERE) OMP_NUM_THREADS=1 $(VLLM)/bin/pytest -p no:cacheprovider tests_engines/triton

check: setup ## format, lint, types, import layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright --project pyproject.toml
	$(HERE) $(BIN)/pytest tests/test_layers.py

format: setup ## format the code in place
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup ## speed, side by side on this machine
	$(BIN)/python -m benchmarks

docs: setup ## check that the commands and numbers in the docs are true
	$(BIN)/pytest tests/docs

clean: ## remove the environments and caches
	rm -rf $(VENV) .engines .pytest_cache .ruff_cache .hypothesis build dist
