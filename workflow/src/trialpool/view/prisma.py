"""The counts of a search in, the boxes of the PRISMA 2020 flow out, for the figure, the page and exports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from trialpool.records import Reports, Screening
from trialpool.yaml_files import shipped

WORDS = shipped("prisma")["flow"]
PREVIOUS, MAIN, LEFT, OTHER, OTHER_LEFT = "previous", "main", "left", "other", "other_left"


class FlowBox(NamedTuple):
    """A box of the flow: its heading with a number, or none where its parts say it all."""

    heading: str
    number: int | None
    parts: tuple[tuple[str, int], ...] = ()


class Stage(NamedTuple):
    """A row of the flow: its phase, and its boxes by their column.

    Columns: what an earlier version included (`previous`), records of databases and registers (`main`) and
    who left them beside (`left`), the same of other ways (`other`, `other_left`).
    """

    phase: str
    boxes: Mapping[str, FlowBox]


def prisma_stages(flow: Screening) -> list[Stage]:
    """The rows of the PRISMA 2020 flow (Page 2021, BMJ 372: n71), from the top.

    >>> from trialpool.records import sketch
    >>> [stage.phase for stage in prisma_stages(sketch(Screening))]
    ['Identification', 'Screening', 'Screening', 'Screening', 'Included']
    """
    columns = [_column(flow.searched, MAIN, LEFT, screened=True)]
    if any(flow.other.found.values()):
        columns.append(_column(flow.other, OTHER, OTHER_LEFT, screened=False))
    stages = [Stage(phase, {}) for phase in WORDS["phases"]]
    rows = [{key: box for column in columns for key, box in column[at].items()} for at in range(4)]
    update = bool(flow.previous_reports)
    if update:
        parts = ((WORDS["previous_reports"], flow.previous_reports),)
        rows[0][PREVIOUS] = FlowBox(WORDS["previous"], flow.previous_studies, parts)
    new = FlowBox(
        WORDS["new" if update else "included"], flow.new_studies, ((WORDS["reports"], flow.new_reports),)
    )
    rows.append({MAIN: new})
    found = [stage._replace(boxes=boxes) for stage, boxes in zip(stages, rows, strict=True)]
    if update:
        total = FlowBox(WORDS["total"], flow.studies, ((WORDS["reports"], flow.reports),))
        found.append(Stage(stages[-1].phase, {MAIN: total}))
    return found


def headings(flow: Screening) -> dict[str, str]:
    """What stands over each way of finding studies, by its first column."""
    new = WORDS["ways"]["new"]["update" if flow.previous_reports else "first"]
    return {column: WORDS["ways"][column].format(new=new) for column in (PREVIOUS, MAIN, OTHER)}


def _column(reports: Reports, main: str, left: str, *, screened: bool) -> list[dict[str, FlowBox]]:
    """The boxes of one way of finding records: identified, screened, sought, assessed, and who left each."""
    named = WORDS["kinds"]
    found = tuple((named[kind], number) for kind, number in reports.found.items() if number or screened)
    before = [(WORDS[name], getattr(reports, name)) for name in ("duplicates", "automation", "removed")]
    rows: list[dict[str, FlowBox]] = [{main: FlowBox(WORDS["identified"], None, found)}, {}]
    if not screened:
        before.append((WORDS["excluded"], reports.excluded))
    if screened or any(number for _, number in before):
        parts = tuple(part for part in before if part[1] or (screened and part[0] == WORDS["duplicates"]))
        rows[0][left] = FlowBox(WORDS["before" if screened else "before_other"], None, parts)
    if screened:
        rows[1] = {
            main: FlowBox(WORDS["screened"], reports.screened),
            left: FlowBox(WORDS["excluded"], reports.excluded),
        }
    reasons = tuple(reports.reasons.items())
    rows.append(
        {
            main: FlowBox(WORDS["sought"], reports.sought),
            left: FlowBox(WORDS["not_retrieved"], reports.not_retrieved),
        }
    )
    rows.append(
        {
            main: FlowBox(WORDS["assessed"], reports.assessed),
            left: FlowBox(WORDS["reports_excluded"], sum(reports.reasons.values()), reasons),
        }
    )
    return rows


def told(flow: Screening) -> Iterator[str]:
    """Every box of the flow as a line of text."""
    for stage in prisma_stages(flow):
        for column, box in stage.boxes.items():
            name = f"{box.heading}, {WORDS['other_ways']}" if column in (OTHER, OTHER_LEFT) else box.heading
            number = "" if box.number is None else f" {box.number:,}"
            parts = "; ".join(f"{what} {amount:,}" for what, amount in box.parts)
            within = f" ({parts})" if number else f" {parts}"
            yield f"{name}:{number}{within if parts else ''}"
