# What a contributor runs; CONTRIBUTING.md tells more. Each target prints its commands.

SWIFT ?= swift
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c

# What failed, once more at the end: a reader of a long log starts there.
FAILURES = printf '\nWhat failed:\n'; grep -E -A 4 '^✘|recorded an issue|error:' .build/test.log

.PHONY: build test lint format fuzz bench soak soak-tests clean

# The broker and its commands as they are meant to run.
build:
	$(SWIFT) build --configuration release --product leveret
	$(SWIFT) build --configuration release --product leveretctl
	$(SWIFT) build --configuration release --product leveretperf

# Everything that must hold before a change is proposed. The executables are built first: tests start them.
test:
	Tests/RealClientTests/Clients/install.sh
	Tests/ManagementToolTests/Tools/install.sh
	$(SWIFT) build --product leveret
	$(SWIFT) build --product leveretctl
	$(SWIFT) build --product leveretperf
	$(SWIFT) test 2>&1 | tee .build/test.log || { $(FAILURES); exit 1; }

lint:
	$(SWIFT) format lint --strict --recursive Sources Tests Package.swift

format:
	$(SWIFT) format --in-place --recursive Sources Tests Package.swift

fuzz:
	Tests/Fuzz/run.sh

bench:
	Tests/Benchmarks/run.sh --check

# Kills the broker at random moments, again and again, and compares what is left with what was confirmed.
SOAK_ROUNDS ?= 200
soak:
	$(SWIFT) build --product leveret
	LEVERET_SOAK_ROUNDS=$(SOAK_ROUNDS) $(SWIFT) test --filter LedgerTests

# The whole test suite again and again, until one run fails: for tests that fail now and then.
SOAK_RUNS ?= 20
soak-tests:
	for run in $$(seq $(SOAK_RUNS)); do echo "soak $$run of $(SOAK_RUNS)"; $(SWIFT) test || exit 1; done

clean:
	$(SWIFT) package clean
