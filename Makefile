# Groundswell: everything a newcomer runs.  Needs Python 3.11+ and the Python package registry, nothing else;
# targets that say so need Java and Maven (Apache Kafka).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
KAFKA ?= tansu
MINUTES ?= 3
ROWS ?= 100000000
# Many tests wait for a broker or a session, so there are more workers than cores.
PARALLEL ?= -n 3 --dist loadscope --no-loadscope-reorder

.PHONY: help install demo test quick docs chaos check lint types imports unit faults kafka secrets dashboards dictionary screenshots speed \
  bench recovery overload latency scale panels lock audit-dependencies clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 20

install: $(VENV)/.installed  ## the virtual environment; .venv/bin/groundswell is the command

$(VENV)/.installed: requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Groundswell needs Python 3.11 or newer: make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

demo: install  ## the sample appeal through the whole pipeline; KAFKA=apache for Apache Kafka
	$(BIN)/groundswell demo --kafka $(KAFKA)

test: check unit  ## everything that proves the product, without Docker

quick: install  ## what needs no server: the contracts, operators, the consumer's model, commands, pages
	$(BIN)/python -m pytest -q --quick $(PARALLEL)

check: lint types imports  ## lint, types, import contract

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

imports: install
	$(BIN)/lint-imports

unit: install
	$(BIN)/python -m pytest $(PARALLEL)

secrets: install  ## the secrets of docker compose, once, in infra/docker/secrets
	$(BIN)/python -m infra.docker.secrets

kafka: install  ## one Apache Kafka broker on loopback, until Ctrl-C (Java, Maven)
	$(BIN)/python -m infra.kafka up

chaos: install  ## broken on purpose for MINUTES=3, on three brokers; SEED=N draws the same faults again (Java, Maven)
	$(BIN)/python -m tests.chaos --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

faults: install  ## kills, rebalances, outages with the whole appeal on both brokers (Java, Maven; half an hour)
	GROUNDSWELL_WHOLE_APPEAL=1 GROUNDSWELL_BOTH_BROKERS=1 $(BIN)/python -m pytest -m "faults or not faults" tests/pipeline tests/infra tests/security

dashboards: install  ## boards and alert rules for Grafana, anew from Python
	$(BIN)/python -m dashboards.grafana

dictionary: install  ## docs/data-dictionary.md, anew from the views
	$(BIN)/python -m streams.commands.dictionary

docs: install  ## the site of docs/, with search, into build/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

screenshots: install  ## the README's picture and pictures of all boards in build/screenshots (chromium)
	GROUNDSWELL_REQUIRE_CHROMIUM=1 GROUNDSWELL_README_PICTURE=1 $(BIN)/python -m pytest -q tests/page -m browser

speed: install  ## events per second of attribution beside a stock Faust agent (Java, Maven)
	$(BIN)/python -m tests.benchmarks.first_figure

bench: install  ## beside Faust, Quix, Bytewax, Kafka Streams; QUICK=1: five minutes, WRITE=1: into RESULTS.md (Java, Maven; hours)
	$(BIN)/python -m tests.benchmarks.rivals $(if $(QUICK),--quick) $(if $(WRITE),--write) $(BENCH)

recovery: install  ## restart, refold, checkpoints and memory over ten million events (Java, Maven; 20 minutes and more)
	$(BIN)/python -m tests.benchmarks.recovery

overload: install  ## producers faster than the workers, then a slow ClickHouse (Java, Maven; 15 minutes and more)
	$(BIN)/python -m tests.benchmarks.overload

latency: install  ## from record time to the first query that sees it, at 5,000 events/s and in a burst (Java, Maven; 15 minutes)
	$(BIN)/python -m tests.benchmarks.latency

scale: install  ## 1, 2, 4 attribution workers, rows of windows and inserts (Java, Maven; 10 minutes)
	$(BIN)/python -m tests.benchmarks.scale

panels: install  ## the query time of every panel at ROWS=100000000 raw rows
	$(BIN)/python -m tests.benchmarks.panels --rows $(ROWS)

# In an environment of its own: what is audited stays what is locked.  Without --strict a package that the service does
# not know would count as clean.
audit-dependencies:  ## known vulnerabilities of what is locked (needs the package index's vulnerability service)
	$(PYTHON) -m venv build/audit
	build/audit/bin/pip install --quiet --disable-pip-version-check 'pip-audit>=2.9,<3'
	build/audit/bin/pip-audit --strict --require-hashes --disable-pip -r requirements.txt

lock:  ## both requirements.txt anew from pyproject.toml (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-header --no-annotate --all-extras pyproject.toml --output-file requirements.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-header --no-annotate --extra build --constraint requirements.txt pyproject.toml \
	  --output-file infra/docker/requirements.txt

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
