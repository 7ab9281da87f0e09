# Everything a clean machine needs is Python 3.11 or later, make and a package registry.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
INSTALLED := $(VENV)/.installed
COMPARE := .venv-bench
COMPARED := $(COMPARE)/.ready

.PHONY: demo test test-all check format bench bench-server soak evals evals-write e2e-llm record wheels clean

demo: $(INSTALLED)  ## make the environment, then show what it does on a real conversation
	$(BIN)/mnemic demo

test: $(READY)  ## the default tests
	PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n 4 --dist worksteal -m "not slow"  # what is compiled is kept for the processes that tests start

test-all: $(READY)  ## the default tests and the long ones
	$(BIN)/pytest -n 3 --dist worksteal

check: $(READY)  ## format, lint, types, layers
	$(BIN)/ruff format --check src tests bench evals docs_src
	$(BIN)/ruff check src tests bench evals docs_src
	$(BIN)/mypy
	$(BIN)/pytest tests/unit/test_layers.py

format: $(READY)
	$(BIN)/ruff format src tests bench evals docs_src
	$(BIN)/ruff check --fix src tests bench evals docs_src

bench: $(COMPARED)  ## speed, as ratios in one run with mem0ai beside
	cd bench && ../$(COMPARE)/bin/python speed.py --mem0

soak: $(READY)  ## ten minutes of everything at once on a database that is killed again and again; SOAK_SECONDS=600
	$(BIN)/python bench/soak.py

bench-postgres: $(READY)  ## PostgreSQL beside SQLite; BIG=memories, a million by default
	$(BIN)/python bench/postgres_speed.py --big $(or $(BIG),1000000)

bench-server: $(READY) $(COMPARED)  ## one server process under load, mem0ai behind FastAPI beside it; MINUTES=60 for memory
	$(COMPARE)/bin/python -m pip install --quiet "fastapi>=0.160,<1" "uvicorn[standard]>=0.50,<1"
	$(BIN)/python bench/server_load.py --beside $(COMPARE)/bin/python --minutes $(or $(MINUTES),0)

evals: $(READY)  ## recall on the public data sets in DATA=folder, with ablation, baselines and pictures
	@test -n "$(DATA)" || { echo "usage: make evals DATA=folder   (evals/README.md says what goes there)"; exit 2; }
	$(BIN)/python -m pip install --quiet --group evals
	$(BIN)/python evals/read/run.py $(DATA)

evals-write: $(READY)  ## how well messages become memories, by rules
	$(BIN)/python evals/write/score.py
	-$(BIN)/python evals/write/changes.py
	-$(BIN)/python evals/write/log1000.py

record: $(READY)  ## record a real local model's answers for the tests, where the prompt has changed
	$(BIN)/python -m pip install --quiet --editable ".[local]"
	$(BIN)/python bench/record.py

e2e-llm: $(READY)  ## facts extracted by a real local model; fetches its weights once
	$(BIN)/python -m pip install --quiet --editable ".[local]"
	$(BIN)/python bench/e2e_llm.py

wheels: $(READY)  ## does every dependency have a wheel for every Python and platform we name
	$(BIN)/python bench/wheels.py

# A user's install is enough for the demo; the tests need the development group as well.
$(INSTALLED): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(READY): $(INSTALLED)
	$(BIN)/python -m pip install --quiet --editable ".[server,remote,mcp,otel]" --group dev
	touch $@

# What we are compared with brings much of its own, so it stays out of the development environment.
$(COMPARED): pyproject.toml
	$(PYTHON) -m venv $(COMPARE)
	$(COMPARE)/bin/python -m pip install --quiet --upgrade "pip>=25.1"
	$(COMPARE)/bin/python -m pip install --quiet --editable . --group bench
	touch $@

clean:
	rm -rf $(VENV) $(COMPARE) .clients dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
