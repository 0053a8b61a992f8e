# Vouchsafe. `make help` lists the targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: build ## Build, and serve on http://localhost:8080 with no configuration
	@exec bin/vouchsafe serve

.PHONY: build
build: ## Build the static binary bin/vouchsafe
	@VERSION='$(VERSION)' scripts/build

.PHONY: binaries
binaries: ## Build static binaries for Linux, macOS and Windows in bin/, with their checksums
	@VERSION='$(VERSION)' scripts/build all

.PHONY: setup
setup: ## Install what the tests need (as root on Debian), or say what is missing
	@scripts/setup

.PHONY: lint
lint: ## Check formatting, vet, lint, look for known vulnerabilities
	@scripts/lint

.PHONY: test
test: ## Set up, lint, and test everything
	@scripts/test

.PHONY: test-clients
test-clients: ## Sign in with every client library as docs/clients*.md shows it; make test does so with the quick ones
	@scripts/test-clients

.PHONY: screenshots
screenshots: ## Write what every page and mail looks like to screenshots/: phone and desk, light and dark, three languages
	@mkdir -p screenshots
	@go test -count 1 -timeout 60m -run '^TestScreenshots$$' ./login ./people/mail -pictures '$(CURDIR)/screenshots'

.PHONY: fuzz
fuzz: ## Look for new inputs that break a parser: FUZZTIME (10s) for each target
	@scripts/fuzz

.PHONY: bench
bench: setup ## Measure what each operation costs beside its floor (about 4 minutes); BENCH='-store sqlite -for 2s' for less
	@go run ./bench $(BENCH)

.PHONY: clean
clean: ## Remove what was built; ./data stays
	@rm -rf bin
