"""Judgements of risk of bias from other programs, as candidate rows of risk_of_bias.csv.

In: the CSV that robvis draws (a row a study, a column a domain), that of Covidence's quality assessment, or
the workbook of RoB 2 (its sheet `Results`), whose answers to signalling questions become rows of
signalling_answers.csv. Out: rows with the tool's own domains and judgements; a word that the tool does not
know is told and left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from trialpool.bias_tools import ANSWERS, OVERALL, RISKS, Domain, Tool, Tools, tool_named, tools
from trialpool.contracts import SIGNALLING_ANSWERS, STUDIES
from trialpool.errors import Fault, InputError
from trialpool.evidence.read import read_raw
from trialpool.exchange import candidates as cell
from trialpool.exchange.candidates import Candidates, Row, split_name, study_ids
from trialpool.exchange.workbook import WORKBOOKS, sheets
from trialpool.text import count, listing
from trialpool.vocabulary import Vocabulary, general
from trialpool.yaml_files import shipped

WORDS = shipped("exchange")["risk_of_bias"]
CONSENSUS = "consensus"
HEADER_WITHIN = 5  # rows of a sheet
QUESTION = re.compile(r"[A-Za-z]?\d+[a-z]?\.[1-9]\d*")
OF_WORKBOOK = re.compile(r"(\d+)\.0 (algorithm|assessor).*", re.I)
WHOLE = re.compile(r"(algorithm|assessor)'?s? overall .*", re.I)
NOTE_FOR = re.compile(r"note for (.+)", re.I)
SUPPORT = re.compile(
    r"\W*\b(?:supporting (?:text|information)|support(?: for judge?ment)?|comments?|notes?|quotes?)\W*$", re.I
)
JUDGED = re.compile(r"\W*\b(?:judge?ments?|ratings?)\W*$", re.I)


class Column(NamedTuple):
    """What a column holds, and of which domain or questions.

    `kind` is study, outcome, time, reviewer, aim, answer, judgement, algorithm, note, unknown or "".
    """

    kind: str
    of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Assessment:
    """A row of a file: its cells by what they are, and where it stands."""

    place: str
    cells: dict[Column, str]

    def cell(self, kind: str, of: str = "") -> str:
        """The text of a cell, "" where there is none."""
        return next(
            (
                text
                for column, text in self.cells.items()
                if column.kind == kind and (not of or of in column.of)
            ),
            "",
        )


Named = tuple[str, str, Assessment]  # with the code of its tool and the name of its study


@dataclass(slots=True)
class Found:
    """Rows of the two tables, and what a person has to know."""

    judgements: list[Row] = field(default_factory=list)
    answers: list[Row] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def import_rob(
    paths: Sequence[str | Path],
    *,
    tool: str = "",
    assessed_by: str = "",
    evidence: str | Path | None = None,
    vocabulary: Vocabulary | None = None,
) -> Candidates:
    """Candidate rows of judgements, and of answers where a file holds them.

    `tool` is the tool's name where the file does not show which it is; `assessed_by` the DOI or address of
    the review that judged. With `evidence`, a folder of tables, trials get the ids that they have there;
    others, and all without it, become rows of studies.csv. Raises InputError for a file without studies or
    judgements, and for a tool that nobody can tell.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "robvis.csv")
    ...     _ = file.write_text("Study,D1,D2,D3,D4,D5,Overall\\nLu 2020,Low,Low,Low,High,Low,High\\n")
    ...     rows = import_rob([file], assessed_by="10.1000/x").rows["risk_of_bias"]
    >>> rows[3]["study_id"], rows[3]["domain"], rows[3]["judgement"]
    ('Lu2020', 'measurement_of_the_outcome', 'high')
    """
    words, found = vocabulary or general(), Found()
    assessments: list[Named] = []
    for path in map(Path, paths):
        assessments += _agreed(_assessments(path, tool, words.bias_tools), found)
    ids, studies = _studies([name for _, name, _ in assessments], evidence)
    for code, name, assessment in assessments:
        _read(
            assessment,
            _tool(words.bias_tools, code),
            found,
            words,
            {"study_id": ids[name], "tool": _variant(code, assessment), "assessed_by": assessed_by},
        )
    _unlike(found)
    names = ", ".join(Path(path).name for path in paths)
    new = [row for row in studies if row["study_id"] in set(ids.values())]
    if evidence and new:
        found.remarks.append(
            f"Not among the trials of {evidence}: {listing([row['study_id'] for row in new])}."
        )
    rows = {"studies": new, "risk_of_bias": found.judgements, SIGNALLING_ANSWERS.name: found.answers}
    return Candidates(names, rows, found.remarks)


# Files


def _assessments(path: Path, asked: str, known: Tools) -> list[Named]:
    """The rows of a file that name a study."""
    header, lines = _table(path)
    code = _tool_of(path, header, asked, known)
    columns = [_column(name, _tool(known, code)) for name in header]
    if not any(column.kind == "study" for column in columns):
        columns[0] = Column("study")
    read = []
    for number, line in lines:
        cells = {column: text for column, text in zip(columns, line, strict=True) if column.kind}
        assessment = Assessment(f"{path.name} row {number}", cells)
        read += [(code, name, assessment)] if (name := assessment.cell("study")) else []
    if not read or not any(column.kind in ("judgement", "answer", "algorithm") for column in columns):
        remedy = "name a column Study, and one for each domain; see the documentation of import rob"
        raise InputError([Fault(str(path), None, "", "", "no judgement of a study stands in it", remedy)])
    return read


def _table(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header of a file and its rows, numbered as people see them; of a workbook the sheet that fits."""
    if path.suffix.lower() in WORKBOOKS:
        for sheet in sorted(sheets(path, values=True), key=lambda sheet: sheet.title != "Results"):
            rows = [
                ["" if value is None else _text(value) for value in row]
                for row in sheet.iter_rows(values_only=True)
            ]
            for number, row in enumerate(rows[:HEADER_WITHIN]):
                if any(_plain(name) in WORDS["study"] for name in row):
                    return row, [
                        (number + 2 + at, line) for at, line in enumerate(rows[number + 1 :]) if any(line)
                    ]
        remedy = "take the sheet Results of the RoB 2 workbook, or one with a column Study"
        raise InputError([Fault(str(path), None, "", "", "no sheet names studies", remedy)])
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig", header=None)
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        problem = f"the file is not a CSV table ({str(error).strip()})"
        raise InputError([Fault(str(path), None, "", "", problem, "save it as CSV UTF-8")]) from None
    header, *rows = ([text.strip() for text in row] for row in frame.to_numpy().tolist())
    return header, [(number, row) for number, row in enumerate(rows, start=2) if any(row)]


def _text(value: object) -> str:
    return f"{value:.15g}" if isinstance(value, float) else str(value).strip()


def _plain(name: str) -> str:
    return " ".join(re.findall(r"[a-z0-9#]+", name.casefold()))


def _tool(known: Tools, code: str) -> Tool:
    """A tool; of one that is not known every domain and judgement is taken."""
    return known.get(code) or Tool(code, tuple(RISKS), {}, open=True)


def _tool_of(path: Path, header: Sequence[str], asked: str, known: Tools) -> str:
    """The code of the tool: as asked, or by the domains that the file names or numbers."""
    if asked:
        return tool_named(known, asked) or asked
    if any(OF_WORKBOOK.fullmatch(name) for name in header):
        return "RoB2"
    names = [JUDGED.sub("", name) for name in header]
    numbered = {name.upper() for name in names if re.fullmatch(r"[dD]\d+", name)}
    fitting = [
        code
        for code, tool in known.items()
        if (
            len(numbered) == len(tool.domains) and not tool.open
            if numbered
            else sum(tool.domain_named(name) in tool.domains for name in names) > len(tool.domains) / 2
        )
    ]
    fitting = [code for code in fitting if code not in WORDS["variants"].values()]
    if len(fitting) == 1:
        return fitting[0]
    listed = [code for code in fitting or known if code not in WORDS["variants"].values()]
    problem = "the file does not show which tool it is of"
    raise InputError(
        [Fault(str(path), 1, "", "", problem, f"name it with --tool, such as {', '.join(listed)}")]
    )


def _column(name: str, tool: Tool) -> Column:
    """What a column of a file is; one without a kind is not read."""
    plain = _plain(name)
    for kind in ("study", "outcome", "reviewer", "aim", "time"):
        if plain in WORDS[kind]:
            return Column(kind)
    if not plain or plain in WORDS["ignored"]:
        return Column("")
    if QUESTION.fullmatch(name):
        return Column("answer", (name,))
    if match := NOTE_FOR.fullmatch(name):
        return Column("note", tuple(QUESTION.findall(match[1])))
    if match := OF_WORKBOOK.fullmatch(name):
        kind = "algorithm" if match[2].lower() == "algorithm" else "judgement"
        return Column(kind, (tool.domain_named(f"D{match[1]}"),))
    if match := WHOLE.fullmatch(name):
        return Column("algorithm" if match[1].lower() == "algorithm" else "judgement", (OVERALL,))
    bare = JUDGED.sub("", SUPPORT.sub("", name))
    domain = tool.domain_named(bare) or (cell.word(bare) if tool.open else "")
    if SUPPORT.search(name):
        return Column("note" if domain else "", (domain,))
    return Column("judgement" if domain else "unknown", (domain or name,))


# Rows


def _agreed(read: list[Named], found: Found) -> list[Named]:
    """Of what several reviewers judged the consensus, without one what the first judged."""
    by: dict[tuple[str, str, str], list[Named]] = {}
    for entry in read:
        by.setdefault((entry[1], entry[2].cell("outcome"), entry[2].cell("time")), []).append(entry)
    kept = []
    for entries in by.values():
        consensus = [each for each in entries if each[2].cell("reviewer").casefold() == CONSENSUS]
        kept.append(consensus[-1] if consensus else entries[0])
        if len(entries) > 1 and not consensus:
            place, several = entries[0][2].place, count(len(entries), "row")
            found.remarks.append(f"{entries[0][1]} has {several} and no consensus: {place} was taken.")
    return kept


def _studies(names: Iterable[str], evidence: str | Path | None) -> tuple[dict[str, str], list[Row]]:
    """The id of every study by its name, and a row for those that `evidence` does not hold."""
    known: dict[str, str] = {}
    if evidence:
        raw = read_raw(Path(evidence) / STUDIES.file, STUDIES)
        if raw.faults:
            raise InputError(list(raw.faults))
        columns = (raw.cells[name] for name in ("study_id", "first_author", "year", "label"))
        for study, author, year, label in zip(*columns, strict=True):
            known |= {_plain(each): study for each in (study, f"{author} {year}", label) if _plain(each)}
            known[_plain(f"{author.split(' ')[0]} {year}")] = study
    different = list(dict.fromkeys(names))
    new = [
        name for name in different if _plain(name) not in known and _plain(name.replace(" ", "")) not in known
    ]
    made = dict(zip(new, study_ids((name, "") for name in new), strict=True))
    ids = {n: made.get(n) or known.get(_plain(n)) or known[_plain(n.replace(" ", ""))] for n in different}
    rows = []
    for name, study in made.items():
        author, year, _ = split_name(name)
        rows.append({"study_id": study, "first_author": cell.plain(author, 200), "year": year})
    return ids, rows


def _variant(code: str, assessment: Assessment) -> str:
    aim = assessment.cell("aim").casefold()
    return next((other for word, other in WORDS["variants"].items() if code == "RoB2" and word in aim), code)


def _read(assessment: Assessment, tool: Tool, found: Found, words: Vocabulary, key: Row) -> None:
    """Add the rows of one assessment."""
    outcome = assessment.cell("outcome")
    place = {
        **key,
        "outcome": _outcome(outcome, words),
        "weeks": cell.weeks_in(f"{assessment.cell('time')} {outcome}".strip()),
    }
    result = f"; of {outcome}" if outcome else ""
    for domain in dict.fromkeys(
        of for column in assessment.cells if column.kind in ("judgement", "algorithm") for of in column.of
    ):
        word, algorithm = (assessment.cell(kind, domain) for kind in ("judgement", "algorithm"))
        judged, computed = (tool.judgement_named(each) for each in (word, algorithm))
        for said, understood in ((word, judged), (algorithm, computed)):
            if said and not understood:
                found.remarks.append(
                    f"{assessment.place}: {said!r} of {domain} is no judgement of {tool.name}: left out."
                )
        if judged or computed:
            note = cell.plain(assessment.cell("note", domain))
            source = f"{assessment.place}{result}"
            note = (
                note if word and computed and judged != computed else "; ".join(filter(None, (note, source)))
            )
            row = {"domain": domain, "judgement": judged or computed, "algorithm": computed, "note": note}
            found.judgements.append({**place, **row})
    for column, answer in assessment.cells.items():
        if column.kind == "answer" and answer:
            _answer(column.of[0], answer, assessment, tool, found, place)
    unknown = [column.of[0] for column, text in assessment.cells.items() if column.kind == "unknown" and text]
    found.remarks += [f"The column {name!r} is no domain of {tool.name}: left out." for name in unknown]
    found.remarks[:] = dict.fromkeys(found.remarks)


def _answer(question: str, answer: str, assessment: Assessment, tool: Tool, found: Found, place: Row) -> None:
    code = answer.upper()
    if code not in ANSWERS:
        found.remarks.append(f"{assessment.place}: {answer!r} is no answer to {question}: left out.")
        return
    domain = next((name for name, each in tool.domains.items() if question in each.questions), "")
    note = cell.plain(assessment.cell("note", question))
    found.answers.append({**place, "domain": domain, "question": question, "answer": code, "note": note})


def _outcome(text: str, words: Vocabulary) -> str:
    """The domain of outcomes that a text names, else a code of it for a person to look at."""
    plain = _plain(text)
    known = {_plain(each): code for code, domain in words.domains.items() for each in (code, domain.name)}
    first = next((code for name, code in known.items() if plain == name or plain.startswith(f"{name} ")), "")
    return first or cell.word(text)


def _unlike(found: Found) -> None:
    """Tell where a workbook's algorithm and ours differ: one of the two files is not what it seems."""
    keys = ("study_id", "tool", "outcome", "weeks", "domain")
    answers: dict[tuple[str, ...], dict[str, str]] = {}
    for row in found.answers:
        answers.setdefault(tuple(row[key] for key in keys), {})[row["question"]] = row["answer"]
    for row in found.judgements:
        given = answers.get(tuple(row[key] for key in keys))
        ours = (
            tools()
            .get(row["tool"], Tool("", (), {}))
            .domains.get(row["domain"], Domain(""))
            .judge(given or {})
        )
        if row["algorithm"] and given and ours.judgement and ours.judgement != row["algorithm"]:
            said = f"the file's algorithm says {row['algorithm']}, ours {ours.judgement}."
            found.remarks.append(f"{row['study_id']}, {row['domain']}: {said}")
