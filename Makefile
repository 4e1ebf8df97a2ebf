# `make book` and `make test` need Python 3.11-3.13, git and make, and set up everything else in .venv.
# Another Python: make PYTHON=/path/to/python3.12 book

SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?=
RUN := .venv/bin/python -m
NOTEBOOKS = $(shell git ls-files '*.ipynb')
# Tests share the cores; more than two workers only heat a laptop.
WORKERS ?= 2

# Each part runs, also after another one failed; the last lines say what each took and how it ended. The shell's `time` writes
# to the channel for errors, so the part's own output goes around it. Sphinx writes the pages on one core: `lint` runs beside
# the book, takes what that leaves (`nice`), and says what it found when it is done.
TIMED = { time $(1) $(MAKE) --no-print-directory $(2); }
CHECK_ALL = failed=; aside=$$(mktemp -d); TIMEFORMAT='%1R s by the clock, %1U + %1S s of the processor (user + system)'; \
  exec 3>&1 4>&2; \
  { $(call TIMED,nice,lint >$$aside/lint 2>&1) 2>$$aside/lint_took; echo $$? >$$aside/lint_status; cat $$aside/lint; } & \
  $(call TIMED,,book >&3 2>&4) 2>$$aside/book_took || failed=" book"; wait; \
  [ $$(cat $$aside/lint_status) = 0 ] || failed=" lint$$failed"; \
  spent="lint: $$(cat $$aside/lint_took)"$$'\n'"book: $$(cat $$aside/book_took)"$$'\n'; rm -r $$aside; \
  $(RUN) pytest -n $(WORKERS)
SAY_RESULT = [ $$? = 0 ] || failed="$$failed pytest"; echo -n "$$spent"; \
  if [ -n "$$failed" ]; then echo "make $@: FAILED in:$$failed ($$SECONDS s)"; exit 1; fi; \
  echo "make $@: everything passed ($$SECONDS s)"

.PHONY: help book lab test test-all lint format lock clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */  make \1\t/' | expand -t 18

book: .venv/ready  ## execute the chapters, build the site, print where it is
	@.venv/bin/python book/build.py

# Its folder is notebooks/; its kernel is .venv's, also where the user has one of the same name. More options: make lab LAB=--no-browser
lab: .venv/ready  ## open the chapters in JupyterLab (LAB=--no-browser)
	@$(RUN) book.logs && JUPYTER_PREFER_ENV_PATH=1 $(RUN) jupyterlab notebooks/00_quickstart.ipynb $(LAB)

test: .venv/ready  ## all checks and tests that CI runs
	@$(CHECK_ALL) -m "not slow"; $(SAY_RESULT)

test-all: .venv/ready  ## the same, and the tests that take minutes each
	@$(CHECK_ALL); $(SAY_RESULT)

lint: .venv/ready  ## style, types, imports, spelling, notebooks without outputs
	@echo "lint: ruff" && $(RUN) ruff check --quiet . && $(RUN) ruff format --quiet --check .
	@echo "lint: mypy" && $(RUN) mypy --no-error-summary
	@echo "lint: import-linter" \
	  && { report=$$(.venv/bin/lint-imports 2>&1) || { echo "$$report"; exit 1; }; }
	@echo "lint: codespell" && $(RUN) codespell_lib $$(git ls-files)
	@echo "lint: nbstripout" && if [ -n "$(NOTEBOOKS)" ]; then $(RUN) nbstripout --keep-id --verify $(NOTEBOOKS); fi

format: .venv/ready  ## mend style and strip outputs
	@$(RUN) ruff check --quiet --fix . ; $(RUN) ruff format .
	@if [ -n "$(NOTEBOOKS)" ]; then $(RUN) nbstripout --keep-id $(NOTEBOOKS); fi

lock: .venv/ready  ## choose newest versions: requirements.lock and environment.yml
	@$(RUN) pip install --quiet uv && .venv/bin/python tools/lock.py

clean:  ## remove what the build and the tests made; keeps .venv
	@rm -rf book/_build book/_executed .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

# The first Python of the list that fits makes .venv; a name on the PATH may be an empty shim, so each is run.
.venv/ready: requirements.lock pyproject.toml tools/setup_env.py
	@fits='import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'; \
	for python in $(or $(PYTHON),python3 python python3.13 python3.12 python3.11 /usr/bin/python3); do \
	  if "$$python" -c "$$fits" >/dev/null 2>&1; then exec "$$python" tools/setup_env.py; fi; \
	done; \
	echo "make: needs Python 3.11, 3.12 or 3.13 with its venv module (Debian, Ubuntu: apt install python3-venv)."; \
	echo "      Tried: $(or $(PYTHON),python3 python python3.13 python3.12 python3.11 /usr/bin/python3)."; \
	echo "      Name one yourself: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)"; exit 1
