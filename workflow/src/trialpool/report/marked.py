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

_DATA = Markup('<data value="{}" data-from="{}/{}">{}</data>')


def mark(record: Mapping[str, Any], place: str, value: Any, text: str) -> Markup:
    """A shown number with its exact value and its place in `record`; a missing value is a plain dash.

    >>> print(mark({"analysis": "a"}, "k", 3, "3 trials"))
    <data value="3" data-from="a/k">3 trials</data>
    """
    if words.absent(value):
        return Markup.escape(words.MISSING)
    return _DATA.format(io.cell(value), record["analysis"], place, text)


def marked_values(
    record: Mapping[str, Any], holder: Mapping[str, Any], prefix: str, keys: Sequence[str]
) -> list[Markup]:
    """Values of `holder` (found at `prefix` in the record) on the measure's scale, in decimals that fit all.

    >>> record = {"analysis": "a", "measure": "MD", "pooled": {"estimate": -1.5}}
    >>> print(marked_values(record, record["pooled"], "pooled.", ["estimate"])[0])
    <data value="-1.5" data-from="a/pooled.estimate">−1.50</data>
    """
    values = [holder.get(key) for key in keys]
    texts = words.format_values(record["measure"], values)
    return [
        mark(record, f"{prefix}{key}", value, text)
        for key, value, text in zip(keys, values, texts, strict=True)
    ]


def estimate_cell(
    record: Mapping[str, Any], holder: Mapping[str, Any], prefix: str, keys: Sequence[str]
) -> Markup:
    """An estimate and its interval for a table cell; `keys` name the estimate and its two bounds.

    >>> record = {"analysis": "a", "measure": "RR"}
    >>> holder = {"estimate": 2.0, "ci_low": 1.0, "ci_high": 4.0}
    >>> estimate_cell(record, holder, "pooled.", list(holder)).striptags()
    '2.00 (1.00 to 4.00)'
    """
    if words.absent(holder.get(keys[0])):
        return Markup.escape(words.MISSING)
    shown = marked_values(record, holder, prefix, keys)
    if words.absent(holder.get(keys[1])) or words.absent(holder.get(keys[2])):
        return Markup("{} (interval not estimable)").format(shown[0])
    return Markup('{} <span class="ci">({} to {})</span>').format(*shown)


def interval_cell(
    record: Mapping[str, Any], holder: Mapping[str, Any], prefix: str, keys: Sequence[str]
) -> Markup:
    """Two bounds "a to b" for a table cell, a dash where one is missing.

    >>> interval_cell({"analysis": "a", "measure": "MD"}, {"low": -1.0, "high": None}, "", ["low", "high"])
    Markup('—')
    """
    if any(words.absent(holder.get(key)) for key in keys):
        return Markup.escape(words.MISSING)
    return Markup("{} to {}").format(*marked_values(record, holder, prefix, keys))
