# `make run` opens the tutor; `make test` checks everything. Both bring up what they need, and say what they do.
# An engine that answers already is used as it is, and nothing is installed then.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
TUTOR  := $(BIN)/docker-tutor
# A changed pyproject.toml makes a new name, so the packages are installed again.
KEY    := $(shell cksum < pyproject.toml | tr -dc '0-9')

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup run test check engine images lint bench measure prove proof clean

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## /\1  /p' $(MAKEFILE_LIST) | while read -r name words; do printf '  make %-8s %s\n' "$$name" "$$words"; done

run: $(VENV)/.run-$(KEY) engine images ## Open the tutor (without a terminal: list the chapters)
	@$(TUTOR)

test: $(VENV)/.dev-$(KEY) ## Check everything; a private engine started for it is ended afterwards
	@$(TUTOR) engine run --install -- make --no-print-directory check

# What `make test` runs once DOCKER_HOST names an engine.
check: $(VENV)/.dev-$(KEY) images lint test-tools
	@echo "== tests"
	@$(BIN)/python -m pytest -q --cache-clear --ignore=tests/bench || { test $$? = 1 && $(MAKE) --no-print-directory once-more; }
	@$(MAKE) --no-print-directory proof

# Terminals, browsers and engines share a machine's time: a few tests that failed are run once more, alone. Both results
# are printed.
.PHONY: once-more
once-more:
	@failed=$$($(BIN)/python -c 'import json; print(len(json.load(open(".pytest_cache/v/cache/lastfailed"))))'); \
	test $$failed -le 5 || { echo "$$failed tests failed: too many for a second try."; exit 1; }; \
	echo "== tests that failed ($$failed), once more and alone"; $(BIN)/python -m pytest -q -rA --last-failed --ignore=tests/bench

setup: $(VENV)/.dev-$(KEY) ## Make the Python environment for working on the tutor

engine: $(VENV)/.run-$(KEY) ## Start a private engine if none answers
	@$(TUTOR) engine up --install

images: $(VENV)/.run-$(KEY) ## Pull the images of the labs, or build them where they cannot be pulled
	@$(TUTOR) images ready

lint: $(VENV)/.dev-$(KEY) ## Check style, types, the direction of imports, and the course
	@echo "== style, types, imports, course"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(TUTOR) course lint

bench: $(VENV)/.dev-$(KEY) ## Measure against the budgets
	@$(TUTOR) engine run --install -- make --no-print-directory measure

# What `make bench` runs once DOCKER_HOST names an engine.
measure: $(VENV)/.dev-$(KEY) images
	@failed=0; for file in tests/bench/*.py; do \
	  name=$$(basename $$file .py); echo "== $$name"; $(BIN)/python -m tests.bench.$$name || failed=1; \
	done; exit $$failed

prove: $(VENV)/.run-$(KEY) ## Prove every step of the course on a real engine
	@$(TUTOR) engine run --install -- make --no-print-directory proof

# What `make prove` runs once DOCKER_HOST names an engine.
proof: $(VENV)/.run-$(KEY) images
	@echo "== proof of the course"
	@$(TUTOR) course prove

clean: ## Remove what was made in this folder
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Tests use a real Redis, a real browser and real terminals; without them pytest says what it skips, and why.
.PHONY: test-tools
test-tools:
	@missing=; for tool in redis-server:redis-server chromium:chromium tmux:tmux screen:screen openssl:openssl; do \
	  command -v $${tool%:*} >/dev/null || missing="$$missing $${tool#*:}"; \
	done; \
	if [ -n "$$missing" ]; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "== Installing$$missing with apt"; \
	    { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends $$missing >/dev/null; } || \
	      echo "They cannot be installed: the tests that need them are skipped."; \
	  else \
	    echo "Not here, so the tests that need them are skipped:$$missing"; \
	  fi; \
	fi

# The environment for running (with the workshop) and the one for working; both in one folder.
$(VENV)/.run-$(KEY) $(VENV)/.dev-$(KEY):
	@$(MAKE) --no-print-directory python-is-here
	@test -x $(BIN)/pip || { echo "== Python environment in $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@test -e $(VENV)/.dev-$(KEY) || { echo "== Python packages (some minutes the first time)"; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$(if $(findstring .dev,$@),dev,workshop)]'; }
	@touch $@

# venv is a package of its own on Debian.
.PHONY: python-is-here
python-is-here:
	@if ! $(PYTHON) -c 'import ensurepip' 2>/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "== Installing python3 and python3-venv with apt"; \
	  apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends python3 python3-venv >/dev/null; \
	fi
	@$(PYTHON) -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Python 3.11 or newer with its venv module is needed (Debian: apt-get install python3 python3-venv)." >&2; \
	  echo "Name another one with: make PYTHON=python3.12 ..." >&2; exit 1; }
