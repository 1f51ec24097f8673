# The verbs of the project. People and the continuous integration call the same ones.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
MODULES := web/node_modules/.installed

N ?= 200000
SEED ?= 0

# Bytecode is kept even where the environment says otherwise: tests start many processes, and each
# would compile all modules again.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test lint docs pictures screens cli bench guard fuzz examples reproduce dist page page-test browser changelog clean
.DEFAULT_GOAL := demo

demo: $(STAMP)            ## learn the paper's map of handwritten 4s and 9s, and show it
	$(BIN)/drlim reproduce mnist --download

reproduce: $(STAMP)       ## every experiment of the paper, and one report of them
	$(BIN)/drlim reproduce all --download

test: $(STAMP)            ## the whole test suite, doctests and coverage included
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile --cov --cov-report=term

lint: $(STAMP)            ## style, types, and the direction of the imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: .venv/.docs         ## the documentation, as HTML in docs/_build
	$(BIN)/python -m sphinx -W --keep-going -q docs docs/_build

pictures: .venv/.docs     ## the pictures of the README and of the first page (half an hour)
	for name in mnist shifts shift-invariant norb; do $(BIN)/drlim reproduce $$name --download; done
	$(BIN)/python docs/_pictures.py runs

screens: .venv/.docs browser  ## the pictures of the page in the documentation (minutes)
	$(BIN)/python docs/_screens.py

examples: $(STAMP)        ## the worked examples at full size, three seeds each, and their claims
	$(BIN)/python -m examples

cli: $(STAMP)             ## the page of the command line, from the commands themselves
	$(BIN)/python docs/_cli.py

bench: $(STAMP)           ## what drlim costs beside others, in one run (QUICK=1: minutes, no others)
	QUICK=$(QUICK) $(BIN)/python -m benchmarks

guard: $(STAMP)           ## fails if something costs twice what it did
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.guard

fuzz: $(STAMP)            ## break map files in N ways, drawn from SEED, and load them
	OMP_NUM_THREADS=1 $(BIN)/python tests/fuzzing.py $(N) $(SEED)

page: page-test           ## the page of a map, from web/: checked, tested and bundled into the package
	cd web && npm run --silent build

page-test: $(MODULES)     ## the page's own checks: types, style and unit tests
	cd web && npm run --silent types && npm run --silent lint && npm test --silent

$(MODULES): web/package-lock.json
	cd web && npm ci --no-fund --no-audit --loglevel=error
	touch $@

browser:                  ## the browser of the tests of the page, where it can be installed
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null \
	  || (apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null) \
	  || echo "No Chromium, and it cannot be installed here: the tests of the page are skipped."

dist: $(STAMP)            ## the wheel and the source archive, in dist
	rm -rf dist
	$(BIN)/python -m hatchling build -d dist

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[paper,compare,ann,images,heic,tables,zarr,h5ad,onnx,page,pretrained,dev]'
	touch $@

.venv/.docs: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	touch $@

clean:
	rm -rf .venv build dist docs/_build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage
