# make results   build the environment that a run needs and run the whole pipeline
# make dev       add what tests and checks need to the environment; all of the following do it themselves
# make quick     the fastest and most telling tests, for every save
# make test      units, R's reference numbers, one small review from end to end
# make test-all  these and the rest: workflow, browser, Slurm, damaged inputs, whatever is slow
# make check     format, lint, types
# make pythons   the fastest tests on each other Python that is installed, 3.12 to 3.14
# make verify    rebuild everything; say which file, row and number differs from the committed results; of a
#                figure, old, new and difference side by side in diff/
# make cluster   add the plugins for Slurm and Kubernetes to the environment
# make reproduce run in R (metafor) what computes every pooled result again; write what it gave to
#                tests/reference/reproduced.csv, with which the next run compares
# make docs      add what the site needs to the environment and build it: docs/site/index.html
# make lock      refresh requirements.lock, requirements-dev.lock, requirements-cluster.lock and requirements-docs.lock
# make sbom      write the bills of materials of what runs and of what development locks (CycloneDX: sbom.cdx.json,
#                sbom-dev.cdx.json), and licences.csv
.POSIX:
PYTHON = python3
CORES = 2
VENV = .venv
BIN = $(VENV)/bin
READY = $(VENV)/ready
DEV = $(VENV)/ready-dev
# The locks are complete, so nothing is resolved. What a run imports is compiled when it does, not all that is installed;
# therefore Python may write what it compiled, whatever the machine's environment says.
INSTALL = $(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-compile
export PYTHONDONTWRITEBYTECODE =
# What packages bring and no run loads: their own tests, headers for C++, Arrow's clients of remote stores, and solvers
# for other machines.
IDLE = \( -path '*/site-packages/*/tests' -o -path '*/pyarrow/include' -o -path '*/pyarrow/*flight*' \
	-o -path '*/pyarrow/*_s3*' -o -path '*/cbc/win' -o -path '*/cbc/linux/i32' -o -path '*/cbc/$(ELSEWHERE)' \)
ELSEWHERE = $(if $(filter Darwin,$(shell uname)),linux,osx)
COMPILE = $(BIN)/uv pip compile --quiet pyproject.toml --universal --generate-hashes --python-version 3.11 \
	--fork-strategy fewest --no-emit-index-url --no-header --group install --extra workflow
# A file of tests is one process's, which makes once what they share; the slow ones come first (tests/conftest.py).
BY_FILE = --dist loadfile --no-loadscope-reorder
BILL = $(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible

.PHONY: results dev quick test test-all check pythons docs cluster lock sbom verify reproduce clean

results: $(READY)
	$(BIN)/snakemake --cores $(CORES) --quiet rules

dev: $(DEV)

quick: $(DEV)
	$(BIN)/python -m pytest -q -m quick tests

test: $(DEV)
	$(BIN)/python -m pytest -n $(CORES) $(BY_FILE) -m "not slow"

test-all: $(DEV)  # a worker more than cores, as many tests wait for what they have started
	$(BIN)/python -m pytest -n $$(($(CORES) + 1)) $(BY_FILE)

check: $(DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/snakefmt --check Snakefile workflow/rules
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/workflow/test_lint.py

pythons: $(DEV)
	@for version in 3.12 3.13 3.14; do \
		other=.cache/python-$$version; \
		$(BIN)/uv venv --quiet --clear --no-python-downloads --python $$version $$other 2>/dev/null \
			|| { echo "Python $$version: not installed, passed over"; continue; }; \
		$(BIN)/uv pip install --quiet --python $$other/bin/python --require-hashes -r requirements-dev.lock \
			|| { echo "Python $$version: packages could not be installed, passed over"; continue; }; \
		echo "Python $$version:"; \
		PYTHONPATH=workflow/src $$other/bin/python -m pytest -q -m quick tests || exit 1; \
	done

verify: $(READY)
	$(BIN)/snakemake --cores $(CORES) --forceall --quiet rules
	rm -rf diff
	$(BIN)/trialpool diff --details --pictures diff HEAD results

reproduce: $(READY)
	$(BIN)/trialpool reproduce config/config.yaml

lock: $(DEV)
	$(COMPILE) --output-file requirements.lock
	$(COMPILE) --group dev --constraint requirements.lock --output-file requirements-dev.lock
	$(COMPILE) --extra cluster --constraint requirements-dev.lock --output-file requirements-cluster.lock
	$(COMPILE) --group docs --constraint requirements-dev.lock --output-file requirements-docs.lock

docs: $(READY)
	$(INSTALL) --require-hashes -r requirements-docs.lock
	$(BIN)/python -m sphinx --quiet --fail-on-warning docs docs/site

cluster: $(READY)
	$(INSTALL) --require-hashes -r requirements-cluster.lock

sbom: $(DEV)
	$(BILL) --output-file sbom.cdx.json requirements.lock
	$(BILL) --output-file sbom-dev.cdx.json requirements-dev.lock
	$(BIN)/pip-licenses --with-system --from=mixed --format=csv --order=name --output-file=licences.csv

clean:
	rm -rf $(VENV) .snakemake diff docs/site data/processed/*

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Trialpool needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --require-hashes -r requirements.lock
	$(INSTALL) --no-build-isolation --editable .
	find $(VENV)/lib $(IDLE) -prune -exec rm -rf {} +
	touch $(READY)

$(DEV): $(READY) requirements-dev.lock
	$(INSTALL) --require-hashes -r requirements-dev.lock
	touch $(DEV)
