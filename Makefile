# Thin on purpose: each target is one or two commands that also work by hand. `make` lists them.
.DEFAULT_GOAL := help
.PHONY: help run page cluster cluster-stop drill test test-tools check bench autobahn fuzz clean

WEB := dashboard/web
PAGE := $(WEB)/dist/index.html
# An empty folder of modules is left behind by an install that was cut off: the lock file inside tells.
MODULES := $(WEB)/node_modules/.package-lock.json
PAGE_TEST := e2e/page/node_modules/.package-lock.json

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: $(PAGE) ## Build and start everything in one process; Ctrl-C stops it
	cargo build --release --locked --bin millrace
	@exec target/release/millrace

page: $(PAGE) ## Build the page that the dashboard embeds

cluster: ## Build and start the cluster in containers, and say where everything is
	@./debian/cluster up

cluster-stop: ## Stop the cluster; what is stored stays
	@./debian/cluster stop

drill: $(PAGE) ## Break the cluster under load and prove what is left; NAME=freeze runs one, else docs/drills.md is written
	cargo build --release --locked --bin drill --bin millrace --bin sensor-sim
	./e2e/with-cluster target/release/drill $(or $(NAME),--page docs/drills.md)

$(MODULES): $(WEB)/package-lock.json
	npm --prefix $(WEB) ci

$(PAGE): $(MODULES) $(shell find $(WEB)/src $(WEB)/*.html $(WEB)/*.ts $(WEB)/public -type f 2>/dev/null)
	npm --prefix $(WEB) run build

$(PAGE_TEST): e2e/page/package-lock.json
	npm --prefix e2e/page ci

test: test-tools $(PAGE) $(PAGE_TEST) ## Run all tests beside a cluster of their own; installs the programs that they use
	npm --prefix $(WEB) test
	cargo test --workspace --locked --no-run
	cargo build --workspace --bins --locked
	./e2e/with-cluster sh -ec 'cargo test --workspace --locked --no-fail-fast; npm --prefix e2e/page test; target/debug/drill --page target/drills.md'

test-tools: # The programs of other makers that the tests run, from Debian's packages
	@./e2e/install-tools

check: $(MODULES) ## Formatting, lints, types and licences, without running anything
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	npm --prefix $(WEB) run check
	@command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
	cargo deny --offline check bans licenses sources

bench: $(PAGE) ## Measure, and write docs/performance.md; NAME=writer measures one part of it
	cargo build --release --locked --workspace --bins
	target/release/bench $(NAME)

autobahn: $(PAGE) ## Run the Autobahn suite against the page's WebSocket, and write docs/websocket.md
	./e2e/autobahn/install
	cargo build --locked --package dashboard --examples
	./e2e/autobahn/run docs/websocket.md target/debug/examples/echo target/debug/examples/plain_echo

fuzz: ## Fuzz decoding and topics for a minute each; needs cargo-fuzz and a nightly Rust
	cargo +nightly fuzz run decode -- -max_total_time=60
	cargo +nightly fuzz run topic -- -max_total_time=60

clean: ## Remove everything that was built
	cargo clean
	rm -rf $(WEB)/dist $(WEB)/node_modules e2e/page/node_modules
