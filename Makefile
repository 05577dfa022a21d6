# Everything a contributor types. A target is one line that calls a tool; `make help` prints this list.
PYTHON ?= python3
FOLDER ?= .state
ONLY ?=
SEED ?= 0
SEEDS ?= 1000
MINUTES ?= 60
PERIOD ?= 30
OBJECTS ?= 1000
SOAK ?= .soak
RELEASED ?=
VENV := .venv/$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
RUN := $(VENV)/bin/python -m
# pytest-xdist keeps to itself what a worker prints that is ended by a time-out: so the stacks come 5 s before that.
SIDE_BY_SIDE := -n 2 --dist worksteal -o faulthandler_timeout=115

.DEFAULT_GOAL := help
.PHONY: help prerequisites venv build check test test-fast test-deep simulate test-mutants test-faults chart image sbom audit bench bench-quick soak demo up down status lock clean

help: ## print this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

prerequisites: ## say what is missing on this machine
	@$(PYTHON) -m deploy.local check

venv: prerequisites $(VENV)/.done ## make the virtual environment

$(VENV)/.done: requirements-dev.txt
	$(PYTHON) -m venv $(VENV) && $(RUN) pip install --quiet --require-hashes --requirement requirements-dev.txt && touch $@

build: venv ## build the local control plane, or find it in the cache (5 to 8 minutes the first time)
	@$(RUN) deploy.local build

check: venv ## format, lint, types, the direction of imports, and known weaknesses of what is pinned
	$(RUN) ruff format --check . && $(RUN) ruff check . && $(RUN) mypy && $(VENV)/bin/lint-imports && $(RUN) deploy.supply audit

test-fast: venv ## the layers that need no service
	$(RUN) pytest $(SIDE_BY_SIDE) tests/unit tests/checker tests/soak tests/simulation

test: build ## every layer, the real control plane and Redis included
	$(RUN) pytest $(SIDE_BY_SIDE) tests/unit tests/checker tests/soak tests/simulation tests/adapters && $(RUN) pytest tests/cluster && $(RUN) pytest tests/chart && $(RUN) pytest tests/faults

test-deep: venv ## the schedule engine against brute force, over a million instants (a few minutes)
	DCRON_DEEP=1 $(RUN) pytest -n 2 --dist worksteal tests/unit/test_engine_brute_force.py tests/unit/test_schedule_fuzz.py

simulate: venv ## faults of everything around the replicas, SEEDS=1000 seeds from SEED=0 on, on all processors
	@$(RUN) tests.simulation --seed $(SEED) --seeds $(SEEDS)

test-mutants: venv ## replicas with one fault put in, each caught by the simulation: a table
	@$(RUN) tests.simulation --mutants

test-faults: build ## faults on real processes from SEED=0, all or ONLY="redis kill"; the table goes into FOLDER
	@$(RUN) tests.faults --only $(ONLY) --seed $(SEED) --folder $(FOLDER)/faults

chart: venv ## check the Helm chart and pack it into dist/, RELEASED=repository@digest as its image
	@$(RUN) deploy.chart package dist $(if $(RELEASED),--image $(RELEASED))

image: venv ## build the controller's image with docker, podman, nerdctl or buildah, from a base with its digest recorded
	@$(RUN) deploy.image build

sbom: venv ## write what the image brings along into dist/sbom.cdx.json, CycloneDX made of the lock file
	@$(RUN) deploy.supply sbom dist/sbom.cdx.json

audit: venv ## fail if a weakness is known of what is pinned, or if nobody could be asked
	@$(RUN) deploy.supply audit --strict

bench: build ## the schedule engine, a herd of OBJECTS=1000 against raw creates and batch/v1, what can fire for ever, failover; kept in FOLDER
	@$(RUN) tests.bench && $(RUN) tests.bench.herd --objects $(OBJECTS) --folder $(FOLDER)/bench && $(RUN) tests.bench.sustained --folder $(FOLDER)/bench && $(RUN) tests.bench.failover --folder $(FOLDER)/bench

bench-quick: build ## whether a herd still stands to raw creates and to batch/v1 as it did when `make bench` was kept
	@$(RUN) tests.bench.guard

soak: build ## 1,000 objects every PERIOD=30 s for MINUTES=60, with churn and restarts; kept in SOAK=.soak
	@$(RUN) tests.soak --minutes $(MINUTES) --period $(PERIOD) --folder $(SOAK)

demo: build ## three replicas on a real control plane, one of them killed, every instant counted
	@$(RUN) deploy.demo

up: build ## start the control plane, Redis and three replicas, and keep them running
	@$(RUN) deploy.local up --folder $(FOLDER)

down: venv ## stop what `make up` started
	@$(RUN) deploy.local down --folder $(FOLDER)

status: venv ## show what `make up` started
	@$(RUN) deploy.local status --folder $(FOLDER)

lock: venv ## write the lock files anew
	$(RUN) piptools compile $(LOCK) -o requirements.txt pyproject.toml && $(RUN) piptools compile $(LOCK) --extra dev -c requirements.txt -o requirements-dev.txt pyproject.toml && $(RUN) piptools compile $(LOCK) --only-build-deps --build-deps-for wheel -c requirements-dev.txt -o requirements-build.txt pyproject.toml

# Extras stay in the lock: without them pip looks past a pin as soon as a newer version of the package is out.
LOCK := --quiet --no-strip-extras --allow-unsafe --generate-hashes --no-emit-index-url --no-emit-trusted-host --no-emit-find-links

clean: ## remove the virtual environments and caches of the checkout
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
