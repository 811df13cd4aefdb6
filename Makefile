# Every target sets up what it needs; `make train` and `make test` work on a fresh clone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BUNDLE ?= saved_models/default
QUERY ?= red check shirt
# Processes of the tests; each needs some 3 GB.
WORKERS ?= 2

.PHONY: install train test test-all serve search lint format docs results mutants clean

install: $(VENV)/ready

train: $(VENV)/ready
	$(BIN)/python -m pipelines.train --output_dir $(BUNDLE)

# What matters, in under ten minutes on 2 cores.
test: $(VENV)/ready
	$(BIN)/python -m pytest -n $(WORKERS) -m "not slow"

test-all: $(VENV)/ready
	$(BIN)/python -m pytest -n $(WORKERS)

# Small faults put into the core modules, and the share that the tests catch.
mutants: $(VENV)/mutants-ready
	$(BIN)/python -m tests.mutants

# Serves the bundle that serving/models.config names.
serve: saved_models/default/bundle.json
	$(BIN)/python -m serving.server --model_config_file=serving/models.config --port=8500

search: $(BUNDLE)/bundle.json
	$(BIN)/python -m pipelines.search --explain --bundle $(BUNDLE) "$(QUERY)"

lint: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The site, in site/. The variable keeps an advertisement out of the output.
docs: $(VENV)/docs-ready
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# docs/results.md, its chart, and the tables of README.md and of the model cards.
results: $(VENV)/ready
	$(BIN)/python -m docs.results

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache site

saved_models/%/bundle.json: | $(VENV)/ready
	$(BIN)/python -m pipelines.train --output_dir saved_models/$*

# The stamp is written last, so an interrupted install is made again.
$(VENV)/ready: requirements.lock pyproject.toml setup.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-deps --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/mutants-ready: | $(VENV)/ready
	$(BIN)/python -m pip install --quiet cosmic-ray==8.7.0
	touch $@

$(VENV)/docs-ready: docs/requirements.txt | $(VENV)/ready
	$(BIN)/python -m pip install --quiet --requirement docs/requirements.txt
	touch $@
