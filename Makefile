# `make help` lists the targets. Each sets up what it needs, below .cache and bin;
# only `test` may ask the system for more: a C compiler, which -race cannot do without,
# curl, with which the README's lines are run, and `e2e` for Chromium with fonts.

SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS   += --no-print-directory

CACHE   := $(if $(IMBRIDGE_CACHE),$(IMBRIDGE_CACHE),$(CURDIR)/.cache)
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unversioned)
LDFLAGS := -X main.version=$(VERSION)

# Pinned, so that yesterday's commit is judged as it was yesterday. Built outside of go.mod:
# its dependencies are none of ours.
GOLANGCI_VERSION := v2.15.0
GOLANGCI         := $(CACHE)/bin/golangci-lint-$(GOLANGCI_VERSION)

# Knobs: make test PKG=./models/ · make fuzz FUZZTIME=1m · make run ARGS='--config my.yaml'
PKG          := ./...
TEST_TIMEOUT := 14m
FUZZTIME     := 10s
STEPS        := 100000
ARGS         :=

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: build ## build and serve with no configuration: SQLite and keys in ./data, the sandbox as cloud
	@exec bin/imbridge serve $(ARGS)

.PHONY: build
build: ## the one static binary, bin/imbridge
	@[[ -x bin/imbridge ]] || echo "building; the first time takes a minute or two"
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/imbridge ./cmd/imbridge

# The stamps spare a second npm ci while the lock file stays as it is.
web/node_modules/.stamp: web/package-lock.json
	cd web && npm ci --no-audit --no-fund
	@touch $@

web/client/node_modules/.stamp: web/client/package-lock.json
	cd web/client && npm ci --no-audit --no-fund
	@touch $@

.PHONY: web
web: web/node_modules/.stamp web/client/node_modules/.stamp ## the clouds' SDKs and our client helper, as modules for the pages (needs node); then build again
	cd web/client && npm run --silent build
	cd web && npm run --silent build

.PHONY: test-client
test-client: web/client/node_modules/.stamp ## the client helper against the real binary (needs node)
	cd web/client && npm test

web/e2e/node_modules/.stamp: web/e2e/package-lock.json
	cd web/e2e && npm ci --no-audit --no-fund
	@touch $@

.PHONY: e2e
e2e: chromium web web/e2e/node_modules/.stamp ## people and admins in Chromium against the real binary (needs node)
	@$(MAKE) build
	cd web/e2e && npm run --silent test -- $(or $(ARGS),*.test.mjs)

.PHONY: test
test: format vet compiler curl test-client ## everything on SQLite, MariaDB and MySQL (fetched once, 90 MB, no root), then the short tests with -race
	IMBRIDGE_TEST_ENGINES=sqlite,mariadb,mysql .ci/databases run \
		go test -timeout $(TEST_TIMEOUT) $(PKG)
	IMBRIDGE_TEST_ENGINES=sqlite go test -race -short -timeout $(TEST_TIMEOUT) $(PKG)

.PHONY: test-quick
test-quick: ## the short tests on SQLite alone, without the race detector
	IMBRIDGE_TEST_ENGINES=sqlite go test -short $(PKG)

.PHONY: lint
lint: format vet $(GOLANGCI) ## formatting, go vet and golangci-lint (compiled once, two minutes)
	$(GOLANGCI) run ./...

.PHONY: bench
bench: ## throughput of a token fetch against its floor, as a ratio, on MySQL
	.ci/databases run go run ./cmd/imbench $(ARGS)

.PHONY: proof
proof: ## break everything around imbridge and look for what got lost; ARGS=--long for hours of it
	.ci/databases fetch
	go run ./cmd/imbench proof --json bin/proof.json $(ARGS)

.PHONY: machine
machine: ## random walks of issuer and outbox against a model, with -race; STEPS (100000) of them take hours
	IMBRIDGE_MACHINE_STEPS=$(STEPS) go test -race -count=1 -v -timeout 10h -run '^TestOutboxMachine$$' ./tokens

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME (10s)
	@grep -rEo --include='*_test.go' --exclude-dir=.cache --exclude-dir=node_modules '^func Fuzz[A-Za-z0-9_]+' . | sort | while IFS=: read -r file func; do \
		name=$${func#func }; \
		echo "$$(dirname "$$file") $$name"; \
		go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "$$(dirname "$$file")"; \
	done

.PHONY: clean
clean: ## remove what was built, and the test databases; not ./data and not the cache of tools
	-@.ci/databases down
	rm -rf bin

# --- parts of the above -------------------------------------------------------------

.PHONY: format
format:
	@unformatted=$$(find . -name '*.go' -not -path './.*/*' -not -path '*/node_modules/*' -print0 | xargs -0 gofmt -l); \
	[[ -z $$unformatted ]] || { echo "gofmt -w these:"; echo "$$unformatted"; exit 1; }

.PHONY: vet
vet:
	go vet $(PKG)

# The race detector links with the system's C compiler.
.PHONY: compiler
compiler:
	@command -v "$$(go env CC)" >/dev/null || { \
		[[ $$(id -u) == 0 ]] && command -v apt-get >/dev/null || \
			{ echo "-race needs a C compiler: install gcc and libc6-dev"; exit 1; }; \
		echo "installing a C compiler, for -race"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends gcc libc6-dev; \
	}

# The README's lines are run as they stand.
.PHONY: curl
curl:
	@command -v curl >/dev/null || { \
		[[ $$(id -u) == 0 ]] && command -v apt-get >/dev/null || \
			{ echo "the README's lines need curl: install it"; exit 1; }; \
		echo "installing curl, for the README's lines"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends curl; \
	}

# Debian's own: what it plays with is what people have. The fonts are for Chinese and emoji.
.PHONY: chromium
chromium:
	@missing=; \
	command -v chromium >/dev/null || missing="chromium"; \
	command -v fc-list >/dev/null && [[ -n $$(fc-list :lang=zh-cn family) ]] || missing="$$missing fontconfig fonts-noto-cjk"; \
	command -v fc-list >/dev/null && [[ -n $$(fc-list :lang=und-zsye family) ]] || missing="$$missing fontconfig fonts-noto-color-emoji"; \
	[[ -z $$missing ]] || { \
		[[ $$(id -u) == 0 ]] && command -v apt-get >/dev/null || \
			{ echo "the tests in a browser need these packages: $$missing"; exit 1; }; \
		echo "installing $$missing, for the tests in a browser"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; \
	}

$(GOLANGCI):
	@echo "building golangci-lint $(GOLANGCI_VERSION), once"
	@mkdir -p $(@D)
	GOBIN=$(@D) GOFLAGS= go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv $(@D)/golangci-lint $@
