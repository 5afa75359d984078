"""Time of the whole pipeline on the shipped evidence: cold, with nothing to do, after one changed trial.

    python benchmarks/pipeline.py [CORES]

Works in a temporary folder with a copy of the evidence; nothing in the repository is touched. Prints a
markdown table; quote its seconds only from a machine that does nothing else. On a busy one the processor time
of Snakemake and all its jobs says more.
"""

import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
ROW = ("events.csv", "Jiang2006,wrist_ankle,responder,improved", ",28,30,", ",27,30,")


def review(folder):
    """The shipped review with its own copy of the tables and its own folders."""
    config = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
    (folder / "raw").mkdir()
    for table in (ROOT / "data" / "raw").glob("*.csv"):
        (folder / "raw" / table.name).write_bytes(table.read_bytes())
    config |= {"evidence": "raw", "processed": "processed", "results": "results"}
    for key in ("vocabulary", "instruments", "claims", "published", "networks"):
        if config.get(key) or key == "instruments":
            config[key] = str(ROOT / config.get(key, "config/instruments.yaml"))
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), "utf-8")


def run(folder, cores):
    """Wall seconds of one run, its processor seconds, and the number of jobs it ran."""
    start, before = time.perf_counter(), processor_seconds()
    completed = subprocess.run(
        [
            *(sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")),
            *("--cores", cores, "--configfile", "config.yaml"),
        ],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
        capture_output=True,
        text=True,
        check=True,
    )
    jobs = len(re.findall(r"^Finished jobid", completed.stdout + completed.stderr, re.M))
    return time.perf_counter() - start, processor_seconds() - before, jobs


def processor_seconds():
    """Of all processes that this one has started and that ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def change_one_trial(folder):
    """One more failure in one arm of one trial."""
    name, start, old, new = ROW
    path = folder / "raw" / name
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    changed = [line.replace(old, new) if line.startswith(start) else line for line in lines]
    assert changed != lines
    path.write_text("".join(changed), encoding="utf-8")


def main():
    cores = sys.argv[1] if len(sys.argv) > 1 else "2"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        review(folder)
        print(f"{cores} cores, the shipped evidence\n\n| run | seconds | processor seconds | jobs |")
        print("|---|---:|---:|---:|")
        for label, prepare in (
            ("from nothing", lambda: None),
            ("nothing to do", lambda: None),
            ("one trial changed", lambda: change_one_trial(folder)),
        ):
            prepare()
            seconds, processor, jobs = run(folder, cores)
            print(f"| {label} | {seconds:.1f} | {processor:.1f} | {jobs} |", flush=True)


if __name__ == "__main__":
    main()
