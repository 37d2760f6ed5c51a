# One command each: make run, make test, make lab. The first one sets up .venv. make colab has a
# Python of its own, as Colab has it.
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

# What another Python or other packages could break: arrays, files and pictures, the network, widgets.
# The notebooks have run before. Tools, Dask, the command line and whole runs are left to make test.
IN_COLAB := $(addprefix tests/test_,$(addsuffix .py,colab colors costs exercises fast files images \
  objective optimizers plots session settings studio vgg weights))

.PHONY: colab publish

# All notebooks as Colab opens them, then tests. VERSION=3.12: Colab's Python until July 2026.
VERSION ?= 3.13
TWIN := VERSION=$(VERSION) tools/colab/twin.sh build/colab/$(VERSION)
colab:
	$(TWIN) python tools/colab/open_all.py
	$(TWIN) python -m pytest -q -p no:cacheprovider $(IN_COLAB)

# REPOSITORY: the public address, default: that of git's remote `origin`.
publish: REPOSITORY ?= $(shell git remote get-url origin 2>/dev/null)
publish: .venv/run
	@test -n "$(REPOSITORY)" || \
	  { echo "Say where: make publish REPOSITORY=https://github.com/OWNER/NAME"; exit 1; }
	$(BIN)/python tools/notebooks.py publish $(REPOSITORY)

# Stamps: a second run installs nothing, a changed list of requirements installs again.
.venv/run: requirements-jupyter.txt requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-jupyter.txt
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
