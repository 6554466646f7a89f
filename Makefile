# Building, testing and running need Go, make and git, nothing else: generated code is committed.
# The other tools are pinned in modules of their own below internal/tools and built by Go at their first use.

BASE      ?= origin/main
FUZZTIME  ?= 5s
FLOOR     ?= 80
VULNDB    ?= ../shared/vulndb/vulndb.tgz
SOAK      ?= .

# The tests whose figures are shown beside those of make faults.
INSIDE    := ^(TestCorruption|TestSimulation.*|TestAMovedClock.*|TestUpgradeKilledAnywhere)$$

BUILD     := .build
tool       = GOWORK=off go tool -modfile=internal/tools/$(1)/go.mod $(1)
BUF       := $(call tool,buf)
THIRD     := $(BUILD)/third_party/proto

# Written by make generate, and committed.
GENERATED := proto/gen docs/components.md docs/actions.md

# Not counted as covered or uncovered: what is generated, what only tests use, the examples, the workshop.
NOT_COUNTED := /proto/gen/|/internal/storage/storagetest/|/sqldb/sqldbtest/|/internal/leaktest/|/examples/|/internal/tools/

.DEFAULT_GOAL := help
.PHONY: help
help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: run demo
run: | $(BUILD) ## Start the server: gRPC on :9090, REST, webhooks and the API page on :8080
	go build -o $(BUILD)/headrace-server ./server
	$(BUILD)/headrace-server

demo: ## Play the tutorial: Headrace between Progix and a fake Acme ERP
	go run ./examples/acme-erp/demo

.PHONY: test race cover fuzz
test: ## Run all tests, those of the examples' flows among them
	go test ./...

# SQLite and QuickJS are C written as Go. Their memory is not of Go, and the race detector passes over it: there it would only take time.
NOT_RACED := modernc.org/sqlite/lib modernc.org/libquickjs
race: ## Run all tests under the race detector
	go test -race $(NOT_RACED:%=-gcflags=%=-race=false) -timeout 20m ./...

# The rooms that the plane is built on are tested through it: what the test of any package runs counts.
cover: | $(BUILD) ## Run all tests and fail when they cover less than FLOOR percent
	go test -coverprofile=$(BUILD)/cover.out -coverpkg=./internal/...,./server/...,./client/... ./...
	@$(MAKE) --no-print-directory floor

fuzz: ## Run each fuzz target for FUZZTIME
	@found=$$(git grep --untracked -ho '^func Fuzz[A-Za-z0-9_]*' -- '*_test.go' | wc -l); echo "$$found fuzz targets, $(FUZZTIME) each"
	@git grep --untracked -o '^func Fuzz[A-Za-z0-9_]*' -- '*_test.go' | sed 's/:func /:/' | while IFS=: read -r file name; do \
		echo "== $$name in $$(dirname $$file)"; \
		go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "./$$(dirname $$file)" </dev/null || exit 1; \
	done

.PHONY: faults figures soak
faults: | $(BUILD) ## Break the server from outside: kills, power cuts, full disks, lost answers
	go test -tags faults ./internal/fault
	HEADRACE_FAULTS_RESULTS=$(CURDIR)/$(BUILD)/faults.json go test -tags faults -count=1 -timeout 15m ./server/faults

figures: faults ## Measure, and write the table of docs/reliability.md
	HEADRACE_SOAK=1 go test -json -count=1 -run '$(INSIDE)' ./internal/control ./internal/storage/sqldb >$(BUILD)/inside.json
	go run ./internal/tools/figures -results $(BUILD)/faults.json -inside $(BUILD)/inside.json -document docs/reliability.md \
		-commit "$$(git describe --always --dirty)"

soak: | $(BUILD) ## What faults does, for hours, and write the table of docs/soak.md
	go test -tags faults ./internal/fault
	HEADRACE_SOAK=1 go test -count=1 -timeout 0 -run '^(TestSimulation.*|TestKilledAtAnyMomentConverges)$$' ./internal/control \
		-seeds 1000000 -simulates 1h
	HEADRACE_SOAK=1 HEADRACE_FAULTS_RESULTS=$(CURDIR)/$(BUILD)/soak.json go test -tags faults -count=1 -timeout 0 -v -run '$(SOAK)' ./server/faults
	go run ./internal/tools/figures -results $(BUILD)/soak.json -document docs/soak.md -commit "$$(git describe --always --dirty)"

.PHONY: generate format
generate: $(THIRD)/.stamp ## Generate proto/gen from proto, and the pages of the built-in components
	$(BUF) generate
	go run ./internal/tools/catalogue

format: ## Format Go and proto files
	$(call tool,golangci-lint) fmt
	$(BUF) format -w proto

.PHONY: lint breaking vuln
lint: $(THIRD)/.stamp ## Lint protos and Go, and check their format
	$(BUF) lint
	$(BUF) format -d --exit-code proto
	go vet ./...
	$(call tool,golangci-lint) run

breaking: $(THIRD)/.stamp ## Check that the API breaks no caller of the one at BASE
	@if git ls-tree -r --name-only "$(BASE)" -- proto 2>/dev/null | grep -q '\.proto$$'; then \
		rm -rf $(BUILD)/base && mkdir -p $(BUILD)/base/$(BUILD) && \
		git archive --output $(BUILD)/base.tar "$(BASE)" proto && tar -xf $(BUILD)/base.tar -C $(BUILD)/base && \
		cp buf.yaml $(BUILD)/base/ && cp -R $(BUILD)/third_party $(BUILD)/base/$(BUILD)/ && \
		echo "comparing proto with $(BASE)" && \
		$(BUF) breaking proto --against $(BUILD)/base/proto; \
	else \
		echo "breaking: skipped, \"$(BASE)\" is not here or holds no proto: nothing to compare with"; \
	fi

vuln: | $(BUILD) ## Look for known vulnerabilities, offline with the data in VULNDB
	@if [ -f "$(VULNDB)" ]; then \
		rm -rf $(BUILD)/vulndb && mkdir -p $(BUILD)/vulndb && tar -xzf "$(VULNDB)" -C $(BUILD)/vulndb && \
		$(call tool,govulncheck) -db "file://$(CURDIR)/$(BUILD)/vulndb/db" ./...; \
	else \
		echo "vuln: skipped, there is no vulnerability data at \"$(VULNDB)\": name another with VULNDB=…"; \
	fi

# What CI runs, in its order; each stage says what it took. Coverage is counted in a run of its own: under the race detector the counters
# have to be atomic, each one orders the goroutines that pass it, so that races remain unseen, and it takes twice the time.
STAGES := current lint breaking vuln race cover faults

.PHONY: check
check: ## Everything CI does
	@for stage in $(STAGES); do \
		start=$$(date +%s); echo "== $$stage"; \
		$(MAKE) --no-print-directory $$stage || { echo "== $$stage FAILED after $$(($$(date +%s) - start)) s"; exit 1; }; \
		echo "== $$stage took $$(($$(date +%s) - start)) s"; \
	done

# The stages and parts of stages that are no target above.
.PHONY: current floor
current: generate
	@git diff --exit-code -- $(GENERATED) || { echo "what is generated is stale: run make generate and commit"; exit 1; }
	@new=$$(git ls-files --others --exclude-standard -- $(GENERATED)); \
		[ -z "$$new" ] || { echo "generated but not committed:"; echo "$$new"; exit 1; }

floor:
	@go run ./internal/tools/coverfloor -profile $(BUILD)/cover.out -floor $(FLOOR) -skip '$(NOT_COUNTED)'

$(BUILD):
	@mkdir -p $@

# Printed anew when a version in go.mod moves.
$(THIRD)/.stamp: go.mod go.sum internal/tools/protodeps/main.go
	@rm -rf $(THIRD)
	go run ./internal/tools/protodeps -out $(THIRD)
	@touch $@
