# Why: one door to everything one does with this project. Each target brings the set-up it needs; a second run is quick.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
WORKERS ?= 2
# More for pytest or the benchmarks, as in: make test ARGS="tests/foundation -x"
ARGS ?=

# Compiled modules make every start about three times faster, so nobody's environment may forbid them here.
export PYTHONDONTWRITEBYTECODE =
export PYTHON

fonts := $(addprefix foundation/fonts/IBMPlexSans-,Regular.ttf Italic.ttf SemiBold.ttf Bold.ttf)

.PHONY: help setup demo serve test test-full check bench lock clean postgresql strace chromium seals

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: .venv/.installed $(fonts) app/static/vendor/.installed ## make .venv, install the locked packages, bring typefaces and styles

demo: setup ## fill var/demo with the demonstration year
	OS2TILSLUT_ENV=demo OS2TILSLUT_DATA_DIR=var/demo .venv/bin/os2tilslut demo $(ARGS)

# On the demonstration's own days: its invoices are dated in January 2027.
serve: export OS2TILSLUT_ENV = demo
serve: export OS2TILSLUT_DATA_DIR = var/demo
serve: export OS2TILSLUT_CLOCK = 2027-01-20T09:00:00Z
serve: setup ## run the workplace on 127.0.0.1:8000, on the demonstration's year and people
	@if [ -e var/demo/os2tilslut.sqlite ]; then .venv/bin/os2tilslut db upgrade; else $(MAKE) demo; fi
	.venv/bin/os2tilslut serve --work 30 $(ARGS)

test: setup postgresql strace chromium seals ## run the tests, with bounded examples
	.venv/bin/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

test-full: setup postgresql strace chromium seals ## run the tests with the full acceptance counts
	OS2TILSLUT_TEST_FULL=1 .venv/bin/python -m pytest -n $(WORKERS) $(ARGS)

check: setup ## style, types and the directions of imports
	.venv/bin/python -m ruff check .
	.venv/bin/python -m ruff format --check .
	.venv/bin/python -m mypy
	.venv/bin/lint-imports --no-logo

bench: setup postgresql ## run the benchmarks
	.venv/bin/python -m benchmarks $(ARGS)

lock: ## resolve the dependencies anew (ARGS=--upgrade takes the newest)
	sh setup/lock.sh $(ARGS)

clean: ## remove what set-up and tests made; data under var/ stays
	rm -rf .venv node_modules $(fonts) app/static/vendor build *.egg-info .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache var/lock-tools
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

postgresql:
	@sh setup/system_packages.sh postgresql

# The browser of the stories; where it cannot be had, they say so.
chromium:
	@command -v chromium-headless-shell >/dev/null || [ "$$(id -u)" -ne 0 ] || \
		sh setup/system_packages.sh headless || sh setup/system_packages.sh chromium || true

# Only a help: where it cannot be had, the tests that need it say so.
strace:
	@command -v strace >/dev/null || [ "$$(id -u)" -ne 0 ] || sh setup/system_packages.sh strace || true

# A second opinion on seals, and a key in a device.
seals:
	@command -v pdfsig >/dev/null || [ "$$(id -u)" -ne 0 ] || sh setup/system_packages.sh poppler || true
	@command -v softhsm2-util >/dev/null || [ "$$(id -u)" -ne 0 ] || sh setup/system_packages.sh softhsm || true

.venv/.installed: requirements.lock pyproject.toml setup/environment.sh
	sh setup/environment.sh
	@touch $@

node_modules/.installed: package.json package-lock.json setup/frontend.sh
	sh setup/frontend.sh
	@touch $@

app/static/vendor/.installed: node_modules/.installed setup/vendor.py | .venv/.installed
	.venv/bin/python setup/vendor.py

foundation/fonts/%.ttf: node_modules/.installed setup/fonts.py | .venv/.installed
	.venv/bin/python setup/fonts.py $*
