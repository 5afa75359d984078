"""How the pipeline grows: seconds and memory of every stage for 100, 1,000 … analyses of made-up trials.

    python benchmarks/pipeline_scale.py [ANALYSES:TRIALS[:svg|:data] ...]

Without arguments all of SIZES; `svg` makes figures as SVG alone, `data` stops before pooling.

Each trial has two arms with a pain score each, drawn around a mean difference of -1 between acupuncture and
sham with a spread between trials (tau) of 0.5, so that it can be seen whether the pooled intervals hold the
truth. Half the analyses have one trial; the others, two and two of the same condition, share all other trials
evenly, so that each pools some ten where there are three trials an analysis. Half the trials have
judgements of their risk of bias, those alone in an analysis a finding of the audit. Snakemake runs as a user
would run it, on two cores, in a temporary folder. The seconds of a stage are the sum over its jobs, its
memory is that of its largest job, read from the kernel five times a second. Prints a markdown table a size.
"""

import csv
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
SIZES = ("100:300", "100:300:svg", "1000:3000", "1000:3000:svg", "10000:30000:svg", "20:100000:data")
TRUTH, TAU, SD = -1.0, 0.5, 2.0
SOURCE = {"source_url": "https://example.org/a", "locator": "Table 2", "reading": "double"}


def write_tables(folder, analyses, trials):
    """The evidence tables of `trials` trials, dealt out to `analyses` conditions."""
    chance = random.Random(20261122)
    rows = defaultdict(list)
    for number in range(trials):
        study, people = f"Trial{number:06d}", chance.randint(20, 80)
        effect = chance.gauss(TRUTH, TAU)
        rows["studies"].append(
            {
                **{"study_id": study, "first_author": f"Author{number}", "year": 1990 + number % 35},
                **{
                    "condition": condition_of(number, analyses),
                    "population": "made up",
                    "design": "parallel",
                },
                **{"n_randomised": 2 * people, "purpose": "treatment", "source_type": "article"},
                "source_url": SOURCE["source_url"],
            }
        )
        for arm, category, mean in (("a", "manual_acupuncture", 5 + effect), ("s", "sham", 5.0)):
            role = "control" if arm == "s" else "experimental"
            rows["arms"].append(
                {
                    **{"study_id": study, "arm": arm, "role": role, "category": category, "label": category},
                    **{"sessions": 10, "weeks": 8, "n_randomised": people},
                }
            )
            rows["continuous"].append(
                {
                    **{
                        "study_id": study,
                        "arm": arm,
                        "domain": "pain",
                        "instrument": "NRS",
                        "unit": "points",
                    },
                    **{"better": "lower", "weeks": 8, "timepoint": "end_of_treatment", "measure": "final"},
                    **{
                        "n": people,
                        "centre_type": "mean",
                        "centre": f"{chance.gauss(mean, SD / people**0.5):.2f}",
                        "spread_type": "sd",
                        # of a trial alone as a standard error would look, which the audit finds
                        "spread_low": f"{SD / people**0.5:.2f}" if number < 2 * (analyses // 4) else SD,
                        **SOURCE,
                    },
                }
            )
        for domain in ("randomisation", "missing_data", "overall") if number % 2 else ():
            rows["risk_of_bias"].append(
                {
                    **{"study_id": study, "tool": "RoB2", "domain": domain},
                    "judgement": chance.choice(("low", "some_concerns", "high")),
                    "assessed_by": "10.1000/made.up",
                }
            )
    folder.mkdir()
    for table in (ROOT / "tests" / "workflow" / "mini" / "raw").glob("*.csv"):
        columns = next(csv.reader(table.open(encoding="utf-8")))
        with (folder / table.name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows[table.stem])


def condition_of(number, analyses):
    """The condition of a trial: of four neighbours the first shares, the next two have one, the last none."""
    single = 2 * (analyses // 4)
    if number < single:
        place = 4 * (number // 2) + 1 + number % 2
    else:
        place = 4 * ((number - single) % -(-analyses // 4))
    return f"C{place:05d}"


def write_review(folder, analyses, trials, formats=("svg", "pdf", "png")):
    """Tables and config of one size."""
    write_tables(folder / "raw", analyses, trials)
    asked = {
        f"pain-{number:05d}": {
            **{"title": f"Pain in condition {number}", "condition": condition_of(number, analyses)},
            **{"domain": "pain", "outcomes": ["NRS"], "experimental": ["acupuncture"], "control": ["sham"]},
            **{"measure": "MD", "better": "lower"},
        }
        for number in range(analyses)
    }
    config = {"evidence": "raw", "processed": "processed", "results": "results", "analyses": asked}
    config["defaults"] = {"formats": list(formats)}
    config["instruments"] = str(ROOT / "config" / "instruments.yaml")
    config["vocabulary"] = "vocabulary.yaml"
    words = yaml.safe_load((ROOT / "config" / "vocabulary.yaml").read_text(encoding="utf-8"))
    words = {key: value for key, value in words.items() if key != "conditions"}
    (folder / "vocabulary.yaml").write_text(yaml.safe_dump(words, sort_keys=False), encoding="utf-8")
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")


def watch(process, folder, peaks):
    """Until `process` ends, note the largest resident memory (MB) of it and of every job.

    A job is a script by itself, or a fork of the process that stands by, which bears the job's name.
    """
    page = 4096 / 1e6
    while process.poll() is None:
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if (entry / "cwd").readlink() != folder.resolve():
                    continue
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
                memory = int((entry / "statm").read_text().split()[1]) * page
                forked = "trialpool.standby" in words and (entry / "comm").read_text().strip()
            except (OSError, IndexError):
                continue
            script = next((word for word in words if "/.snakemake/scripts/" in word), "")
            name = Path(script).name.split(".")[-2][:15] if script else "snakemake"
            name = forked or name
            if int(entry.name) == process.pid or script or forked:
                peaks[name] = max(peaks[name], memory)
        time.sleep(0.2)


def run(folder, target):
    """Seconds of one plain run, and the peak memory of its parts."""
    peaks = defaultdict(float)
    start = time.perf_counter()
    with (folder / "run.log").open("w") as told:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "snakemake", *target, "--snakefile", str(ROOT / "Snakefile")),
                *("--cores", "2", "--configfile", "config.yaml", "--quiet", "rules"),
            ],
            cwd=folder,
            stdout=told,
            stderr=told,
        )
        watcher = threading.Thread(target=watch, args=(process, folder, peaks))
        watcher.start()
        code = process.wait()
        watcher.join()
    if code:
        raise SystemExit((folder / "run.log").read_text()[-3000:])
    return time.perf_counter() - start, peaks


def stages(folder):
    """Of each rule, how many jobs it ran and their seconds together, as Snakemake recorded them."""
    jobs = {}
    for path in (folder / ".snakemake" / "metadata").glob("*"):
        record = json.loads(path.read_text())
        rule = "pool_analyses" if record["rule"].startswith("pool_") else record["rule"]
        jobs[rule, *record["log"], *record["input"][:1]] = record["endtime"] - record["starttime"]
    found = defaultdict(list)
    for (rule, *_), seconds in jobs.items():
        found[rule].append(seconds)
    return found


def share_that_holds_the_truth(folder):
    """The share of pooled intervals around TRUTH."""
    records = [
        json.loads(path.read_text()) for path in (folder / "results" / "analyses").glob("*/result.json")
    ]
    pooled = [record["pooled"] for record in records if record["status"] == "pooled"]
    return sum(entry["ci_low"] <= TRUTH <= entry["ci_high"] for entry in pooled) / len(pooled)


def main():
    for size in sys.argv[1:] or SIZES:
        numbers, extent = size.split(":")[:2], size.split(":")[2:]
        analyses, trials = (int(number) for number in numbers)
        target = extent if "data" in extent else []
        formats = ["svg"] if "svg" in extent else ["svg", "pdf", "png"]
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_review(folder, analyses, trials, formats)
            cold, peaks = run(folder, target)
            idle, _ = run(folder, target)
            weight = sum(path.stat().st_size for path in (folder / "results").rglob("*") if path.is_file())
            told = f"{analyses:,} analyses, {trials:,} trials, {', '.join(formats)}"
            print(f"\n{told}: {cold:.0f} s from nothing, {idle:.1f} s with")
            print(f"nothing to do, results {weight / 1e6:.0f} MB, Snakemake {peaks['snakemake']:.0f} MB.")
            if not target:
                print(f"{share_that_holds_the_truth(folder):.1%} of the 95% intervals hold the truth.")
            print()
            print(
                "| stage | jobs | seconds, summed | ms an analysis | MB, largest job |\n|---|--:|--:|--:|--:|"
            )
            for rule, seconds in sorted(stages(folder).items(), key=lambda found: -sum(found[1])):
                total = sum(seconds)
                memory = f"{peaks[rule[:15]]:.0f}" if rule[:15] in peaks else "—"
                print(f"| {rule} | {len(seconds)} | {total:.1f} | {1000 * total / analyses:.1f} | {memory} |")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
