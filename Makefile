# `make test` sets up what it needs.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help test lint clean

help:  ## what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## */  make \1\t/' | expand -t 16

# Pinned wheels with no resolver: the fastest set-up pip can do. pip compiles byte code as it
# installs, whatever PYTHONDONTWRITEBYTECODE says; our own packages are compiled after it.
$(VENV)/runtime: requirements/runtime.txt pyproject.toml
	@echo "Setting up $(VENV) (a minute or two, once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements/runtime.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@$(BIN)/python -m compileall -q orchestration expectations sources
	@touch $@

$(VENV)/dev: $(VENV)/runtime requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements/dev.txt
	@touch $@

test: $(VENV)/dev lint  ## set up, lint, run every test
	@$(BIN)/python -m pytest

lint: $(VENV)/dev  ## ruff, mypy, import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

clean:  ## remove what set-up and runs made, the data folder excepted
	@rm -rf $(VENV) dbt_project/target dbt_project/logs .pytest_cache .mypy_cache .ruff_cache *.egg-info
