# Two commands do everything: `make explore` and `make test`. Both set up .venv themselves.
PYTHON ?= python3
DETECTIONS ?= 1000000
SEED ?= 1
PORT ?= 5006
# Atlas to open; by default the demo in the user's cache folder, built once and never over an existing one.
ATLAS ?= $(shell $(BIN)/python -m vae.demo $(DETECTIONS) $(SEED) 2>/dev/null)
# Processes that tests are shared among.
WORKERS ?= 2
BIN := .venv/bin

.PHONY: explore test lint format clean
.DEFAULT_GOAL := explore

explore: .venv/.installed
	@if [ ! -e "$(ATLAS)" ]; then $(BIN)/python scripts/build_demo.py --detections $(DETECTIONS) --seed $(SEED) --out "$(ATLAS)"; fi
	@echo "Serving $(ATLAS)"
	@echo "Open http://127.0.0.1:$(PORT)/app in a browser; Ctrl-C stops."
	$(BIN)/panel serve explorer/app.py --address 127.0.0.1 --port $(PORT) --allow-websocket-origin 127.0.0.1:$(PORT) --allow-websocket-origin localhost:$(PORT) --warm --args "$(ATLAS)"

test: .venv/.installed
	OMP_WAIT_POLICY=passive $(BIN)/pytest -n $(WORKERS) --no-loadscope-reorder

lint: .venv/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: .venv/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with PYTHON=...")'
	@$(PYTHON) -m venv .venv || { echo "No venv module: install it (Debian: apt install python3-venv)"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@
