# Visavis: `make help` is the manual. Only Python 3.11+ is needed; everything else goes into .venv.
PYTHON ?= python3
UV_VERSION := 0.13.8
VENV := .venv
BIN := $(VENV)/bin
CUSTOMERS ?= 2000
ONCE ?=
TESTS ?= tests
JOBS ?= auto
GENERATED := shared/gen/visavis
PROTOS = $(shell find protos -name '*.proto' | sort)
# Hard links from uv's cache fail across file systems; copying is what it would fall back to, loudly.
export UV_LINK_MODE ?= copy

.DEFAULT_GOAL := help
.PHONY: help setup run test check format bench protos env baseline lock clean

help: ## Show this list.
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(VENV)/.installed ## Install everything that is pinned in requirements.lock into .venv.

$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Visavis needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version). Set PYTHON=…"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@echo "Installing the locked packages into $(VENV) …"
	@$(BIN)/uv pip sync --compile-bytecode --quiet --python $(BIN)/python --require-hashes requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

run: setup ## Start all of it, run one cycle for CUSTOMERS=2000, stay up until Ctrl-C (ONCE=1: exit when done).
	@$(BIN)/visavis demo --customers $(CUSTOMERS) $(if $(ONCE),--once)

test: setup ## Run every test in parallel (TESTS=tests/unit for a part).
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -q $(TESTS)

check: setup ## Format, lint, types, boundaries, contracts, freshness of generated stubs.
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/buf lint
	@$(BIN)/buf format --diff --exit-code
	@$(BIN)/buf breaking --against protos/baseline.binpb
	@$(BIN)/python -m tests.architecture.stubs --check

format: setup ## Rewrite code and contracts in the house format.
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .
	@$(BIN)/buf format --write

baseline: setup ## Renew the contract baseline that `make check` compares with; only at a release.
	@$(BIN)/buf build --output protos/baseline.binpb

protos: setup ## Generate shared/gen from protos/.
	@$(BIN)/python -m tests.architecture.stubs --write

env: setup ## Write .env.example from the settings classes.
	@$(BIN)/python -m tests.architecture.environment --write

bench: setup ## Measure, as ratios in one run (see the README); BENCH_CUSTOMERS=1000000 live in the provinces.
	@$(BIN)/python -m tests.bench

lock: setup ## Resolve pyproject.toml anew into requirements.lock.
	@$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --quiet --output-file requirements.lock

clean: ## Remove what was built or installed here (not your data in .visavis).
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
