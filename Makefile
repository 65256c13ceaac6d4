# `make` alone lists what can be made. `up` and `test` are all that a newcomer needs; both set everything up first.

SHELL := /bin/bash
RUN := .venv/bin/python
ARGS ?= --demo
TESTS ?=
FUZZ ?= 500
CODE := trunkline tests tools $(wildcard benchmarks)

.DEFAULT_GOAL := list
.PHONY: list setup up test check format lint types layers rules docs containers islands built fix reference screenshots lock bench chaos

list: ## List the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | awk -F'\t' '{printf "  make %-12s%s\n", $$1, $$2}'

setup: ## Make .venv with everything in it, ending with .venv/bin/trunkline
	@bash tools/setup.sh

up: setup ## Start the whole platform with a demo workspace (ARGS="--port 9000" for other options)
	@.venv/bin/trunkline up $(ARGS)

test: setup ## Run the tests (TESTS="tests/core -k urns" for some of them)
	@bash tools/peers.sh
	@bash tools/test.sh $(TESTS)

check: format lint types layers rules docs containers built ## Format, lint, types, import order, own rules, docs in step, containers
	@echo "All checks pass."

format: setup
	@echo "== format"
	@.venv/bin/ruff format --check --output-format concise --quiet $(CODE)

lint: setup
	@echo "== lint"
	@.venv/bin/ruff check --output-format concise --quiet $(CODE)

types: setup
	@echo "== types"
	@.venv/bin/pyright --pythonpath $(RUN)

layers: setup
	@echo "== layers"
	@report=$$(.venv/bin/lint-imports --no-cache 2>&1) || { echo "$$report"; exit 1; }

rules: setup
	@echo "== rules"
	@$(RUN) -m tools.lint

docs: setup
	@echo "== docs"
	@$(RUN) -m tools.reference --check
	@$(RUN) -m tools.catalogue --check

containers: setup
	@echo "== containers"
	@$(RUN) -m tools.lint_containers

islands: ## Build the inbox's script and style from its sources (needs Node 20)
	@bash tools/islands.sh

built:
	@echo "== islands"
	@if command -v npm >/dev/null; then bash tools/islands.sh --check; else echo "No npm here: not compared."; fi

fix: setup ## Format, and repair what can be repaired by itself
	@.venv/bin/ruff check --fix --quiet $(CODE) || true
	@.venv/bin/ruff format --quiet $(CODE)
	@$(RUN) -m tools.reference
	@$(RUN) -m tools.catalogue
	@.venv/bin/ruff check $(CODE)

screenshots: setup ## Take the pictures of every page anew (docs/screenshots; NAMES="inbox flow" for some)
	@bash tools/peers.sh
	@$(RUN) -m tools.screenshots $(NAMES)

lock: setup ## Choose the newest versions that fit pyproject.toml and write them down
	@bash tools/lock.sh

bench: setup ## Measure: messages a second, latencies, memory (docs/benchmarks.md says how)
	@$(RUN) -m benchmarks

chaos: setup ## Kill processes under load and count what was lost or doubled; feed readers and APIs nonsense (minutes)
	@.venv/bin/trunkline prove $(PROVE)
	@.venv/bin/trunkline prove --flows 10000 --kills 20
	@$(RUN) -m tools.fuzz --seconds 60
	@TRUNKLINE_FUZZ_EXAMPLES=$(FUZZ) TRUNKLINE_FUZZ_SEED=$(or $(SEED),$(shell echo $$RANDOM)) bash tools/test.sh tests/test_fuzz.py
