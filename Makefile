# make demo   analyze the bundled model (first time) and serve the page
# make test   run every test, the browser tests too
# make test-oldest   run them with the lowest versions that pyproject.toml allows
# make docs   write the reference of the Python interface into build/docs
# make bench  measure speed, beside HoloViews and others, in half an hour; BENCH=brushing one, QUICK=1 a try
# make bench-compare BEFORE=a.json AFTER=b.json   fail if something became slower beyond the noise
# make lint   repair what the checks of style can repair, and check types and spelling
PYTHON ?= python3
PORT ?= 5006
BIN := .venv/bin

.PHONY: bench bench-compare demo test test-oldest lint lint-js docs serve screenshots clean
.DELETE_ON_ERROR:

# What is installed in an environment, again when pyproject.toml changes: make_environment,FOLDER,WHAT
define make_environment
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
  { echo "headbrush needs Python 3.11 or newer; name one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 2; }
@echo "Installing headbrush and what it needs into $(1) (a few minutes the first time)"
@test -x $(1)/bin/python || $(PYTHON) -m venv $(1)
@$(1)/bin/python -m pip install --quiet --disable-pip-version-check $(2)
@touch $@
endef

.venv/ready: pyproject.toml
	$(call make_environment,.venv,--editable '.[analyze]')

.venv/ready-to-test: pyproject.toml
	$(call make_environment,.venv,--editable '.[test]')
	@touch .venv/ready

.venv/ready-to-bench: pyproject.toml
	$(call make_environment,.venv,--editable '.[bench]')
	@touch .venv/ready .venv/ready-to-test

.venv-oldest/ready: pyproject.toml tests/oldest.py
	@mkdir -p .venv-oldest
	@$(PYTHON) tests/oldest.py > .venv-oldest/constraints.txt
	$(call make_environment,.venv-oldest,--constraint .venv-oldest/constraints.txt --editable '.[test]')

demo: .venv/ready
	$(BIN)/headbrush demo --port $(PORT)

serve: .venv/ready
	$(BIN)/headbrush serve $(or $(STORE),demo.headbrush) --port $(PORT)

# Two processes of several threads each would wait for each other.
test: .venv/ready-to-test lint-js
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright
	$(BIN)/codespell
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile

# The same tests with the lowest versions that pyproject.toml allows, PYTEST_ARGS=tests/server some.
test-oldest: .venv-oldest/ready
	OMP_NUM_THREADS=1 .venv-oldest/bin/python -m pytest $(PYTEST_ARGS)

# BENCH names some of benchmarks/suite/plan.py, STORE another store than that of the bundled images.
bench: .venv/ready-to-bench
	PYTHONPATH=. $(BIN)/python benchmarks/suite/run.py $(BENCH) $(if $(STORE),--store $(STORE)) \
	  $(if $(QUICK),--quick) --out $(or $(OUT),build/bench/figures.json)

bench-compare: .venv/ready
	PYTHONPATH=. $(BIN)/python benchmarks/suite/compare.py $(BEFORE) $(AFTER)

lint: .venv/ready-to-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/basedpyright
	$(BIN)/codespell
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
API = headbrush headbrush.analysis.run.request headbrush.analysis.store.store headbrush.analysis.store.schema headbrush.analysis.store.errors headbrush.server.pages.figures.parts.paper headbrush.server.pages.report.report headbrush.server.pages.report.output.fragments
docs: .venv/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	$(BIN)/python -W error -m pdoc --docformat numpy --output-directory build/docs $(API)

screenshots: .venv/ready-to-test
	PYTHONPATH=. $(BIN)/python tests/browser/screenshots.py demo.headbrush design_notes/pictures
	$(BIN)/headbrush figure demo.headbrush --head 0.2 --image pullover/00046.png --width two --dpi 150 \
	  --out design_notes/pictures/figure-head.png

clean:
	rm -rf .venv .venv-oldest node_modules build dist demo.headbrush
