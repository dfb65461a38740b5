# What people run by hand. `make check` is the whole local gate.
GOLANGCI_LINT_VERSION := v2.14.0
GOBIN := $(CURDIR)/bin
export GOBIN

.PHONY: help run demo test race check lint generate regenerate migration bench planted powercut playground screenshots

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Serve carehome.db at 127.0.0.1:5000
	go run .

demo: ## Serve a demo home
	go run . --demo

test: ## Run every test
	go test ./...

race: ## Run every test with the race detector
	go test -race ./...

check: ## The whole gate, as CI runs it
	.ci/run

lint: bin/golangci-lint-$(GOLANGCI_LINT_VERSION) ## Lint, with the import rules
	$< run

bin/golangci-lint-$(GOLANGCI_LINT_VERSION):
	go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	mv bin/golangci-lint $@

generate: ## Generate ent/, the executor, docs/access.md and docs/api
	go generate ./...

regenerate: ## Delete all that is generated and make it again from nothing
	rm -rf ent graph/ent.graphqls graph/generated graph/model/generated.go docs/access.md docs/api
	go generate ./...

migration: ## Write the next migration: make migration NAME=add_rooms
	go run ./internal/codegen/migration $(NAME)

bench: ## Compare with a hand-written server, as ratios
	go test ./tests/bench -run '^$$' -bench . -benchtime 2s

planted: ## Plant leaks in the source, which the leak matrix must find
	CAREHOME_TEST_PLANTED=all go test ./tests/leak -run TestPlantedInTheSource -v -count=1 -timeout 30m

powercut: ## Cut the power a thousand times (needs /dev/fuse)
	CAREHOME_TEST_POWERCUT_CUTS=1000 go test ./tests -run PowerCut -v -count=1 -timeout 20m

playground: ## Rebuild the embedded playground (needs npm)
	cd internal/web/ui && npm ci --ignore-scripts --no-audit --no-fund
	go run ./internal/web/bundle

screenshots: ## Take the pictures in docs/images again (needs Chromium)
	CAREHOME_SCREENSHOTS=$(CURDIR)/docs/images go test ./internal/web -run 'TestPlayground$$' -count=1
