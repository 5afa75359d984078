"""The figures of a whole review: where the evidence lies, when it was published, its risk of bias.

They draw what the page shows too: the tables of `view.review` and `view.study`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from trialpool import text as words
from trialpool.figures import canvas, lettering, style
from trialpool.figures.canvas import LEADING, LIGHT, NOT_JUDGED, SIGNS, Look, Sheet, draw_light
from trialpool.text import clean
from trialpool.view.review import Bubble, Population, Timeline
from trialpool.view.study import Bar, Tool

GAP = 16.0

MAP_WIDTH, MAP_LABEL, MAP_ROW = 612.0, 200.0, 18.0
SHRINK = 0.5  # the page's circles, in pixels, to points
MAP_NOTE = (
    "A circle is a question with a result: its area the people, its number the trials; a ring is one trial, "
    "a dash a question without a usable trial, an empty cell a question that was not asked."
)

LEAST_WIDTH, YEAR_STEP, BARS = 420.0, 14.0, 150.0
SERIES = ((style.STUDY, style.STUDY_LIGHT), (style.POOLED, style.POOLED_LIGHT))  # used, known only

LIGHT_LABEL, LIGHT_STEP, LIGHT_ROW, LONGEST_DOMAIN = 120.0, 30.0, 16.0, 136.0
BAR_LEFT, BAR_RIGHT, BAR_ROW, BAR_AXIS = 178.0, 380.0, 15.0, 34.0
BIAS_NOTE = (
    "Judgements of published reviews, with their tools and domains; an empty ring was not judged. Bars: "
    "trials judged, by the worst judgement; beside them also those that nobody judged."
)


@canvas.styled
def draw_evidence_map(
    populations: Sequence[Population], title: str = "Where the evidence lies", *, left_out: int = 0
) -> Figure:
    """One table a population; `populations` are those of `view.review.evidence_map` that have room, and
    `left_out` tells how many have none.
    """
    more = f" {words.count(left_out, 'more population')} not drawn: summary.csv has all." if left_out else ""
    heads = [_outcomes(population) for population in populations]
    heights = [
        18 + LEADING * max(map(len, head), default=0) + 6 + MAP_ROW * len(population.rows) + GAP
        for population, head in zip(populations, heads, strict=True)
    ]
    sheet, y = canvas.headed(title, "", [MAP_NOTE + more], sum(heights), MAP_WIDTH)
    for population, head, height in zip(populations, heads, heights, strict=True):
        _draw_population(sheet, population, head, y, y + height - GAP)
        y += height
    return sheet.figure


def describe_evidence_map(populations: Sequence[Population]) -> str:
    """The figure's text alternative: for each population, how many questions have a result.

    >>> from trialpool.view.read import Appraised, filled
    >>> from trialpool.view.review import evidence_map
    >>> describe_evidence_map(evidence_map([filled(Appraised, {"condition": ["X"], "k": k}) for k in (2, 0)]))
    'Where the evidence lies. X: 1 question with a result, 1 without a usable trial.'
    """
    parts = ["Where the evidence lies."]
    for population in populations:
        results = [bubble for cells in population.rows.values() for cell in cells for bubble in cell]
        full = sum(1 for bubble in results if bubble.record.k)
        answered = (
            f"{words.count(full, 'question')} with a result, {len(results) - full} without a usable trial"
        )
        parts.append(f"{clean(population.heading)}: {answered}.")
    return " ".join(parts)


def _outcomes(population: Population) -> list[tuple[str, ...]]:
    """The names of the columns, on lines."""
    room = (MAP_WIDTH - style.MARGIN - MAP_LABEL) / max(len(population.domains), 1) - 1
    return [lettering.wrap(clean(name), room, lines=4) for name in population.domains]


def _draw_population(
    sheet: Sheet, population: Population, head: Sequence[tuple[str, ...]], top: float, bottom: float
) -> None:
    rows, right = population.rows, MAP_WIDTH - style.MARGIN
    heading = lettering.shorten(clean(population.heading), right - style.MARGIN, style.BODY_SIZE, True)
    sheet.text(style.MARGIN, top + 8, heading, size=style.BODY_SIZE, bold=True)
    start = bottom - MAP_ROW * len(rows)
    ax = sheet.axes((MAP_LABEL, start, right, bottom))
    ax.set_axis_off()
    ax.set(
        xlim=(0.0, right - MAP_LABEL), ylim=(len(rows) - 0.5, -0.5), xticks=[], yticks=[]
    )  # points across, rows down
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
    import pandas as pd
    import seaborn as sns

    results = pd.DataFrame(
        [
            {"x": x, "y": at, "area": (2 * radius) ** 2, "kind": _kind(bubble), "k": bubble.record.k}
            for at, row in enumerate(rows)
            for column, cell in enumerate(row)
            for x, radius, bubble in _side_by_side(cell, step * (column + 0.5), step)
        ],
        columns=["x", "y", "area", "kind", "k"],
    )
    shown = results[results["k"] > 0]
    fills = {"pooled": style.STUDY, "one": style.PAPER}
    look: Look = {"edgecolor": style.STUDY, "linewidth": 0.9, "legend": False, "clip_on": False}
    if len(shown):
        sns.scatterplot(shown, x="x", y="y", hue="kind", palette=fills, s=shown["area"], ax=ax, **look)
    ax.set(xlabel="", ylabel="")
    inks = {"pooled": style.PAPER, "one": style.STUDY, "none": style.MUTED}
    for spot in results.to_dict("records"):
        ink, weight = inks[spot["kind"]], "bold" if spot["kind"] == "pooled" else "normal"
        letters: Look = {"ha": "center", "va": "center_baseline", "fontsize": 6.0, "fontweight": weight}
        ax.text(spot["x"], spot["y"], str(spot["k"] or "–"), color=ink, **letters)


def _kind(bubble: Bubble) -> str:
    return "none" if not bubble.record.k else "pooled" if bubble.record.status == "pooled" else "one"


def _side_by_side(cell: Sequence[Bubble], middle: float, step: float) -> list[tuple[float, float, Bubble]]:
    """x and radius in points of the results of one cell, closer where they would not fit."""
    radii = [SHRINK * bubble.radius if bubble.record.k else 3.0 for bubble in cell]
    gap = 0.8
    room = 2 * sum(radii) + gap * (len(radii) - 1)
    scale = min(1.0, (step - 3) / room) if radii else 1.0
    left, placed = middle - scale * room / 2, []
    for bubble, radius in zip(cell, radii, strict=True):
        placed.append((left + scale * radius, scale * radius, bubble))
        left += scale * (2 * radius + gap)
    return placed


@canvas.styled
def draw_timeline(timeline: Timeline | None, title: str = "When the trials were published") -> Figure:
    """Bars over the years; `timeline` is that of `view.review.timeline`, None where no year is known.

    >>> float(round(draw_timeline(None).get_figwidth(), 2))
    5.83
    """
    years = list(timeline.dots) if timeline else []
    width = max(LEAST_WIDTH, YEAR_STEP * len(years) + 3 * style.MARGIN + 24)
    note = "Dark: trials of which a result is used; light: known without one." if timeline else ""
    note = note or "No trial has a year of publication."
    undated = timeline.undated if timeline else 0
    if timeline and timeline.each > 1:
        note += f" Counted in groups of up to {timeline.each} trials of a year and kind."
    note += f" Not shown, without a year: {words.count(undated, 'trial')}." if undated else ""
    sheet, top = canvas.headed(title, "", [note], BARS + 30 if timeline else 0.0, width)
    if timeline:
        _draw_years(sheet, timeline, years, top)
    return sheet.figure


def describe_timeline(timeline: Timeline | None) -> str:
    """The figure's text alternative: how many trials in which year.

    >>> describe_timeline(Timeline(["X"], {}, {2007: 2}, each=1, undated=1))
    'When the trials were published. 2007: 2 trials. 1 trial without a year.'
    """
    opening = "When the trials were published."
    if not timeline:
        return f"{opening} No trial has a year of publication."
    counts = ", ".join(f"{year}: {words.count(trials, 'trial')}" for year, trials in timeline.trials.items())
    undated = timeline.undated
    return f"{opening} {counts}." + (f" {words.count(undated, 'trial')} without a year." if undated else "")


def _draw_years(sheet: Sheet, timeline: Timeline, years: Sequence[int], top: float) -> None:
    """Trials of a year stacked by condition, those used below those only known."""
    import pandas as pd
    import seaborn as sns

    dots = [(year, 2 * dot.series + (not dot.used)) for year, stack in timeline.dots.items() for dot in stack]
    frame = pd.DataFrame(dots, columns=["year", "kind"])
    ax = sheet.axes((style.MARGIN + 24, top, sheet.width - style.MARGIN, top + BARS))
    kinds = sorted(set(frame["kind"]), reverse=True)  # the first is stacked on top
    palette = {2 * series + known: SERIES[series][known] for series in (0, 1) for known in (0, 1)}
    look = {"alpha": 1.0, "edgecolor": style.PAPER, "linewidth": 0.5, "shrink": 0.84, "legend": False}
    stacked = {"hue": "kind", "hue_order": kinds, "palette": palette, "multiple": "stack", "discrete": True}
    sns.histplot(frame, x="year", ax=ax, **stacked, **look)
    highest = 1.05 * max(frame.groupby("year").size())
    canvas.show_range(ax, 0.0, highest, "Trials", "y")
    ax.set(xlim=(years[0] - 0.6, years[-1] + 0.6), xlabel="")
    labelled = [year for year in years if year % 5 == 0]
    ax.set_xticks(labelled, [str(year) for year in labelled])
    names = [
        words.listing([words.capital(clean(name)) for name in timeline.conditions[series::2]])
        for series in (0, 1)
    ]
    keys = [Patch(facecolor=SERIES[series][0], label=name) for series, name in enumerate(names) if name]
    if keys:
        spot: Look = {
            "loc": "upper left",
            "bbox_to_anchor": (0.0, -0.12),
            "borderaxespad": 0.0,
            "borderpad": 0.0,
        }
        ax.legend(handles=keys, ncols=2, handlelength=1.0, handleheight=0.9, columnspacing=1.6, **spot)


@canvas.styled
def draw_risk_of_bias(tables: Sequence[Tool], title: str = "Risk of bias") -> Figure:
    """Lights and bars of every tool; `tables` are those of `view.study.judged_tools`.

    >>> float(round(draw_risk_of_bias([]).get_figwidth(), 2))
    7.78
    """
    heads = [_head(table) for table in tables]
    heights = [
        head + LIGHT_ROW * len(table.trials) + 14 + BAR_ROW * len(table.domains) + BAR_AXIS + GAP
        for table, head in zip(tables, heads, strict=True)
    ]
    sheet, y = canvas.headed(title, "", [BIAS_NOTE], sum(heights) + 14)
    for table, head, height in zip(tables, heads, heights, strict=True):
        _draw_lights(sheet, table, y, y + head)
        bottom = y + height - GAP - BAR_AXIS
        _draw_bars(sheet, table, (BAR_LEFT, bottom - BAR_ROW * len(table.domains), BAR_RIGHT, bottom))
        y += height
    _draw_key(sheet, y + 6)
    return sheet.figure


def describe_risk_of_bias(tables: Sequence[Tool], trials: int) -> str:
    """The figure's text alternative: how many trials were judged, and the domains with high risk."""
    judged = {trial.study_id for table in tables for trial in table.trials}
    number = words.capital(words.count(len(judged), "trial"))
    parts = [f"Risk of bias. {number} of {trials} judged by published reviews."]
    for table in tables:
        high = [domain for domain, bars in table.domains.items() if _counts(bars)["high"]]
        if high:
            parts.append(f"{clean(table.name)}, high risk in: {words.listing(high)}.")
    return " ".join(parts)


def _counts(bars: Sequence[Bar]) -> dict[str, int]:
    return {bar.light.judgement: bar.count for bar in bars}


def _domain(name: Any, room: float = LONGEST_DOMAIN, size: float = style.SMALL_SIZE) -> str:
    return lettering.shorten(words.capital(clean(name)), room, size)


def _head(table: Tool) -> float:
    """The room that the turned names of the domains need."""
    return 16.0 + max((lettering.width(_domain(name)) for name in table.domains), default=0)


def _draw_lights(sheet: Sheet, table: Tool, top: float, bottom: float) -> None:
    """The trials by the domains of one tool; two judgements of one domain stand side by side."""
    step = min(LIGHT_STEP, (canvas.WIDTH - 2 * style.MARGIN - LIGHT_LABEL) / max(len(table.domains), 1))
    room = LIGHT_LABEL - style.MARGIN - 6
    sheet.text(
        style.MARGIN,
        bottom - 6,
        lettering.shorten(clean(table.name), room, style.BODY_SIZE),
        size=style.BODY_SIZE,
        bold=True,
    )
    for column, domain in enumerate(table.domains):
        x = LIGHT_LABEL + step * (column + 0.5)
        sheet.text(x + 2.4, bottom - 5, _domain(domain), turned=True)
    for line, trial in enumerate(table.trials):
        y = bottom + LIGHT_ROW * (line + 0.5)
        sheet.text(
            style.MARGIN,
            y + 2.8,
            lettering.shorten(clean(trial.label), room, style.BODY_SIZE),
            size=style.BODY_SIZE,
        )
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

    counts = [_counts(bars) for bars in table.domains.values()]
    judged = max((sum(count.get(name, 0) for name in SIGNS) for count in counts), default=0)
    bars = [
        {"domain": at, "judgement": name, "count": count.get(name, 0)}
        for at, count in enumerate(counts)
        for name in SIGNS
    ]
    counted = pd.DataFrame(bars, columns=["domain", "judgement", "count"])
    ax = sheet.axes(frame)
    palette = {name: colour for name, (colour, _) in SIGNS.items()}
    look = {"alpha": 1.0, "linewidth": 0, "shrink": 0.6, "legend": False, "multiple": "stack"}
    order = list(reversed(SIGNS))  # the last begins at zero
    by = {"hue": "judgement", "hue_order": order, "palette": palette, "weights": "count", "discrete": True}
    sns.histplot(counted, y="domain", ax=ax, **by, **look)
    canvas.show_range(ax, 0.0, max(judged, 1), "Trials judged")
    ax.set(ylim=(len(counts) - 0.5, -0.5), ylabel="", yticks=[])
    for at, (domain, shares) in enumerate(table.domains.items()):
        name = _domain(domain, BAR_LEFT - style.MARGIN - 8, style.BODY_SIZE)
        canvas.print_beside(ax, at, style.MARGIN - BAR_LEFT, name, fontsize=style.BODY_SIZE)
        said = ", ".join(f"{bar.count} {bar.light.text}" for bar in shares if bar.count)
        said = lettering.shorten(said, canvas.WIDTH - style.MARGIN - BAR_RIGHT - 8)
        canvas.print_beside(ax, at, 8, said, color=style.MUTED)


def _draw_key(sheet: Sheet, y: float) -> None:
    """What each light means, in one line whose baseline is `y`."""
    x = style.MARGIN + LIGHT
    for judgement in (*SIGNS, NOT_JUDGED):
        draw_light(sheet, x, y - 2.6, LIGHT * 0.8, judgement)
        name = judgement.replace("-", " ")
        sheet.text(x + 8, y, name)
        x += 8 + lettering.width(name) + 18
