# make demo, make test: both create .venv when it is missing, and build the native
# library again when its sources are newer.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Another torch build: make demo TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=
TORCH := $(shell grep '^torch==' constraints.txt)
# One stamp per source of torch: asking for another one installs it.
SOURCE := $(if $(TORCH_INDEX),-$(shell printf %s '$(TORCH_INDEX)' | cksum | cut -d' ' -f1))
INSTALLED := $(VENV)/.installed$(SOURCE)
NATIVE := $(VENV)/.native
# No stamp without a library: a compiler installed later is noticed.
STAMP_NATIVE = if ls LNN/kernels/native/_native.* >/dev/null 2>&1; then touch $(NATIVE); fi

.PHONY: demo test test-all test-slow check-adapters coverage experiments experiments-page sanitize native lint \
	edge-tools format reference stubs architecture clean

demo: $(NATIVE)
	$(BIN)/python examples/demo.py

# As many processes as cores, of one thread each. Each begins with a stretch of the tests
# of its own, so that what a file shares is made once, and takes from others at the end.
# Compiled test files are kept, also where the environment says otherwise: to compile them
# takes each process 5 seconds.
PYTEST := PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal

test: $(NATIVE)
	$(PYTEST) -m "not slow"

test-slow: $(NATIVE)
	$(PYTEST) -m slow

test-all: test test-slow

# Tests of the adapters, each beside the library that it is for, in an environment that is
# made for it once (LNN_ADAPTERS: where; by default in the user's cache). With the
# installation 5 minutes of a CPU, so that .ci/run leaves them to this and to GitHub.
check-adapters: $(NATIVE)
	OMP_NUM_THREADS=1 $(BIN)/python tests/adapters/environments.py --pytest -n auto

# Lines and branches that the fast tests run: output/coverage/index.html.
coverage: $(NATIVE)
	$(BIN)/python -m pytest -m "not slow" --cov=LNN --cov-branch \
		--cov-report=term:skip-covered --cov-report=html:output/coverage


# The papers' experiments, a small part of each: 2 to 3 minutes on 2 cores. The rest:
# python -m LNN.experiments run --budget standard
experiments: $(NATIVE)
	$(BIN)/python -m LNN.experiments run --budget quick

# Tables and figures of docu/experiments.md and docu/archive.md, from docu/experiments/.
experiments-page: $(NATIVE)
	$(BIN)/python docu/build_experiments.py
	$(BIN)/python docu/build_archive.py

# 100,000 random problems for the C library, and as many as minutes allow under sanitizers.
sanitize:
	$(PYTHON) tests/kernels/fuzzing.py

# Compilers, analysers and machines for the C of exported models (Debian, as root).
edge-tools:
	apt-get install -y gcc g++ clang cppcheck gcc-arm-linux-gnueabihf qemu-user-static \
		gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm gcc-avr avr-libc

lint: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(INSTALLED)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# torch first and by itself, so that TORCH_INDEX serves torch and nothing else.
$(INSTALLED): setup.cfg setup.py pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("LNN needs Python 3.11 or newer, this is " + sys.version.split()[0] + ": make PYTHON=python3.12 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	$(BIN)/python -m pip install -q $(if $(TORCH_INDEX),--force-reinstall --no-deps --index-url $(TORCH_INDEX)) $(TORCH)
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[dev]'
	touch $@
	@$(STAMP_NATIVE)

native: $(NATIVE)

# Without a C compiler this says so and goes on: LNN then runs on torch. The test is for
# a library that $(INSTALLED) built after make had looked for the stamp.
$(NATIVE): $(wildcard LNN/kernels/native/csrc/*.[ch]) setup.py | $(INSTALLED)
	@if ! test -e $@ || test -n "$$(find $^ -newer $@)"; then $(BIN)/python setup.py -q build_ext --inplace; fi
	@$(STAMP_NATIVE)

# The pages that the estimators' HTML representation links to.
reference: $(INSTALLED)
	$(BIN)/python docu/build_reference.py

# What editors and type checkers read of the estimators' constructors.
stubs: $(INSTALLED)
	$(BIN)/python docu/build_stubs.py

# The picture and the tables of docu/architecture.md, from the imports in LNN/.
architecture: $(NATIVE)
	$(BIN)/python docu/build_architecture.py

clean:
	rm -rf $(VENV) build dist *.egg-info LNN/kernels/native/_native.*
