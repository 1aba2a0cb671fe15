# The front door; the work is done by CMake, and everything it makes lies in build/.
# `make help` lists the targets. Paths are relative, so that the folder may have spaces in its name.
#
#   make run                       make test                    sudo make install
#   make PREFIX=/opt/reflow install                             make JOBS=1 test

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

JOBS ?= $(shell nproc 2>/dev/null || echo 2)
PREFIX ?= /usr/local
DESTDIR ?=
SEEDS ?= 2000
GRAPH ?= examples/weather/weather.graph.json

# Objects of two clones of one commit are the same to ccache.
export CCACHE_BASEDIR ?= $(CURDIR)
export CCACHE_NOHASHDIR ?= 1

CTEST := ctest --no-tests=error --output-on-failure --no-label-summary -j $(JOBS)

# $(call build,<folder>,<target>)
build = cmake --build '$(1)' --target $(2) -j $(JOBS)

.PHONY: all run run-distributed test test-long test-soak test-packages bench bench-deps install packages fmt lint asan tsan clang clean \
	deps help

all: deps ## build the libraries and the command line tool (default)
	@scripts/configure.sh build
	@$(call build,build,reflow_product)

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' Makefile | column -t -s '|' 2>/dev/null || \
	    sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1: \2/p' Makefile

deps: ## install what is missing (Debian and Ubuntu), or say what it is
	@scripts/install-deps.sh build

run: all ## build, and run the weather example
	build/bin/reflow run $(GRAPH)
	@if [ -t 2 ] && [ -d build/run ]; then echo "The files it wrote are below build/run/." >&2; fi

# ARGS='--keep --pause-ms 250' and the like go to the driver.
run-distributed: all ## build, and run the example of three networks in processes of their own
	@$(call build,build,reflow_distributed)
	@python3 examples/distributed/run.py $(ARGS)

test: deps ## build, and run every quick test
	@scripts/install-deps.sh python
	@scripts/configure.sh build
	@$(call build,build,reflow_tests)
	@$(CTEST) --test-dir build -L quick

# The slow tests of the product, then the same tests under sanitizers, then a second compiler.
test-long: ## sanitizers, many seeds, valgrind, a second compiler, packages
	@scripts/install-deps.sh long
	@scripts/configure.sh build
	@cmake build >/dev/null
	@$(call build,build,reflow_tests)
	@$(MAKE) clang
	@REFLOW_TEST_SEEDS=$(SEEDS) $(CTEST) --test-dir build -L long
	@$(MAKE) asan
	@$(MAKE) tsan

test-soak: deps ## hours of random work: the long tests with SEEDS (default 200000)
	@scripts/configure.sh build
	@$(call build,build,reflow_tests)
	@REFLOW_TEST_SEEDS=$(if $(filter command line environment,$(origin SEEDS)),$(SEEDS),200000) \
	    $(CTEST) --test-dir build -L soak

test-packages: packages ## install the packages in fresh environments outside the tree, and run their tests there
	@$(call build,build,reflow_tests)
	@$(CTEST) --test-dir build -L packages

SANITIZED := -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O1 -DCMAKE_C_FLAGS_DEBUG=-O1 \
	-DREFLOW_BENCH=OFF

asan: deps ## tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@scripts/configure.sh build/asan -DREFLOW_SANITIZE=address,undefined $(SANITIZED)
	@$(call build,build/asan,reflow_tests)
	@$(CTEST) --test-dir build/asan -L quick

tsan: deps ## tests under ThreadSanitizer
	@scripts/configure.sh build/tsan -DREFLOW_SANITIZE=thread $(SANITIZED)
	@$(call build,build/tsan,reflow_tests)
	@scripts/fixed-addresses.sh $(CTEST) --test-dir build/tsan -L quick

clang: ## compile the product with clang, warnings as errors
	@compiler=$$(scripts/install-deps.sh which-clang); \
	if [ -z "$$compiler" ]; then echo 'clang: no clang that is new enough' >&2; exit 1; fi; \
	scripts/configure.sh build/clang -DCMAKE_CXX_COMPILER="$$compiler" \
	    -DCMAKE_C_COMPILER="$${compiler/++/}" -DCMAKE_BUILD_TYPE=Debug \
	    -DCMAKE_CXX_FLAGS_DEBUG=-O0 -DCMAKE_C_FLAGS_DEBUG=-O0 -DREFLOW_TESTS=OFF \
	    -DREFLOW_BENCH=OFF
	@$(call build,build/clang,all)

# ROWS=pipeline,json measures the rows with such names only, PEERS=none without peers.
bench: deps ## measure the engine beside its peers and limits; ROWS=part,part selects rows
	@scripts/configure.sh build
	@$(call build,build,reflow_bench)
	@scripts/bench-peers.sh build build
	@build/bench/bench $(if $(ROWS),--rows '$(ROWS)') $(if $(PEERS),--peers '$(PEERS)')
	@$(if $(filter none,$(PEERS)),true,scripts/bench-node.sh build $(ROWS))
	@scripts/install-deps.sh python
	@scripts/python.sh bench build $(if $(ROWS),--rows '$(ROWS)') $(if $(filter none,$(PEERS)),--no-peers)

bench-deps: ## install and build what `make bench` compares with (needs the network)
	@scripts/bench-peers.sh fetch build

# Copies what was built and builds nothing, so that root leaves no files in the build folder.
install: ## install under PREFIX (default /usr/local), inside DESTDIR
	@if [ ! -e build/bin/reflow ] || [ ! -e build/lib/libreflow.so ]; then \
	    echo 'install: nothing is built yet; run "make" first (not as root)' >&2; exit 1; \
	fi
	@DESTDIR='$(DESTDIR)' cmake --install build --prefix '$(PREFIX)'
	@chown --reference=build build/install_manifest.txt 2>/dev/null || true
	@if [ -z '$(DESTDIR)' ] && [ "$$(id -u)" -eq 0 ] && command -v ldconfig >/dev/null; then \
	    ldconfig; \
	fi

# Needs the registries of Python and Node the first time.
packages: all ## make wheels and sdist of Python and the tarball of Node in build/packages/
	@scripts/install-deps.sh python
	@scripts/python.sh packages build
	@scripts/package-node.sh build pack
	@ls build/packages

fmt: ## format the sources
	@scripts/install-deps.sh lint
	@scripts/format.sh write

lint: ## formatting, the lints of the test run, clang-tidy, shellcheck
	@scripts/install-deps.sh build lint
	@scripts/configure.sh build
	@scripts/format.sh check
	@shellcheck scripts/*.sh .ci/run
	@scripts/tidy.sh build $(JOBS)
	@$(CTEST) --test-dir build -L lint

clean: ## remove everything that was built
	rm -rf build
