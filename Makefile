# make demo   analyze the bundled model (first time) and serve the page
# make test   run every test, the browser tests too
# make docs   write the reference of the Python interface into build/docs
# make lint   repair what the checks of style can repair
PYTHON ?= python3
PORT ?= 5006
BIN := .venv/bin

.PHONY: demo test lint lint-js docs serve screenshots clean
.DELETE_ON_ERROR:

# The environment is made again only when pyproject.toml changes.
.venv/ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "headbrush needs Python 3.11 or newer; name one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 2; }
	@echo "Installing headbrush and what it needs into .venv (a few minutes the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@

demo: .venv/ready
	$(BIN)/headbrush demo --port $(PORT)

serve: .venv/ready
	$(BIN)/headbrush serve $(or $(STORE),demo.headbrush) --port $(PORT)

# Two processes of several threads each would wait for each other.
test: .venv/ready lint-js
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile

lint: .venv/ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	@if command -v npm >/dev/null; then $(MAKE) node_modules/ready && npm run --silent fix; fi

# Types and style of the browser's scripts, in a few seconds; nothing that runs needs npm.
lint-js:
	@if ! command -v npm >/dev/null; then \
	  echo "SKIPPED: the scripts in server/static are not checked, as npm is not installed" >&2; \
	elif ! $(MAKE) --silent node_modules/ready; then \
	  echo "SKIPPED: the scripts in server/static are not checked, as npm could not install" >&2; \
	else npm run --silent check; fi

node_modules/ready: package.json package-lock.json
	npm ci --silent
	@touch $@

# What users of the Python interface see; a warning is an error.
API = headbrush headbrush.analysis.run.request headbrush.analysis.store.store headbrush.analysis.store.schema headbrush.analysis.store.errors headbrush.server.pages.report.report headbrush.server.pages.report.output.fragments
docs: .venv/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	$(BIN)/python -W error -m pdoc --docformat numpy --output-directory build/docs $(API)

screenshots: .venv/ready
	PYTHONPATH=. $(BIN)/python tests/browser/screenshots.py demo.headbrush design_notes/pictures

clean:
	rm -rf .venv node_modules build dist demo.headbrush
