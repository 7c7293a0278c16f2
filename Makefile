# make check    everything that needs no installing and no servers; under 3 minutes
# make test     check, and the parts that need real domain controllers, which it installs on Debian and Ubuntu
# make e2e      those parts alone
# make bench    the measurements, with their aims; SIZE=quick for the small form, ARGS for --json, -profile DIR, -only PART
# make bench-rooms  the benchmarks of single rooms
# make fuzz     every fuzz target for FUZZTIME
# make verify   generated files are what their generators make
# make build    the binaries, into bin/

GO       ?= go
FUZZTIME ?= 5s
SIZE     ?= full
TOOLS    := bin/tools
ROOMS    := $(shell $(GO) list ./... | grep -v '/e2e')

# In CI leaving out the real parts is a failure, and properties draw the same cases each time.
ifeq ($(CI),true)
export CANOPY_REAL = require
export CANOPY_DRAW = fixed
endif

.PHONY: check test e2e bench bench-rooms fuzz verify build clean format vet lint race tools install

check: format vet lint verify race

test: check e2e

build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags="-s -w" -o bin/ ./cmd/...

format:
	@echo "== gofmt"
	@out="$$(gofmt -l .)"; test -z "$$out" || { echo "not formatted:"; echo "$$out"; exit 1; }

vet:
	@echo "== go vet"
	@$(GO) vet ./...

# The linters are built from their own module, so that their requirements never move one of the product's.
tools:
	@cd tools && $(GO) build -o ../$(TOOLS)/ tool

# Enumerations of others are not ours to exhaust, and the set of classes is open.
OTHERS := -typeignore 'canopy\.Class$$' -typeignore 'asn1-ber' -typeignore '^(go|net|reflect|time)[/.]'

lint: tools
	@echo "== staticcheck"
	@$(TOOLS)/staticcheck ./...
	@echo "== exhaustive"
	@$(TOOLS)/exhaustive -d $(OTHERS) ./...
	@echo "== gochecknoinits"
	@$(TOOLS)/gochecknoinits ./...

verify:
	@echo "== generated files"
	@scripts/verify.sh

# At reduced size, and without what must be installed, whatever CI asks for: test runs that part at full size.
race:
	@echo "== tests with the race detector"
	@CI= CANOPY_REAL=no $(GO) test -race -short -timeout 30m $(ROOMS)

e2e: install
	@echo "== tests with real domain controllers, and those that are shortened elsewhere"
	@$(GO) test -count=1 -timeout 40m $$(scripts/full-size.sh)
	@echo "== what keeps state, with PostgreSQL"
	@CANOPY_DATABASE=postgres $(GO) test -count=1 -timeout 20m ./store
	@CANOPY_DATABASE=postgres $(GO) test -count=1 -timeout 20m -run '^TestScenarios$$' ./run

install:
	@scripts/install-real-parts.sh

bench: install
	@SIZE=$(SIZE) $(GO) run ./e2e/bench $(ARGS)

# The rooms' own benchmarks, each for itself.
bench-rooms:
	@$(GO) test -run '^$$' -bench . -benchmem -timeout 60m $(ROOMS)

fuzz:
	@scripts/fuzz.sh $(FUZZTIME)

clean:
	rm -rf bin
