"""What published meta-analyses pooled, beside the nearest analysis of this review, for the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trialpool import text as words
from trialpool.report import plots
from trialpool.report.marked import estimate_cell
from trialpool.view.axis import no_effect

Row = Mapping[str, Any]
NUMBERS = ("n_studies", "n_participants", "estimate", "ci_low", "ci_high")
RESULT = ("estimate", "ci_low", "ci_high")


def published_views(rows: Sequence[Row], records: Sequence[Row]) -> list[dict[str, Any]]:
    """One view a published pool: its numbers as printed, ours beside them, both on one axis where possible.

    `rows` are rows of published.csv (or of published_pools.csv, then without an analysis of ours).
    """
    by_analysis = {record["analysis"]: record for record in records}
    return [_view(row, by_analysis.get(row.get("analysis") or "")) for row in rows]


def _view(row: Row, record: Row | None) -> dict[str, Any]:
    theirs = {key: _number(row.get(key)) for key in NUMBERS}
    ours = record["pooled"] if record and record["pooled"] else None
    view = {
        **{key: row.get(key) for key in ("review_id", "condition", "comparison", "outcome", "measure")},
        **{key: row.get(key) for key in ("source_url", "locator", "note")},
        **theirs,
        "record": record,
        "ours": estimate_cell(record, ours, "pooled.", RESULT) if record and ours else None,
        "differences": [part for part in str(row.get("differences") or "").split("; ") if part],
        "plot": None,
    }
    same = ours and record and record["measure"] == row.get("measure") and theirs["estimate"] is not None
    if not same or ours is None or record is None:
        return view
    axis = plots.shared_axis(record["measure"], [theirs, ours])
    return view | {
        "plot": plots.whisker(axis, *(theirs[key] for key in RESULT)),
        "our_plot": plots.whisker(axis, *(ours[key] for key in RESULT)),
        "null": plots.percent_position(axis, no_effect(record["measure"])),
    }


def _number(value: Any) -> float | None:
    """A number from a table cell or a CSV cell; None where it is empty.

    >>> _number("1.31"), _number(""), _number(None)
    (1.31, None, None)
    """
    return None if words.absent(value) else float(value)
