# SPDX-License-Identifier: AGPL-3.0-or-later
# make demo   a throwaway office with sample reports, and a portal to try
# make test   everything that CI checks, on the installed wheel
# make help   the other targets

SHELL := /bin/bash -eu -o pipefail
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BUILT := intake/built/page.html
PAGE_SOURCES := $(wildcard portal/page/* templates/page/* intake/*.json intake/words/* intake/words/*/* intake/questionnaires/* intake/codebooks/* intake/deadlines/*)
SOURCES := $(wildcard *.py crypto/*.py crypto/secret/*.py intake/*.py portal/*.py courier/*.py desk/*.py) \
           $(wildcard intake/*.json desk/*.json crypto/*.md) setup.cfg pyproject.toml README.md
DEMO ?= demo-office
PORT ?= 8640
WORKERS ?= 3
# A copy of tests/ outside the checkout, so that they meet the installed wheel and nothing else.
OUTSIDE := $(or $(TMPDIR),/tmp)/underseal-tests-$(shell id -u)
PYTEST = cd $(OUTSIDE) && UNDERSEAL_SOURCE=$(CURDIR) PATH=$(CURDIR)/$(BIN):$$PATH $(CURDIR)/$(BIN)/python -P -m pytest -c setup.cfg

.PHONY: help dev page lint system system-long outside test faults drill bench demo wheelhouse clean

help:
	@sed -n 's/^# make/make/p' Makefile

# make dev    .venv with every extra, the page's tools, and the program installed
dev: $(VENV)/.installed

$(VENV)/.requirements: deploy/requirements/dev.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "underseal needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $<
	touch $@

node_modules/.installed: package.json package-lock.json
	@node -e "process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)" 2>/dev/null || { echo "make: install Node 20 or newer, with npm"; exit 1; }
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

$(BUILT): $(VENV)/.requirements node_modules/.installed $(PAGE_SOURCES)
	node portal/page/build.mjs
	$(BIN)/python portal/page/render.py

# make page   the officer's page, built into intake/built/
page: $(BUILT)

$(VENV)/.installed: $(BUILT) $(SOURCES)
	rm -rf build dist
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist .
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall dist/underseal-*.whl
	rm -rf build
	touch $@

# make lint   formatting, types of Python and JavaScript
lint: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	node node_modules/typescript/bin/tsc --noEmit -p jsconfig.json

system:
	@deploy/system-packages

system-long:
	@deploy/system-packages long

outside: dev
	rm -rf $(OUTSIDE) && mkdir -p $(OUTSIDE)
	cp -r tests setup.cfg $(OUTSIDE)/

test: system lint outside
	node --test tests/page/
	$(PYTEST) tests -m "not long" --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

# make faults the long kills, floods and fuzzing (an hour)
faults: system-long outside
	$(PYTEST) tests -m long --timeout 3600

# make drill  deploy/RUNBOOK.md, followed command by command on a fresh Debian 12 that boots (as root; fifteen minutes at first)
drill: system-long outside
	$(PYTEST) tests/deploy/test_runbook.py -m long --exitfirst --timeout 3600

# make bench  the figures of bench/, side by side
bench: dev
	$(BIN)/python bench/run.py

demo: dev
	$(BIN)/underseal demo --dir $(DEMO) --port $(PORT)

# make wheelhouse  dist/wheelhouse: every part with its libraries, to install where there is no network
wheelhouse: dev
	rm -rf dist/wheelhouse
	for list in pip courier desk portal postgresql; do \
	  $(BIN)/python -m pip download --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all: \
	    --dest dist/wheelhouse -r deploy/requirements/$$list.txt; \
	done
	cp dist/underseal-*.whl dist/wheelhouse/
	cd dist/wheelhouse && ours=$$(ls underseal-*.whl) && for part in courier desk portal postgresql; do \
	  { cat ../../deploy/requirements/$$part.txt; printf './%s --hash=sha256:%s\n' $$ours $$(sha256sum < $$ours | cut -c-64); } > $$part.txt; \
	done && sha256sum -- * > SHA256SUMS
	@echo "made dist/wheelhouse; README, \"Without a network\", says how to install from it"

# make clean  removes what the other targets made
clean:
	rm -rf $(VENV) node_modules intake/built build dist *.egg-info $(OUTSIDE)
