# `make demo` and `make test` set up everything they need; `make help` lists the rest.
#
# PYTHON=python3.12      which Python makes the virtual environment (3.11 or later)
# VENV=DIR               where it goes (default .venv)
# PIP_ARGS='...'         more arguments for pip, for instance an index with CPU-only builds of torch

PYTHON ?= python3
VENV ?= .venv
VENV_PANDAS22 ?= .venv-pandas22
VENV_ENGINES ?= .venv-engines
PIP_ARGS ?=
OUTPUT ?= output
PYTEST_ARGS ?=

SOURCES := gretel_fin_synth tests benchmarks examples docs
PANDAS22_TESTS := $(wildcard tests/test_schema*.py tests/test_balance*.py tests/test_standin*.py tests/test_money*.py tests/test_frames*.py tests/test_io.py tests/test_gretel*.py tests/test_training_contract.py)
ENGINES_TESTS := $(wildcard tests/test_balance.py tests/test_schema.py tests/test_frames.py tests/test_at_size*.py tests/test_balance_files.py tests/test_training_frames.py tests/test_documentation_engines.py)

.NOTPARALLEL: # one environment, one pip at a time
.DEFAULT_GOAL := help
.PHONY: help demo test test-all test-engines test-pandas22 lint format types layers docs linkcheck bench bench-engine bench-peers wheel ci clean

help:
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1|/p' Makefile | awk -F'|' '{ printf "  make %-15s %s\n", $$1, $$2 }'

# One recipe for every environment. pip's own lines go to a log, shown only when it fails; a dot every three
# seconds says that it is at work. $(1) is the folder, $(2) what to install.
define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "gretel_fin_synth needs Python 3.11 or later; '$(PYTHON)' is $$($(PYTHON) --version 2>&1 || true)." >&2; \
	  echo "Hint: make $(MAKECMDGOALS) PYTHON=python3.11" >&2; exit 1; }
	@$(1)/bin/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Making the virtual environment $(1)"; $(PYTHON) -m venv --clear $(1); }
	@printf 'Installing %s into %s (the first time takes minutes) ' '$(strip $(2))' '$(1)'; \
	  { while sleep 3 >/dev/null 2>&1 && kill -0 $$$$ 2>/dev/null; do printf .; done; } & dots=$$!; \
	  $(1)/bin/python -m pip install --disable-pip-version-check --no-input $(PIP_ARGS) -c constraints.txt $(2) \
	    >$(1)/pip.log 2>&1 </dev/null; status=$$?; \
	  kill $$dots 2>/dev/null; wait $$dots 2>/dev/null; \
	  if [ $$status -ne 0 ]; then echo ' failed'; tail -n 25 $(1)/pip.log >&2; exit $$status; fi; echo ' done'
	@touch $@
endef

# The stamps make an environment out of date when the requirements change.
$(VENV)/.with-local: pyproject.toml constraints.txt
	$(call install,$(VENV),-e '.[local]')

$(VENV)/.with-test: pyproject.toml constraints.txt
	$(call install,$(VENV),-e '.[test]')

$(VENV)/.with-dev: pyproject.toml constraints.txt
	$(call install,$(VENV),-e '.[dev]')

$(VENV_ENGINES)/.with-test: pyproject.toml constraints.txt
	$(call install,$(VENV_ENGINES),-e '.[local$(comma)polars$(comma)duckdb$(comma)ibis$(comma)dask$(comma)spark$(comma)testing]')

$(VENV_PANDAS22)/.with-test: pyproject.toml constraints.txt
	$(call install,$(VENV_PANDAS22),-e '.[gretel$(comma)polars$(comma)duckdb$(comma)testing]' 'pandas==2.2.*')

comma := ,

demo: $(VENV)/.with-local ## the whole job on the built-in stand-in, offline; ends with where the report is
	@$(VENV)/bin/gretel-fin-synth run --output $(OUTPUT)

test: $(VENV)/.with-test ## every test but the slow ones
	@$(VENV)/bin/python -m pytest -m 'not slow' $(PYTEST_ARGS)

test-all: $(VENV)/.with-test ## every test
	@$(VENV)/bin/python -m pytest $(PYTEST_ARGS)

test-engines: $(VENV_ENGINES)/.with-test ## balance, schema, generation on ibis, dask and PySpark too (needs Java)
	@$(VENV_ENGINES)/bin/python -m pytest -m 'not slow' -p no:cacheprovider $(ENGINES_TESTS) $(PYTEST_ARGS)

test-pandas22: $(VENV_PANDAS22)/.with-test ## schema, balance, stand-in and Gretel on pandas 2.2
	@$(VENV_PANDAS22)/bin/python -m pytest -m 'not slow' -p no:cacheprovider $(PANDAS22_TESTS) $(PYTEST_ARGS)

lint: $(VENV)/.with-dev ## ruff: rules and format
	@$(VENV)/bin/ruff check $(SOURCES)
	@$(VENV)/bin/ruff format --check $(SOURCES)

format: $(VENV)/.with-dev ## ruff: put right what it can
	@$(VENV)/bin/ruff check --fix $(SOURCES)
	@$(VENV)/bin/ruff format $(SOURCES)

types: $(VENV)/.with-dev ## mypy, strict: the package, and a script as users write it
	@$(VENV)/bin/mypy
	@$(VENV)/bin/mypy --strict tests/consumer.py

layers: $(VENV)/.with-dev ## which module may import which
	@$(VENV)/bin/lint-imports

docs: $(VENV)/.with-dev ## the documentation, warnings are errors; docs/_build/html/index.html
	@rm -rf docs/_build docs/reference/generated
	@$(VENV)/bin/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo 'docs/_build/html/index.html'

linkcheck: $(VENV)/.with-dev ## links and anchors between the pages; LINKS=all looks at other sites too
	@$(VENV)/bin/python -m sphinx -q -b linkcheck $(if $(filter all,$(LINKS)),,-D linkcheck_ignore=https?://.*) docs docs/_build/linkcheck
	@echo 'All links hold.'

bench: $(VENV)/.with-test ## the README's table beside the original run
	@$(VENV)/bin/python benchmarks/seed_table.py

bench-engine: $(VENV)/.with-test ## the engine beside held-out customers; renews docs/explanation/benchmarks.md
	@$(VENV)/bin/python benchmarks/engine.py --docs

bench-peers: $(VENV)/.with-test ## other generators beside the engine, each in its own environment; takes hours
	@$(VENV)/bin/python benchmarks/peers.py --docs
	@$(VENV)/bin/python benchmarks/readme.py

wheel: $(VENV)/.with-dev ## build sdist and wheel into dist/, install the wheel elsewhere, start it
	@VENV='$(VENV)' PIP_ARGS="$(PIP_ARGS)" sh .ci/wheel

ci: ## what the continuous integration runs
	@bash .ci/run

clean: ## remove environments and everything built
	@rm -rf $(VENV) $(VENV_PANDAS22) $(VENV_ENGINES) build dist docs/_build docs/reference/generated \
	  .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find gretel_fin_synth tests benchmarks examples docs -name __pycache__ -type d -prune -exec rm -rf {} +
