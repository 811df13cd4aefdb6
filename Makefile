# Every target sets up what it needs; `make train` and `make test` work on a fresh clone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BUNDLE ?= saved_models/default
QUERY ?= red check shirt

.PHONY: train test test-all serve search lint format clean

train: $(VENV)/ready
	$(BIN)/python -m pipelines.train --output_dir $(BUNDLE)

# All but what takes minutes, as building and installing the wheel does.
test: $(VENV)/ready
	$(BIN)/python -m pytest -m "not slow"

test-all: $(VENV)/ready
	$(BIN)/python -m pytest

# Serves the bundle that serving/models.config names.
serve: saved_models/default/bundle.json
	$(BIN)/python -m serving.server --model_config_file=serving/models.config --port=8500

search: $(BUNDLE)/bundle.json
	$(BIN)/python -m pipelines.search --bundle $(BUNDLE) "$(QUERY)"

lint: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache

saved_models/%/bundle.json: | $(VENV)/ready
	$(BIN)/python -m pipelines.train --output_dir saved_models/$*

# The stamp is written last, so an interrupted install is made again.
$(VENV)/ready: requirements.lock pyproject.toml setup.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-deps --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@
