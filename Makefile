# Needs make and Python 3.11, 3.12 or 3.13; everything else goes into $(VENV).

VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
BENCH_STAMP := $(VENV)/installed-bench

# Without PYTHON=, the first of these that can build an environment is taken.
PYTHON ?= python3
CANDIDATES := $(PYTHON) $(if $(filter file,$(origin PYTHON)),python3.13 python3.12 python3.11)
SUITABLE := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
UV_VERSION := 0.13.9
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 $(if $(UPGRADE),--upgrade) \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

# Every end-to-end test runs on one worker, beside the others: there is one embedded AWS per session.
PYTEST := $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadgroup

.DEFAULT_GOAL := help
.PHONY: help setup run demo deploy diff destroy package parameters replay audit rebuild advise export check test test-fast lint types imports format lock bench bench-ranking alarms docs clean

help: ## list what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1 \2/p' $(firstword $(MAKEFILE_LIST)) \
		| awk '{ printf "  %s %-10s ", $$1, $$2; $$1 = $$2 = ""; sub(/^ +/, ""); print }'

# Variables of the command line reach the programs through the environment. No shell stands between make and a program:
# signals go straight to it, and when it ends with 0 after Ctrl-C, as both do, make has nothing to report.

setup: $(STAMP) ## make the environment, as every other target does when it is missing or out of date

run: $(STAMP) ## start everything on this machine (PORT=8000, FRESH=1 begins anew)
	@$(BIN)/python -m local.run

demo: $(STAMP) ## play thousands of games against `make run`, verify every rank, see the winners' faces
	@$(BIN)/python -m local.demo

package: $(STAMP) ## make dist/<stage> for a pipeline: a template, an archive, parameters (STAGE=prod, IMAGE=)
	@$(BIN)/python -m deploy.pipeline package

parameters: $(STAMP) ## fill in for a pipeline what the stage's stacks give out (STAGE=prod)
	@$(BIN)/python -m deploy.pipeline parameters

deploy: $(STAMP) ## bring a stage in your AWS account in line with this checkout (STAGE=dev)
	@$(BIN)/python -m deploy deploy

diff: $(STAMP) ## print what `make deploy` would change, and change nothing (STAGE=dev)
	@$(BIN)/python -m deploy diff

destroy: $(STAMP) ## delete a stage and keep its data (STAGE=dev, DATA=delete deletes that too, YES=dev asks nothing)
	@$(BIN)/python -m deploy destroy

replay: $(STAMP) ## count what could not be counted when it happened (STAGE=prod)
	@$(BIN)/python -m ops.replay

audit: $(STAMP) ## compare every board's counters with its records (BOARD=, PERIOD=, QUICK=1, STAGE=)
	@$(BIN)/python -m ops.audit

rebuild: $(STAMP) ## build a rank index anew while it is in use (BOARD=, PERIOD=, LANES=4 DIGITS=4 SLICES=1, ABORT=1)
	@$(BIN)/python -m ops.rebuild

advise: $(STAMP) ## say which layout suits a board, why, and what the change costs (BOARD=, PERIOD=, WRITES=)
	@$(BIN)/python -m ops.advise

export: $(STAMP) ## write a board's standings to files (BOARD=, PERIOD=, FORMAT=csv, TO=folder, STAGE=)
	@$(BIN)/python -m ops.export

check: lint types imports test ## everything CI runs
	@echo "check: passed"

test: $(STAMP) ## every test, end-to-end and packaging included
	@$(PYTEST)

test-fast: $(STAMP) ## the tests that take no emulator and no seconds
	@$(PYTEST) -m "not e2e and not slow"

lint: $(STAMP)
	@echo "lint: ruff"
	@$(BIN)/ruff format --check --quiet --diff .
	@$(BIN)/ruff check --quiet .

types: $(STAMP)
	@echo "types: mypy --strict"
	@$(BIN)/mypy --no-error-summary .

imports: $(STAMP)
	@echo "imports: import-linter"
	@report=$$($(BIN)/lint-imports --no-logo) || { echo "$$report"; exit 1; }

format: $(STAMP) ## format the code and mend what ruff can mend
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format .

lock: $(STAMP) ## bring the lock in line with requirements*.in (UPGRADE=1 takes new releases)
	@$(BIN)/python -m pip install -qq uv==$(UV_VERSION)
	@$(COMPILE) requirements.in --output-file requirements.txt
	@$(COMPILE) requirements-dev.in --output-file requirements-dev.txt
	@$(COMPILE) requirements-bench.in --output-file requirements-bench.txt
	@git --no-pager diff --stat -- requirements.txt requirements-dev.txt requirements-bench.txt

bench: $(STAMP) ## measure, and write the report into docs/
	@$(BIN)/python -m bench

bench-ranking: $(BENCH_STAMP) ## measure ranks against the peers at hand (SIZES=1000,10000), and write the report
	@$(BIN)/python -m bench.ranking

alarms: $(STAMP) ## write the alarms of tables and functions into the templates
	@$(BIN)/python -m infra.alarms

docs: $(STAMP) ## write the reference from the code; check links, commands, examples
	@$(BIN)/python -m docs.generate
	@$(BIN)/python -m pytest -q tests/test_docs.py tests/test_reference.py chalicelib

clean: ## remove the environment, caches, packages and the local run's data
	@rm -rf $(VENV) .local dist .chalice/deployed .chalice/deployments \
		.pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BENCH_STAMP): $(STAMP) requirements-bench.txt
	@$(BIN)/python -m pip install -qq --no-compile --disable-pip-version-check -r requirements-bench.txt
	@touch $@

# Not compiled: pip would spend longer on byte code that is never imported than all the rest takes.
$(STAMP): requirements-dev.txt
	@for python in $(CANDIDATES); do \
		if "$$python" -c '$(SUITABLE)' 2>/dev/null; then \
			echo "environment: $(VENV), with $$($$python --version)"; \
			"$$python" -m venv $(VENV) \
			&& $(BIN)/python -m pip install -qq --no-compile --disable-pip-version-check -r requirements-dev.txt \
			&& touch $@; \
			exit $$?; \
		fi; \
	done; \
	echo "Laurel needs Python 3.11, 3.12 or 3.13, with its venv module. Found:"; \
	for python in $(CANDIDATES); do echo "  $$python: $$("$$python" --version 2>&1 | sed -n 1p)"; done; \
	echo "Name one with: make PYTHON=/path/to/python3.12"; \
	echo "(Debian and Ubuntu keep the venv module in a package of its own: apt install python3-venv)"; \
	exit 1
