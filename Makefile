# `make` alone prints what there is. The first command that needs it sets up .venv.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Each file of tests in one process, because its tests share what is traced.
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile
QUICK := not (browser or kill or real or slow)
# make run: 07 is optional, and left to the tests.
COURSE := $(patsubst notebooks/%.py,%,$(wildcard notebooks/0[0-6]_*.py))
PAINTING := outputs/cat_cubist_facets.png
# make colab, with VERSION=3.12: Colab's Python until July 2026.
VERSION ?= 3.13
TWIN := VERSION=$(VERSION) tools/colab/twin.sh build/colab/$(VERSION)
# What another Python or other packages could break: arrays, files and pictures, the network, widgets.
IN_COLAB := $(wildcard $(addprefix tests/test_,$(addsuffix .py,colab colors costs exercises files \
  images masks objective optimizers plots settings studio transfer vgg)))

.PHONY: help run test test-all lab student slides style colab publish clean

help: ## print this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /make \1\t/' | expand -t 16

run: ## paint a first picture and execute the notebooks, with the network mini: 10 minutes
	@echo "This takes about 10 minutes on two CPU cores: 1 for the first painting, 8 for the notebooks;"
	@echo "the first time also 1 or 2 for installing. Ctrl-C loses nothing of what is done by then."
	@$(MAKE) --no-print-directory .venv/run
	@mkdir -p outputs
	$(BIN)/python -m helpers cat cubist_facets --network mini --output $(PAINTING)
	@echo "Look at $(PAINTING). Now the notebooks, to build/:"
	@$(BIN)/python tools/notebooks.py build $(COURSE) -p NETWORK mini --output build --html
	@echo "Look at build/*.html, and call make lab to work with the notebooks."

test: .venv/dev ## check the code and run the quick tests: 10 minutes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(PYTEST) -m "$(QUICK)"

test-all: .venv/dev ## run every test: browser, kills, real network, ipywidgets 7, twin of Colab
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@mkdir -p build/tests
	$(PYTEST) -m "not browser" --junitxml build/tests/all.xml
	$(BIN)/python -m pytest -m browser --junitxml build/tests/browser.xml
	PYTHONPATH=.venv/ipywidgets7 $(BIN)/python -m pytest -q tests/test_studio.py \
	  -m "not browser" --junitxml build/tests/ipywidgets7.xml
	@if $(TWIN) true; then $(MAKE) colab; \
	  else echo "The twin of Colab was left out: no Python $(VERSION) can be had here."; fi

lab: .venv/run ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab notebooks

student: .venv/run ## copies of the notebooks for students and for teachers, to build/
	$(BIN)/python tools/student.py

slides: .venv/slides ## slides of lessons 1 to 6, to build/: files that need no internet
	$(BIN)/python tools/slides.py

style: .venv/dev ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

colab: ## open all notebooks, and test, with Colab's Python and packages
	$(TWIN) python tools/colab/open_all.py
	$(TWIN) python -m pytest -q -p no:cacheprovider -m "$(QUICK)" $(IN_COLAB)

publish: REPOSITORY ?= $(shell git remote get-url origin 2>/dev/null)
publish: .venv/run ## write REPOSITORY=https://github.com/OWNER/NAME to badges and setup cells
	@test -n "$(REPOSITORY)" || \
	  { echo "Say where: make publish REPOSITORY=https://github.com/OWNER/NAME"; exit 1; }
	$(BIN)/python tools/notebooks.py publish $(REPOSITORY)

clean: ## remove .venv, build/ and outputs/
	rm -rf .venv build outputs

# Stamps: a second call installs nothing, a changed list of requirements installs again.
.venv/run: requirements-jupyter.txt requirements.txt | .venv/bin/python
	@echo "Installing the packages …"
	@$(PIP) -r requirements-jupyter.txt
	@touch $@

# reveal.js, which shows the slides, is in a package of Sphinx's; Sphinx itself is not needed.
.venv/slides: .venv/run
	@$(PIP) "ziamath>=0.13"
	@$(PIP) --no-deps --upgrade --target .venv/reveal sphinx-revealjs==3.2.1
	@touch $@

.venv/dev: requirements-dev.txt .venv/slides
	@$(PIP) -r requirements-dev.txt
	@# Colab's ipywidgets beside the newest, for a second run of the studio's tests.
	@$(PIP) --no-deps --upgrade --target .venv/ipywidgets7 ipywidgets==7.7.1 ipython_genutils
	@touch $@

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "Python 3.11, 3.12 or 3.13 is needed: call make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv .venv
