# Helpers of all stages: the checked settings, their folders, and what a rule asks for.
import atexit
import gc
import os
import re
import shutil
import sys
import threading
from pathlib import Path

from snakemake.exceptions import WorkflowError

from trialpool.contracts import OPTIONAL
from trialpool.errors import InputError
from trialpool.io import fingerprint, formats_of
from trialpool.planning import batches, clear_leftovers, code, content, newer
from trialpool.run_notes import closing_lines, high_findings, opening_lines, refuse_missing
from trialpool.protocol import load_protocol
from trialpool.standby import stand_by, stand_down

TABLES = ["studies", "arms", "continuous", "contrasts", "events", "risk_of_bias", "published_pools"]
# In a store (--default-storage-provider) the files of other jobs are not here; Snakemake documents no way to ask.
STORED = workflow.storage_settings.default_storage_provider is not None
HERE = workflow.current_basedir
OWN_SNAKEFILES = [Path(f"{HERE}/../{place}Snakefile").resolve() for place in ("", "../")]
ALONE = Path(workflow.main_snakefile).resolve() in OWN_SNAKEFILES  # no part of another workflow

try:
    SETTINGS = load_protocol(config, workflow.configfiles)
    if not STORED:
        refuse_missing(SETTINGS.evidence, TABLES)
except InputError as error:
    raise WorkflowError(str(error)) from None

PROCESSED = SETTINGS.processed
RESULTS = SETTINGS.results
FORMATS = formats_of(SETTINGS.formats)  # of the figures of the whole review
KEPT = f"{PROCESSED}/kept"  # what was made, to be put back where it would be made of the same
ANALYSES = list(SETTINGS.analyses)
WORDS = [SETTINGS.instruments, *([SETTINGS.vocabulary] if SETTINGS.vocabulary else [])]
REPRODUCED = SETTINGS.reproduced if SETTINGS.reproduced and Path(SETTINGS.reproduced).is_file() else []
PROTOCOL = ["protocol.py", "priors.py", "schemas/priors.yaml"]
DRAWING = ["figures", "view", "text.py", "synthesis", "stats", "evidence", "!evidence/audit*"]
DRAWING += ["priors.py", "schemas/sentences.yaml", "schemas/reproduce_*.j2"]
CERTAINTY = ["synthesis", "evidence", "!evidence/audit*", "stats", "text.py"]
CERTAINTY += ["schemas/claims.schema.yaml", "schemas/sentences.yaml"]
SOON = 100  # the priority of what the page waits for, which is the longest way from records to the end
HIGH_BEFORE = set()  # the audit's high findings when the run begins
if workflow.is_main_process:
    gc.freeze()  # what Snakemake has imported stays
    atexit.register(gc.freeze)  # else Python looks for garbage in the whole plan at the end: 0.3 s
    HELD = clear_leftovers(".snakemake", [PROCESSED, RESULTS])  # held open as long as this process runs
    for line in opening_lines(RESULTS):
        print(line, file=sys.stderr)


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


def raw_tables(wildcards=None):
    """The evidence tables of all folders, and those there are of the ones that may be missing."""
    tables = [f"{folder}/{table}.csv" for folder in SETTINGS.evidence for table in (*TABLES, *OPTIONAL)]
    return [table for table in tables if Path(table).stem in TABLES or Path(table).exists()]


def folders_of(files):
    """The folders that some files lie in, in the order of the files."""
    return list(dict.fromkeys(str(Path(file).parent) for file in files))


def conditions(analyses):
    """Every condition that some analysis asks about."""
    return sorted({condition for spec in analyses.values() for condition in spec["condition"]})


def specs_of(batch):
    """The settings of a batch's analyses."""
    return [SETTINGS.analyses[analysis] for analysis in BATCHES[batch]]


def compared(batch):
    """What a batch pools: three files."""
    return [f"{PROCESSED}/batches/{batch}/{table}.parquet" for table in ("effects", "excluded", "known")]


def effects_of(names):
    """An input function: what the batches of these names pool.

    Read after their checkpoints, so that only batches whose own effects changed run again.
    """

    def files(wildcards):
        wanted = [(batch, compared(batch)) for batch in names]
        for batch, tables in wanted:
            # Of a checkpoint with a missing output Snakemake asks for its first output only. A missing file as
            # a plain input makes it run.
            if all(Path(table).exists() for table in tables):
                checkpoints.compare_arms.get(batch=batch)
        return [table for _, tables in wanted for table in tables]

    return files


def folder_of(analysis):
    """Where everything about an analysis lies."""
    return f"{RESULTS}/analyses/{analysis}"


def shown(analysis):
    """The folder of an analysis as an output, its figures for `snakemake --report`."""
    return report(
        directory(folder_of(analysis)),
        patterns=["{figure,forest}.svg"],
        caption="../report/forest.rst",
        category="Figures",
        subcategory=SETTINGS.analyses[analysis]["title"],
        labels={"figure": "{figure}"},
    )


def main_files(analyses):
    """The files of analyses that are always there, for another workflow that reads them.

    What else lies in a folder depends on how many trials there are; a job makes the folder anew as a whole.
    """
    # Into a store Snakemake moves a folder whole; files in it, moved by themselves, would be missing there.
    names = [] if ALONE or STORED else ["result.json", "studies.csv", "forest.svg"]
    return [f"{folder_of(analysis)}/{name}" for analysis in analyses for name in names]


def by_folder(argument):
    """A word of the command, also one such as --forcerun=FILE; a file in the folder of an analysis as that folder.

    As outputs of their own such files would triple the time in which Snakemake sees that nothing is to do: it
    reads the record of every output half a dozen times.
    """
    option, file = re.fullmatch(r"(--[\w-]+=|-\w=?)?(.*)", argument, re.DOTALL).groups("")
    folder = str(Path(file).parent)
    return option + folder if folder in FOLDERS else argument


BATCHES = batches(ANALYSES)
FOLDERS = [folder_of(analysis) for analysis in ANALYSES]

if ALONE and workflow.is_main_process:
    # Snakemake would import it, a fifth of a second, to see that no parameter of a rule is a table.
    sys.modules.setdefault("pandas", None)
    words = sys.argv[1:]
    if (asked := [*map(by_folder, words)]) != words:
        if workflow.overwrite_workdir:  # by --directory, to which other paths of the command are not relative
            os.chdir(os.getenv("PWD", os.curdir))
        atexit._run_exitfuncs()  # Snakemake's, which remove its temporary folders
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1 : -len(words)], *asked])
    if newer([*raw_tables(), *workflow.configfiles, *SETTINGS.files], f"{RESULTS}/manifest.csv"):
        stand_by()  # sooner than on start: jobs that read the tables would wait for what they import
