# Everything a person or CI does with Undelivered. On a fresh Debian: `make run` or `make test`, nothing before.
.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run test unit lint journeys bench docs screenshots constraints clean

VENV := .venv
BIN := $(VENV)/bin
# The interpreter that makes the virtual environment: the first of these that is there.
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(if $(shell command -v $(name) 2>/dev/null),$(name))))
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Undelivered needs Python 3.11 or newer, with venv (Debian: apt install python3-venv)."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Undelivered needs Python 3.11 or newer; $(PYTHON) is older."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run-installed: constraints/run.txt pyproject.toml | $(BIN)/python
	@echo "Installing Undelivered into $(VENV) (once) ..."
	$(INSTALL) --require-hashes -r constraints/run.txt
	$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev-installed: constraints/dev.txt $(VENV)/.run-installed
	@echo "Installing what the tests need into $(VENV) (once) ..."
	$(INSTALL) --require-hashes -r constraints/dev.txt
	@touch $@

setup: $(VENV)/.run-installed  ## install the program into .venv

setup-dev: $(VENV)/.dev-installed  ## the same with what tests and lint need

run: setup  ## start everything: PostgreSQL, web, worker and a sample project; Ctrl-C stops it
	@exec $(BIN)/undelivered run

test: setup-dev  ## all tests
	@sh tests/browser_setup.sh
	$(BIN)/python -m pytest $(ARGS)

unit: setup-dev  ## the quick tests: no processes, sockets, browser or fuzzing
	$(BIN)/python -m pytest -m "not journey and not real" $(ARGS)

lint: setup-dev  ## ruff, mypy --strict, the import contract
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

journeys: setup-dev  ## only the tests with real processes, sockets and a browser
	@sh tests/browser_setup.sh
	$(BIN)/python -m pytest -m journey $(ARGS)

bench: setup-dev .venv-bench/.installed  ## all benchmarks, or NAME=one of them
	$(BIN)/python -m benchmarks $(NAME) $(ARGS)

.venv-bench/.installed: constraints/bench.txt | $(BIN)/python
	@echo "Installing what Undelivered is measured against into .venv-bench (once) ..."
	@rm -rf .venv-bench
	$(BIN)/python -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r constraints/bench.txt
	@touch $@

docs: setup-dev  ## write the generated parts of docs/ again
	$(BIN)/python docs/generate.py

screenshots: setup-dev  ## make docs/screenshots/ again
	@sh tests/browser_setup.sh
	$(BIN)/python docs/screenshots.py

constraints: setup-dev  ## pin the newest dependencies that fit pyproject.toml
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --group build pyproject.toml -o constraints/run.txt
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --group build --group dev pyproject.toml -c constraints/run.txt -o constraints/dev.txt
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --group bench -c constraints/run.txt -o constraints/bench.txt

clean:  ## remove the virtual environment and caches (never data)
	rm -rf $(VENV) .venv-bench build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
