# Two commands to begin with: `make run` and `make test`. Each sets up what it needs.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
KRAT := $(BIN)/krat
PARSE := $(BIN)/dbt --quiet --no-send-anonymous-usage-stats parse \
	--project-dir dbt_project --profiles-dir dbt_project

.DEFAULT_GOAL := help
.PHONY: help run wheel sbom audit pictures check test drill bench durations lint docs clean programs

# A file's tests stay together, the longest begin first (tests/durations.json), who is free takes
# the next.
PYTEST := $(BIN)/python -m pytest
ON_TWO := --numprocesses 2 --no-loadscope-reorder

help:  ## what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## */  make \1\t/' | expand -t 20

# What is not what its list's hashes say is not installed, nor what a list doesn't name.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps
PINNED := $(INSTALL) --require-hashes --requirement

# Pinned wheels with no resolver: the fastest set-up pip can do. pip compiles byte code as it
# installs, whatever PYTHONDONTWRITEBYTECODE says; our own packages are compiled after it.
$(VENV)/runtime: requirements/build.txt requirements/runtime.txt pyproject.toml
	@echo "Setting up $(VENV) (a minute or two, once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PINNED) requirements/build.txt --requirement requirements/runtime.txt
	@$(INSTALL) --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q orchestration expectations sources
	@touch $@

$(VENV)/dev: $(VENV)/runtime requirements/dev.txt
	@$(PINNED) requirements/dev.txt
	@touch $@

# Spark has 500 MB, and only the drill asks for it.
$(VENV)/spark: $(VENV)/dev requirements/spark.txt
	@command -v java >/dev/null || { echo "Install openjdk-17-jre-headless, then run make drill again." >&2; exit 1; }
	@$(PINNED) requirements/spark.txt
	@touch $@

run: $(VENV)/runtime  ## set up, make the example of three counties, publish its year
	@$(KRAT) example
	@$(KRAT) refresh --since 2023-01 --month 2023-12

# What the page of SQL loads is built once, from npm's packages, and goes into the wheel.
SQL_SOURCES := orchestration/serving/sql
SQL_PAGE := $(SQL_SOURCES)/built/page.js
sql-page: $(SQL_PAGE)  ## build the page that asks releases in SQL in the browser, which needs npm

$(SQL_PAGE): $(SQL_SOURCES)/page.js $(SQL_SOURCES)/package.json $(SQL_SOURCES)/package-lock.json docs/questions.md
	@mkdir -p $(VENV)/sql-page $(@D) && cp $(SQL_SOURCES)/package*.json $(VENV)/sql-page
	@npm ci --prefix $(VENV)/sql-page --silent --no-audit --no-fund \
		|| { echo "npm can't get the packages of $(SQL_SOURCES): see its registry's settings." >&2; exit 1; }
	@cp $(VENV)/sql-page/node_modules/@duckdb/duckdb-wasm/dist/duckdb-browser-eh.worker.js $(@D)
	@gzip -9nc $(VENV)/sql-page/node_modules/@duckdb/duckdb-wasm/dist/duckdb-eh.wasm > $(@D)/duckdb-eh.wasm.gz
	@NODE_PATH=$(VENV)/sql-page/node_modules $(VENV)/sql-page/node_modules/.bin/esbuild $< \
		--bundle --minify --loader:.md=text --log-level=warning --outfile=$@

# setuptools takes along what an earlier build left in build/.
wheel:  ## build dist/krat-*.whl, which an office installs: docs/service.md
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@command -v npm >/dev/null && $(MAKE) --no-print-directory sql-page \
		|| echo "Without npm the wheel has no page that asks in SQL in the browser." >&2
	@rm -rf build dist
	@$(PINNED) requirements/build.txt
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist .
	@rm -rf build
	@ls dist/*.whl

# Tools with an environment of their own: what comes with them would make each import of dbt and
# Great Expectations a second longer.
$(VENV)/%/ready: requirements/%.txt
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement $<
	@touch $@

# What an office installs, as requirements/runtime.txt pins it. The same lists give the same bytes.
SBOM := dist/krat.cdx.json
sbom: $(VENV)/sbom/ready  ## write dist/krat.cdx.json, the list of what krat is made of (CycloneDX)
	@mkdir -p $(dir $(SBOM))
	@$(<D)/bin/cyclonedx-py requirements --pyproject pyproject.toml --mc-type application --output-reproducible \
		--output-format JSON --output-file $(SBOM) requirements/runtime.txt 2>$(<D)/log || { cat $(<D)/log >&2; exit 1; }
	@echo "$(SBOM)"

audit: $(VENV)/dev  ## look for known vulnerabilities: make audit OSV=all.zip, a copy of osv.dev's advisories
	@$(BIN)/python tests/known_vulnerabilities.py $(OSV)

check: $(VENV)/dev  ## set up, lint, run the unit tests: what to run while working
	@$(MAKE) --no-print-directory lint
	@$(PYTEST) $(ON_TWO) -m unit

test:  ## set up, lint, run every test that decides whether something may land
	@$(MAKE) --no-print-directory --jobs 2 $(VENV)/dev programs
	@$(MAKE) --no-print-directory lint $(VENV)/node/package.json $(SQL_PAGE)
	@$(PYTEST) $(ON_TWO) -m "not drill"

drill: $(VENV)/spark $(VENV)/schemathesis/ready programs  ## the same at full size: statistics, planted years, ten minutes of fuzzing
	@$(PYTEST) -m drill
	@$(BIN)/python tests/benchmarks/false_alarms.py
	@$(BIN)/python tests/benchmarks/finding_defects.py
	@$(BIN)/python tests/benchmarks/linking.py
	@$(BIN)/python tests/benchmarks/reading_while_refreshing.py
	@$(BIN)/python tests/drills/reliability.py
	@$(BIN)/python tests/fuzz/serving.py $(VENV)/schemathesis/bin/schemathesis
	@$(BIN)/python tests/fuzz/read_file.py $${TMPDIR:-/tmp}/krat-fuzz -max_total_time=600 -rss_limit_mb=4096

bench: $(VENV)/dev  ## how fast krat is, against its floors: writes docs/performance.md
	@$(BIN)/python tests/benchmarks/performance.py
	@$(BIN)/python tests/benchmarks/serving.py

durations: $(VENV)/dev programs $(VENV)/node/package.json $(SQL_PAGE)  ## measure how long groups of tests take
	@$(PYTEST) $(ON_TWO) -m "not drill" --record-durations

# What tests open krat's files with, LibreOffice, Chromium, Node, age, unzip and HAProxy, and what
# they run krat with, PostgreSQL, systemd's check of units and strace: each where it is missing.
programs:
	@missing=""; \
	command -v soffice >/dev/null && test -x /usr/bin/python3 && /usr/bin/python3 -c "import uno" 2>/dev/null \
		|| missing="libreoffice-calc python3-uno"; \
	ls /usr/lib*/libreoffice/program/libswlo.so >/dev/null 2>&1 \
		|| missing="$$missing libreoffice-writer fonts-liberation"; \
	command -v pdftotext >/dev/null || missing="$$missing poppler-utils"; \
	command -v chromium >/dev/null || command -v chromium-browser >/dev/null \
		|| missing="$$missing chromium fonts-dejavu-core"; \
	command -v npm >/dev/null || missing="$$missing nodejs npm"; \
	command -v age >/dev/null || missing="$$missing age"; \
	command -v unzip >/dev/null || missing="$$missing unzip"; \
	command -v haproxy >/dev/null || test -x /usr/sbin/haproxy || missing="$$missing haproxy"; \
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$$missing postgresql"; \
	command -v systemd-analyze >/dev/null || missing="$$missing systemd"; \
	command -v strace >/dev/null || missing="$$missing strace"; \
	test -z "$$missing" || { echo "Installing for the tests, once: $$missing"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
			--no-install-recommends $$missing >/dev/null; } \
		|| { echo "Install $$missing, then run make test again." >&2; exit 1; }

$(VENV)/node/package.json: tests/clients/package.json tests/clients/package-lock.json $(VENV)/dev
	@mkdir -p $(VENV)/node && cp tests/clients/package*.json $(VENV)/node \
		&& npm ci --prefix $(VENV)/node --silent --no-audit --no-fund && touch $@ \
		|| { rm -f $@; echo "npm can't get the packages of $<: see its registry's settings." >&2; exit 1; }

lint: $(VENV)/dev  ## ruff, mypy, import-linter, and sqlfluff on SQL that changed
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(MAKE) --no-print-directory --jobs 2 types $(VENV)/sql

.PHONY: types
types:
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/deptry .

# A changed macro or setting can change what is said of any model.
MACROS := $(shell find dbt_project/macros -name '*.sql')
SQL := $(MACROS) $(shell find dbt_project/models dbt_project/tests -name '*.sql')
$(VENV)/sql: $(SQL) pyproject.toml $(VENV)/dev
	@$(BIN)/sqlfluff lint --processes 2 $(if $(filter-out dbt_project/models/% dbt_project/tests/%,$?),$(SQL),$?)
	@touch $@

docs: $(VENV)/runtime  ## write the pages of docs/ that models and registers make
	@$(PARSE)
	@$(BIN)/python -m orchestration.products.dictionary

pictures: $(VENV)/dev programs $(VENV)/node/package.json  ## take the pictures of docs/analyst.md and docs/analisti.md
	@$(BIN)/python tests/book.py

clean:  ## remove what set-up and runs made, the data folder excepted
	@rm -rf $(VENV) dbt_project/target dbt_project/logs build dist .pytest_cache .mypy_cache .ruff_cache *.egg-info
