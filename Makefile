# Thin on purpose: each target is one or two commands that also work by hand. `make` lists them.
.DEFAULT_GOAL := help
.PHONY: help run run-edge-and-cloud page cluster cluster-stop drill unit test test-plan test-tools check bench mqtt autobahn fuzz clean

WEB := dashboard/web
PAGE := $(WEB)/dist/index.html
# An empty folder of modules is left behind by an install that was cut off: the lock file inside shows it.
MODULES := $(WEB)/node_modules/.package-lock.json
PAGE_TEST := e2e/page/node_modules/.package-lock.json

# cargo-nextest runs the tests of all crates side by side (see .config/nextest.toml), but no examples in documentation.
# Without it, cargo runs one crate's tests after the other's. What needs a cluster or another program is marked as ignored;
# the tests of the PostgreSQL store fail without a server, so that the quick tests leave them out.
ifneq ($(shell command -v cargo-nextest),)
UNIT_TESTS := cargo nextest run --workspace --locked --profile unit && cargo test --workspace --locked --doc
ALL_TESTS := cargo nextest run --workspace --locked --run-ignored all; cargo test --workspace --locked --doc
else
UNIT_TESTS := cargo test --workspace --exclude e2e --exclude store --locked --no-fail-fast && \
	cargo test --package store --lib --test sqlite --test memory --locked --no-fail-fast && \
	cargo test --package e2e --lib --bins --test architecture --locked
ALL_TESTS := cargo test --workspace --locked --no-fail-fast -- --include-ignored --skip takes_long::
endif

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: $(PAGE) ## Build and start everything in one process; Ctrl-C stops it
	cargo build --release --locked --package cli --no-default-features --bin millrace # without what only the cluster needs
	@exec target/release/millrace

run-edge-and-cloud: $(PAGE) ## Build and start a cloud and an edge that forwards to it, in two processes; Ctrl-C stops both
	cargo build --release --locked --package cli --no-default-features --bin millrace
	@exec edge/edge-and-cloud target/release/millrace

page: $(PAGE) ## Build the page that the dashboard embeds

export OBSERVABILITY

cluster: ## Build and start the cluster in containers, and print its addresses; OBSERVABILITY=1 adds Prometheus and Grafana
	@./debian/cluster up

cluster-stop: ## Stop the cluster; stored data is kept
	@./debian/cluster stop

drill: $(PAGE) ## Cause every fault under load and prove that nothing is lost (half an hour), and write docs/drills.md; NAME=freeze runs one
	cargo build --release --locked --bin drill --bin millrace --bin sensor-sim
	./e2e/with-cluster target/release/drill $(or $(NAME),--page docs/drills.md)
ifndef NAME
	./e2e/with-cluster cargo test --package e2e --locked -- --ignored takes_long::
endif

$(MODULES): $(WEB)/package-lock.json
	npm --prefix $(WEB) ci

$(PAGE): $(MODULES) $(shell find $(WEB)/src $(WEB)/*.html $(WEB)/*.ts $(WEB)/public -type f 2>/dev/null)
	npm --prefix $(WEB) run build

$(PAGE_TEST): e2e/page/package-lock.json
	npm --prefix e2e/page ci

unit: $(PAGE) ## Run the quick tests: no container, browser or foreign program; under 3 minutes once built
	npm --prefix $(WEB) test
	$(UNIT_TESTS)

test: test-plan test-tools $(PAGE) $(PAGE_TEST) ## Run all tests beside a cluster of their own; says first what it does and how long that takes
	npm --prefix $(WEB) test
	cargo build --workspace --bins --tests --examples --locked
	PROFILE=dev MILLRACE_TEST_BINARIES_BUILT=1 ./e2e/with-cluster sh -ec \
		'$(ALL_TESTS); npm --prefix e2e/page test; target/debug/drill --each-run --page target/drills.md'

test-plan:
	@echo 'make test takes 35 to 60 minutes on two cores. It'
	@echo '  - installs the programs that the tests run, where they are missing, and builds everything (10 to 15 minutes from a'
	@echo '    clean clone, 2 once built);'
	@echo '  - starts a cluster in containers on free ports, which it ends afterwards (2 minutes);'
	@echo '  - runs all tests in Rust (15 to 20 minutes), the tests of the page in Chromium (5 minutes), and a drill of each kind'
	@echo '    of fault (7 minutes).'
	@echo 'make unit is quicker.'

test-tools: # The programs of other makers that the tests run, from Debian's packages
	@./e2e/install-tools

check: $(MODULES) ## Formatting, lints, types, documentation and licences, without running anything
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps --locked --quiet
	npm --prefix $(WEB) run check
	@command -v cargo-deny >/dev/null || cargo install --locked --debug cargo-deny
	cargo fetch --locked --quiet
	cargo deny --offline check bans licenses sources

bench: $(PAGE) ## Measure, and write docs/performance.md; NAME=writer measures one part of it
	cargo build --release --locked --workspace --bins
	target/release/bench $(NAME)

autobahn: $(PAGE) ## Run the Autobahn suite against the page's WebSocket, and write docs/websocket.md
	./e2e/autobahn/install
	cargo build --locked --package dashboard --examples
	./e2e/autobahn/run docs/websocket.md target/debug/examples/echo target/debug/examples/plain_echo

mqtt: $(PAGE) ## Test conformance to MQTT 3.1, 3.1.1 and 5.0, and write docs/mqtt-conformance.md; MQTT_ADDRESS=HOST:PORT tests another server
	MQTT_PAGE=1 cargo test --package e2e --test mqtt --locked

fuzz: ## Fuzz decoding, topics and the MQTT server for a minute each; needs a nightly Rust
	@command -v cargo-fuzz >/dev/null || cargo install --locked --debug cargo-fuzz
	for target in decode topic mqtt_packets mqtt_clients; do \
		mkdir -p fuzz/corpus/$$target fuzz/seeds/$$target; \
		cargo +nightly fuzz run $$target fuzz/corpus/$$target fuzz/seeds/$$target -- -max_total_time=60 || exit 1; done

clean: ## Remove everything that was built
	cargo clean
	rm -rf $(WEB)/dist $(WEB)/node_modules e2e/page/node_modules
