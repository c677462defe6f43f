# Everything works from a fresh clone: each target makes the environment that it needs in .venv.
PYTHON ?= python3
BIN := .venv/bin
# More words for the command: make run ARGS=--act
ARGS ?=
# How long make soak goes on.
HOURS ?= 1
# Whose types are checked; by day, in make test, not those of tests and benchmarks.
TYPED ?= reactor workers vmdrift simulator rehearsal benchmarks charts release tests
# Who is lacking in the cluster of `make e2e` and so is played by us.
ACTORS ?= kubelet,virt-handler,csi-attacher

.DEFAULT_GOAL := help
.PHONY: help run test tools pictures scenarios manifests chart docs check nightly soak bench bench-plots bench-recovery e2e e2e-cluster release-files constraints clean

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/demo ## Run everything: on the cluster of KUBECONFIG (observing; ARGS=--act acts), or on a simulated one
	@$(BIN)/vmdrift run $(ARGS)

test: .venv/dev ## Check the code and run the tests, side by side (two cores: about five minutes)
	@TYPED="$(filter-out benchmarks tests,$(TYPED))" $(BIN)/python -m tests.lanes -m "not nightly" $(ARGS)

scenarios: .venv/dev ## Show where the golden scenarios go another way than written down (ARGS=--write: write it down)
	@$(BIN)/python -m tests.scenarios.golden $(ARGS)

pictures: .venv/dev ## Take pictures of the page at every moment of an outage into screenshots/, those of the documentation too (needs Chromium)
	@$(BIN)/python -m tests.pictures --docs $(ARGS)

manifests: .venv/dev ## Build every overlay of k8s/, check it against the schemas, and the Helm chart against it (needs kubectl, and no cluster)
	@command -v kubectl >/dev/null || { echo "make manifests: kubectl is missing; it builds the overlays" >&2; exit 2; }
	$(BIN)/pytest -n 2 tests/integration/test_manifests.py tests/integration/test_chart.py $(ARGS)

chart: .venv/dev ## Write the Helm chart charts/vm-drift anew from k8s/ and the settings (needs kubectl, and no cluster)
	@command -v kubectl >/dev/null || { echo "make chart: kubectl is missing; it builds what the chart is made of" >&2; exit 2; }
	$(BIN)/python -m charts

docs: .venv/dev ## Build the docs site into site/ from docs/, and check every link in it (open site/index.html)
	@$(BIN)/python docs/build.py site

check: .venv/dev ## Lint, types, and which package may import which
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy $(TYPED)
	$(BIN)/lint-imports --no-logo

tools: ## Install what some tests need besides Python: Chromium and promtool, by night a Redis with TLS, fence agents and a simulated BMC (as root on Debian; else those tests are skipped)
	@missing=""; command -v chromium >/dev/null || missing="chromium"; command -v promtool >/dev/null || missing="$$missing prometheus"; \
	$(if $(NIGHT),command -v redis-check-rdb >/dev/null || missing="$$missing redis-tools"; \
	command -v ipmi_sim >/dev/null && ls /usr/sbin/fence_ipmilan >/dev/null 2>&1 || missing="$$missing fence-agents ipmitool openipmi";) \
	if [ -z "$$missing" ]; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing$${missing:+ }$$missing for the tests ..."; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null \
			|| echo "make tools: $$missing could not be installed; the tests that need it are skipped" >&2; \
	else echo "make tools: $$missing is missing; the tests that need it are skipped" >&2; fi

nightly: ## All tests, the long ones too, a thousand simulated worlds, and ten minutes of nonsense
	@$(MAKE) --no-print-directory -j2 .venv/dev tools NIGHT=1
	@$(BIN)/python -m tests.lanes $(ARGS)

soak: .venv/dev ## Simulated worlds for an hour (HOURS=8: for eight) on all cores, judged, and beside them nonsense from all sides
	@$(BIN)/python -m tests.fuzz $(HOURS)h & fuzz=$$!; \
	$(BIN)/python -m tests.properties.soak $(HOURS); worlds=$$?; \
	wait $$fuzz && exit $$worlds

bench: .venv/bench ## Measure everything that docs/performance.md tells (about half an hour; ARGS="start worker" only these)
	$(BIN)/python -m benchmarks $(ARGS)

bench-plots: .venv/bench ## Draw the pictures of docs/performance.md from the last results, and write its table
	$(BIN)/python -m benchmarks.plots
	$(BIN)/python docs/generate.py

bench-recovery: .venv/dev ## Measure how late things happen when processes are killed (about ten minutes)
	$(BIN)/python -m benchmarks.recovery $(ARGS)

e2e: e2e-cluster .venv/dev ## Run the scenarios against the cluster of KUBECONFIG, with nodes of our own (docs/e2e.md)
	@ACTORS=$(ACTORS) $(BIN)/pytest tests/e2e -m e2e $(ARGS)

e2e-cluster:
	@test -n "$$KUBECONFIG" || { echo "make e2e: KUBECONFIG is not set; it says which cluster is tested" >&2; exit 2; }

release-files: .venv/dev ## Build what a release consists of besides the image and the chart into dist/ (docs/release.md)
	@$(BIN)/python -m release

constraints: .venv/dev ## Take the newest versions of all that is installed, with the hashes of their files, into constraints.txt
	@(sed -n '/^#/p' constraints.txt; echo uv | $(BIN)/uv pip compile --quiet pyproject.toml - --all-extras --universal --upgrade \
		--generate-hashes --no-header --no-annotate) > .venv/constraints.txt && mv .venv/constraints.txt constraints.txt

clean: ## Remove the environment and all caches
	rm -rf .venv site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# uv takes seconds where pip takes minutes; where it finds no registry (an index that only pip knows of), pip does it. Both
# take only files whose hashes are in constraints.txt; pip cannot do that for some of them, so it takes all. To put a pip
# of its own into .venv takes six seconds more, and is done where there is none outside that can install into it.
.venv/demo .venv/dev .venv/bench: WANTED = -e ".[$(if $(filter demo,$*),demo,demo$(comma)$*)]"
.venv/demo .venv/dev .venv/bench: .venv/%: pyproject.toml constraints.txt
	@echo "Installing vm-drift into .venv ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv --without-pip .venv
	@sed -n '/^uv==/,/[^\\]$$/p' constraints.txt > .venv/uv.txt
	@pip="$(PYTHON) -m pip --quiet --disable-pip-version-check --python $(BIN)/python"; \
	$$pip --version >/dev/null 2>&1 || { $(BIN)/python -m ensurepip >/dev/null; pip="$(BIN)/python -m pip --quiet"; }; \
	$$pip install -r .venv/uv.txt && { \
		$(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt $(WANTED) \
		|| { $$pip install -r constraints.txt && $$pip install --no-deps $(WANTED); }; }
	@touch $@

comma := ,
