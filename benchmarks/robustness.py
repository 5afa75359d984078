"""Time and memory of the robustness suite: a large multiverse, and all analyses of the shipped review.

    python benchmarks/robustness.py [PROCESSED]

Prints markdown. First 10,000 specifications of 20 made-up trials (400 sets of data, 25 models); then every
analysis of config/config.yaml from its effects table (in the processed folder, so after `snakemake`): pooled,
probed and drawn in two worker processes, by the calls of the pipeline, into a folder that is deleted again.
"""

import multiprocessing
import os
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import yaml

from trialpool.jobs import pool_analyses
from trialpool.kept import Kept
from trialpool.planning import batches
from trialpool.protocol import load_protocol
from trialpool.records import Choice, Choices, Effect, sketch
from trialpool.synthesis.sensitivity import data_sets, multiverse, sensitivity_rows, specifications

TRIALS, VARIANTS, RUNS = 20, 400, 5
WORKERS = 2
CONFIG = "config/config.yaml"
SPEC = {
    "analysis": "made-up",
    "measure": "MD",
    "better": "lower",
    "tau2_method": "REML",
    "interval": "hksj_adhoc",
    "level": 0.95,
    "mcid": {"value": 1.0},
}


def rows():
    """The main set of effects and 399 variants of it, as the effects table holds them."""
    random = np.random.default_rng(1)
    for variant in range(VARIANTS):
        effects = random.normal(-1.0, 0.6, TRIALS)
        variances = random.uniform(0.05, 0.4, TRIALS)
        for trial in range(TRIALS):
            yield sketch(
                Effect,
                study_id=f"T{trial}",
                label=f"Trial {trial}",
                category_control="sham",
                reading="double",
                imputed=False,
                n_experimental=30,
                n_control=30,
                effect=effects[trial],
                variance=variances[trial],
                selected=variant == 0,
                variant=Choices([Choice("choice", str(variant))] if variant else []),
            )


def median_seconds(call):
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def pool_some(name, specs, processed, folder):
    """One job of the pipeline: a batch of analyses from effects to record, tables and figures."""
    tables = [f"{processed}/batches/{name}/{table}.parquet" for table in ("effects", "excluded", "known")]
    folders = [f"{folder}/{spec['analysis']}" for spec in specs]
    pool_analyses(specs, tables, folders, f"{folder}/multiverses", Kept(f"{folder}/kept"))


def shipped_review(processed=None):
    """Print time and memory of all shipped analyses on two workers."""
    settings = load_protocol(yaml.safe_load(Path(CONFIG).read_text(encoding="utf-8")), [CONFIG])
    specs = settings.analyses
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        jobs = [
            (name, [specs[analysis] for analysis in members], processed or settings.processed, folder)
            for name, members in batches(specs).items()
        ]
        workers = multiprocessing.get_context("spawn").Pool(WORKERS)
        workers.starmap(pool_some, jobs, chunksize=1)
        workers.close()
        workers.join()
        seconds = time.perf_counter() - start
        files = sum(path.is_file() for path in Path(folder).rglob("*"))
    used = resource.getrusage(resource.RUSAGE_CHILDREN)  # of both workers, their imports included
    cpu = used.ru_utime + used.ru_stime
    print(f"\n{len(specs)} shipped analyses, {files} files, {WORKERS} worker processes, {len(jobs)} jobs\n")
    print("| all analyses pooled, probed and drawn | |\n|---|---:|")
    print(f"| seconds from start to end | {seconds:.0f} |")
    print(f"| seconds of processor time | {cpu:.0f} |")
    print(f"| the same, divided by {WORKERS} | {cpu / WORKERS:.0f} |")
    print(f"| largest memory of a worker, MB | {used.ru_maxrss / 1024:.0f} |")
    print(f"\nProcesses that wanted a processor in the last minute: {os.getloadavg()[0]:.1f}.")


def main():
    effects = list(rows())
    sets = data_sets(effects)
    every = specifications(SPEC, sets)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    steps = {
        "sets of data as matrices": lambda: data_sets(effects),
        "multiverse": lambda: specifications(SPEC, sets),
        "its summary and levels": lambda: multiverse(SPEC, every),
        "sensitivity table": lambda: sensitivity_rows(SPEC, sets),
    }
    print(f"{len(every.estimate)} specifications of {TRIALS} trials, median of {RUNS} runs\n")
    print("| step | seconds |\n|---|---:|")
    for name, call in steps.items():
        print(f"| {name} | {median_seconds(call):.2f} |")
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"\npeak memory {after / 1024:.0f} MB, {(after - before) / 1024:.0f} MB of it during the timed steps"
    )


if __name__ == "__main__":
    main()
    shipped_review(*sys.argv[1:2])
