# Helpers of all stages: the checked settings, their folders, and the package modules a rule runs.
from pathlib import Path

from snakemake.exceptions import WorkflowError

from trialpool.errors import InputError
from trialpool.settings import load_settings

try:
    SETTINGS = load_settings(config, workflow.configfiles)
except InputError as error:
    raise WorkflowError(str(error)) from None

PROCESSED = SETTINGS.processed
RESULTS = SETTINGS.results
ANALYSES = list(SETTINGS.analyses)
TABLES = ["studies", "arms", "continuous", "contrasts", "events", "risk_of_bias", "published_pools"]
PACKAGE = Path(workflow.basedir) / "workflow" / "src" / "trialpool"


wildcard_constraints:
    analysis="[a-z][a-z0-9-]*",


def code(*rooms):
    """The files of some rooms of the package.

    Snakemake does not rerun a script when a module it imports has changed; a module that is an input does.
    """
    files = [PACKAGE / "io.py", PACKAGE / "errors.py", PACKAGE / "jobs.py"]
    for room in rooms:
        place = PACKAGE / room
        files += [place] if place.is_file() else [file for file in place.rglob("*") if file.suffix in CODE]
    return sorted(str(file) for file in files)


CODE = {".py", ".html", ".css", ".js", ".md"}


def raw_tables(wildcards):
    """The evidence tables of all folders."""
    return [f"{folder}/{table}.csv" for folder in SETTINGS.evidence for table in TABLES]


def analysis_spec(wildcards):
    """The resolved settings of one analysis, as plain values."""
    return SETTINGS.analyses[wildcards.analysis]


def effects_of(wildcards):
    """What one analysis pools; read after the checkpoint, so that only analyses whose effects changed rerun."""
    checkpoints.compare.get()
    place = f"{PROCESSED}/analyses/{wildcards.analysis}"
    return [f"{place}/effects.parquet", f"{place}/excluded.parquet", f"{place}/known.parquet"]


def effects_of_all_analyses(wildcards):
    """The effects tables of all analyses."""
    checkpoints.compare.get()
    return [f"{PROCESSED}/analyses/{analysis}/effects.parquet" for analysis in ANALYSES]
