# Two commands to begin with: `make run` and `make test`. Each sets up what it needs.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
KRAT := $(BIN)/krat
PARSE := $(BIN)/dbt --quiet --no-send-anonymous-usage-stats parse \
	--project-dir dbt_project --profiles-dir dbt_project

.DEFAULT_GOAL := help
.PHONY: help run test lint bench fuzz docs clean libreoffice clients

help:  ## what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## */  make \1\t/' | expand -t 16

# Pinned wheels with no resolver: the fastest set-up pip can do. pip compiles byte code as it
# installs, whatever PYTHONDONTWRITEBYTECODE says; our own packages are compiled after it.
# Dagster draws the warehouse's assets from dbt's manifest, which the last line writes.
$(VENV)/runtime: requirements/runtime.txt pyproject.toml
	@echo "Setting up $(VENV) (a minute or two, once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements/runtime.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@$(BIN)/python -m compileall -q orchestration expectations sources
	@$(PARSE)
	@touch $@

$(VENV)/dev: $(VENV)/runtime requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements/dev.txt
	@touch $@

run: $(VENV)/runtime  ## set up, make the example of Fier 2023, publish its year
	@$(KRAT) example
	@$(KRAT) refresh --since 2023-01 --month 2023-12

test: $(VENV)/dev libreoffice clients lint  ## set up, lint, run every test
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

# The forms must open and work in LibreOffice: a test fills one through it.
libreoffice:
	@command -v soffice >/dev/null && test -x /usr/bin/python3 && /usr/bin/python3 -c "import uno" 2>/dev/null \
		|| { echo "Installing LibreOffice for the tests (half a minute, once)"; \
			apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
				--no-install-recommends libreoffice-calc python3-uno >/dev/null; } \
		|| { echo "Install libreoffice-calc and python3-uno, then run make test again." >&2; exit 1; }

# Clients that others wrote read what krat serves: Chromium, and DuckDB from Node.
clients: $(VENV)/node/package.json
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null \
		|| { echo "Installing Chromium for the tests (half a minute, once)"; \
			apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
				--no-install-recommends chromium fonts-dejavu-core >/dev/null; } \
		|| { echo "Install chromium, then run make test again." >&2; exit 1; }

$(VENV)/node/package.json: tests/clients/package.json $(VENV)/dev
	@command -v npm >/dev/null \
		|| { echo "Installing Node for the tests (a minute, once)"; \
			apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
				--no-install-recommends nodejs npm >/dev/null; } \
		|| { echo "Install Node 18 or later with npm, then run make test again." >&2; exit 1; }
	@mkdir -p $(VENV)/node && cp $< $@ && npm install --prefix $(VENV)/node --silent --no-package-lock \
		--no-audit --no-fund \
		|| { rm -f $@; echo "npm can't get the packages of $<: see its registry's settings." >&2; exit 1; }

lint: $(VENV)/dev  ## ruff, mypy, import-linter, sqlfluff
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/sqlfluff lint dbt_project/models dbt_project/tests dbt_project/macros

bench: $(VENV)/dev  ## a refresh and reading against their floors, and how many planted defects are found
	@$(BIN)/python tests/benchmarks/refresh.py
	@$(BIN)/python tests/benchmarks/reading.py
	@$(BIN)/python tests/benchmarks/false_alarms.py
	@$(BIN)/python tests/benchmarks/finding_defects.py
	@$(BIN)/python tests/benchmarks/reading_while_refreshing.py
	@$(BIN)/python tests/benchmarks/serving.py
	@$(BIN)/python tests/benchmarks/linking.py

fuzz: $(VENV)/dev  ## change true files at random, guided by coverage, for ten minutes
	@$(BIN)/python tests/fuzz/read_file.py $${TMPDIR:-/tmp}/krat-fuzz -max_total_time=600 -rss_limit_mb=4096

docs: $(VENV)/runtime  ## write docs/data-dictionary.md and docs/quality-rules.md
	@$(PARSE)
	@$(BIN)/python -m orchestration.products.dictionary

clean:  ## remove what set-up and runs made, the data folder excepted
	@rm -rf $(VENV) dbt_project/target dbt_project/logs .pytest_cache .mypy_cache .ruff_cache *.egg-info
