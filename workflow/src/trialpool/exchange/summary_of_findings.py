"""The summaries of findings of a review, from its results, as a Word document, CSV or FHIR's JSON.

What is written is what the page shows (`view.summary_of_findings`): each number that of the record, the
text of each the same. GRADEpro publishes no format of its projects, so none is written for it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from trialpool import io
from trialpool import text as words
from trialpool.errors import Fault, InputError
from trialpool.exchange.fhir import bundle
from trialpool.exchange.finished import read_finished
from trialpool.exchange.word import add_row, add_table, new_document, save_document, write_cell
from trialpool.view.forest_table import Estimate, Number
from trialpool.view.question import Question, certainty_marks, interval_name
from trialpool.view.read import Appraised
from trialpool.view.summary_of_findings import WORDS, Findings, Line, Row, summaries_of_findings

Cells = Mapping[str, Any]
WIDTHS = (34.0, 22.0, 33.0, 37.0, 30.0, 42.0, 27.0, 42.0)  # of a table's columns, in millimetres
WIDTHS_OF_ONE = (45.0, 40.0, 60.0, 122.0)
LIMITS = ("", "_low", "_high")
COLUMNS = (
    *("population", "experimental", "control", "outcome", "analysis", "harm", "trials", "people"),
    *("measure", "estimate", "ci_low", "ci_high", "level", "unit"),
    *("line", "line_source", "line_unit", "control_value", "control_value_low", "control_value_high"),
    *(f"experimental_value{limit}" for limit in LIMITS),
    *(f"difference{limit}" for limit in LIMITS),
    *("nnt_for", *(f"nnt{limit}" for limit in LIMITS), "nnt_through_infinity"),
    *("certainty", "certainty_reasons", "in_words", "no_result_because"),
)


class Review(NamedTuple):
    """What summaries of findings are made of: the head of a review, its appraised records in order."""

    title: str
    records: Sequence[Appraised]
    authors: str = ""
    search_date: str = ""


def export_findings(source: str | Path, form: str, out: str | Path) -> int:
    """Write the summaries of findings of a review as "docx", "csv" or "fhir"; returns how many there are.

    Raises InputError where the review has no result.
    """
    found = read_finished(source)
    head = found.head
    review = Review(head["title"] or "Trialpool", found.records(), head["authors"], head["search_date"])
    tables = summaries_of_findings([Question(record) for record in review.records])
    if not tables:
        remedy = "a summary of findings needs a result of a trial at least"
        raise InputError([Fault(str(source), None, "", "", "no question has a result", remedy)])
    write: dict[str, Callable[[Review, Sequence[Findings], Path], None]] = {
        "docx": _write_word,
        "csv": _write_csv,
        "fhir": _write_fhir,
    }
    write[form](review, tables, Path(out))
    return len(tables)


def _write_fhir(review: Review, tables: Sequence[Findings], out: Path) -> None:
    made = bundle(tables, review.title, review.authors, review.search_date)
    io.write_text(out, json.dumps(made, ensure_ascii=False, indent=1) + "\n")


# CSV


def _write_csv(review: Review, tables: Sequence[Findings], out: Path) -> None:
    io.write_csv(out, findings_rows(tables), COLUMNS)


def findings_rows(tables: Sequence[Findings]) -> Iterator[Cells]:
    """Summaries of findings as a flat table, columns COLUMNS: a row a line of an outcome, at least one.

    >>> list(findings_rows([]))
    []
    """
    for table in tables:
        notes = dict(table.notes)
        for row in table.rows:
            own = _outcome_cells(table, row, notes)
            for line in row.lines or (None,):
                yield {**own, **(_line_cells(line) if line else {})}


def _outcome_cells(table: Findings, row: Row, notes: Mapping[str, str]) -> dict[str, Any]:
    record = row.record
    effect = row.effect.values if row.effect else (None, None, None)
    values: dict[str, Any] = dict(zip(("estimate", "ci_low", "ci_high"), effect, strict=True))
    values |= {"population": table.population, "experimental": table.experimental, "control": table.control}
    values |= {"outcome": row.outcome, "analysis": record.analysis, "harm": row.harm, "trials": record.k}
    return values | {
        "people": words.people(record.n_experimental, record.n_control),
        "measure": record.measure,
        "level": record.methods.level,
        "unit": record.unit,
        "certainty": record.certainty.level if record.certainty else "",
        "certainty_reasons": " ".join(notes[mark] for mark in row.marks),
        "in_words": row.statement,
        "no_result_because": row.gap,
    }


def _line_cells(line: Line) -> Cells:
    cells: dict[str, Any] = {"line": line.name, "line_source": line.source, "line_unit": line.unit}
    cells |= _values("control_value", [line.control, *(line.span or ())])
    cells |= _values("experimental_value", [*(line.experimental or ())])
    cells |= _values("difference", line.difference)
    if line.needed:
        needed = line.needed
        cells |= _values("nnt", (needed.number, needed.low, needed.high))
        cells |= {"nnt_for": {True: "benefit", False: "harm", None: ""}[needed.benefit]}
        cells |= {"nnt_through_infinity": needed.through_infinity}
    return cells


def _values(name: str, numbers: Sequence[Number]) -> dict[str, Any]:
    return {f"{name}{limit}": number.value for limit, number in zip(LIMITS, numbers, strict=False)}


# Word


def _write_word(review: Review, tables: Sequence[Findings], out: Path) -> None:
    document = new_document(f"{WORDS['title']}: {review.title}", landscape=True)
    document.add_paragraph(WORDS["word"])
    for table in tables:
        document.add_heading(words.capital(table.title), 2)
        document.add_paragraph(table.population)
        _add_findings(document, table, interval_name(review.records))
        for mark, note in table.notes:
            paragraph = document.add_paragraph()
            paragraph.add_run(mark).font.superscript = True
            paragraph.add_run(f" {note}")
    save_document(document, out)


def _add_findings(document: Any, table: Findings, interval: str) -> None:
    if not table.control:
        _add_one_group(document, table, interval)
        return
    head = (
        *("Outcome", "Trials, people", f"Effect ({interval})", f"With {table.control}"),
        *(f"With {table.experimental}", "Difference", "Certainty", "In words"),
    )
    shown = add_table(document, head, WIDTHS)
    for before, row in zip((None, *table.rows), table.rows, strict=False):
        if row.harm and not (before and before.harm):
            cells = add_row(shown, [words.capital(WORDS["harms"]), *[""] * (len(WIDTHS) - 1)])
            cells[0].merge(cells[-1])
        _add_outcome(shown, row)


def _add_one_group(document: Any, table: Findings, interval: str) -> None:
    """What is known of one group of each trial, which nothing is compared with."""
    shown = add_table(
        document, ("Outcome", "Trials, people", f"Result ({interval})", "In words"), WIDTHS_OF_ONE
    )
    for row in table.rows:
        said = _effect_told(row) if row.effect else ""
        add_row(shown, [row.outcome, row.size, said, row.statement if row.effect else row.gap])


def _effect_told(row: Row) -> str:
    assert row.effect
    return f"{row.record.measure} {_told(row.effect)} {row.record.unit}".rstrip()


def _add_outcome(shown: Any, row: Row) -> None:
    """An outcome in a table: one row, or as many as it has lines, over which the other cells reach."""
    empty = [""] * len(WIDTHS)
    if not row.effect:
        cells = add_row(shown, empty)
        write_cell(cells[0], row.outcome)
        write_cell(cells[1].merge(cells[-1]), row.gap)
        return
    record, drawn = row.record, []
    for line in row.lines or (None,):
        cells = add_row(shown, empty)
        raised = (line.mark if line else "", "", "")
        for cell, text, mark in zip(cells[3:6], line_texts(line), raised, strict=True):
            write_cell(cell, text, raised=mark)
        drawn.append(cells)
    effect = _effect_told(row)
    sure = record.certainty
    level = f"{certainty_marks(sure.level)} {sure.level}" if sure else ""
    for at, text in ((0, row.outcome), (1, row.size), (2, effect), (6, level), (7, row.statement)):
        cell = drawn[0][at].merge(drawn[-1][at]) if len(drawn) > 1 else drawn[0][at]
        write_cell(cell, text, raised=",".join(row.marks) if at == 6 else "")


def line_texts(line: Line | None) -> tuple[str, str, str]:
    """What stands under the control, the treatment and the difference, as the page shows it.

    >>> line_texts(None)
    ('', '', '')
    """
    if line is None:
        return "", "", ""
    span = f" ({line.span[0].text} to {line.span[1].text})" if line.span else ""
    needed = f"; {line.needed}" if line.needed else ""
    return (
        f"{line.control.text}{span} {line.unit}, {line.name}",
        _told(line.experimental) if line.experimental else "",
        f"{_told(line.difference)}{needed}",
    )


def _told(shown: Estimate) -> str:
    bounds = f" ({shown.low.text} to {shown.high.text})" if shown.bounded else " (interval not estimable)"
    return f"{shown.estimate.text}{bounds}"
