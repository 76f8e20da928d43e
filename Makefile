# Two commands matter: `make up` and `make test`. Nothing is installed outside this folder.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
PORT ?= 8080
ESTATE ?= polycloud/app/examples/sandbox/estate.yaml
BIN := .venv/bin

.PHONY: up test test-all lint tools tools-deploy bench-gateway bench-planner bench-routes lock catalog reference clean help

help:            ## this list
	@grep -E '^[a-z-]+: .*##|^[a-z-]+:  *##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

.venv/run: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "polycloud needs Python 3.11 or newer (PYTHON=... chooses it)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing polycloud into .venv (a minute the first time) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock -r tools/locks/build.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev: requirements-dev.lock .venv/run
	@echo "installing the tools and client libraries of the tests into .venv ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

up: .venv/run    ## start the example estate with the five sandbox clouds on http://127.0.0.1:$(PORT)
	@exec $(BIN)/polycloud up -e $(ESTATE) --state .polycloud --port $(PORT)

test: .venv/dev tools    ## everything: style, types, layers, and the whole everyday suite
	@$(MAKE) --no-print-directory lint
	@$(BIN)/pytest -n 2 --dist loadfile

lint: .venv/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

tools: .venv/run    ## what only some tests need (npm packages, peers' clients), under .tools
	@sh tools/install.sh tests

tools-deploy: .venv/run    ## and what only `make test-all` needs: checkov
	@sh tools/install.sh deploy

test-all: .venv/dev tools tools-deploy    ## the everyday suite, and every rendered file of all examples under its real tool
	@$(MAKE) --no-print-directory lint
	@POLYCLOUD_ALL_ESTATES=1 $(BIN)/pytest -n 2 --dist loadfile

bench-planner: .venv/dev    ## the planner: five seeds of both variants at full size, against the naive plans
	@$(BIN)/python benchmarks/planner/run.py

bench-routes: .venv/dev    ## data from one site to many: twenty cases, each against direct and shortest paths
	@$(BIN)/python benchmarks/routes/run.py

bench-gateway: .venv/dev    ## the gateway beside its peers, same work, same run
	@sh tools/install.sh bench
	@$(BIN)/python benchmarks/gateway/run.py

lock:            ## make the lock files anew from pyproject.toml
	@sh tools/lock.sh

catalog: .venv/dev    ## make the catalogue's tables anew from ../shared/data
	$(BIN)/python tools/build_catalog.py

reference: .venv/dev    ## make the generated parts of the documentation anew
	$(BIN)/python tools/build_reference.py

clean:
	rm -rf .venv .tools build dist *.egg-info
