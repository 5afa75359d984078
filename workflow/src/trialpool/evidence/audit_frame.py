"""What the audit's rules share: the prepared tables, and the form of a finding."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from trialpool.evidence.derivation import plain_text
from trialpool.evidence.scales import instrument_entry
from trialpool.evidence.summaries import centre_and_spread

FINDING_COLUMNS = (*("rule", "severity", "study_id", "row_ids", "numbers", "finding", "check", "source_url"),)
HIGH, MEDIUM, LOW = "high", "medium", "low"
SEVERITIES = (HIGH, MEDIUM, LOW)
OUTCOME = ["study_id", "domain", "instrument", "item", "unit"]
TIME = ["weeks", "timepoint", "measure"]

Tables = dict[str, pd.DataFrame]


def prepare(tables: Mapping[str, pd.DataFrame], catalogue: Mapping[str, Any]) -> Tables:
    """The evidence tables as the rules want them: text plain, scores with their scale and their SD.

    `continuous` gains the columns of `with_facts`, `n_any` (n, or the number randomised) and `sd` (as
    printed, or from the row's own SE, interval or quartiles; NaN where none leads to one), `contrasts` those
    of `with_facts`.
    """
    frames = {name: plain_text(frame) for name, frame in tables.items()}
    rows = with_facts(frames["continuous"], catalogue)
    randomised = tables["arms"].set_index(["study_id", "arm"])["n_randomised"]
    stand_in = rows[["study_id", "arm"]].join(randomised, on=["study_id", "arm"])["n_randomised"]
    rows["n_any"] = rows["n"].fillna(stand_in)
    rows["sd"] = centre_and_spread(rows.assign(n=rows["n_any"]))["sd"].astype(float)
    return {**frames, "continuous": rows, "contrasts": with_facts(frames["contrasts"], catalogue)}


def with_facts(rows: pd.DataFrame, catalogue: Mapping[str, Any]) -> pd.DataFrame:
    """The rows with what the catalogue says of their instrument or part.

    Columns: `low`, `high` (its range where the row is in its unit, else NaN), `better_usual`, `unit_usual`,
    `integer_items` (NaN if not declared), `binary`, `defined`.

    >>> rows = pd.DataFrame({"instrument": ["NRS"], "item": [""], "unit": ["percent"]})
    >>> catalogue = {"instruments": {"NRS": {"range": [0, 10], "unit": "points", "better": "lower"}}}
    >>> with_facts(rows, catalogue)[["low", "unit_usual"]].to_dict("records")
    [{'low': nan, 'unit_usual': 'points'}]
    """
    pairs = list(zip(rows["instrument"], rows["item"], strict=True))
    facts = {pair: _facts(instrument_entry(catalogue, *pair)) for pair in dict.fromkeys(pairs)}
    names = ("low", "high", "better_usual", "unit_usual", "integer_items", "binary", "defined")
    table = pd.DataFrame([facts[pair] for pair in pairs], index=rows.index, columns=list(names))
    kinds = {"low": float, "high": float, "integer_items": float, "binary": bool, "defined": bool}
    table = table.astype(kinds)  # a table without rows has no types of its own
    own_unit = (rows["unit"] == table["unit_usual"]) | (table["unit_usual"] == "") | (rows["unit"] == "")
    table["low"] = table["low"].where(own_unit)
    table["high"] = table["high"].where(own_unit)
    return pd.concat([rows, table], axis=1)


def _facts(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    low, high = (np.nan if bound is None else float(bound) for bound in entry.get("range") or (None, None))
    better, unit = entry.get("better") or "", entry.get("unit") or ""
    items, binary = float(entry.get("integer_items") or np.nan), bool(entry.get("binary"))
    return low, high, better, unit, items, binary, entry.get("poolable") is not False


def findings(
    rule: str,
    severity: str | Sequence[str],
    rows: pd.DataFrame,
    *,
    numbers: Sequence[str],
    finding: str | Sequence[str],
    check: str,
) -> pd.DataFrame:
    """Findings of one rule, one a row of `rows` (which has study_id, source_url and row_ids or row_id).

    >>> rows = pd.DataFrame({"study_id": ["A2020"], "row_id": ["events.csv:2"], "source_url": ["u"]})
    >>> findings("x", HIGH, rows, numbers=["1 of 0"], finding="impossible", check="n").iloc[0].tolist()
    ['x', 'high', 'A2020', 'events.csv:2', '1 of 0', 'impossible', 'n', 'u']
    """
    ids = rows["row_ids"] if "row_ids" in rows else rows["row_id"]
    columns = {
        "rule": rule,
        "severity": severity,
        "study_id": rows["study_id"].to_numpy(dtype=object),
        "row_ids": ids.to_numpy(dtype=object),
        "numbers": list(numbers),
        "finding": finding,
        "check": check,
        "source_url": rows["source_url"].to_numpy(dtype=object),
    }
    return pd.DataFrame(columns, index=range(len(rows)), columns=list(FINDING_COLUMNS))


def chosen(rows: pd.DataFrame, flags: Iterable[bool]) -> pd.DataFrame:
    """The rows whose flag is set; unlike plain indexing by a list also right for no rows at all.

    >>> chosen(pd.DataFrame({"a": [1, 2]}), [False, True])["a"].tolist()
    [2]
    """
    return rows[np.fromiter(flags, dtype=bool, count=len(rows))]


def what(row: Any) -> str:
    """The outcome of a row in short: "NRS pain, arm acu, week 8".

    >>> from types import SimpleNamespace as Row
    >>> what(Row(instrument="NRS", item="pain", arm="acu", weeks=8.0, timepoint="end_of_treatment"))
    'NRS pain, arm acu, week 8'
    """
    name = " ".join(filter(None, (row.instrument, row.item)))
    arm = getattr(row, "arm", "")
    when = f"week {row.weeks:g}" if row.weeks == row.weeks else row.timepoint.replace("_", " ")
    return ", ".join(filter(None, (name, f"arm {arm}" if arm else "", when)))


def grouped(rows: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """One row a group: the keys, `row_ids` of its rows, how many they are (`rows`), the first source_url.

    >>> rows = pd.DataFrame({"study_id": ["A", "A"], "row_id": ["x:1", "x:2"], "source_url": ["u", "v"]})
    >>> grouped(rows, ["study_id"]).to_dict("records")
    [{'study_id': 'A', 'row_ids': 'x:1 x:2', 'rows': 2, 'source_url': 'u'}]
    """
    groups = rows.groupby(list(keys), sort=False, dropna=False)
    table = groups.agg(
        row_ids=("row_id", " ".join), rows=("row_id", "size"), source_url=("source_url", "first")
    )
    return table.reset_index()


def range_words(low: float, high: float) -> str:
    """The bounds of a scale in words, either of which may be missing.

    >>> range_words(0.0, 10.0), range_words(0.0, float("nan"))
    ('range 0 to 10', 'range from 0')
    """
    if low == low and high == high:
        return f"range {low:g} to {high:g}"
    return f"range from {low:g}" if low == low else f"range up to {high:g}"


def decimals(value: float) -> int:
    """Decimal places of a number as it was typed; trailing zeros are lost on reading, so at least so many.

    >>> decimals(43.27), decimals(-2.0), decimals(0.001)
    (2, 0, 3)
    """
    text = f"{value:.10f}".rstrip("0")
    return len(text.partition(".")[2])


def half_unit(values: pd.Series) -> pd.Series:
    """Half a unit in the last printed place of each number: how far rounding can have moved it.

    >>> half_unit(pd.Series([2.5, 10.0])).tolist()
    [0.05, 0.5]
    """
    return pd.Series([0.5 * 10.0 ** -decimals(v) if v == v else np.nan for v in values], index=values.index)
