# `make` prints this help; `make check` is what CI runs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CODE := segments streams schemas deploy

.PHONY: help
help: ## print this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

RUST := $(wildcard segments/engine/native/Cargo.* $(addprefix segments/engine/native/src/,*.rs */*.rs */*/*.rs))
NATIVE := segments/engine/_native.abi3.so

.PHONY: install
install: $(VENV)/.installed $(NATIVE) ## install everything into .venv

$(VENV)/.installed: requirements.lock pyproject.toml setup.py | cargo
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: install it, or say make PYTHON=...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q schemas segments streams
	touch $@ $(NATIVE)

.PHONY: cargo
cargo:
	@command -v cargo >/dev/null || { echo "cargo was not found: the engine is built from Rust, install Rust 1.88 or later (rustup.rs)." >&2; exit 1; }

.PHONY: native
native: $(NATIVE) ## build the engine, if its sources changed (needs Rust)

$(NATIVE): $(RUST) | cargo
	$(BIN)/python setup.py --quiet build_ext --inplace
	touch $@

# One more than there are cores, four at most: the tests wait for Kafka for much of their time.
PROCESSES = $(shell $(BIN)/python -c 'import os; print(min(4, 1 + len(os.sched_getaffinity(0))))')

.PHONY: test
test: install ## run every suite, over a real Kafka (needs a JDK 17, Maven, Node.js, Chromium)
	$(BIN)/python -m pytest --numprocesses $(PROCESSES) --dist loadfile --no-loadscope-reorder

.PHONY: fuzz
fuzz: | cargo ## a million hostile inputs for the engine's decoders (FUZZ=1000000)
	cd segments/engine/native && SEGMENTS_FUZZ=$${FUZZ:-1000000} cargo test --release --test hostile

.PHONY: lint
lint: install ## lint and format check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: types
types: install ## check the types
	$(BIN)/mypy

.PHONY: unit
unit: lint ## lint, types, unit tests and stories: under a minute on two cores, without Java
	@$(MAKE) --no-print-directory --jobs=2 types units

# The types are checked beside the tests, on a core that waits otherwise.
# The tests of one file share a process, and with it the modules that they have parsed.
# Bytecode is kept between runs, wherever it is switched off: to rewrite all assertions takes 5 s of CPU in each process.
.PHONY: units
units: install
	PYTHONDONTWRITEBYTECODE= PYTHONPYCACHEPREFIX=$(CURDIR)/.cache/bytecode $(BIN)/python -m pytest tests/unit tests/stories --numprocesses auto --maxprocesses 4 --dist loadfile --durations=0 --durations-min=5

.PHONY: crate
crate: | cargo ## lint, format check and tests of the engine's crate
	cd segments/engine/native && cargo fmt --check && cargo clippy --all-targets --features python -- -D warnings && cargo test

.PHONY: check
check: lint types crate test ## what CI runs: lint, types, all tests

.PHONY: format
format: install ## format the code, mend what the linter can mend, and fail on what is left
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: demo
demo: install ## watch real customers enter and leave segments, through a real Kafka
	$(BIN)/python -m deploy.demo

.PHONY: screenshots
screenshots: install ## take the pictures of the console in the documents (needs Chromium)
	$(BIN)/python -m tests.browser.screenshots

.PHONY: chaos
chaos: install ## kills, pauses, rebalances, broken connections: SEEDS=20 of them, with a table
	$(BIN)/python -m tests.chaos --seeds $(or $(SEEDS),20)

.PHONY: simulate
simulate: install ## SEEDS=2000 schedules of faults over a Kafka in memory, then the seeded bugs
	for kind in plain linked deployed; do $(BIN)/python -m tests.simulation --kind $$kind --seeds $(or $(SEEDS),2000) || exit 1; done
	for kind in plain linked deployed; do $(BIN)/python -m tests.simulation --kind $$kind --bugs || exit 1; done

.PHONY: stock-faust
stock-faust: install ## the same faults for stock Faust and for this worker: what is lost, doubled and wrong (20 minutes)
	$(BIN)/python -m tests.stock

.PHONY: soak
soak: install ## engine against oracle on EXAMPLES=20000 random rules and stories, other ones each time
	SEGMENTS_EXAMPLES=$(or $(EXAMPLES),20000) $(BIN)/python -m pytest --timeout=0 tests/properties

.PHONY: bench
bench: install ## how fast, how late, how large, ours and others: ONLY=latency one part, ARGS=--help what can be chosen
	$(BIN)/python -m tests.benchmarks $(if $(ONLY),--only $(ONLY)) $(ARGS)

.PHONY: holdout
holdout: install ## CDNOW: what our model and that of lifetimes expect of its second half, and what came
	$(BIN)/python -m tests.holdout

.PHONY: wheel
wheel: install ## the wheel to run workers from (needs Rust; installing it does not)
	$(BIN)/python -m deploy.dev.wheel

.PHONY: docs
docs: install ## write the generated parts of the documents, and the dashboard
	$(BIN)/python -m deploy.dev.docs

.PHONY: schemas
schemas: install ## release the schemas that were edited: a version, an id and a checksum for each
	$(BIN)/python -m deploy.dev.release

.PHONY: lock
lock: install ## lock the newest allowed versions, with hashes
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --extra dev --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --upgrade pyproject.toml -o requirements.lock

.PHONY: clean
clean: ## remove .venv and caches
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	rm -rf segments/engine/native/target $(NATIVE)
