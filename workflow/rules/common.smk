# Helpers of all stages: the checked settings, their folders, and what a rule asks for.
from hashlib import sha256
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.io import report as in_report  # at the start of a line `report` would be a keyword

from trialpool.errors import InputError
from trialpool.planning import batches, clear_leftovers, code
from trialpool.protocol import load_protocol

try:
    SETTINGS = load_protocol(config, workflow.configfiles)
except InputError as error:
    raise WorkflowError(str(error)) from None

PROCESSED = SETTINGS.processed
RESULTS = SETTINGS.results
ANALYSES = list(SETTINGS.analyses)
DRAWING = ["figures", "view", "text.py", "synthesis", "stats", "evidence", "!evidence/audit*"]
TABLES = ["studies", "arms", "continuous", "contrasts", "events", "risk_of_bias", "published_pools"]
if workflow.is_main_process:
    HELD = clear_leftovers(".snakemake", [PROCESSED, RESULTS])  # held open as long as this process runs


def fingerprint(value):
    """Stands for a large value among the params: another fingerprint, another run."""
    return sha256(repr(value).encode()).hexdigest()


def unrecorded(value):
    """A large value as a param that Snakemake does not write into the record of every output.

    It takes a param that depends on the input for derived from it, and records it with the input only; a
    `fingerprint` beside it sees to the rerun.
    """
    return lambda wildcards, input: value


def given(files):
    """An input function for a long list: of a named list in a rule that also names other rules' outputs,
    Snakemake hashes the whole list for each file in it, which grows with the square of the analyses.
    """
    return lambda wildcards: files


def raw_tables(wildcards):
    """The evidence tables of all folders."""
    return [f"{folder}/{table}.csv" for folder in SETTINGS.evidence for table in TABLES]


def folders_of(files):
    """The folders that some files lie in, in the order of the files."""
    return list(dict.fromkeys(str(Path(file).parent) for file in files))


def conditions(analyses):
    """Every condition that some analysis asks about."""
    return sorted({condition for spec in analyses.values() for condition in spec["condition"]})


def specs_of(batch):
    """The settings of a batch's analyses."""
    return [SETTINGS.analyses[analysis] for analysis in BATCHES[batch]]


def compared(names):
    """What the batches of these names pool, three files each."""
    return collect(
        f"{PROCESSED}/batches/{{batch}}/{{table}}.parquet",
        batch=names,
        table=["effects", "excluded", "known"],
    )


def effects_of(names):
    """An input function: what the batches of these names pool.

    Read after the checkpoint, so that only batches whose own effects changed run again.
    """

    def files(wildcards):
        wanted = compared(names)
        # Of a checkpoint with a missing output Snakemake asks for its first output only: after a new analysis
        # it would not run. A missing file as a plain input makes it run.
        if all(Path(file).exists() for file in wanted):
            checkpoints.compare.get()
        return wanted

    return files


def folder_of(analysis):
    """Where everything about an analysis lies."""
    return f"{RESULTS}/analyses/{analysis}"


def shown(analysis):
    """The folder of an analysis as an output, its forest plot for `snakemake --report`."""
    return in_report(
        directory(folder_of(analysis)),
        patterns=["{figure,forest}.svg"],
        caption="../report/forest.rst",
        category="Figures",
        subcategory=SETTINGS.analyses[analysis]["title"],
        labels={"figure": "{figure}"},
    )


BATCHES = batches(ANALYSES)
FOLDERS = [folder_of(analysis) for analysis in ANALYSES]
