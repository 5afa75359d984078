"""How long does a single call of the library take? CPU time, so that other work on the machine counts little.

    .venv/bin/python benchmarks/library.py            prints the table (ten seconds)
    .venv/bin/python benchmarks/library.py --write    and writes benchmarks/library.md

Ten trials, twenty data sets in turn with τ² from 0 to 0.2; of each call the fastest of several rounds. The
headline of four trials is a Bayesian interval.
"""

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import argparse
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import numpy as np

import trialpool as tp
from trialpool.io import write_text

TARGET = Path(__file__).with_suffix(".md")
ROUNDS, CALLS, SETS, SEED = 15, 200, 20, 20_260_315
IMPORTS = ("trialpool", "trialpool.stats", "trialpool.api")


def data_sets(k: int) -> list[tuple[np.ndarray, np.ndarray]]:
    generator = np.random.default_rng(SEED)
    sets = []
    for tau2 in np.linspace(0, 0.2, SETS):
        variances = np.exp(generator.normal(-2, 0.8, k))
        sets.append((generator.normal(0.3, np.sqrt(variances + tau2)), variances))
    return sets


def microseconds(call: Callable[[tuple], object], sets: list[tuple], calls: int = CALLS) -> float:
    """CPU time of a call on one set after the other, the fastest of several rounds."""
    times = []
    for _ in range(ROUNDS):
        turns = cycle(sets)
        begin = time.process_time()
        for _ in range(calls):
            call(next(turns))
        times.append((time.process_time() - begin) / calls)
    return min(times) * 1e6


def seconds_to_import(module: str) -> float:
    code = f"import time; begin = time.process_time(); import {module}; print(time.process_time() - begin)"
    return min(float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(5))


def main() -> None:
    parser = argparse.ArgumentParser(description="Time single calls of the library.")
    parser.add_argument("--write", action="store_true", help=f"write {TARGET.name}")
    ten, four = data_sets(10), data_sets(4)
    as_data = [[tp.effects(measure="SMD", effect=y, variance=v) for y, v in sets] for sets in (ten, four)]
    columns = {"y": ten[0][0], "v": ten[0][1]}
    rows = {
        "`stats.pool`, ten trials": microseconds(lambda one: tp.stats.pool(*one), ten),
        "`tp.pool` and its estimate, ten trials": microseconds(lambda one: tp.pool(one).estimate, as_data[0]),
        "`tp.pool` and its estimate, four trials": microseconds(
            lambda one: tp.pool(one).estimate, as_data[1], 40
        ),
        "`tp.effects` of a table of ten trials": microseconds(
            lambda one: tp.effects(one, measure="SMD", effect="y", variance="v"), [columns]
        ),
    }
    lines = [f"| {name} | {value:,.0f} |" for name, value in rows.items()]
    lines += [f"| `import {name}` | {seconds_to_import(name) * 1e6:,.0f} |" for name in IMPORTS]
    head = ["# The library: single calls", "", "Written by `.venv/bin/python benchmarks/library.py --write`."]
    head += [f"One thread, Python {platform.python_version()}, numpy {np.__version__}.", ""]
    text = "\n".join([*head, "|  | µs of CPU |", "| --- | --: |", *lines]) + "\n"
    print(text)
    if parser.parse_args().write:
        write_text(TARGET, text)


if __name__ == "__main__":
    main()
