# make demo   try everything on rendered images
# make test   all that continuous integration checks; make check is the same
# make bench  how fast, how large, and how both grow
# make app    open the app in a browser

# the first Python that is new enough and can make environments; make demo PYTHON=... overrides
PROBE := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for name in python3 python3.11 python3.12 python3.13 python3.14 python; do \
	"$$name" -c "$(PROBE)" 2>/dev/null && echo "$$name" && break; done)
VENV := .venv
BIN := $(VENV)/bin

# our matrices are small: threads cost more than they bring, and may change the last digits
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
# where it is set, every process that a test starts compiles everything again
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check bench app clean

demo: $(VENV)/installed
	$(BIN)/partwise demo -o demo
	@echo
	@echo "Now open $(CURDIR)/demo/report.html in a browser."

test: $(VENV)/installed-for-tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist worksteal

check: test

bench: $(VENV)/installed
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/scaling.py

app: $(VENV)/installed-with-app
	$(BIN)/partwise ui

clean:
	rm -rf $(VENV) demo build dist

$(VENV)/installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/installed-with-app: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[ui]'
	@touch $@

$(VENV)/installed-for-tests: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	@touch $@ $(VENV)/installed $(VENV)/installed-with-app

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Partwise needs Python 3.11 or newer with the venv module" \
		"(on Debian: apt-get install python3-venv)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
