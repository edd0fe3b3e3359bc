# Two commands: `make app` opens the page, `make test` runs the tests. Each makes .venv as it needs.
#
#   make app TORCH_INDEX_URL=https://download.pytorch.org/whl/cpu
#
# takes torch from an index of your choice: without a GPU, its small CPU wheels do.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
TORCH_INDEX_URL ?=
# sam2's CUDA extension only fills holes in video masks; nothing here needs it, a compiler neither
export SAM2_BUILD_CUDA ?= 0

.PHONY: app test lint bench clean

app: $(VENV)/.run
	$(BIN)/python app.py $(ARGS)

# by itself xdist begins with the files of many tests, and those of few, slow ones end up alone
test: $(VENV)/.dev
	@sh tests/chromium.sh
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks.predict
	$(BIN)/python -m benchmarks.train
	$(BIN)/python -m benchmarks.data
	$(BIN)/python -m benchmarks.eval
	$(BIN)/python -m benchmarks.browser
	$(BIN)/python -m benchmarks.soak

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "floorseg needs Python 3.11 or newer, $(PYTHON) is" \
	  "$$($(PYTHON) --version 2>&1); name another with: make app PYTHON=python3.12"; exit 1; }
	@echo "Making a virtual environment in $(VENV) ..."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip setuptools wheel
	@touch $@

# torch first: sam2 is built against it, and with it in place the build takes seconds
$(VENV)/.run: $(VENV)/.python requirements.txt
	@echo "Installing what floorseg needs (torch is large: this takes a few minutes, once) ..."
	$(BIN)/python -m pip install --quiet $(if $(TORCH_INDEX_URL),--index-url $(TORCH_INDEX_URL)) \
	  $$(grep -E '^torch(vision)?[>=<]' requirements.txt | sed 's/ *#.*//')
	$(BIN)/python -m pip install --quiet --no-build-isolation -r requirements.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.txt
	@echo "Installing what the tests and the linter need ..."
	$(BIN)/python -m pip install --quiet --no-build-isolation -r requirements-dev.txt
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
