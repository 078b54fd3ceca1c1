# Everything that a person or CI types. `make help` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench docs lock clean
PYTHON ?= python3
VENV := .venv/bin

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## the two virtual environments, from nothing; run again, it goes on where it stopped
	@PYTHON=$(PYTHON) bash tools/setup.sh

demo: setup ## sample data through everything that labelloop can do so far, then both browser pages
	@$(VENV)/labelloop demo --to demo

test: setup ## all tests, with lint and types
	@$(VENV)/ruff check . && $(VENV)/ruff format --check . && $(VENV)/basedpyright --level error
	@tests/all.sh

check: setup ## lint, types and the fast tests
	@$(VENV)/ruff check . && $(VENV)/ruff format --check . && $(VENV)/basedpyright --level error
	@$(VENV)/python -m pytest -m "not slow" -q

bench: setup ## the benchmarks, against their peers in the same run (installs the peers into .venv-bench)
	@PYTHON=$(PYTHON) bash tests/bench/run.sh

docs: setup ## the pages of the commands, from their help
	@$(VENV)/python -m labelloop.tools.command_pages docs/commands

lock: setup ## write the versions that are installed now into the constraints files
	@$(VENV)/pip freeze --exclude labelloop --exclude-editable > constraints.txt
	@.venv-label-studio/bin/pip freeze > constraints-label-studio.txt

clean: ## remove what the demo and the tools wrote; the environments stay
	rm -rf demo build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
