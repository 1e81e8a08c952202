# SPDX-License-Identifier: Apache-2.0
#
# The commands of this repository. `make help` lists them. Each installs what it needs (Debian 12,
# Swift 6.3 on PATH, root or sudo) and works from a clone alone.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory --no-builtin-rules
.DEFAULT_GOAL := help

SECONDS_EACH ?= 60
TARGET ?=
ARGUMENTS ?=

.PHONY: help needs build run test check bench format tidy docs fuzz clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

needs:
	@scripts/install-needs

build: needs ## build the release binary: bin/tally
	@scripts/build -c release --product tally
	@mkdir -p bin
	@cp .build/release/tally bin/tally.new && mv bin/tally.new bin/tally

# On a terminal the node gets a process group of its own, so that Ctrl-C ends it and not make.
run: build ## start a node, import the examples, print balances, verify, keep serving
	@if [ -t 0 ]; then set -m; fi; bin/tally demo $(ARGUMENTS) || exit $$?

test: needs ## build and run all tests, counted
	@scripts/build --build-tests
	@scripts/run-tests debug all

check: ## everything CI checks (.ci/run)
	@.ci/run

bench: build ## measure: end to end, then kernel, proof and store
	@bin/tally bench $(ARGUMENTS)
	@TALLY_BENCH=1 swift package --scratch-path .build-bench benchmark --no-progress

format: ## format the Swift code in place
	@swift format format --in-place --recursive --parallel Sources Tests Benchmarks Package.swift

tidy: needs ## check the style rules and the documents
	@swift format lint --strict --recursive --parallel Sources Tests Benchmarks Package.swift
	@scripts/build --build-tests
	@scripts/run-tests debug tidy --filter '^TidyTests\.'

docs: needs ## build the documentation; a broken link is an error
	@scripts/document

fuzz: needs ## run the fuzzers: TARGET=name, SECONDS_EACH=60
	@scripts/fuzz $(SECONDS_EACH) $(TARGET)

clean: ## remove everything that was built
	@rm -rf .build .build-* bin
