# One command each: make run, make test, make lab. The first one sets up .venv.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test lab student style clean

run: .venv/run
	mkdir -p outputs
	$(BIN)/python -m helpers cat cubist_facets --output outputs/cat_cubist_facets.png
	$(BIN)/python tools/notebooks.py build --output build --html

test: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest
	PYTHONPATH=.venv/ipywidgets7 $(BIN)/python -m pytest -q tests/test_studio.py

lab: .venv/run
	$(BIN)/jupyter lab notebooks

student: .venv/run
	$(BIN)/python tools/student.py

style: .venv/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Stamps: a second run installs nothing, a changed list of requirements installs again.
.venv/run: requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/dev: requirements-dev.txt .venv/run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@# Colab's ipywidgets beside the newest, for a second run of the studio's tests.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade \
	  --target .venv/ipywidgets7 ipywidgets==7.7.1 ipython_genutils
	@touch $@

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "Python 3.11, 3.12 or 3.13 is needed: call make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv .venv

clean:
	rm -rf .venv build outputs
