# What a person types. Everything runs from .venv, which is built from hash-pinned requirements.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MACHINES ?= 500
TRACE ?=
PORT ?= 8000

.DEFAULT_GOAL := help
.PHONY: help demo local test test-e2e screens torture check fix bench schema assets lock clean prerequisites

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' Makefile

prerequisites:
	@command -v $(PYTHON) >/dev/null 2>&1 || { echo "Python 3.11 or later is missing. Install it: apt-get install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed, this is $$($(PYTHON) -V). Name another one: make PYTHON=python3.11 ..."; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "Python's venv module is missing. Install it: apt-get install python3-venv"; exit 1; }

$(VENV)/.runtime: requirements/runtime.txt | prerequisites
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the pinned requirements into $(VENV) (once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements/runtime.txt
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements/dev.txt
	@touch $@

$(VENV)/.e2e: requirements/e2e.txt $(VENV)/.dev
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements/e2e.txt
	@touch $@

demo: $(VENV)/.runtime  ## the whole story: two tenants, 500 machines, assessments, workbooks (MACHINES=, TRACE=, PORT=)
	@$(BIN)/python manage.py demo --machines "$(MACHINES)" --port "$(PORT)" $(if $(TRACE),--trace "$(TRACE)")

local: $(VENV)/.runtime  ## the same services without the story, for development (PORT=)
	@$(BIN)/python manage.py local --port "$(PORT)"

test: $(VENV)/.dev  ## unit and integration tests on a real PostgreSQL and Redis, as any user
	@$(BIN)/python -m pytest -m "not e2e and not torture and not screens" -n auto --maxprocesses 4 --dist loadfile

torture: $(VENV)/.dev  ## break it for real: kill -9, servers stopped, disk full, hostile senders (SHORT=1: 2 minutes)
	@TORTURE=$(if $(SHORT),short,long) $(BIN)/python -m pytest -m torture tests/torture

# What only root can install: package and the program that shows it is there.
E2E_PROGRAMS := chromium:chromium curl:curl libreoffice-calc-nogui:soffice poppler-utils:pdftoppm docker-compose:docker-compose nginx-light:nginx openssl:openssl
test-e2e: $(VENV)/.e2e  ## tests that need a browser, an office suite, a proxy and docker-compose
	@missing=""; for pair in $(E2E_PROGRAMS); do \
	  PATH="$$PATH:/usr/sbin:/sbin" command -v $${pair#*:} >/dev/null 2>&1 || missing="$$missing $${pair%%:*}"; done; \
	if [ -n "$$missing" ]; then \
	  echo "Missing:$$missing. Install as root: apt-get update && apt-get install --no-install-recommends$$missing"; exit 1; fi
	@$(BIN)/python -m pytest -m e2e -n auto --maxprocesses 2 --dist loadfile

screens: $(VENV)/.e2e  ## pictures of every page, light and dark, desktop and phone, in artifacts/screens (needs chromium)
	@command -v chromium >/dev/null 2>&1 || { echo "Missing: chromium. Install as root: apt-get update && apt-get install --no-install-recommends chromium"; exit 1; }
	@$(BIN)/python -m pytest -m screens tests/portal/test_screens.py

# Settings that connect to nothing: the checks read code, not servers. Production mode, so that `check --deploy` sees it.
OFFLINE := env -u PLAIN_HTTP -u DATABASE_OWNER_URL -u ALLOWED_HOSTS \
  SECRET_KEY=not-a-secret-only-for-checks-that-connect-to-nothing-0123456789 PUBLIC_URL=https://hub.example.com \
  DATABASE_URL=postgres://nobody:nothing@127.0.0.1:1/nothing REDIS_URL=redis://127.0.0.1:1
NO_DATABASE := -W "ignore:Got an error checking a consistent migration history:RuntimeWarning"

check: $(VENV)/.dev  ## lint, format, types, import contracts, migrations, deployment, OpenAPI, coverage of the engine
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(OFFLINE) $(BIN)/mypy .
	$(BIN)/lint-imports
	$(OFFLINE) $(BIN)/python $(NO_DATABASE) manage.py makemigrations --check --dry-run
	$(OFFLINE) $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(OFFLINE) $(BIN)/python manage.py spectacular --validate --fail-on-warn --file /dev/null
	$(BIN)/python -m coverage run --branch --source=assessments.engine -m pytest --quiet tests/assessments/engine
	$(BIN)/python -m coverage report --show-missing --skip-covered --fail-under=100

fix: $(VENV)/.dev  ## format, and repair what the linter can repair
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Those that need files from outside are run by hand; each says so at its top.
BENCHMARKS := $(filter-out benchmarks/__init__.py benchmarks/oracle_agreement.py,$(wildcard benchmarks/*.py))
bench: $(VENV)/.dev  ## measure against a physical limit or a peer, in one run
	@for benchmark in $(BENCHMARKS); do echo "== $$benchmark"; PYTHONPATH=. $(BIN)/python "$$benchmark" || exit 1; done

schema: $(VENV)/.runtime  ## write the OpenAPI description to openapi.yaml
	$(OFFLINE) $(BIN)/python manage.py spectacular --validate --fail-on-warn --file openapi.yaml

# Only to take newer versions: the copies are committed, so that nothing else needs npm or a network.
assets:  ## vendor htmx and uPlot at the versions of assets/package-lock.json (needs npm)
	@command -v npm >/dev/null 2>&1 || { echo "npm is missing. Install it: apt-get install npm"; exit 1; }
	@cd assets && npm ci
	@$(PYTHON) scripts/vendor_assets.py

clean:  ## remove the virtual environment and caches (the data folder stays)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage htmlcov staticfiles openapi.yaml
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

lock:  ## pin the requirements anew, with hashes (needs uv)
	@for set in runtime dev e2e; do \
	  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links \
	    $$( [ $$set = runtime ] && echo pyproject.toml || echo pyproject.toml --group dev ) $$( [ $$set = e2e ] && echo --group e2e ) \
	    -o requirements/$$set.txt || exit 1; done
