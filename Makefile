# The two commands are `make run` and `make test`; each does all of its own set-up.
.DEFAULT_GOAL := help
.PHONY: help run demo test fast sim sim-mutants bench check format setup setup-node setup-functions setup-browser lock clean

PYTHON ?= python3
BIN := .venv/bin

help: ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: setup ## start the worker on this machine, with an example workload
	@$(BIN)/remediation serve

demo: setup ## watch the worker save a workload that is broken on purpose
	@$(BIN)/remediation demo

test: setup setup-node setup-functions setup-browser ## run all tests
	@$(BIN)/pytest -n auto --dist worksteal --cov --cov-report=term --cov-report=

fast: setup ## run what needs no real service and little time
	@$(BIN)/pytest -n auto --dist worksteal -q -m "not slow" --hypothesis-profile=brief

sim: setup ## look for a way to break a promise: every single fault, then N=20000 schedules or MINUTES=...
	@$(BIN)/python -m rehearsal.simulate tests/simulation/scenarios --keep tests/simulation/regressions \
		--seed $(or $(SEED),1) $(if $(MINUTES),--minutes $(MINUTES),-n $(or $(N),20000))

sim-mutants: setup ## plant every known kind of bug, and see that the simulation finds it
	@$(BIN)/python -m tests.simulation.find_planted

bench: setup ## print figures: rates, latency, a storm, cold start
	@$(BIN)/python -m bench.decisions
	@$(BIN)/python -m bench.families
	@$(BIN)/python -m bench.whole_worker
	@$(BIN)/python -m bench.cold_import

check: setup ## lint, types, and who may import whom
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: setup ## format, and mend what the linter can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

setup: $(BIN)/.ready ## the virtual environment

$(BIN)/.ready: requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; set PYTHON=..." >&2; exit 1; }
	@echo "Setting up .venv from requirements-dev.txt (once; about half a minute)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

setup-node: node_modules/.ready ## Azurite, for the tests

node_modules/.ready: package-lock.json
	@command -v npm >/dev/null || { echo "node and npm are needed for the tests against Azurite" >&2; exit 1; }
	@echo "Installing Azurite (once)"
	@npm ci --silent --no-audit --no-fund
	@touch $@

setup-functions: .venv-functions/.ready ## Microsoft's Functions worker, for the tests under it

# It asks for Python 3.13. Where there is none, it runs on ours all the same, which pip does not know.
.venv-functions/.ready: requirements-functions-worker.txt
	@echo "Setting up .venv-functions from requirements-functions-worker.txt (once; about half a minute)"
	@for each in python3.13 "$$(pyenv prefix 3.13 2>/dev/null)/bin/python" $(PYTHON); do \
		"$$each" -c 'import ensurepip' 2>/dev/null && "$$each" -m venv --clear .venv-functions && break; done
	@.venv-functions/bin/python -m pip install --quiet --disable-pip-version-check \
		--require-hashes --only-binary :all: --ignore-requires-python -r requirements-functions-worker.txt
	@touch $@

# A system package, so only root installs it, and only where there is none. Whoever cannot is told: a few tests are
# skipped then, each with the reason.
setup-browser: ## Chromium, for the tests that look at pages
	@for each in chromium chromium-browser google-chrome google-chrome-stable; do \
		command -v $$each >/dev/null && exit 0; done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then echo "Installing Chromium (once)"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
		chromium >/dev/null 2>&1 && exit 0; fi; \
	echo "There is no Chromium, and it cannot be installed from here: the tests that look at pages are skipped" >&2

lock: setup ## write the lock files anew from pyproject.toml
	@$(BIN)/uv pip compile pyproject.toml $(LOCK) --python-version 3.11 -o requirements.txt
	@$(BIN)/uv pip compile pyproject.toml $(LOCK) --python-version 3.11 --extra cli --group dev -o requirements-dev.txt
	@$(BIN)/uv pip compile pyproject.toml $(LOCK) --python-version 3.13 --group functions-worker \
		--constraint requirements.txt -o requirements-functions-worker.txt

LOCK := --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header

clean: ## remove what was set up and what the worker has kept
	@rm -rf .venv .venv-functions node_modules .remediation
