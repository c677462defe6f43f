# Everything works from a fresh clone: each target makes the environment that it needs in .venv.
PYTHON ?= python3
BIN := .venv/bin
# More words for the command: make run ARGS=--act
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run test check nightly clean

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/demo ## Run everything: on the cluster of KUBECONFIG (observing; ARGS=--act acts), or on a simulated one
	@$(BIN)/vmdrift run $(ARGS)

test: check ## Check the code and run the tests
	$(BIN)/pytest -n 2 -m "not nightly" $(ARGS)

check: .venv/dev ## Lint, types, and which package may import which
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy reactor workers vmdrift simulator tests
	$(BIN)/lint-imports --no-logo

nightly: check ## All tests, the long ones too
	$(BIN)/pytest -n 2 $(ARGS)

clean: ## Remove the environment and all caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/demo .venv/dev: .venv/%: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing vm-drift into .venv ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[$(if $(filter dev,$*),demo$(comma)dev,demo)]"
	@touch $@

comma := ,
