# Souk's commands. `make help` lists them; `make run` and `make test` are the two that a newcomer needs,
# and they need Go alone.

SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

# Go's own installer puts it here and leaves PATH to the reader.
export PATH := $(PATH):/usr/local/go/bin

# The same bytes wherever the clone lies; clones beside each other share what they have built.
export GOFLAGS := $(GOFLAGS) -trimpath

# The tools are pinned, and built once, apart from the module: their dependencies are not ours. The
# version is in the file's name, so that a new one is built. SQLC=/path and GOLANGCI_LINT=/path use
# another copy.
SQLC_VERSION          := v1.31.1
GOLANGCI_LINT_VERSION := v2.15.0
TOOLS                 := $(CURDIR)/.tools
SQLC                  ?= $(TOOLS)/sqlc-$(SQLC_VERSION)
GOLANGCI_LINT         ?= $(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION)

# Go stamps the commit into the binary; where git does not answer (a tarball, another user's clone) it
# would fail instead.
STAMP := $(shell git rev-parse HEAD >/dev/null 2>&1 && echo auto || echo false)

# make test RACE=1 turns the race detector on (it needs a C compiler); ARGS='-run Name' narrows it.
PKG      ?= ./...
ARGS     ?=
TIMEOUT  ?= 25m
# A program with the race detector sleeps a second at its end, unless it is told otherwise: there are hundreds of ends.
TESTENV  := $(if $(RACE),CGO_ENABLED=1 GORACE="atexit_sleep_ms=50 $$GORACE",CGO_ENABLED=0)
# The packages come first: a flag that go test does not know would hide them.
TESTARGS := $(if $(RACE),-race) -timeout $(TIMEOUT) $(PKG) $(ARGS)

.PHONY: help run build test test-s3 race soak-money soak-live soak-close soak-import soak-linear soak-stock soak-checkout soak-crowd fuzz-bids lint fmt vet generate ide conformance check bench-start bench-ledger bench-fanout bench-bids bench-catalogue bench-checkout search-quality clean-state go

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## start Souk with demo data; ends with its address
	@exec bin/souk demo

build: go ## build bin/souk
	@$(call build,bin/souk,./server,$(STAMP))

test: go ## run the tests, with a PostgreSQL and a Redis of their own (RACE=1, PKG=, ARGS=)
	@$(call build,bin/testservices,./internal/testservices,false)
	@$(TESTENV) bin/testservices go test $(TESTARGS)

race: ## run the tests with the race detector; needs gcc
	@$(MAKE) test RACE=1

soak-money: ## play every flow of money at random, for a time (FOR=10m)
	@RAPID_CHECKS=1000000 $(MAKE) test PKG=./internal/moneytest TIMEOUT=$(or $(FOR),10m) ARGS='-count=1 -v -run Follows'

soak-live: ## break everything that live viewers stand on, for a time (FOR=10m, SEED=)
	@$(MAKE) test PKG=./internal/e2e TIMEOUT=0 ARGS='-count=1 -v -run TestOracle -skip Catches -oracle.for=$(or $(FOR),10m) -oracle.seed=$(or $(SEED),0)'

soak-close: ## bid on ten thousand lots at the instant of their close
	@$(MAKE) test PKG=./internal/auction ARGS='-count=1 -v -run TestBidAgainstClose -closes=$(or $(CLOSES),10000)'

soak-import: ## import a file of 100,000 rows by a program that is killed on its way
	@$(MAKE) test PKG='./internal/e2e -import.rows=$(or $(ROWS),100000)' ARGS='-count=1 -v -run TestImportThroughKills'

soak-linear: ## have porcupine judge what five hundred bidders hear from two programs
	@$(MAKE) test PKG='./internal/e2e -linear.bidders=$(or $(BIDDERS),500)' ARGS='-count=1 -v -run TestBidsAtTwoServers'

soak-stock: ## pay ten thousand reservations at the instant of their end
	@$(MAKE) test PKG='./internal/inventory -expiries=$(or $(EXPIRIES),10000)' ARGS='-count=1 -v -run TestExpiryAgainstPayment'

soak-checkout: ## confirm thousands of quotes, each at once from everywhere; complete ten thousand orders by client and webhook at once; a thousand checkouts through outages; orders lived at random
	@$(MAKE) test PKG='./internal/checkout -confirmations=$(or $(CONFIRMATIONS),3000) -instants=$(or $(INSTANTS),10000) -outages=$(or $(OUTAGES),1000) -lifetime=$(or $(FOR),5m) -rapid.checks=100000' TIMEOUT=60m ARGS='-count=1 -v -run "TestConfirmedAt|TestClientAndWebhookAtOnce|TestCheckoutsThroughOutages|TestLivesOfOrders"'

soak-crowd: ## a thousand buyers for ten units, ten codes and one item, at two servers of which one is killed
	@$(MAKE) test PKG='./internal/e2e -crowd=$(or $(BUYERS),1000)' ARGS='-count=1 -v -run TestACrowdForWhatThereIsLittleOf'

fuzz-bids: go ## look for bids that break the rules of a lot, for a time (FOR=1m)
	@go test ./internal/auction -run xxx -fuzz FuzzJudge -fuzztime $(or $(FOR),1m)

# MinIO takes minutes to build, and is no dependency of ours. MINIO=/path uses another copy.
MINIO_VERSION := v0.0.0-20250907161309-07c3a429bfed
MINIO         ?= $(TOOLS)/minio-$(MINIO_VERSION)

$(TOOLS)/minio-$(MINIO_VERSION): go
	@mkdir -p $(TOOLS)/minio && GOFLAGS= GOBIN=$(TOOLS)/minio go install github.com/minio/minio@$(MINIO_VERSION) && mv $(TOOLS)/minio/minio $@

test-s3: $(MINIO) ## hold the storage of photos to a real S3 server, MinIO
	@internal/blob/test-s3.sh $(MINIO) env CGO_ENABLED=0 go test ./internal/blob -count=1

generate: go $(SQLC) ## write db/ and graph/generated anew from queries/ and the schema
	@rm -f db/*.sql.go
	@$(SQLC) generate
	@rm -rf graph/generated
	@go run github.com/99designs/gqlgen generate

ide: ## build the IDE's page anew into internal/ide/dist; needs node
	@cd internal/ide/web && npm ci --no-audit --no-fund && npm run build

conformance: build clients/conformance/node_modules/.package-lock.json ## hold the server to the clients that people use; needs node (UPDATE=1)
	@node clients/conformance/main.js

clients/conformance/node_modules/.package-lock.json: clients/conformance/package-lock.json
	@command -v npm >/dev/null 2>&1 || { echo "The clients come from npm: install Node 18 or newer, with npm." >&2; exit 1; }
	@cd clients/conformance && npm ci --no-audit --no-fund
	@touch $@

fmt: go ## format the code
	@gofmt -w $$(go list -f '{{.Dir}}' ./...)

vet: go
	@go vet ./...

lint: go $(GOLANGCI_LINT) ## look for mistakes (.golangci.yml)
	@$(GOLANGCI_LINT) run --allow-parallel-runners ./...

check: lint test ## what to run before a commit

bench-start: build ## how long from make run to the first answer, cold and warm
	@go run ./bench/start

bench-ledger: go ## what a release costs against bare SQL, a balance after 10 million postings
	@go run ./bench/ledger $(ARGS)

# Centrifuge is in a module of its own, so that it is nobody's dependency.
bench-fanout: build ## what a message to a viewer costs, against a raw broadcast, gqlgen's transport and centrifuge
	@CGO_ENABLED=0 go build -C bench/fanout/centrifuge -buildvcs=false -o $(CURDIR)/bin/bench-centrifuge . || echo "centrifuge cannot be had; it is left out" >&2
	@go run ./bench/fanout $(ARGS)

bench-bids: build ## what a bid costs, against a transaction for each, and how long until viewers see it
	@go run ./bench/bids $(ARGS)

search-quality: ## how many of the first five of a judged query list are right, and which are not
	@$(MAKE) test PKG=./internal/search ARGS='-count=1 -v -run TestPrecisionAtFive'

bench-catalogue: build ## lists, searches and reservations in an invented catalogue (ARGS='-n 1000000')
	@go run ./bench/catalogue $(ARGS)

bench-checkout: build ## whole checkouts by 8, 32 and 64 clients, against pgbench with the same statements
	@go run ./bench/checkout $(ARGS)

# The second place is cluster.DefaultStateDir's, for root in a directory that nobody else may enter.
clean-state: ## forget the demo's data (this clone's state directory)
	@for dir in "$${SOUK_STATE_DIR:-$(CURDIR)/.souk}" \
		"/var/lib/souk/$(notdir $(CURDIR))-$$(printf %s '$(CURDIR)' | sha256sum | cut -c 1-8)"; do \
		test -d "$$dir" || continue; \
		if ! flock --nonblock "$$dir/lock" true; then echo "souk is running on $$dir: stop it first" >&2; exit 1; fi; \
		rm -rf "$$dir" && echo "removed $$dir"; \
	done

# build(binary, package, stamp) puts the binary in place in one step, so that two makes at once, or one
# beside a running souk, never meet half of it.
define build
CGO_ENABLED=0 go build -buildvcs=$(3) -o $(1).$$$$ $(2) && mv -f $(1).$$$$ $(1)
endef

# Both tools build without a C compiler.
$(TOOLS)/sqlc-$(SQLC_VERSION):
	@$(call install,github.com/sqlc-dev/sqlc/cmd/sqlc,$(SQLC_VERSION),sqlc)

$(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION):
	@$(call install,github.com/golangci/golangci-lint/v2/cmd/golangci-lint,$(GOLANGCI_LINT_VERSION),golangci-lint)

# install(package, version, name) builds in a directory of its own and renames, so that an interrupted
# build leaves nothing that looks finished.
define install
echo "building $(3) $(2), once; it takes some minutes" && \
mkdir -p $(TOOLS) && GOBIN=$(TOOLS)/new-$(3) GOFLAGS= CGO_ENABLED=0 go install $(1)@$(2) && \
mv $(TOOLS)/new-$(3)/$(3) $@ && rm -rf $(TOOLS)/new-$(3)
endef

go:
	@command -v go >/dev/null 2>&1 || { \
		echo "Souk is written in Go, and there is no go command here. Install Go 1.26 or newer: https://go.dev/dl/" >&2; exit 1; }
	@go list -m >/dev/null 2>&1 || { go list -m; \
		echo "This is $$(go version 2>/dev/null || echo 'an older Go'); Souk needs Go 1.26 or newer: https://go.dev/dl/" >&2; exit 1; }
