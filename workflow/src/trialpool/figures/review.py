"""The figures of a whole review: flow and map of its evidence, years of publication, risk of bias.

They draw what the page shows too, the tables of `view.review` and `view.study`; the flow draws the rows of
`evidence.participant_flow`, after the PRISMA 2020 flow diagram (Page 2021).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from trialpool import text as words
from trialpool.figures import canvas, lettering, style
from trialpool.figures.canvas import (
    LEADING,
    LIGHT,
    MORE_SIGNS,
    NOT_JUDGED,
    SIGNS,
    WIDTH,
    Look,
    Sheet,
    draw_light,
)
from trialpool.figures.notes import notes
from trialpool.records import Screening
from trialpool.text import clean
from trialpool.view.prisma import (
    LEFT,
    MAIN,
    OTHER,
    OTHER_LEFT,
    PREVIOUS,
    FlowBox,
    Stage,
    headings,
    prisma_stages,
)
from trialpool.view.review import Bubble, Population, Timeline
from trialpool.view.study import Tool

Row = Mapping[str, Any]
GAP = 16.0

PHASE_WIDTH, MAIN_LEFT, MAIN_WIDTH, SIDE_LEFT = 15.0, 37.0, 236.0, 312.0
RIGHT = WIDTH - style.MARGIN
INSET, ARROW, STEP_GAP = 7.0, 4.2, 20.0
HEAD_LEADING, LINE_LEADING = 11.0, 10.2
LAST_WIDTH = (RIGHT - MAIN_LEFT - STEP_GAP) / 2  # of the two boxes at the foot

MAP_WIDTH, MAP_LABEL, MAP_ROW = 612.0, 200.0, 18.0
SHRINK = 0.5  # the page's circles, in pixels, to points

LEAST_WIDTH, YEAR_STEP, BARS = 420.0, 14.0, 150.0
SERIES = ((style.STUDY, style.STUDY_LIGHT), (style.POOLED, style.POOLED_LIGHT))  # used, known only

LIGHT_LABEL, LIGHT_STEP, LIGHT_ROW, LONGEST_DOMAIN = 120.0, 30.0, 16.0, 136.0
BAR_LEFT, BAR_RIGHT, BAR_ROW, BAR_AXIS = 178.0, 380.0, 15.0, 34.0


# flow


class Box(NamedTuple):
    """A heading with a number of trials and the lines below it, wrapped to a width."""

    head: tuple[str, ...]
    lines: tuple[str, ...]
    width: float
    height: float


def _box(heading: str, trials: int, lines: Iterable[str], width: float) -> Box:
    room = width - 2 * INSET
    title = f"{heading} (n\u00a0=\u00a0{trials:,})"  # on one line
    head = lettering.wrap(title, room, style.BODY_SIZE, True, 3)
    wrapped = tuple(part for line in lines for part in lettering.wrap(line, room, lines=3))
    return Box(head, wrapped, width, 2 * INSET + len(head) * HEAD_LEADING + len(wrapped) * LINE_LEADING - 2)


def draw_flow(rows: Sequence[Row], analysis: str = "", title: str = "Flow of evidence") -> Figure:
    """The flow of the whole review (`analysis` empty) or of one analysis."""
    stages, last = _stages(rows, analysis), _last(rows, analysis)
    heights = [max(main.height, side.height if side else 0.0) for _, main, side in stages]
    bottom = max((box.height for box in last), default=0.0)
    body = sum(heights) + STEP_GAP * (len(stages) - 1) + (STEP_GAP + bottom if last else 0.0)
    sheet, y = canvas.headed(title, "", notes("flow_notes"), body + 2)
    for number, ((phase, main, side), height) in enumerate(zip(stages, heights, strict=True), start=1):
        _draw_phase(sheet, y, height, phase)
        _draw_box(sheet, MAIN_LEFT, y, main.height, main, style.STUDY)
        if side:
            _draw_box(sheet, SIDE_LEFT, y, max(side.height, main.height), side, style.RULE)
            middle = y + main.height / 2
            _draw_arrow(sheet, [(MAIN_LEFT + MAIN_WIDTH, middle), (SIDE_LEFT, middle)])
        if number < len(stages) or last:
            x = MAIN_LEFT + MAIN_WIDTH / 2
            _draw_arrow(sheet, [(x, y + main.height), (x, y + height + STEP_GAP)])
        y += height + STEP_GAP
    if last:
        _draw_last(sheet, y, bottom, last)
    return sheet.figure


def _of(rows: Sequence[Row], analysis: str, *steps: str) -> list[Row]:
    """The rows of the review or of one analysis, of some steps or of all."""
    own = [row for row in rows if (row.get("analysis") or "") == analysis]
    return [row for row in own if row["step"] in steps] if steps else own


def _stages(rows: Sequence[Row], analysis: str) -> list[tuple[str, Box, Box | None]]:
    """Phase, main box and what leaves beside it, from top to bottom."""

    def main(heading: str, step: str, more: Sequence[str] = ()) -> Box:
        row = next(iter(_of(rows, analysis, step)), {"trials": 0})
        return _box(heading, int(row["trials"]), [*_people(row), *more], MAIN_WIDTH)

    def side(heading: str, left: Sequence[Row], lines: Sequence[str] = ()) -> Box:
        return _box(heading, sum(int(row["trials"]) for row in left), lines, RIGHT - SIDE_LEFT)

    reasons = _of(rows, analysis, "not_usable")
    listed = [f"{clean(row['reason'])} (n\u00a0=\u00a0{int(row['trials']):,})" for row in reasons]
    unread = side("No number could be read at a source", _of(rows, analysis, "no_numbers")[:1])
    number = "Trials with any number on this outcome" if analysis else "Trials with any number"
    used = "Trials used" if analysis else "Trials used in at least one analysis"
    unusable = side("Not usable", reasons, listed) if reasons else None
    return [
        ("Known", main("Trials known", "known"), unread),
        ("Read", main(number, "with_numbers"), unusable),
        ("Usable", main(used, "used", _effects(rows, analysis)), None),
    ]


def _effects(rows: Sequence[Row], analysis: str) -> list[str]:
    """How many effects they give, and in how many analyses."""
    if analysis:
        return [words.count(int(row["results"] or 0), "effect") for row in _of(rows, analysis, "used")]
    used = [row for row in rows if row["step"] == "used" and row.get("analysis") and row["trials"]]
    if not used:
        return []
    effects, several = sum(int(row["results"] or 0) for row in used), sum(row["trials"] > 1 for row in used)
    answered = f"{words.count(effects, 'effect')} in {words.count(len(used), 'analysis', 'analyses')}"
    return [answered, f"of which {several:,} pool two trials or more"]


def _last(rows: Sequence[Row], analysis: str) -> list[Box]:
    """The boxes at the foot of the flow of a whole review."""
    steps = () if analysis else _of(rows, "", "pooled_with_others", "alone")
    named = ((words.capital(clean(row["reason"])), row) for row in steps)
    return [_box(name, int(row["trials"]), _people(row), LAST_WIDTH) for name, row in named]


def _people(row: Row) -> list[str]:
    people = row.get("people")
    if words.absent(people) or people is None or not row["trials"]:
        return []
    return [f"{int(people):,} people randomised, as far as reported"]


def _draw_phase(sheet: Sheet, y: float, height: float, phase: str) -> None:
    sheet.box(style.MARGIN, y, PHASE_WIDTH, height, fill=style.HAIRLINE)
    middle = (style.MARGIN + PHASE_WIDTH / 2, y + height / 2)
    sheet.text(*middle, phase, bold=True, align="center", turned=True)


def _draw_last(sheet: Sheet, y: float, height: float, boxes: Sequence[Box]) -> None:
    """The boxes at the foot, beside each other."""
    _draw_phase(sheet, y, height, "Pooled")
    for number, box in enumerate(boxes):
        left = MAIN_LEFT + number * (LAST_WIDTH + STEP_GAP)
        _draw_box(sheet, left, y, height, box, style.STUDY if number else style.POOLED)
        if number:
            start, end, above = MAIN_LEFT + MAIN_WIDTH / 2, left + LAST_WIDTH / 2, y - STEP_GAP / 2
            _draw_arrow(sheet, [(start, above), (end, above), (end, y)])


def _draw_box(sheet: Sheet, left: float, top: float, height: float, box: Box, edge: str) -> None:
    sheet.box(left, top, box.width, height, fill=style.PAPER, edge=edge, thickness=1.1)
    x, y = left + INSET, top + INSET + 7.0
    y = sheet.lines(x, y, box.head, HEAD_LEADING, size=style.BODY_SIZE, bold=True)
    sheet.lines(x, y, box.lines, LINE_LEADING, colour=style.MUTED)


def _draw_arrow(sheet: Sheet, points: Sequence[tuple[float, float]]) -> None:
    """A line through points whose last part, straight across or down, ends in an arrow head."""
    (x0, y0), (x, y) = points[-2:]
    right, down = float(x > x0) - float(x < x0), float(y > y0)
    back, half = 1.5 * ARROW, 0.7 * ARROW
    xs, ys = zip(*points[:-1], (x - right * ARROW, y - down * ARROW), strict=True)
    sheet.line(xs, ys, colour=style.MUTED)
    left, top = x - right * back, y - down * back
    corners = [(left + sign * down * half, top + sign * right * half) for sign in (-1, 1)]
    sheet.shape([*corners, (x, y)], fill=style.MUTED)


# the flow from a search on


SEARCH_BOX, SEARCH_GAP = 150.0, 16.0  # width of a box, and between two beside each other
FIRST_PHASE = 66.0  # as long as its name is, which stands upright


@canvas.styled
def draw_prisma(flow: Screening, title: str = "Flow of records, reports and studies") -> Figure:
    """The PRISMA 2020 flow of a review whose screening is recorded: a column a way of finding records."""
    stages = prisma_stages(flow)
    columns = [name for name in COLUMNS if any(name in stage.boxes for stage in stages)]
    lefts = {name: MAIN_LEFT + at * (SEARCH_BOX + SEARCH_GAP) for at, name in enumerate(columns)}
    rows = [{name: _flow_box(box) for name, box in stage.boxes.items()} for stage in stages]
    heights = [max(box.height for box in row.values()) for row in rows]
    heights[0] = max(heights[0], FIRST_PHASE)
    width = MAIN_LEFT + len(columns) * (SEARCH_BOX + SEARCH_GAP) - SEARCH_GAP + style.MARGIN
    ways = {way: text for way, text in headings(flow).items() if way in columns}
    over = {way: _way(text, 1 + (LEFT_OF.get(way) in columns)) for way, text in ways.items()}
    head = max(box.height for box in over.values()) + SEARCH_GAP
    body = head + sum(heights) + STEP_GAP * (len(rows) - 1)
    sheet, top = canvas.headed(title, "", notes("prisma_notes"), body + 2, width)
    for way, box in over.items():
        sheet.box(lefts[way], top, box.width, head - SEARCH_GAP, fill=style.HAIRLINE)
        sheet.lines(
            lefts[way] + INSET, top + INSET + 7.0, box.head, HEAD_LEADING, size=style.BODY_SIZE, bold=True
        )
    top += head
    tops = [top + sum(heights[:at]) + STEP_GAP * at for at in range(len(rows))]
    for phase, members in _phases(stages):
        last = members[-1]
        _draw_phase(sheet, tops[members[0]], tops[last] + heights[last] - tops[members[0]], phase)
    for row, y, height in zip(rows, tops, heights, strict=True):
        for name, box in row.items():
            edge = style.RULE if name in (LEFT, OTHER_LEFT) else style.STUDY
            _draw_box(sheet, lefts[name], y, height, box, edge)
    _draw_ways(sheet, rows, lefts, list(zip(tops, heights, strict=True)))
    return sheet.figure


COLUMNS = (PREVIOUS, MAIN, LEFT, OTHER, OTHER_LEFT)
LEFT_OF = {MAIN: LEFT, OTHER: OTHER_LEFT}


def _way(heading: str, columns: int) -> Box:
    """The heading of a way of finding studies, as wide as its columns."""
    width = columns * (SEARCH_BOX + SEARCH_GAP) - SEARCH_GAP
    head = lettering.wrap(heading, width - 2 * INSET, style.BODY_SIZE, True, 3)
    return Box(head, (), width, 2 * INSET + len(head) * HEAD_LEADING - 2)


def _flow_box(box: FlowBox) -> Box:
    lines = [f"{words.capital(clean(name))} (n\u00a0=\u00a0{number:,})" for name, number in box.parts]
    if box.number is not None:
        return _box(box.heading, box.number, lines, SEARCH_BOX)
    made = _box(box.heading, 0, lines, SEARCH_BOX)
    head = lettering.wrap(f"{box.heading}:", SEARCH_BOX - 2 * INSET, style.BODY_SIZE, True, 3)
    return made._replace(head=head, height=made.height + (len(head) - len(made.head)) * HEAD_LEADING)


def _phases(stages: Sequence[Stage]) -> Iterable[tuple[str, list[int]]]:
    """The phases in order, each with its rows."""
    found: dict[str, list[int]] = {}
    for at, stage in enumerate(stages):
        found.setdefault(stage.phase, []).append(at)
    return found.items()


def _draw_ways(
    sheet: Sheet,
    rows: Sequence[Mapping[str, Box]],
    lefts: Mapping[str, float],
    places: Sequence[tuple[float, float]],
) -> None:
    """Arrows to who left, down every column, and from the outer columns to what is included."""
    for row, (y, height) in zip(rows, places, strict=True):
        for main, left in LEFT_OF.items():
            if main in row and left in row:
                _draw_arrow(
                    sheet, [(lefts[main] + SEARCH_BOX, y + height / 2), (lefts[left], y + height / 2)]
                )
    for name in (MAIN, OTHER):
        own = [at for at, row in enumerate(rows) if name in row]
        x = lefts.get(name, 0.0) + SEARCH_BOX / 2
        for above, below in pairwise(own):
            y, height = places[above]
            _draw_arrow(sheet, [(x, y + height), (x, places[below][0])])
    included = next(at for at, row in enumerate(rows) if set(row) == {MAIN})
    if OTHER in lefts:
        x, end = lefts[OTHER] + SEARCH_BOX / 2, places[included]
        bottom, y = sum(places[included - 1]), end[0] + end[1] / 2
        _draw_arrow(sheet, [(x, bottom), (x, y), (lefts[MAIN] + SEARCH_BOX, y)])
    if PREVIOUS in lefts:
        x, end = lefts[PREVIOUS] + SEARCH_BOX / 2, places[-1]
        _draw_arrow(
            sheet, [(x, sum(places[0])), (x, end[0] + end[1] / 2), (lefts[MAIN], end[0] + end[1] / 2)]
        )


# map


@canvas.styled
def draw_evidence_map(populations: Sequence[Population], left_out: int = 0) -> Figure:
    """One table for each population that has room; `left_out` tells how many have none."""
    heads = [_outcomes(population) for population in populations]
    heights = [
        18 + LEADING * max(map(len, head), default=0) + 6 + MAP_ROW * len(population.rows) + GAP
        for population, head in zip(populations, heads, strict=True)
    ]
    said = notes("evidence_map_notes", left_out)
    sheet, y = canvas.headed("Where the evidence lies", "", said, sum(heights), MAP_WIDTH)
    for population, head, height in zip(populations, heads, heights, strict=True):
        _draw_population(sheet, population, head, y, y + height - GAP)
        y += height
    return sheet.figure


def _outcomes(population: Population) -> list[tuple[str, ...]]:
    """The names of the columns, on lines."""
    room = (MAP_WIDTH - style.MARGIN - MAP_LABEL) / max(len(population.domains), 1) - 1
    return [lettering.wrap(clean(name), room, lines=4) for name in population.domains]


def _draw_population(
    sheet: Sheet, population: Population, head: Sequence[tuple[str, ...]], top: float, bottom: float
) -> None:
    rows, right = population.rows, MAP_WIDTH - style.MARGIN
    heading, room = clean(population.heading), right - style.MARGIN
    sheet.text(style.MARGIN, top + 8, heading, size=style.BODY_SIZE, bold=True, room=room)
    start = bottom - MAP_ROW * len(rows)
    ax = sheet.axes((MAP_LABEL, start, right, bottom))
    ax.set_axis_off()
    # points across, rows down
    ax.set(xlim=(0.0, right - MAP_LABEL), ylim=(len(rows) - 0.5, -0.5), xticks=[], yticks=[])
    step = (right - MAP_LABEL) / max(len(head), 1)
    for column, lines in enumerate(head):
        x, baseline = MAP_LABEL + step * (column + 0.5), start - 6 - LEADING * (len(lines) - 1)
        sheet.lines(x, baseline, lines, align="center")
    for at in range(len(rows) + 1):
        y, colour = start + MAP_ROW * at, style.HAIRLINE if at else style.RULE
        sheet.line((style.MARGIN, right), (y, y), colour=colour, thickness=0.5)
    for at, comparison in enumerate(rows):
        lines = lettering.wrap(clean(comparison), MAP_LABEL - style.MARGIN - 4, lines=2)
        look: Look = {"verticalalignment": "center", "linespacing": 1.0}
        canvas.print_beside(ax, at, style.MARGIN - MAP_LABEL, "\n".join(lines), **look)
    _draw_results(ax, list(rows.values()), step)


def _draw_results(ax: Axes, rows: Sequence[Sequence[Sequence[Bubble]]], step: float) -> None:
    """A circle a result with its number of trials; a dash where there is none."""
    spots = [
        (x, at, (2 * radius) ** 2, _kind(bubble), bubble.k)
        for at, row in enumerate(rows)
        for column, cell in enumerate(row)
        for x, radius, bubble in _side_by_side(cell, step * (column + 0.5), step)
    ]
    fills = {"pooled": style.STUDY, "one": style.PAPER}
    shown = [(x, y, area, fills[kind]) for x, y, area, kind, k in spots if k]
    look: Look = {"edgecolor": style.STUDY, "linewidth": 0.9, "clip_on": False}
    if shown:
        xs, ys, areas, colours = zip(*shown, strict=True)
        ax.scatter(xs, ys, s=areas, c=colours, **look)
    inks = {"pooled": style.PAPER, "one": style.STUDY, "none": style.MUTED}
    letters: Look = {"ha": "center", "va": "center_baseline", "fontsize": 6.0}
    for x, y, _, kind, k in spots:
        weight = "bold" if kind == "pooled" else "normal"
        ax.text(x, y, str(k or "–"), color=inks[kind], fontweight=weight, **letters)


def _kind(bubble: Bubble) -> str:
    return "none" if not bubble.k else "pooled" if bubble.status == "pooled" else "one"


def _side_by_side(cell: Sequence[Bubble], middle: float, step: float) -> list[tuple[float, float, Bubble]]:
    """x and radius in points of the results of one cell, closer where they would not fit."""
    radii = [SHRINK * bubble.radius if bubble.k else 3.0 for bubble in cell]
    gap = 0.8
    room = 2 * sum(radii) + gap * (len(radii) - 1)
    scale = min(1.0, (step - 3) / room) if radii else 1.0
    left, placed = middle - scale * room / 2, []
    for bubble, radius in zip(cell, radii, strict=True):
        placed.append((left + scale * radius, scale * radius, bubble))
        left += scale * (2 * radius + gap)
    return placed


# years


@canvas.styled
def draw_timeline(timeline: Timeline | None) -> Figure:
    """Bars over the years; None where no year is known."""
    years = list(timeline.dots) if timeline else []
    width = max(LEAST_WIDTH, YEAR_STEP * len(years) + 3 * style.MARGIN + 24)
    said = notes("timeline_notes", timeline)
    body = BARS + 30 if timeline else 0.0
    sheet, top = canvas.headed("When the trials were published", "", said, body, width)
    if timeline:
        _draw_years(sheet, timeline, years, top)
    return sheet.figure


def _draw_years(sheet: Sheet, timeline: Timeline, years: Sequence[int], top: float) -> None:
    """Trials of a year stacked by condition, those used below those only known."""
    import pandas as pd
    import seaborn as sns

    dots = [(year, 2 * dot.series + (not dot.used)) for year, stack in timeline.dots.items() for dot in stack]
    frame = pd.DataFrame(dots, columns=["year", "kind"])
    ax = sheet.axes((style.MARGIN + 24, top, sheet.width - style.MARGIN, top + BARS))
    kinds = sorted(set(frame["kind"]), reverse=True)  # the first is stacked on top
    by: Look = {"hue": "kind", "hue_order": kinds, "palette": [SERIES[kind // 2][kind % 2] for kind in kinds]}
    look: Look = {"alpha": 1.0, "edgecolor": style.PAPER, "linewidth": 0.5, "shrink": 0.84, "legend": False}
    sns.histplot(frame, x="year", multiple="stack", discrete=True, ax=ax, **by, **look)
    highest = 1.05 * max(frame.groupby("year").size())
    canvas.show_range(ax, 0.0, highest, "Trials", "y")
    ax.set(xlim=(years[0] - 0.6, years[-1] + 0.6), xlabel="")
    labelled = [year for year in years if year % 5 == 0]
    ax.set_xticks(labelled, [str(year) for year in labelled])
    names = [words.capital(clean(name)) for name in timeline.conditions]
    labels = [words.listing(names[start::2]) for start in (0, 1)]
    keys = [Patch(facecolor=fill, label=text) for (fill, _), text in zip(SERIES, labels, strict=True) if text]
    if keys:
        room: Look = {"borderaxespad": 0.0, "borderpad": 0.0, "columnspacing": 1.6, "handleheight": 0.9}
        spot: Look = {"loc": "upper left", "bbox_to_anchor": (0.0, -0.12)}
        ax.legend(handles=keys, ncols=2, handlelength=1.0, **spot, **room)


# risk of bias


@canvas.styled
def draw_risk_of_bias(tables: Sequence[Tool]) -> Figure:
    """Lights and bars of every tool."""
    heads = [_head(table) for table in tables]
    heights = [
        head + LIGHT_ROW * len(table.trials) + 14 + BAR_ROW * len(table.domains) + BAR_AXIS + GAP
        for table, head in zip(tables, heads, strict=True)
    ]
    sheet, y = canvas.headed("Risk of bias", "", notes("risk_of_bias_notes", tables), sum(heights) + 14)
    for table, head, height in zip(tables, heads, heights, strict=True):
        _draw_lights(sheet, table, y, y + head)
        bottom = y + height - GAP - BAR_AXIS
        _draw_bars(sheet, table, (BAR_LEFT, bottom - BAR_ROW * len(table.domains), BAR_RIGHT, bottom))
        y += height
    _draw_key(sheet, y + 6, [light.judgement for table in tables for light in table.lights])
    return sheet.figure


def _domain(name: str) -> str:
    return words.capital(clean(name))


def _head(table: Tool) -> float:
    """The room that the turned names of the domains need."""
    names = (lettering.shorten(_domain(name), LONGEST_DOMAIN) for name in table.domains)
    return 16.0 + max(map(lettering.width, names), default=0)


def _draw_lights(sheet: Sheet, table: Tool, top: float, bottom: float) -> None:
    """The trials by the domains of one tool; two judgements of one domain stand side by side."""
    step = min(LIGHT_STEP, (WIDTH - 2 * style.MARGIN - LIGHT_LABEL) / max(len(table.domains), 1))
    room, size = LIGHT_LABEL - style.MARGIN - 6, style.BODY_SIZE
    tool = lettering.shorten(clean(table.name), room, size)  # cut as if it were not bold
    sheet.text(style.MARGIN, bottom - 6, tool, size=size, bold=True)
    for column, domain in enumerate(table.domains):
        x = LIGHT_LABEL + step * (column + 0.5)
        sheet.text(x + 2.4, bottom - 5, _domain(domain), turned=True, room=LONGEST_DOMAIN)
    for line, trial in enumerate(table.trials):
        y = bottom + LIGHT_ROW * (line + 0.5)
        label = trial.label if lettering.drawable(clean(trial.label)) else trial.study_id
        sheet.text(style.MARGIN, y + 2.8, clean(label), size=size, room=room)
        for column, cell in enumerate(trial.cells):
            judgements = [light.judgement for light in cell] or [NOT_JUDGED]
            radius = LIGHT if len(judgements) == 1 else LIGHT * 0.7
            for number, judgement in enumerate(judgements):
                x = LIGHT_LABEL + step * (column + 0.5) + (2 * number - len(judgements) + 1) * radius
                draw_light(sheet, x, y, radius, judgement)


def _draw_bars(sheet: Sheet, table: Tool, frame: canvas.Frame) -> None:
    """One stacked bar a domain over the trials judged, and the counts of all trials beside it."""
    import pandas as pd
    import seaborn as sns

    signs = SIGNS | {light.judgement: MORE_SIGNS[light.judgement] for light in table.lights}
    counts = [{bar.light.judgement: bar.count for bar in bars} for bars in table.domains.values()]
    judged = [(at, name, count.get(name, 0)) for at, count in enumerate(counts) for name in signs]
    counted = pd.DataFrame(judged, columns=["domain", "judgement", "count"])
    ax = sheet.axes(frame)
    order = list(reversed(signs))  # the last begins at zero
    by = {"hue": "judgement", "hue_order": order, "palette": [signs[name][0] for name in order]}
    look: Look = {"alpha": 1.0, "linewidth": 0, "shrink": 0.6, "legend": False, "multiple": "stack"}
    sns.histplot(counted, y="domain", weights="count", discrete=True, ax=ax, **by, **look)
    canvas.show_range(ax, 0.0, max(1, *counted.groupby("domain")["count"].sum()), "Trials judged")
    ax.set(ylim=(len(counts) - 0.5, -0.5), ylabel="", yticks=[])
    for at, (domain, bars) in enumerate(table.domains.items()):
        look = {"size": style.BODY_SIZE, "room": BAR_LEFT - style.MARGIN - 8}
        canvas.print_beside(ax, at, style.MARGIN - BAR_LEFT, _domain(domain), **look)
        told = ", ".join(f"{bar.count} {bar.light.text}" for bar in bars if bar.count)
        canvas.print_beside(ax, at, 8, told, color=style.MUTED, room=RIGHT - BAR_RIGHT - 8)


def _draw_key(sheet: Sheet, y: float, more: Iterable[str] = ()) -> None:
    """What each light means, in one line whose baseline is `y`; `more` are those beside the usual four."""
    x = style.MARGIN + LIGHT
    for judgement in (*SIGNS, *dict.fromkeys(more), NOT_JUDGED):
        draw_light(sheet, x, y - 2.6, LIGHT * 0.8, judgement)
        name = judgement.replace("-", " ")
        sheet.text(x + 8, y, name)
        x += 8 + lettering.width(name) + 18
