# make demo: set up, run the embedded benchmark's sweep, analyse it and write the leaderboard.  make test: set up, check everything.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: demo test test-cluster lint bench bench-gpu clean

demo: $(INSTALLED)
	$(BIN)/harness run +experiment=demo_retrieval
	$(BIN)/harness run +experiment=demo
	$(BIN)/harness report

test: $(INSTALLED) lint
	$(BIN)/pytest -q -n 2 --dist loadfile

# Slurm, Ray, PostgreSQL and a bucket, started for real; what is not on the machine is skipped
test-cluster: $(INSTALLED)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[cluster]'
	$(BIN)/pytest -q -m cluster -rs -n 2 --dist loadfile

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# accelerate is what one of the peers needs, and nobody else
bench: $(INSTALLED)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt accelerate
	$(BIN)/python -m tests.bench

# on a bare machine with torch, numpy and transformers too: nothing is installed for it
bench-gpu:
	$(if $(wildcard $(BIN)/python),$(BIN)/python,$(PYTHON)) -m tests.bench.gpu

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf results/runs results/checkpoints results/cache results/sweeps results/hydra results/analysis results/report results/mlflow.db* results/bench

# torch first: asked for by another package, it would come as the CUDA build with its several gigabytes
$(INSTALLED): pyproject.toml constraints.txt
	@echo "setting up .venv: a few minutes, once"
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@
