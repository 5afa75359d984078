"""Time and memory of the whole pipeline on the shipped evidence: from nothing, at rest, one trial changed.

    python benchmarks/pipeline.py [--cores N] [--before COMMIT] [--rounds N]

With `--before` the code of that commit runs the same evidence in turn with this, so that both meet the same
machine. Works in temporary folders; nothing in the repository is touched. Prints a markdown table; on a busy
machine the processor time of Snakemake and all its jobs says more than the clock. Memory is that of the
largest process.
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from itertools import product
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
MADE = ("processed", "results", ".snakemake")
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


def run(folder, root, cores):
    """Wall seconds of one run, its processor seconds, MB of its largest process, and how many jobs it ran."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    variables["PYTHONPATH"] = str(root / "workflow" / "src")
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(root / "Snakefile")]
    command += ["--cores", cores, "--configfile", "config.yaml"]
    with (folder / "run.log").open("w+", encoding="utf-8") as told:
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=variables, stdout=told, stderr=told)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        told.seek(0)
        text = told.read()
    if status:
        raise SystemExit(text[-3000:])
    jobs = len(re.findall(r"^Finished jobid", text, re.M))
    return seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1000, jobs


def change_one_trial(folder):
    """One more failure in one arm of one trial."""
    name, start, old, new = ROW
    path = folder / "raw" / name
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    old, new = (new, old) if any(line.startswith(start) and new in line for line in lines) else (old, new)
    changed = [line.replace(old, new) if line.startswith(start) else line for line in lines]
    assert changed != lines
    path.write_text("".join(changed), encoding="utf-8")


RUNS = {
    "from nothing": lambda folder: [shutil.rmtree(folder / name, ignore_errors=True) for name in MADE],
    "nothing to do": lambda folder: None,
    "one trial changed": change_one_trial,
}


def measure(roots, cores, rounds):
    """Of every kind of run what it took by which code, once a round; the codes in turn."""
    found = defaultdict(list)
    with tempfile.TemporaryDirectory() as name:
        folders = {who: Path(name, who) for who in roots}
        for folder in folders.values():
            folder.mkdir()
            review(folder)
        for _, (kind, prepare) in product(range(rounds), RUNS.items()):
            for who, root in roots.items():
                prepare(folders[who])
                found[kind, who].append(run(folders[who], root, cores))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cores", default="2")
    parser.add_argument("--before", help="a commit to run in turn")
    parser.add_argument("--rounds", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        roots = {"now": ROOT}
        if asked.before:
            archive = subprocess.run(
                ["git", "archive", asked.before], cwd=ROOT, capture_output=True, check=True
            ).stdout
            subprocess.run(["tar", "-x", "-C", name], input=archive, check=True)
            roots = {"before": Path(name), **roots}
        found = measure(roots, asked.cores, asked.rounds)
    print(f"{asked.cores} cores, the shipped evidence, the median of {asked.rounds}\n")
    print("| run | code | seconds | processor seconds | MB, largest process | jobs |")
    print("|---|---|---:|---:|---:|---:|")
    for (kind, who), runs in found.items():
        seconds, processor, memory, jobs = map(statistics.median, zip(*runs, strict=True))
        print(f"| {kind} | {who} | {seconds:.1f} | {processor:.1f} | {memory:.0f} | {jobs:.0f} |")


if __name__ == "__main__":
    main()
