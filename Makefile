# make results   build the environment and run the whole pipeline
# make test      run the tests
# make verify    rebuild everything; say which file, row and number differs from the committed results; of a
#                figure, old, new and difference side by side in diff/
# make check     format, lint, types
# make cluster   add the plugins for Slurm and Kubernetes to the environment
# make lock      refresh requirements.lock and requirements-cluster.lock
# make sbom      write sbom.cdx.json, the bill of materials of the locked environment (CycloneDX), and licences.csv
.POSIX:
PYTHON = python3
CORES = 2
VENV = .venv
BIN = $(VENV)/bin
READY = $(VENV)/ready

.PHONY: results test check cluster lock sbom verify clean

results: $(READY)
	$(BIN)/snakemake --cores $(CORES) --quiet rules

test: $(READY)
	$(BIN)/python -m pytest

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/snakefmt --check Snakefile workflow/rules
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/workflow/test_lint.py

verify: $(READY)
	$(BIN)/snakemake --cores $(CORES) --forceall --quiet rules
	rm -rf diff
	$(BIN)/trialpool diff --details --pictures diff HEAD results

lock: $(READY)
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --generate-hashes --python-version 3.11 \
		--fork-strategy fewest --no-emit-index-url --no-header --output-file requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra cluster --universal --generate-hashes --python-version 3.11 \
		--fork-strategy fewest --no-emit-index-url --no-header --constraint requirements.lock \
		--output-file requirements-cluster.lock

cluster: $(READY)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-cluster.lock

sbom: $(READY)
	$(BIN)/python -m trialpool.report.provenance requirements.lock sbom.cdx.json licences.csv

clean:
	rm -rf $(VENV) .snakemake diff data/processed/*

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Trialpool needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(READY)
