# `make` lists the targets. Everything they need is fetched into this folder, except system packages:
# as root on Debian or Ubuntu those come with apt-get, otherwise a sentence says what to install.

SHELL := /bin/sh
PORT ?= 5000
SUPPORTED := 11 12 13
VENV := .venv
DEMO_VENV := .venv-demo
DEMO := build/demo
CHECKED := framework $(wildcard plugins/*/framework_*) examples tests/typing
OLDEST := $(patsubst %,tests/test_%.py,acks application context coroutines dependencies dispatch errors events feeds \
	flask_extensions flask_semantics handlers middleware namespace payloads plugins routes schemas signals \
	signatures streaming streams transport_frames transport_seams)
UNIT := not wire and not seed and not template and not browser and not typing and not docs

# How many tests run at a time; a file's tests stay together, for what they share.
JOBS ?= 2
parallel := -n $(JOBS) --dist loadfile

# A server starts sooner when what it imports was compiled by the one before.
unexport PYTHONDONTWRITEBYTECODE

python := $(VENV)/bin/python
pip_install := -m pip install --quiet --disable-pip-version-check
# The pip that comes with Python 3.11 and 3.12 takes three times as long to find what is locked.
newer_pip := $(pip_install) "pip>=26,<27" || echo "Going on with the pip that is there."
locked := $(pip_install) --require-hashes --requirement
this := $(pip_install) --no-deps --no-build-isolation --config-settings editable_mode=compat --editable .
uv_lock := build/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command "make lock" $(UPGRADE)

.PHONY: help demo test lint format typecheck unit wire seed template pytest coverage docs matrix oldest build lock clean \
	node chromium redis plugins bench soak fuzz hosts
.NOTPARALLEL:

help:  ## List the targets.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- The product -----------------------------------------------------------------------------

demo: $(DEMO_VENV)/.ready  ## Generate the chat application and serve it; PORT=5000.
	@$(DEMO_VENV)/bin/python scripts/free_port.py $(PORT)
	@rm -rf $(DEMO) && mkdir -p $(DEMO)
	@cd $(DEMO) && "$(CURDIR)/$(DEMO_VENV)/bin/framework" new --no-input
	@echo
	@echo "The chat is at http://127.0.0.1:$(PORT): open it in two tabs. Ctrl+C stops it."
	@cd $(DEMO)/chat && exec "$(CURDIR)/$(DEMO_VENV)/bin/framework" --app chat run --debug --port $(PORT)

# --- Every check -----------------------------------------------------------------------------

# tests/typing has the type checkers.
test: lint docs matrix pytest  ## Check everything: lint, types, docs, every test.

lint: $(VENV)/.ready  ## Check style and format.
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

format: $(VENV)/.ready  ## Mend what can be mended of style and format.
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

typecheck: $(VENV)/.ready node_modules/.ready  ## mypy --strict and pyright.
	$(VENV)/bin/mypy --strict $(CHECKED)
	node_modules/.bin/pyright --pythonpath $(python) $(CHECKED)

docs: $(VENV)/.ready  ## Build the documentation into build/site; a warning is an error.
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict --quiet --site-dir build/site

unit: $(VENV)/.ready  ## The tests that need Python only.
	$(python) -m pytest -m "$(UNIT)"

hosts: $(VENV)/.ready node_modules/.ready | redis  ## The wire tests in every host that reads from WebSockets.
	WIRE_HOSTS=threading,werkzeug,gevent,gunicorn-gevent,asyncio,asyncio-loop,stock,stock-gevent $(python) -m pytest -m wire tests/wire

seed template: | chromium
wire seed template: $(VENV)/.ready node_modules/.ready | redis
	$(python) -m pytest -m $@
wire:  ## Real servers, the official JavaScript client, Redis.
seed:  ## The guide, section by section.
template:  ## The generated application and the built wheel.

plugins: $(VENV)/.ready node_modules/.ready | chromium redis  ## The tests of the plugins in plugins/.
	$(python) -m pytest plugins

pytest: $(VENV)/.ready node_modules/.ready | chromium redis
	$(python) -m pytest $(parallel)

coverage: $(VENV)/.ready node_modules/.ready | chromium redis  ## Every test, and what of the package they did not reach.
	@mkdir -p build/coverage
	$(python) -m coverage run -m pytest
	$(python) -m coverage report

matrix: $(VENV)/.ready  ## The unit tests on the other supported Pythons that are present, and `oldest`.
	@for each in $(SUPPORTED:%=matrix-%) oldest; do $(MAKE) --no-print-directory $$each & tasks="$$tasks $$!"; done; \
		for task in $$tasks; do wait $$task || exit 1; done

matrix-%: $(VENV)/.ready
	@if $(python) -c "import sys; sys.exit(sys.version_info[1] != $*)"; then \
		echo "Python 3.$*: the other targets run it."; \
	elif ! found=$$(scripts/find-python $*); then \
		echo "Python 3.$*: not present, not tested."; \
	else \
		echo "Python 3.$*:" && \
		$(MAKE) --no-print-directory .venv-3.$*/.ready PYTHON="$$found" && \
		FEWER_EXAMPLES=1 .venv-3.$*/bin/python -m pytest -p no:cacheprovider -m "$(UNIT) and not once"; \
	fi

oldest: $(VENV)/.ready  ## What touches Flask and pydantic, on Python 3.11 and the oldest releases that setup.cfg allows.
	@if ! found=$$(scripts/find-python 11); then \
		echo "The oldest releases: they need Python 3.11, which is not present, and are not tested."; \
	else \
		echo "The oldest releases, on Python 3.11:" && \
		$(MAKE) --no-print-directory .venv-oldest/.ready PYTHON="$$found" && \
		FEWER_EXAMPLES=1 .venv-oldest/bin/python -m pytest -p no:cacheprovider -m "$(UNIT) and not once" $(OLDEST); \
	fi

# --- Speed ---------------------------------------------------------------------------------------

bench: .venv-bench/.ready benchmarks/node_modules/.ready  ## Compare with others, into benchmarks/RESULTS.md; BENCH=options.
	.venv-bench/bin/python benchmarks/run.py $(BENCH)
	.venv-bench/bin/python benchmarks/report.py

soak: .venv-bench/.ready  ## Hold the servers under load for long, into benchmarks/soak.json; SOAK=options.
	.venv-bench/bin/python benchmarks/soak.py $(SOAK)
	.venv-bench/bin/python benchmarks/report.py

fuzz: .venv-fuzz/.ready  ## Feed the WebSocket parser with whatever atheris finds, for ten minutes; FUZZ=options.
	@mkdir -p build/fuzz/frames
	.venv-fuzz/bin/python tests/fuzz/fuzz_frames.py -max_total_time=600 -max_len=4096 -len_control=20 \
		-artifact_prefix=build/fuzz/ $(FUZZ) build/fuzz/frames

.venv-fuzz/.ready: requirements/fuzz.txt
	@scripts/make-venv "$$(scripts/find-python 11)" $(@D)
	@$(@D)/bin/python $(locked) requirements/fuzz.txt
	@touch $@

.venv-bench/.ready: benchmarks/requirements.txt setup.cfg pyproject.toml
	@scripts/make-venv "$$(scripts/find-python)" $(@D)
	@echo "Installing what the benchmarks need into $(@D) ..."
	@$(@D)/bin/python $(newer_pip)
	@$(@D)/bin/python $(locked) benchmarks/requirements.txt
	@$(@D)/bin/python $(this)
	@touch $@

benchmarks/node_modules/.ready: benchmarks/package-lock.json benchmarks/package.json | node
	cd benchmarks && npm ci --no-progress --loglevel=error
	@touch $@

# --- Distributions and locks -----------------------------------------------------------------

build: $(VENV)/.ready  ## The source distributions and the wheels, of the plugins too, into dist/.
	@rm -rf build/lib build/bdist.* dist
	$(python) -m build --no-isolation
	@for plugin in plugins/*/; do $(python) -m build --no-isolation --outdir dist "$$plugin" || exit 1; done

lock: build/lock/.ready  ## Compile requirements/*.txt and package-lock.json anew; UPGRADE=--upgrade.
	$(uv_lock) setup.cfg requirements/demo.in --output-file requirements/demo.txt >/dev/null
	$(uv_lock) setup.cfg requirements/dev.in --extra asyncio --extra gevent --extra redis \
		--constraints requirements/demo.txt --output-file requirements/dev.txt >/dev/null
	$(uv_lock) --resolution lowest-direct setup.cfg requirements/oldest.in --extra asyncio --extra gevent --extra redis \
		--output-file requirements/oldest.txt >/dev/null
	$(uv_lock) setup.cfg requirements/demo.in benchmarks/requirements.in --extra asyncio --extra gevent \
		--constraints requirements/dev.txt --output-file benchmarks/requirements.txt >/dev/null
	$(uv_lock) requirements/fuzz.in --constraints requirements/dev.txt --output-file requirements/fuzz.txt >/dev/null
	npm install --package-lock-only
	cd benchmarks && npm install --package-lock-only

clean:  ## Remove everything that make has made.
	rm -rf .venv .venv-* node_modules build dist site *.egg-info \
		.cache .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- Environments ----------------------------------------------------------------------------

$(DEMO_VENV)/.ready: requirements/demo.txt setup.cfg pyproject.toml
	@scripts/make-venv "$$(scripts/find-python)" $(DEMO_VENV)
	@echo "Installing the framework into $(DEMO_VENV) ..."
	@$(DEMO_VENV)/bin/python $(locked) requirements/demo.txt
	@$(DEMO_VENV)/bin/python $(this)
	@touch $@

$(VENV)/.ready $(SUPPORTED:%=.venv-3.%/.ready): requirements/dev.txt setup.cfg pyproject.toml
	@scripts/make-venv "$$(scripts/find-python)" $(@D)
	@echo "Installing what the tests need into $(@D) ..."
	@$(@D)/bin/python $(newer_pip)
	@$(@D)/bin/python $(locked) requirements/dev.txt
	@$(@D)/bin/python $(this)
	@touch $@

.venv-oldest/.ready: requirements/oldest.txt setup.cfg pyproject.toml
	@scripts/make-venv "$$(scripts/find-python)" $(@D)
	@echo "Installing the oldest releases that are allowed into $(@D) ..."
	@$(@D)/bin/python $(newer_pip)
	@$(@D)/bin/python $(locked) requirements/oldest.txt
	@$(@D)/bin/python $(this)
	@touch $@

node chromium redis:
	@scripts/system-check $@

node_modules/.ready: package-lock.json package.json .npmrc | node
	npm ci --no-progress --loglevel=error
	@touch $@

build/lock/.ready:
	@scripts/make-venv "$$(scripts/find-python)" build/lock
	@build/lock/bin/python $(pip_install) "uv>=0.13,<0.14"
	@touch $@
