"""Numbers on the page that carry their exact value and the place in the record that they were read from.

`<data value="-1.234567" data-from="dpn-pain/pooled.estimate">−1.23</data>`: what is shown is rounded, what is
meant stays exact, and a test can walk the page and compare every number with its record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from trialpool import io
from trialpool import text as words
from trialpool.view.forest_table import Estimate, Number, estimate_of

NOT_ESTIMABLE = " (interval not estimable)"
_DATA = Markup('<data value="{}" data-from="{}/{}">{}</data>')


def mark(record: Mapping[str, Any], place: str, value: Any, text: str) -> Markup:
    """A shown number with its exact value and its place in `record`; a missing value is a plain dash.

    >>> print(mark({"analysis": "a"}, "k", 3, "3 trials"))
    <data value="3" data-from="a/k">3 trials</data>
    """
    if words.absent(value):
        return Markup.escape(words.MISSING)
    return _DATA.format(io.cell(value), record["analysis"], place, text)


def marked(record: Mapping[str, Any], number: Number) -> Markup:
    """A number of the view of `record`, as it is printed there.

    >>> print(marked({"analysis": "a"}, Number(68.4, "68%", "pooled.i2")))
    <data value="68.4" data-from="a/pooled.i2">68%</data>
    """
    return mark(record, number.place, number.value, number.text)


def shown_estimate(record: Mapping[str, Any], shown: Estimate, unbounded: str = "") -> Markup:
    """An estimate and its interval for a table cell; `unbounded` stands where the interval is not known.

    >>> row = {"estimate": 2.0, "ci_low": 1.0, "ci_high": 4.0}
    >>> record = {"analysis": "a", "measure": "RR", "pooled": row}
    >>> shown_estimate(record, estimate_of(record, row, list(row), "pooled.")).striptags()
    '2.00 (1.00 to 4.00)'
    """
    estimate, low, high = (marked(record, number) for number in (shown.estimate, shown.low, shown.high))
    if shown.estimate.value is None or not shown.bounded:
        return estimate if shown.estimate.value is None else estimate + unbounded
    return Markup('{} <span class="ci">({} to {})</span>').format(estimate, low, high)


def estimate_cell(
    record: Mapping[str, Any], holder: Mapping[str, Any], place: str, keys: Sequence[str]
) -> Markup:
    """An effect, the `keys` of `holder` (found at `place` in the record), in the decimals that suit it alone.

    >>> record = {"analysis": "a", "measure": "MD"}
    >>> estimate_cell(record, {"estimate": -1.5}, "pooled.", ["estimate", "ci_low", "ci_high"]).striptags()
    '−1.50 (interval not estimable)'
    """
    return shown_estimate(record, estimate_of(record, holder, keys, place), NOT_ESTIMABLE)


def interval_cell(record: Mapping[str, Any], shown: Estimate | None) -> Markup:
    """The bounds "a to b" for a table cell, a dash where there are none.

    >>> interval_cell({"analysis": "a"}, None)
    Markup('—')
    """
    if shown is None or not shown.bounded:
        return Markup.escape(words.MISSING)
    return Markup("{} to {}").format(marked(record, shown.low), marked(record, shown.high))
