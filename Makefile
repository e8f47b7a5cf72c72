# For developers; analysts need no make (README). Everything runs in .venv, installed from the hashed lock.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/installed

.PHONY: install demo test check histories simulate faults mutate bench browser lock

install: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $(STAMP)

demo: install
	rm -rf demo
	$(BIN)/evaluator demo demo

test: install
	$(BIN)/python -m pytest tests --numprocesses 2 --dist loadfile

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/contracts

histories: install
	EVALUATOR_HISTORIES=10000 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile tests/unit/test_dream.py \
		tests/unit/test_marts_reference.py tests/unit/test_spells_reference.py tests/unit/test_caseload_marts.py

simulate: install
	$(BIN)/python -m tests.simulation.coverage --seeds 400
	$(BIN)/python -m tests.simulation.main_cells --draws 2000
	$(BIN)/python -m tests.simulation.assignments
	$(BIN)/python -m tests.simulation.who_gains
	$(BIN)/python -m tests.simulation.few_treated
	$(BIN)/python -m tests.simulation.one_municipality
	$(BIN)/python -m tests.simulation.detectable
	$(BIN)/python -m tests.simulation.timing_of_events
	$(BIN)/python -m tests.simulation.landmark
	$(BIN)/python -m tests.simulation.strictness
	$(BIN)/python -m tests.simulation.sanction_report
	$(BIN)/python -m tests.simulation.trial_claims

faults: install
	$(BIN)/python -m tests.faults.campaign
	EVALUATOR_PLANTED=500 $(BIN)/python -m pytest tests/unit/test_planted_numbers.py

mutate: install
	$(BIN)/python -m tests.mutation.campaign

bench: install peers
	$(BIN)/python -m benchmarks.demo_steps
	$(BIN)/python -m benchmarks.peers
	$(BIN)/python -m benchmarks.dream
	$(BIN)/python -m benchmarks.large_input

# The programs that ours is measured and checked against, apart from it and from one another where they conflict.
peers: build/peers/installed build/differences/installed

build/%/installed: benchmarks/%.lock
	test -x build/$*/bin/python || $(PYTHON) -m venv build/$*
	build/$*/bin/python -m pip install --quiet --no-deps --require-hashes -r $<
	touch $@

browser: install
	$(BIN)/python -m tests.browser.pictures

lock:
	uv pip compile --universal --python-version 3.11 --extra dev --generate-hashes --no-emit-index-url \
		--no-annotate --no-strip-extras --no-header pyproject.toml --output-file requirements.lock

lock-peers:
	for name in peers differences; do uv pip compile --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-annotate --no-strip-extras --no-header benchmarks/$$name.in \
		--output-file benchmarks/$$name.lock; done
