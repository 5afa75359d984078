"""What a run says to the one who started it: at the start what is amiss, at the end what came of it.

In: the folder of results, the evidence tables, findings of the audit. Out: faults and lines of text; nothing
is written.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from trialpool import io
from trialpool.errors import Fault, InputError, row_words
from trialpool.text import count

SHOWN = 3  # empty analyses, findings and files named in one line
FEW = 10  # findings of a check that are told one by one, however grave


def refuse_missing(folders: Iterable[str], tables: Sequence[str]) -> None:
    """Raise InputError for each evidence folder, and each table in one, that does not exist.

    Snakemake would find nothing to do as long as the results of an earlier run stand.
    """
    faults = []
    for folder in map(Path, folders):
        if not folder.is_dir():
            said = "the evidence folder does not exist", "correct `evidence` or make the folder"
            faults.append(Fault(str(folder), None, "", "", *said))
            continue
        said = "the table does not exist", "write it; a table without rows has its header only (CODEBOOK.md)"
        files = [folder / f"{table}.csv" for table in tables]
        faults += [Fault(str(file), None, "", "", *said) for file in files if not file.is_file()]
    if faults:
        raise InputError(faults)


def opening_lines(results: str | Path) -> list[str]:
    """Which files are newer than manifest.csv and other than it lists them; nothing, where all is well."""
    manifest = Path(results, "manifest.csv")
    listed = [(Path(results, row["path"]), row["sha256"]) for row in _rows(manifest)]
    written = manifest.stat().st_mtime_ns if listed else 0
    newer = ((path, hash) for path, hash in listed if path.is_file() and path.stat().st_mtime_ns > written)
    if files := [str(path) for path, hash in newer if io.sha256(path) != hash]:
        verb, them = ("is", "it") if len(files) == 1 else ("are", "them")
        return [
            f"{_some(files)} {verb} not what the last complete run wrote: edited by hand, or left by a run "
            f"that broke off. To mend: delete {them}, and run again."
        ]
    return []


def look_at(findings: Sequence[Mapping[str, str]], details: bool = False) -> list[str]:
    """What the audit found, one kind of one trial a line; of many without `details` only what is grave.

    >>> what = {"finding": "beyond the scale", "numbers": "NRS: 32, possible 0 to 10", "check": "the scoring"}
    >>> where = {"row_ids": "a.csv:9", "study_id": "Lu2020", "rule": "range", "severity": "high"}
    >>> print(*look_at([what | where, what | where | {"row_ids": "a.csv:10"}]), sep="\\n")
    2 things to look at:
    a.csv, row 9, Lu2020: beyond the scale (NRS: 32, possible 0 to 10). To check: the scoring. Also row 10.
    """
    every = details or len(findings) <= FEW
    shown = [found for found in findings if every or found["severity"] == "high"]
    shown.sort(key=lambda found: found["severity"] != "high")
    alike: dict[tuple[str, ...], list[Mapping[str, str]]] = defaultdict(list)
    for found in shown:
        alike[found["rule"], found["study_id"], found["row_ids"].rpartition(":")[0]].append(found)
    lines = [f"{count(len(findings), 'thing')} to look at:"] if findings else []
    for first, *others in alike.values():
        where = ", ".join(filter(None, (_place(first["row_ids"]), first["study_id"])))
        also = row_words(int(other["row_ids"].rpartition(":")[2]) for other in others)
        more = f" Also {also}." if others else ""
        lines.append(f"{where}: {first['finding']} ({first['numbers']}). To check: {first['check']}.{more}")
    if left := len(findings) - len(shown):
        lines.append(f"{left:,} more of medium or low severity: add --details to see them.")
    return lines


def _place(row_ids: str) -> str:
    """Files and rows of a finding: "arms.csv, row 3; events.csv, rows 7–9"."""
    rows: dict[str, list[int]] = defaultdict(list)
    for file, _, row in (each.rpartition(":") for each in row_ids.split()):
        rows[file].append(int(row))
    return "; ".join(f"{file}, {row_words(numbers)}" for file, numbers in rows.items())


def high_findings(results: str | Path) -> set[str]:
    """The audit's findings of high severity, as "rule: rows" each."""
    rows = _rows(Path(results, "audit.csv"))
    return {f"{row['rule']}: {row['row_ids']}" for row in rows if row["severity"] == "high"}


def closing_lines(results: str | Path, before: set[str], timepoints: Mapping[str, str]) -> list[str]:
    """Three lines: how many analyses were pooled, which are empty and why, what the audit newly found.

    `before` are the high findings as the run began, `timepoints` what each analysis asks for.
    """
    summary = _rows(Path(results, "summary.csv"))
    status = Counter(row["status"] for row in summary)
    found = high_findings(results)
    new = sorted(found - before)
    several = status["pooled"] + status["not_pooled"]
    audit = f"{count(len(new), 'new finding')} of high severity" + (f" ({_some(new)})" if new else "")
    return [
        f"{count(len(summary), 'analysis', 'analyses')}: {several} of several trials, "
        f"{status['single_study']} of one, {status['no_data']} empty. To read them: {results}/index.html",
        _empty_line(summary, Path(results, "excluded.csv"), timepoints),
        f"Audit: {audit}, {len(found)} in all. To look: {results}/audit.csv",
    ]


def _empty_line(summary: Iterable[Mapping[str, str]], excluded: Path, timepoints: Mapping[str, str]) -> str:
    empty = [row["analysis"] for row in summary if row["status"] == "no_data"]
    if not empty:
        return "Empty: none."
    reasons: dict[str, dict[str, Mapping[str, str]]] = defaultdict(dict)
    for row in _rows(excluded):
        known = reasons[row["analysis"]]
        if row["study_id"] not in known or known[row["study_id"]]["reason_code"] == "no_numbers":
            known[row["study_id"]] = row
    nearest = sorted(_why(analysis, reasons[analysis].values(), timepoints) for analysis in empty)
    return f"Empty: {_some([words for *_, words in nearest], '; ')}. To look: {excluded}"


def _why(
    analysis: str, rows: Iterable[Mapping[str, str]], timepoints: Mapping[str, str]
) -> tuple[bool, int, str]:
    """Why an analysis is empty; to sort by, whether it is for want of numbers only, and of how few trials."""
    rows = list(rows)
    if not rows:
        return True, 0, f"{analysis} (no trial of this comparison is known)"
    code, trials = Counter(row["reason_code"] for row in rows).most_common(1)[0]
    row = next(row for row in rows if row["reason_code"] == code)
    reason = row["reason"]
    if code == "other_time" and analysis in timepoints:
        reason = f"report at {row['timepoint']}, the analysis asks for {timepoints[analysis]}"
    return code == "no_numbers", -trials, f"{analysis} ({trials} of {count(len(rows), 'trial')}: {reason})"


def _some(words: Sequence[str], between: str = ", ") -> str:
    more = len(words) - SHOWN
    return between.join(words[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _rows(path: Path) -> list[dict[str, str]]:
    return io.read_csv(path) if path.is_file() else []
