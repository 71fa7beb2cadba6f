# `make` alone lists what there is. Works with GNU make 3.81 and newer.

VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
PIP := $(PY) -m pip --disable-pip-version-check
# What pytest gets, for instance: make test TESTS=tests/unit
TESTS :=

export PYTHON

.DEFAULT_GOAL := help
.PHONY: help run setup test soak check static fmt docs lock

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' Makefile

run: setup ## Start the app on http://127.0.0.1:8501 (sets up first, if need be)
	@$(BIN)/citewise serve

setup: $(VENV)/.runtime ## Make .venv and install what the app needs, no more

test: $(VENV)/.development ## Run all tests (sets up first, brings a Chromium and Tesseract)
	@$(PY) -m tools.chromium >/dev/null
	@$(PY) -m tools.tesseract >/dev/null
	$(PY) -m pytest $(TESTS)

soak: $(VENV)/.development ## Kill, cut and fill for some hours: the long form of tests/faults
	SOAK=1 $(PY) -m pytest --timeout 36000 tests/faults

check: static test ## Everything that must pass before a change goes in

static: $(VENV)/.development
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PY) -m tools.docs --check
	$(PY) -m tools.licences
	$(PY) -m tools.audit

fmt: $(VENV)/.development ## Format the code and mend what can be mended
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

docs: $(VENV)/.development ## Write the generated pages under docs/
	$(PY) -m tools.docs

lock: $(VENV)/.development ## Pin in the lock files what .venv holds
	$(PY) -m tools.lock

# --- set-up: nothing happens while the lock files and pyproject.toml stay as they are ---

$(PY):
	@sh tools/make_venv.sh $(VENV)

# torch goes first and alone: its version is pinned, so that nothing later asks for another,
# much larger build; and one that is already there, from PyTorch's own instructions, is kept.
# Our own modules are compiled last: without that, where Python may write no bytecode, every
# command begins 0.3 s later.
$(VENV)/.runtime: $(PY) requirements.lock pyproject.toml
	@echo "Installing into $(VENV); the first time takes some minutes."
	$(PIP) install --constraint requirements.lock pip setuptools torch
	$(PIP) install --requirement requirements.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@$(PY) -m compileall -q src
	@touch $@

$(VENV)/.development: $(VENV)/.runtime requirements-dev.lock
	$(PIP) install --constraint requirements.lock --requirement requirements-dev.lock
	@touch $@
