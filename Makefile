# What a person types. Everything runs from .venv, which is built from hash-pinned requirements.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MACHINES ?= 500
TRACE ?=

.DEFAULT_GOAL := help
.PHONY: help demo local test test-e2e check fix bench schema lock clean prerequisites

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

lock:  ## pin the requirements anew, with hashes (needs uv)
	@for set in runtime dev e2e; do \
	  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links \
	    $$( [ $$set = runtime ] && echo pyproject.toml || echo pyproject.toml --group dev ) $$( [ $$set = e2e ] && echo --group e2e ) \
	    -o requirements/$$set.txt || exit 1; done
