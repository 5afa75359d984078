"""A folder of results in; its pooled numbers as scripts in R or Python out, and what R gives for them."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from trialpool import io
from trialpool.contracts import REPRODUCED
from trialpool.errors import Fault, InputError, suggestion
from trialpool.exchange.finished import record_files
from trialpool.records import Record, from_json
from trialpool.view.reproduce import SCRIPT, digest, script_of

ENDINGS = {"r": ".R", "python": ".py"}
INSTALL = "install R with its package metafor (Debian: apt-get install r-base-core r-cran-metafor)"


def write_scripts(
    results: str | Path, folder: str | Path, language: str = "r", analyses: Sequence[str] = ()
) -> tuple[list[str], list[str]]:
    """Write a script in "r" or "python" for every pooled analysis, or those named, into a folder.

    Returns the names of the files, and of analyses that were asked for by name and have none: nothing was
    pooled, or metafor has not the method. Raises InputError for a folder without analyses or an unknown name.
    """
    known = {record.parent.name: record for record in record_files(results)}
    for name in analyses:
        if name not in known:
            raise InputError([_fault(results, name, "no analysis of these results", suggestion(name, known))])
    written, without = [], []
    for name in analyses or known:
        script = script_of(from_json(Record, io.read_json(known[name])), language)
        if script:
            written.append(f"{name}{ENDINGS[language]}")
            io.write_text(Path(folder, written[-1]), script)
        elif analyses:
            without.append(name)
    return written, without


def ask_r(results: str | Path, out: str | Path) -> tuple[int, list[str]]:
    """Run every reproduce.R of a folder of results in one process of R; write what they gave to a CSV file.

    Returns how many ran, and what R said of those that did not. Raises InputError where R, its package
    metafor or any script is absent.
    """
    scripts = [path.with_name(SCRIPT) for path in record_files(results)]
    scripts = [script for script in scripts if script.is_file()]
    if not scripts:
        raise InputError([_fault(results, "", f"no analyses/*/{SCRIPT}", "run the review first")])
    said, problems = _answers(scripts)
    hashes = {script.parent.name: digest(script.read_text(encoding="utf-8")) for script in scripts}
    version = next(said)[1]
    rows: list[dict[str, object]] = []
    for file, quantity, value in said:
        name = Path(file).parent.name
        own = {"analysis": name, "metafor": version, "script": hashes[name]}
        rows.append({**own, "quantity": quantity, "value": _number(value)})
    io.write_csv(out, rows, REPRODUCED.names)
    return len({row["analysis"] for row in rows}), problems


def _fault(results: str | Path, value: str, problem: str, remedy: str) -> Fault:
    return Fault(str(results), None, "", value, problem, remedy)


def _answers(scripts: Sequence[Path]) -> tuple[Iterator[Sequence[str]], list[str]]:
    """The rows that R printed: its metafor, then script, number and value; and what it complained of."""
    program = shutil.which("Rscript")
    if program is None:
        raise InputError([_fault("Rscript", "", "R is not on this machine", INSTALL)])
    runner = files("trialpool") / "schemas" / "reproduce_all.R"
    command = [program, "--vanilla", str(runner), *map(str, scripts)]
    # numbers with a point, texts in UTF-8, whatever the terminal speaks
    utf8: Mapping[str, str] = {**os.environ, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env=utf8, check=False)
    if done.returncode:
        why = " ".join(done.stderr.split())
        raise InputError([_fault("Rscript", "", f"R could not run: {why}", INSTALL)])
    return csv.reader(done.stdout.splitlines()), done.stderr.splitlines()


def _number(value: str) -> float | None:
    """A number as R writes it, None for what is none."""
    return None if value in ("NA", "NaN", "Inf", "-Inf") else float(value)
