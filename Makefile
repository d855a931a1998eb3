# The same verbs for a person and for CI.
PYTHON ?= python3
PROMPT ?= a red heart
SEED ?= 0
BIN := .venv/bin
STAMP := .venv/.installed

.DEFAULT_GOAL := help
.PHONY: help install generate test slow check image claims bench clean

help:  ## list the verbs
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

.venv/.installed-dev: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

install: $(STAMP)  ## make .venv and install limn into it

generate: $(STAMP)  ## draw PROMPT="a red heart" and print the picture's path
	@$(BIN)/limn generate "$(PROMPT)" --seed $(SEED)

test: .venv/.installed-dev  ## run the tests
	$(BIN)/python -m pytest -n 2

slow: .venv/.installed-dev  ## run the tests that take more than a few seconds each
	$(BIN)/python -m pytest -n 2 -m slow --dist loadgroup

check: .venv/.installed-dev  ## ruff, types, import contracts
	$(BIN)/ruff check src tests benchmarks tools examples
	$(BIN)/ruff format --check src tests benchmarks tools examples
	$(BIN)/mypy
	$(BIN)/lint-imports

image:  ## build the container image, and draw in it
	docker build --tag limn .
	docker run --rm limn generate "$(PROMPT)"

claims: .venv/.installed-dev  ## measure what README and docs claim, into benchmarks/results
	$(BIN)/python -m benchmarks.claims

bench: .venv/.installed-dev  ## measure speed and memory, into benchmarks/results
	$(BIN)/python -m benchmarks.speed

clean:  ## remove .venv and caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
