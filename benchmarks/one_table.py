"""How long from one table to an answer, and to a review with its page: seconds of clock and processor.

    .venv/bin/python benchmarks/one_table.py [RUNS]    prints the table of benchmarks/README.md

The commands are those of the README, each in a process of its own, in an empty folder, on 13 trials.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

TABLE = Path(__file__).parents[1] / "docs" / "data" / "bcg.csv"
WALKS = {
    "table to a result in the terminal": (("pool", "bcg.csv"),),
    "table to a forest plot and a page": (("pool", "bcg.csv", "--out", "answer"),),
    "table to a review of its own with a page": (
        ("init", "review", "--from", "bcg.csv"),
        ("run", "review/config.yaml", "--cores", "2"),
    ),
}


def walk(commands: tuple[tuple[str, ...], ...]) -> tuple[float, float]:
    """Seconds of the clock and of the processor that some commands take one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(TABLE, folder)
        began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        for command in commands:
            started = [sys.executable, "-c", "from trialpool.cli import main; main()", *command]
            subprocess.run(started, cwd=folder, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return time.perf_counter() - began, used


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print("| from … to … | commands | seconds, the fastest | median | of a processor |")
    print("| --- | --- | --: | --: | --: |")
    for name, commands in WALKS.items():
        clock, processor = zip(*(walk(commands) for _ in range(runs)), strict=True)
        listed = "; ".join(f"`trialpool {' '.join(command)}`" for command in commands)
        shown = f"{min(clock):.1f} | {median(clock):.1f}"
        print(f"| {name} | {listed} | {shown} | {median(processor):.1f} |")


if __name__ == "__main__":
    main()
