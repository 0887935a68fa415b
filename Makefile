# Everything is built from Go modules; nothing else is downloaded. `make help` lists the targets.
BIN := $(CURDIR)/bin
export PATH := $(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help demo test test-short test-race test-faults build tools lint preview bench fuzz clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: build ## the main job on the embedded AWS: set up, three environments, one destroyed
	@tools/demo.sh

test: build ## all tests, the real Pulumi engine included; no AWS account needed
	go test -shuffle=on -timeout 30m ./...
	@command -v pulumi-resource-aws >/dev/null || test -n "$$BRANCHENV_REAL_AWS_PROVIDER" || echo "note: no pulumi-resource-aws on PATH: nothing was checked against the real AWS provider"

test-short: ## the quick tests alone: nothing that starts pulumi
	go test -short ./...

test-race: ## the quick tests with the race detector: five minutes on two cores, a quarter of an hour the first time
	@if problem=$$(go build -race runtime/cgo 2>&1); then \
		echo 'go test -race -short, without cli: parallel tests of it write a global help flag of urfave/cli v2'; go test -race -short -shuffle=on -timeout 30m $$(go list ./... | grep -v '/cli$$'); \
	else \
		echo "SKIPPED test-race: the race detector cannot be built here: $$problem"; \
	fi

test-faults: build ## interruptions at every point, where `make test` takes a sample: a quarter of an hour
	BRANCHENV_TEST_FAULTS=all go test -timeout 60m -run Killed ./internal/e2e

build: tools ## bin/branchenv and the tools it needs
	@go build -o $(BIN)/branchenv .

tools: ## bin/pulumi and bin/pulumi-language-go: those on PATH, or built from source once
	@tools/pulumi.sh $(BIN)
	@tools/language-go.sh $(BIN)

lint: ## gofmt, go vet, staticcheck, revive, godot, misspell, gosec, govulncheck
	@tools/lint.sh

preview: build ## pulumi's preview of a branch: make preview BRANCH=x [ARGS="--image REF --sandbox"]
	@$(BIN)/branchenv preview --pulumi $(if $(BRANCH),'$(BRANCH)') $(ARGS)

bench: build ## measure; docs/benchmarks.md says what and how
	go test -run '^$$' -bench . -benchtime 1x ./...

fuzz: ## every fuzz target for a while: make fuzz [FUZZTIME=30s]
	@tools/fuzz.sh $(or $(FUZZTIME),30s)

clean: ## remove what was built
	rm -rf $(BIN)
