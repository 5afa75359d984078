"""The flow of evidence as a figure after the PRISMA 2020 flow diagram (Page 2021): boxes, arrows, reasons.

It draws the rows of `evidence.participant_flow`, of the whole review or of one analysis, and computes nothing
but the totals that stand in the same rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from trialpool import text as words
from trialpool.figures import lettering, style
from trialpool.figures.canvas import WIDTH, Sheet, headed
from trialpool.text import clean

PHASE_LEFT, PHASE_WIDTH = 12.0, 15.0
MAIN_LEFT, MAIN_WIDTH = 37.0, 236.0
SIDE_LEFT = 312.0
SIDE_WIDTH = WIDTH - style.MARGIN - SIDE_LEFT
INSET, LEADING, GAP = 7.0, 10.2, 20.0
HEAD_LEADING = 11.0
ARROW = 4.2
NOTE = (
    "Searching and screening are not recorded in the evidence tables: the flow starts with the trials known."
)
USED_WORDS = {"": "Trials used in at least one analysis", "one": "Trials used"}

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Box:
    """A heading, already wrapped, and lines below it."""

    head: tuple[str, ...]
    lines: tuple[str, ...]

    @property
    def height(self) -> float:
        """Height in points, inset included."""
        return 2 * INSET + len(self.head) * HEAD_LEADING + len(self.lines) * LEADING - 2


def draw_flow(rows: Sequence[Row], analysis: str = "", title: str = "Flow of evidence") -> Figure:
    """The flow of the whole review (`analysis` empty) or of one analysis.

    >>> rows = [{"analysis": "", "step": "known", "reason": "trials known", "trials": 3, "people": 90}]
    >>> float(round(draw_flow(rows).get_figwidth(), 2))
    7.78
    """
    stages, last = _stages(rows, analysis), _last(rows, analysis)
    heights = [max(main.height, side.height if side else 0.0) for _, main, side in stages]
    bottom = max((box.height for box in last), default=0.0)
    body = sum(heights) + GAP * (len(stages) - 1) + (GAP + bottom if last else 0.0)
    sheet, y = headed(title, "", [NOTE], body + 2)
    for number, ((phase, main, side), height) in enumerate(zip(stages, heights, strict=True), start=1):
        _draw_phase(sheet, y, height, phase)
        _draw_box(sheet, MAIN_LEFT, y, MAIN_WIDTH, main.height, main, style.STUDY)
        if side:
            _draw_box(sheet, SIDE_LEFT, y, SIDE_WIDTH, max(side.height, main.height), side, style.RULE)
            middle = y + main.height / 2
            _draw_arrow(sheet, [(MAIN_LEFT + MAIN_WIDTH, middle), (SIDE_LEFT, middle)])
        if number < len(stages) or last:
            x = MAIN_LEFT + MAIN_WIDTH / 2
            _draw_arrow(sheet, [(x, y + main.height), (x, y + height + GAP)])
        y += height + GAP
    if last:
        _draw_last(sheet, y, bottom, last)
    return sheet.figure


def describe_flow(rows: Sequence[Row], analysis: str = "", title: str = "Flow of evidence") -> str:
    """The same in sentences, as the text alternative of the figure.

    >>> describe_flow([{"analysis": "", "step": "known", "reason": "trials known", "trials": 3}])
    'Flow of evidence. Trials known: 3.'
    """
    parts = [f"{clean(title)}."]
    for row in _of(rows, analysis):
        start = "not usable: " if row["step"] == "not_usable" else ""
        parts.append(words.capital(f"{start}{clean(row['reason'])}: {_number(row['trials'])}."))
    return " ".join(parts)


def _of(rows: Sequence[Row], analysis: str) -> list[Row]:
    return [row for row in rows if (row.get("analysis") or "") == analysis]


def _step(rows: Sequence[Row], analysis: str, step: str) -> Row:
    matching = [row for row in _of(rows, analysis) if row["step"] == step]
    return matching[0] if matching else {"trials": 0, "people": None, "results": None, "reason": step}


def _stages(rows: Sequence[Row], analysis: str) -> list[tuple[str, Box, Box | None]]:
    """Phase, main box and what leaves beside it, from top to bottom."""
    known, used = _step(rows, analysis, "known"), _step(rows, analysis, "used")
    without, numbered = _step(rows, analysis, "no_numbers"), _step(rows, analysis, "with_numbers")
    reasons = [row for row in _of(rows, analysis) if row["step"] == "not_usable"]
    left = sum(int(row["trials"]) for row in reasons)
    listed = [f"{clean(row['reason'])} {_in_brackets(row['trials'])}" for row in reasons]
    read = _main("Trials with any number" + (" on this outcome" if analysis else ""), numbered)
    return [
        (
            "Known",
            _main("Trials known", known),
            _side("No number could be read at a source", without["trials"], []),
        ),
        ("Read", read, _side("Not usable", left, listed) if reasons else None),
        ("Usable", _main(USED_WORDS["one" if analysis else ""], used, _effects(rows, analysis)), None),
    ]


def _effects(rows: Sequence[Row], analysis: str) -> list[str]:
    """How many effects they give, and in how many analyses."""
    used = [row for row in rows if row["step"] == "used" and (row.get("analysis") or "") == analysis]
    if analysis:
        return [words.count(int(row["results"] or 0), "effect") for row in used]
    used = [row for row in rows if row["step"] == "used" and row.get("analysis") and row["trials"]]
    if not used:
        return []
    effects, several = sum(int(row["results"] or 0) for row in used), sum(row["trials"] > 1 for row in used)
    answered = f"{words.count(effects, 'effect')} in {words.count(len(used), 'analysis', 'analyses')}"
    return [answered, f"of which {_number(several)} pool two trials or more"]


def _last(rows: Sequence[Row], analysis: str) -> list[Box]:
    if analysis:
        return []
    width = (WIDTH - style.MARGIN - MAIN_LEFT - GAP) / 2
    steps = [row for row in _of(rows, "") if row["step"] in ("pooled_with_others", "alone")]
    return [_box(words.capital(clean(row["reason"])), row["trials"], _people(row), width) for row in steps]


def _main(heading: str, row: Row, more: Sequence[str] = ()) -> Box:
    return _box(heading, row["trials"], [*_people(row), *more], MAIN_WIDTH)


def _side(heading: str, trials: Any, lines: Sequence[str]) -> Box:
    return _box(heading, trials, lines, SIDE_WIDTH)


def _box(heading: str, trials: Any, lines: Sequence[str], width: float) -> Box:
    room = width - 2 * INSET
    head = lettering.wrap(f"{heading} {_in_brackets(trials)}", room, style.BODY_SIZE, True, 3)
    wrapped = [part for line in lines for part in lettering.wrap(line, room, lines=3)]
    return Box(tuple(head), tuple(wrapped))


def _people(row: Row) -> list[str]:
    people = row.get("people")
    if words.absent(people) or not row["trials"]:
        return []
    return [f"{_number(people)} people randomised, as far as reported"]


def _in_brackets(trials: Any) -> str:
    """How many trials, kept together by no-break spaces."""
    return f"(n\u00a0=\u00a0{_number(trials)})"


def _number(value: Any) -> str:
    return f"{int(value):,}"


def _draw_phase(sheet: Sheet, y: float, height: float, phase: str) -> None:
    sheet.box(PHASE_LEFT, y, PHASE_WIDTH, height, fill=style.HAIRLINE)
    middle = (PHASE_LEFT + PHASE_WIDTH / 2, y + height / 2)
    sheet.text(*middle, phase, bold=True, align="center", turned=True)


def _draw_last(sheet: Sheet, y: float, height: float, boxes: Sequence[Box]) -> None:
    """The boxes at the foot, beside each other."""
    _draw_phase(sheet, y, height, "Pooled")
    width = (WIDTH - style.MARGIN - MAIN_LEFT - GAP) / 2
    for number, box in enumerate(boxes):
        left = MAIN_LEFT + number * (width + GAP)
        _draw_box(sheet, left, y, width, height, box, style.STUDY if number else style.POOLED)
        if number:
            start, end = MAIN_LEFT + MAIN_WIDTH / 2, left + width / 2
            _draw_arrow(sheet, [(start, y - GAP / 2), (end, y - GAP / 2), (end, y)])


def _draw_box(
    sheet: Sheet, left: float, top: float, width: float, height: float, box: Box, edge: str
) -> None:
    sheet.box(left, top, width, height, fill=style.PAPER, edge=edge, thickness=1.1)
    y = sheet.lines(left + INSET, top + INSET + 7.0, box.head, HEAD_LEADING, size=style.BODY_SIZE, bold=True)
    sheet.lines(left + INSET, y, box.lines, LEADING, colour=style.MUTED)


def _draw_arrow(sheet: Sheet, points: Sequence[tuple[float, float]]) -> None:
    """A line through points whose last part, straight across or down, ends in an arrow head."""
    (x0, y0), (x, y) = points[-2:]
    right, down = float(x > x0), float(y > y0)
    back, half = 1.5 * ARROW, 0.7 * ARROW
    xs, ys = zip(*points[:-1], (x - right * ARROW, y - down * ARROW), strict=True)
    sheet.line(xs, ys, colour=style.MUTED)
    base = (x - right * back, y - down * back)
    corners = [
        (base[0] - down * half, base[1] - right * half),
        (base[0] + down * half, base[1] + right * half),
    ]
    sheet.shape([*corners, (x, y)], fill=style.MUTED)
