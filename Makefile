# SPDX-License-Identifier: MPL-2.0
# What people type. `make help` lists the targets; the work is done by the scripts in tools/.
#
# Variables: FILTER=regex narrows `test`; STORE=etcd has `run` use an etcd and RUN_SECONDS=n ends it; CASE=name, FORMAT=json and REPORT=directory go to `bench`;
# MATRIX=trixie narrows `matrix`, RELEASE=trixie `test-packages`; JOBS=n is the number of compilers at a time; NODE=path chooses a Node.js.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

JOBS ?= $(shell nproc)
export JOBS
SANITIZERS ?= asan tsan
# The directory of a Node.js that is new enough goes in front, so that npm's scripts find the same one.
NODE_BIN = $(shell tools/node.sh)
WITH_NODE = dir='$(NODE_BIN)'; test -n "$$dir" || exit 1; export PATH="$$dir:$$PATH";

.PHONY: help
help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: typescript native ## Install what the build needs, compile the TypeScript and the native parts.

.PHONY: check
check: setup-check build ## Check format, lint and types, and pass the fast tests.
	@$(WITH_NODE) tools/lint.sh
	@$(WITH_NODE) node dist/test/run.js --fast

.PHONY: test
test: setup-test build sanitized ## Install what is missing, build, and pass every test.
	@$(WITH_NODE) node dist/test/run.js

.PHONY: run
run: store-known setup-run build ## Run Kea, dnsdist and the host on loopback, with leases and verdicts to look at; STORE=etcd adds an etcd.
	@$(WITH_NODE) $(if $(STORE),STORE='$(STORE)') exec node dist/tools/run.js

.PHONY: stress
stress: setup-test build ## Kill Kea, the host and etcd members a thousand times under load, and count what was lost.
	@$(WITH_NODE) node dist/test/stress/stress.js $(if $(KILLS),--kills $(KILLS)) $(if $(SEED),--seed $(SEED))

.PHONY: stress-follow
stress-follow: setup-test build ## Put ten hours of bad network (HOURS) into five minutes, and count the changes that followers missed.
	@$(WITH_NODE) node dist/test/stress/follow.js $(if $(HOURS),--hours $(HOURS)) $(if $(SQUEEZE),--squeeze $(SQUEEZE)) \
	  $(if $(SEED),--seed $(SEED))

.PHONY: stress-policies
stress-policies: setup-test build ## Ask compiled policies and Cerbos 100,000 (CASES) generated questions, and count the differences.
	@$(WITH_NODE) node dist/test/stress/policies.js $(if $(CASES),--cases $(CASES)) $(if $(SEED),--seed $(SEED))

.PHONY: stress-tables
stress-tables: setup-test build ## Publish 10,000 generations (GENERATIONS) of tables under a dnsdist that answers, and look for wrong answers and memory.
	@$(WITH_NODE) node dist/test/stress/tables.js $(if $(GENERATIONS),--generations $(GENERATIONS))

.PHONY: fuzz
fuzz: setup-fuzz typescript ## Feed a million damaged journals and events to the readers, under sanitizers.
	@$(WITH_NODE) tools/fuzz.sh

.PHONY: matrix
matrix: setup-matrix ## Build and load-test against the Kea and etcd of newer Debian releases, in roots of their own.
	@tools/matrix.sh $(MATRIX)

# Of all cases a report is kept without asking: they take long.
comma := ,
BENCH_REPORT = $(or $(REPORT),$(if $(filter-out all,$(CASE)),,build/bench-report))

.PHONY: deb
deb: setup-deb ## Build the Debian packages of this machine's release into build/deb.
	@$(WITH_NODE) tools/deb.sh

.PHONY: test-packages
test-packages: setup-packages ## Build the packages in clean Debian 12 and 13 (RELEASE=trixie for one), and install, use, upgrade and purge them there.
	@$(WITH_NODE) tools/packages.sh $(RELEASE)

.PHONY: bench
bench: setup-bench build ## Measure all bench cases briefly against their bounds (FULL=1: at full length); CASE=name for one, FORMAT=json for programs, REPORT=directory for a report (of all: build/bench-report).
	@$(WITH_NODE) node dist/bench/main.js $(if $(BENCH_REPORT),--report '$(BENCH_REPORT)') $(subst $(comma), ,$(filter-out all,$(CASE))) \
	  $(foreach v,SECONDS KILLS PAIRS LEASES SEED,$(if $($v),--$(shell echo $v | tr A-Z a-z) $($v))) $(if $(FULL),--full) \
	  $(if $(filter-out text,$(FORMAT)),--$(FORMAT))

.PHONY: gen
gen: typescript ## Generate again what comes from proto/, native/shm and the schemas and tables of the host; leaves no diff when all is well.
	@$(WITH_NODE) node dist/tools/gen.js

.PHONY: clean
clean: ## Remove everything that was built; installed packages and node_modules stay.
	@rm -rf build dist .run compile_commands.json

# --- steps of the targets above; what they say goes to stderr, so that `bench` prints figures alone ---

.PHONY: store-known node_modules-current typescript native sanitized
# Before anything is built; dist/tools/run.js looks again.
store-known:
	@case '$(STORE)' in ''|embedded|etcd) ;; *) echo 'STORE is embedded or etcd, not "$(STORE)"' >&2; exit 2;; esac

node_modules-current:
	@$(WITH_NODE) tools/npm-ci.sh >&2

typescript: node_modules-current
	@$(WITH_NODE) node_modules/.bin/tsc >&2

native: setup-build node_modules-current
	@$(WITH_NODE) tools/native.sh release >&2

sanitized: setup-build
	@for each in $(SANITIZERS); do tools/native.sh $$each >&2 || exit 1; done

# A Node.js that is too old is said first: nothing but a person installs another one.
setup-%:
	@$(if $(filter-out matrix,$*),$(WITH_NODE)) tools/setup.sh $* >&2
