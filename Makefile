# Amphora. `make help` lists the targets.
BIN   := $(CURDIR)/bin
BENCH ?= all
SEED  ?= 1
# Of make chaos. MINUTES: go on with the next seeds for so long.
FAULTS  ?= 10
MINUTES ?= 0
PROFILE ?=
CLANG ?= $(shell command -v clang-14 || echo clang)
RUNS  ?= 20
SOAK  ?= 10m
FAULT ?= all
export PATH := $(BIN):$(PATH)

.DEFAULT_GOAL := build

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/amphorad and bin/amphoractl
	CGO_ENABLED=0 go build -trimpath -o $(BIN)/ ./cmd/...

.PHONY: demo
demo: build ## root: a pair and a witness in namespaces, killed in mid-stream
	$(BIN)/amphorad demo

.PHONY: test
test: ## run every test with the race detector; says what it skipped and why
	@$(MAKE) -s $(BIN)/h2spec || echo "h2spec cannot be built: its test will be skipped"
	@.ci/test ./...

.PHONY: check
check: lint gen-check ## formatting, linters, module files, generated code
	go mod tidy -diff
	go vet ./...

.PHONY: lint
lint: $(BIN)/golangci-lint ## run the linters of .golangci.yaml
	$(BIN)/golangci-lint run ./...

.PHONY: gen
gen: $(BIN)/buf ## regenerate the code that is made from .proto files and BPF sources
	$(BIN)/buf lint
	$(BIN)/buf generate
	@$(CLANG) --version | grep -q 'version 14\.' || { \
		echo "make gen: $(CLANG) must be version 14, that of Debian 12: another one gives other objects"; exit 1; }
	BPF2GO_CC=$(CLANG) go generate ./vip/gate

.PHONY: gen-check
gen-check: gen ## fail if generated code differs from what is committed
	git diff --exit-code -- '*.pb.go' '*_bpfe[lb].*'

.PHONY: chaos
chaos: build ## root: plague a real pair with faults; SEED=n FAULTS=k MINUTES=m PROFILE=p
	go run ./internal/chaosrun -seed $(SEED) -faults $(FAULTS) -minutes $(MINUTES) -profile "$(PROFILE)"

.PHONY: chaos-control
chaos-control: build ## root: show that the chaos suite notices when the fence is missing
	go run ./internal/chaosrun -control

.PHONY: sim
sim: ## run simulated worlds of the lease until stopped; SEED=n is the first
	go run ./cluster/lease/sim/run -seed $(SEED)

.PHONY: bench
bench: build ## compare with HAProxy and measure ourselves; BENCH=http-small for one
	go run ./internal/bench -scenario $(BENCH)

.PHONY: bench-failover
bench-failover: build ## root: failovers beside keepalived; RUNS=n FAULT= PROFILE= SOAK=10m
	go run ./internal/bench/failover -runs $(RUNS) -fault $(FAULT) -profile $(or $(PROFILE),all) -soak $(SOAK) $(FLAGS)

.PHONY: bench-api
bench-api: build ## root: how fast the REST API of a pair and a witness is
	go run ./internal/bench/api $(FLAGS)

.PHONY: clean
clean: ## remove what the other targets made
	rm -rf $(BIN) bench.out chaos.out

$(BIN)/golangci-lint: tools/go.mod
	cd tools && go build -o $(BIN)/ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

$(BIN)/h2spec: tools/go.mod
	cd tools && go build -o $(BIN)/ github.com/summerwind/h2spec/cmd/h2spec

$(BIN)/buf: tools/go.mod
	cd tools && go build -o $(BIN)/ github.com/bufbuild/buf/cmd/buf
