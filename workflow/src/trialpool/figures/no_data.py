"""The figure of a question that no trial answers yet: which trials are known, and why none could be used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from trialpool import text as words
from trialpool.figures import forest_notes, lettering, style
from trialpool.figures.sheet import Sheet, new_sheet, put_line, put_lines, put_text
from trialpool.text import clean

WIDTH = 560.0
MOST_LISTED = 15
LEADING, GAP = 9.6, 5.0
TITLE_LEADING = 13.5
COLUMNS = (  # key, heading, x of the aligned side, width
    ("label", "Trial", 12.0, 104.0),
    ("n", "Randomised", 160.0, 46.0),
    ("compared", "Compared", 174.0, 158.0),
    ("why", "Why no number could be used", 344.0, 204.0),
)
OTHER_QUESTION = ("other_comparison", "other_purpose")  # trials of something else are no gap here
NOT_READ = "no number of this outcome could be read"


def draw_no_data(record: Mapping[str, Any]) -> Figure:
    """A list of the known trials of an analysis and the reason why each gave no number.

    >>> bool(draw_no_data({"title": "Pain", "known": [{"label": "Lu 2020"}]}).get_figwidth() > 7)
    True
    """
    rows = _known_rows(record)
    wrapped = [
        {key: lettering.wrap(row[key], room, style.SMALL_SIZE, lines=4) for key, _, _, room in COLUMNS}
        for row in rows
    ]
    room = WIDTH - 2 * style.MARGIN
    title = lettering.wrap(forest_notes.title(record), room, style.TITLE_SIZE, True, 3)
    under = lettering.wrap(forest_notes.subtitle(record), room, style.BODY_SIZE, lines=3)
    message = lettering.wrap(_message(record, rows), room, style.BODY_SIZE, True)
    top = style.MARGIN + len(title) * TITLE_LEADING + (len(under) + len(message)) * LEADING + 12
    body = sum(max(len(lines) for lines in row.values()) * LEADING + GAP for row in wrapped)
    height = top + (body + 26 if rows else 0) + style.MARGIN
    sheet = new_sheet(WIDTH, height)
    y = style.MARGIN + style.TITLE_SIZE * 0.8
    y = put_lines(sheet, style.MARGIN, y, title, TITLE_LEADING, size=style.TITLE_SIZE, bold=True)
    y = put_lines(sheet, style.MARGIN, y - 1, under, LEADING, colour=style.MUTED)
    put_lines(sheet, style.MARGIN, y + 8, message, LEADING, bold=True, colour=style.POOLED)
    if rows:
        _draw_list(sheet, rows, wrapped, top)
    return sheet.figure


def _message(record: Mapping[str, Any], rows: list[dict[str, str]]) -> str:
    if not rows:
        return "No trial of this comparison is known to the evidence tables."
    known = len(rows)
    verb = "is" if known == 1 else "are"
    return f"No trial could be pooled. {words.count(known, 'trial')} of this comparison {verb} known:"


def _known_rows(record: Mapping[str, Any]) -> list[dict[str, str]]:
    """Trials of the comparison with the reasons found for them, known ones first."""
    reasons: dict[str, list[str]] = {}
    labels: dict[str, Mapping[str, Any]] = {}
    for row in record.get("known") or []:
        labels.setdefault(str(row.get("study_id")), row)
    for row in record.get("not_used") or []:
        if row.get("reason_code") in OTHER_QUESTION and str(row.get("study_id")) not in labels:
            continue
        labels.setdefault(str(row.get("study_id")), row)
        reason = NOT_READ if row.get("reason_code") == "no_numbers" else clean(row.get("reason"))
        listed = reasons.setdefault(str(row.get("study_id")), [])
        if reason and reason not in listed:
            listed.append(reason)
    rows = [_known_row(row, reasons.get(study, [])) for study, row in labels.items()]
    if len(rows) > MOST_LISTED:
        rest = len(rows) - MOST_LISTED
        rows = [*rows[:MOST_LISTED], _known_row({"label": f"and {rest} more"}, [" "])]
    return rows


def _known_row(row: Mapping[str, Any], reasons: list[str]) -> dict[str, str]:
    sides = [
        clean(words.spaced(row.get(f"category_{side}"))).replace("+", " + ")
        for side in ("experimental", "control")
    ]
    n = row.get("n_randomised")
    return {
        "label": clean(row.get("label") or row.get("study_id")),
        "n": "" if n is None else words.plain_number(n),
        "compared": " versus ".join(part for part in sides if part),
        "why": words.capital("; ".join(reasons) or NOT_READ),
        "url": words.url(row.get("source_url")),
    }


def _draw_list(
    sheet: Sheet, rows: list[dict[str, str]], wrapped: list[dict[str, tuple[str, ...]]], top: float
) -> None:
    y = top + LEADING
    for key, heading, x, _ in COLUMNS:
        align = "right" if key == "n" else "left"
        put_text(sheet, x, y, heading, size=style.SMALL_SIZE, bold=True, align=align)
    right = WIDTH - style.MARGIN
    put_line(sheet, (style.MARGIN, right), (y + 4,) * 2, thickness=0.9)
    y += 4 + LEADING
    for row, cells in zip(rows, wrapped, strict=True):
        for key, _, x, _ in COLUMNS:
            align = "right" if key == "n" else "left"
            link = row["url"] if key == "label" else ""
            colour = style.MUTED if key in ("compared", "why") else style.INK
            put_lines(
                sheet, x, y, cells[key], LEADING, size=style.SMALL_SIZE, align=align, url=link, colour=colour
            )
        y += max(len(lines) for lines in cells.values()) * LEADING
        put_line(sheet, (style.MARGIN, right), (y - 5, y - 5), colour=style.HAIRLINE, thickness=0.5)
        y += GAP
