"""Tables of RevMan Web and Covidence in, the review that they hold out; and such tables of a review.

Two forms, alone or together in a folder or zip: the *data package* (data rows, overall estimates and
settings, subgroup estimates), and the *study-centric data* (study information, study arms, study results,
risk of bias). A table is known by its columns, whatever its file is called.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

from trialpool.errors import Fault, InputError, nearest
from trialpool.exchange import candidates as cell
from trialpool.exchange.candidates import WORDS
from trialpool.exchange.revman_review import (
    REVMAN,
    Arm,
    Datum,
    Judgement,
    Outcome,
    Result,
    Review,
    Study,
    doi_in,
    joined,
)

WEB: Mapping[str, Any] = WORDS["revman_web"]  # its tables and words
LARGEST_BYTES = 500_000_000  # unpacked
PRINTED = 5.5e-7  # a package rounds to six decimals
JUDGED = re.compile(r"Domain \((?P<what>judgement|support)\): (?P<domain>.+)", re.S)
JUDGED_RESULT = re.compile(r"(?P<domain>.+) \((?P<what>judgement|support)\)", re.S)  # in data rows
AGAIN = "export it anew, or save it as 'CSV UTF-8 (comma delimited)'"


# Reading


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a table: its number, its cells by column."""

    number: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of a package, and the faults found in all of them."""

    file: str
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    faults: list[Fault] = field(default_factory=list)

    def number(self, line: Line, column: str) -> str:
        """The number in a cell, "" where it is empty; anything else is a fault."""
        text = line[column].replace("%", "").strip()
        value = cell.number(text)
        if text and not value and text.casefold() not in WEB["nothing"]:
            remedy = "write a number with a decimal point, or empty the cell"
            self.fault(line, column, "not a number", remedy)
        return value

    def fault(self, line: Line | None, column: str, problem: str, remedy: str) -> None:
        """Note a fault of a cell."""
        number, value = (line.number, line[column]) if line else (None, "")
        self.faults.append(Fault(self.file, number, column, value, problem, remedy))


def read_package(path: str | Path, source_url: str = "") -> Review:
    """The review of a data package or of study-centric tables: a zip, a folder, or one file of them.

    Raises InputError for what is none, with every fault of every table: file, row, column, value and remedy.
    """
    path = Path(path)
    remarks: list[str] = []
    sheets = _sheets(path, remarks)
    if not {"data_rows", "study_results"} & sheets.keys():
        known = "data rows with overall estimates and settings, or study arms with study results"
        _refuse(
            str(path), "it holds no table of a review of RevMan Web or Covidence", f"name one with {known}"
        )
    faults = [fault for sheet in sheets.values() for fault in _columns(sheet, sheets)]
    if faults:
        raise InputError(faults)
    outcomes = tuple(_outcomes(sheets)) if "data_rows" in sheets else ()
    arms, results = tuple(_arms(sheets)), tuple(_results(sheets))
    named = [*(datum.study for each in outcomes for datum in each.data), *(each.study for each in results)]
    studies = tuple(_studies(sheets, named))
    judgements = tuple(_judgements(sheets, remarks))
    if faults := [fault for sheet in sheets.values() for fault in sheet.faults]:
        raise InputError(faults)
    remarks += [] if any(outcome.data for outcome in outcomes) or results else ["No outcome holds data."]
    doi = next(iter(re.findall(r"10\.1002/14651858\.\w+(?:\.pub\d+)?", source_url)), "")
    kind = "RevMan data package" if outcomes else "study data"
    source = f"{kind} {path.name}"
    return Review(
        source, outcomes, studies, judgements, arms, results, url=source_url, doi=doi, remarks=remarks
    )


def _refuse(name: str, problem: str, remedy: str) -> NoReturn:
    raise InputError([Fault(name, None, "", "", problem, remedy)]) from None


def _sheets(path: Path, remarks: list[str]) -> dict[str, Sheet]:
    """The tables by what they hold."""
    sheets: dict[str, Sheet] = {}
    for name, content in _files(path):
        if name.casefold().endswith("-parameters.csv"):
            problem = "the package is of a review of diagnostic test accuracy"
            _refuse(name, problem, "import a review of interventions")
        if name.casefold().endswith(".ris"):
            sheets["references"] = _references(name, content.decode("utf-8-sig", "replace"))
            continue
        sheet = _sheet(name, content, remarks)
        kind = next((kind for kind, has in WEB["tables"].items() if {*has} <= {*sheet.columns}), "")
        kind = kind or ("risk_of_bias" if any(map(JUDGED.fullmatch, sheet.columns)) else "")
        if kind in sheets:
            _refuse(
                name,
                f"a second table of this kind, beside {sheets[kind].file}",
                "import one review at a time",
            )
        if kind:
            sheets[kind] = sheet
        else:
            remarks.append(f"{name} is no table that can be read: left out.")
    return sheets


def _files(path: Path) -> Iterator[tuple[str, bytes]]:
    """Every CSV and RIS file of a folder, a zip (and the zip of data within it), or the file itself."""
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.suffix.casefold() in (".csv", ".ris") and file.is_file():
                yield file.relative_to(path).as_posix(), file.read_bytes()
    elif path.suffix.casefold() == ".csv":
        yield path.name, path.read_bytes()
    else:
        yield from _unpacked(path.name, path.read_bytes())


def _unpacked(name: str, content: bytes, depth: int = 0) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > LARGEST_BYTES:
                raise InputError(
                    [Fault(name, None, "", "", "unpacks to more than 500 MB", "unpack it yourself")]
                )
            for entry in entries:
                inside = PurePosixPath(entry.filename.replace("\\", "/"))
                if inside.is_absolute() or ".." in inside.parts or ":" in inside.parts[0]:
                    problem = f"a path in it leads out of the zip: {entry.filename}"
                    raise InputError(
                        [Fault(name, None, "", "", problem, "get the zip from a source you trust")]
                    )
            for entry in sorted(entries, key=lambda each: each.filename):
                suffix = PurePosixPath(entry.filename).suffix.casefold()
                if suffix in (".csv", ".ris"):
                    yield entry.filename, archive.read(entry)
                elif suffix == ".zip" and depth == 0:
                    yield from _unpacked(entry.filename, archive.read(entry), 1)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, zlib.error) as error:
        problem = f"the zip cannot be read ({error})"
        raise InputError(
            [Fault(name, None, "", "", problem, "export it anew, or unpack it yourself")]
        ) from None


def _sheet(name: str, content: bytes, remarks: list[str]) -> Sheet:
    """A CSV file with commas, semicolons or tabs, in UTF-8, UTF-16 or Windows-1252."""
    text = _decoded(name, content, remarks)
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(",;\t", key=first.count)
    if separator != ",":
        remarks.append(f"{name} is separated by {'semicolons' if separator == ';' else 'tabs'}; read so.")
    try:
        lines = [*csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)]
    except csv.Error as error:
        _refuse(name, f"not a CSV file ({error})", AGAIN)
    columns = tuple(" ".join(name.split()) for name in (lines[0] if lines else []))
    twice = [column for column, times in Counter(filter(None, columns)).items() if times > 1]
    faults = [Fault(name, 1, each, "", "the column stands twice", "keep one of them") for each in twice]
    kept = []
    for number, cells in enumerate(lines[1:], 2):
        if len(cells) > len(columns) and any(cells[len(columns) :]):
            problem = f"{len(cells)} cells where the head has {len(columns)}"
            faults.append(Fault(name, number, "", "", problem, AGAIN))
        if any(map(str.strip, cells)):
            kept.append(Line(number, dict(zip(columns, map(str.strip, cells), strict=False))))
    if faults:
        raise InputError(faults)
    return Sheet(name, columns, tuple(kept))


def _decoded(name: str, content: bytes, remarks: list[str]) -> str:
    encodings = ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        if encoding == "cp1252":
            remarks.append(f"{name} is not UTF-8; read as Windows-1252: check accents.")
        return text
    _refuse(name, "the file is in no encoding that can be read", AGAIN)


def _references(name: str, text: str) -> Sheet:
    """The references of a RIS file, by study."""
    lines: list[Line] = []
    cells: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        tag, _, value = line.partition("  - ")
        if tag.strip() == "ER":
            lines.append(Line(number, cells))
            cells = {}
        elif tag.strip() and value.strip():
            cells.setdefault(tag.strip(), value.strip())
    return Sheet(name, ("NS", "DO", "JO", "T2", "PY"), tuple(lines))


def _columns(sheet: Sheet, sheets: Mapping[str, Sheet]) -> Iterator[Fault]:
    """Columns that a table must have beside those by which it is known."""
    kind = next(kind for kind, each in sheets.items() if each is sheet)
    for column in WEB["required"].get(kind, ()):
        if column not in sheet.columns:
            near = nearest(column, sheet.columns)
            remedy = f"is it '{near}'?" if near else "export the table anew"
            yield Fault(sheet.file, 1, column, "", "the column is missing", remedy)
    if kind == "data_rows" and "settings" not in sheets:
        remedy = "add the table …-overall-estimates-and-settings.csv of the same package"
        yield Fault(sheet.file, None, "", "", "the settings of the analyses are missing", remedy)


# The data package


def _outcomes(sheets: Mapping[str, Sheet]) -> Iterator[Outcome]:
    """The analyses, by the table of their settings."""
    rows, settings = sheets["data_rows"], sheets["settings"]
    known = {_number(line) for line in settings.lines}
    for line in rows.lines:
        if _number(line) not in known:
            problem, remedy = "the settings hold no such analysis", f"add it to {settings.file}"
            rows.fault(line, "Analysis number", problem, remedy)
    for line in settings.lines:
        own = [row for row in rows.lines if _number(row) == _number(line)]
        yield _outcome(sheets, line, own)


def _number(line: Line) -> str:
    return f"{line['Analysis group']}.{line['Analysis number']}"


def _outcome(sheets: Mapping[str, Sheet], line: Line, own: Sequence[Line]) -> Outcome:
    settings, rows, parts = sheets["settings"], sheets["data_rows"], sheets.get("subgroups")
    measure = re.sub(r"\s*\(non-event\)", "", line["Effect measure"], flags=re.I)
    kind = _kind(line, measure, own)
    subgroups = {
        each["Subgroup"]: _stored(parts, each)
        for each in (parts.lines if parts else ())
        if _number(each) == _number(line)
    }
    labels = tuple(
        line[f"{side} group label"] or line[f"{side} intervention"] for side in ("Experimental", "Control")
    )
    return Outcome(
        kind=kind,
        number=_number(line),
        measure=measure,
        comparison=line["Analysis group name"],
        name=line["Analysis name"],
        groups=(labels[0], labels[1]),
        values=_settings(settings, line, measure) | _stored(settings, line),
        data=tuple(_datum(rows, each, kind) for each in own),
        subgroups=subgroups or {row["Subgroup"]: {} for row in own if row["Subgroup"]},
        favours=(line["Graph label (left)"], line["Graph label (right)"]),
        printed=PRINTED,
    )


def _kind(line: Line, measure: str, own: Sequence[Line]) -> str:
    """DICH, CONT, IV or IPD, by the type of data or, where that says only the level, by measure and cells."""
    if (kind := WEB["data_types"].get(line["Data type"].casefold())) is not None:
        return str(kind)
    if re.match(WEB["methods"]["EXP_O_E_VAR"], line["Statistical method"], re.I):
        return "IPD"
    arms = all(_above_zero(row["Experimental N"]) and _above_zero(row["Control N"]) for row in own)
    if not arms and any(_above_zero(row["GIV SE"]) for row in own):
        return "IV"
    return "CONT" if "mean" in measure.casefold() else "DICH"


def _above_zero(text: str) -> bool:
    return float(cell.number(text) or 0) > 0


def _settings(sheet: Sheet, line: Line, measure: str) -> dict[str, str]:
    """The settings of an analysis under the names of RevMan 5's attributes."""
    yes = {column: line[column].casefold() == "true" for column in WEB["flags"]}
    method = line["Statistical method"].casefold()
    codes = {pattern: code for code, pattern in WEB["methods"].items()}
    estimator, interval = line["Heterogeneity estimator"], line["CI method"]
    level = sheet.number(line, "Estimate CI") or sheet.number(line, "CI/PI level") or "95"
    swapped = yes["Swap event and non-event"] or "(non-event)" in line["Effect measure"].casefold()
    totals = "YES" if yes["Overall estimates"] else "SUB" if yes["Subgroup estimates"] else "NO"
    return {
        "METHOD": next((code for pattern, code in codes.items() if re.search(pattern, method)), "IV"),
        "RANDOM": "YES" if line["Analysis model"].casefold().startswith("random") else "NO",
        "EFFECT_MEASURE": measure,
        "UNITS": line["Unit of effect measure"],
        "OUTCOME": line["Outcome"] if line["Data source"].casefold() == "study data" else "",
        "CI_TOTAL": level,
        "CI_STUDY": sheet.number(line, "Study CI") or level,
        "SWAP_EVENTS": "YES" if swapped else "NO",
        "TOTALS": totals,
        "TAU2_METHOD": "REML" if re.search(r"reml|restricted", estimator, re.I) else "DL",
        "CI_METHOD": "HKSJ" if re.search(r"hksj|hartung", interval, re.I) else "WALD",
    }


def _stored(sheet: Sheet | None, line: Line) -> dict[str, str]:
    """A stored total; an interval without width is how a package writes that there is none."""
    if sheet is None:
        return {}
    found = {code: sheet.number(line, column) for code, column in WEB["stored"].items()}
    empty = found["CI_START"] == found["CI_END"]
    return {} if empty else {code: value for code, value in found.items() if value}


def _datum(sheet: Sheet, line: Line, kind: str) -> Datum:
    columns = {code: column for code, column in WEB["cells"].items() if code in WEB["kinds"][kind]}
    values = {code: sheet.number(line, column) for code, column in columns.items()}
    if not line["Study"]:
        sheet.fault(line, "Study", "the cell is empty", "name the study")
    only = WEB["applies"].get(line["Applicability"].casefold(), "")
    filled = {code: value for code, value in values.items() if value}
    return Datum(line["Study"], filled, line["Subgroup"], line["Footnotes"], only)


# Studies and their results


def _studies(sheets: Mapping[str, Sheet], named: Iterable[str]) -> Iterator[Study]:
    """The studies of the information table, and those that only data name."""
    references = sheets.get("references")
    about = {line["NS"]: line for line in (references.lines if references else ())}
    listed = sheets.get("study_information")
    years = {line["Study"]: line["Study year"] for line in _lines(sheets, "data_rows")}
    seen = set()
    for line in listed.lines if listed else ():
        name, entry = line["Study"], about.get(line["Study"], Line(0, {}))
        if name in seen and listed:
            listed.fault(line, "Study", "the study stands twice", "keep one row a study")
        seen.add(name)
        texts = {column.partition(": ")[2]: text for column, text in line.cells.items() if ": " in column}
        population = texts.pop("Participants", "")
        told = (f"{what}: {text}" for what, text in texts.items() if text)
        yield Study(
            key=name,
            name=name,
            year=line["Year"],
            journal=entry["JO"] or entry["T2"],
            doi=doi_in(line["DOI"] or entry["DO"]),
            population=population,
            notes=joined(*told),
        )
    for name in dict.fromkeys(each for each in named if each not in seen):
        yield Study(name, name, years.get(name, ""))


def _lines(sheets: Mapping[str, Sheet], kind: str) -> tuple[Line, ...]:
    return sheets[kind].lines if kind in sheets else ()


def _arms(sheets: Mapping[str, Sheet]) -> Iterator[Arm]:
    for line in _lines(sheets, "study_arms"):
        yield Arm(line["Study"], line["Arm"], line["Intervention"], line["Description"])


def _results(sheets: Mapping[str, Sheet]) -> Iterator[Result]:
    known = {(line["Study"], line["Arm"]) for line in _lines(sheets, "study_arms")}
    sheet = sheets.get("study_results")
    for line in sheet.lines if sheet else ():
        assert sheet is not None
        for column in ("Arm", "Reference arm"):
            if known and line[column] and (line["Study"], line[column]) not in known:
                near = nearest(line[column], [arm for study, arm in known if study == line["Study"]])
                remedy = f"is it '{near}'?" if near else "add it to the table of arms"
                sheet.fault(line, column, "not an arm of this study", remedy)
        for column in ("Study", "Outcome", "Arm"):
            if not line[column]:
                sheet.fault(line, column, "the cell is empty", "fill it in")
        values = {column: sheet.number(line, column) for column in WEB["numbers"]}
        values |= {"P value": line["P value"]}
        yield Result(
            study=line["Study"],
            outcome=line["Outcome"],
            arm=line["Arm"],
            values={column: value for column, value in values.items() if value},
            events=line["Data type"].casefold().startswith("dich") or bool(line["Cases"]),
            reference=line["Reference arm"],
            measure=line["Effect measure"],
            footnote=line["Footnotes"],
        )


def _judgements(sheets: Mapping[str, Sheet], remarks: list[str]) -> list[Judgement]:
    """One a study and domain; where a table judges results, one a result and domain."""
    of_studies = _judged(sheets.get("risk_of_bias"), JUDGED, remarks)
    return [*of_studies, *_of_results([*_judged(sheets.get("data_rows"), JUDGED_RESULT, remarks)])]


def _of_results(found: Sequence[Judgement]) -> Iterator[Judgement]:
    """Judgements beside data rows: RoB 2 is of a result, RoB 1 of the study, unless its rows differ."""
    of_study = defaultdict(set)
    for each in found:
        of_study[each.tool, each.study, each.domain].add((each.judgement, each.reason))
    whole = {key for key, said in of_study.items() if key[0] == "RoB1" and len(said) == 1}
    made = (
        replace(each, outcome="", weeks="", analysis="")
        if (each.tool, each.study, each.domain) in whole
        else each
        for each in found
    )
    yield from dict.fromkeys(made)


def _judged(sheet: Sheet | None, form: re.Pattern[str], remarks: list[str]) -> Iterator[Judgement]:
    """The judgements of a table whose columns have this form, row by row."""
    silent = 0
    if sheet is not None:
        placed = Counter((_number(line), line["Study"]) for line in sheet.lines)
        found = [match for match in map(form.fullmatch, sheet.columns) if match]
        names = {match["domain"]: match[0] for match in found if match["what"] == "judgement"}
        reasons = {match["domain"]: match[0] for match in found if match["what"] == "support"}
        tool = "RoB2" if any(re.search(WEB["rob2"], name, re.I) for name in names) else "RoB1"
        for line in sheet.lines:
            of = _result_of(line, placed[_number(line), line["Study"]] > 1)
            for domain, column in names.items():
                said, why = line[column], joined(line["Time point"], line[reasons.get(domain, "")])
                if judgement := REVMAN["judgements"].get(re.sub(r"\s*risk.*", "", said.casefold())):
                    yield Judgement(line["Study"], domain, judgement, why, tool, *of)
                elif said.casefold() in WEB["not_judged"]:
                    silent += bool(said)
                else:
                    remedy = "write low, high, unclear or some concerns"
                    sheet.fault(line, column, "not a judgement", remedy)
    if silent:
        remarks.append(f"{silent} judgements say 'not applicable' or the like: not imported.")


def _result_of(line: Line, several: bool) -> tuple[str, str, str]:
    """Outcome (of an analysis its subgroup, if the study has `several`), week and analysis of a judgement."""
    if line["Analysis number"]:
        return line["Subgroup"] if several else "", "", _number(line)
    outcome = next((line[name] for name in WEB["of_a_result"] if line[name]), "")
    return outcome, cell.weeks_in(line["Time point"]), ""
