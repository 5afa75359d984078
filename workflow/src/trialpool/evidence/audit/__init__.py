"""Evidence tables in, findings out: what a careful reader would ask about the numbers before believing them.

The audit reports and never drops: every finding names its rule, the rows, the numbers and what to check.
Which rows break a rule is found out in `audit.checks`; how grave that is, in what words: schemas/audit.yaml.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from trialpool.contracts import AUDIT
from trialpool.evidence.audit.checks import CHECKS, Tables, sentences
from trialpool.evidence.derivation import plain_text, with_randomised
from trialpool.evidence.scales import WHOLE_NUMBER_COLUMNS, with_scales
from trialpool.evidence.summaries import CORRELATION, centre_and_spread
from trialpool.vocabulary import Vocabulary, general
from trialpool.yaml_files import shipped


class Rule(NamedTuple):
    """How grave a finding is, its words, what to check, and the sentence with the numbers behind it."""

    severity: str
    finding: str
    check: str
    numbers: str


RULES = {name: Rule(**words) for name, words in shipped("audit").items()}
SEVERITIES = {"high": 0, "medium": 1, "low": 2}


def audit(
    tables: Mapping[str, pd.DataFrame], catalogue: Mapping[str, Any], vocabulary: Vocabulary | None = None
) -> pd.DataFrame:
    """Every finding of every rule, columns of `contracts.AUDIT`, the gravest first, then by trial and row.

    `tables` are the evidence tables (`evidence.read`), `catalogue` the instruments, `vocabulary` the words of
    the review. `row_ids` are separated by spaces; `study_id` is empty for a finding about all trials
    together, and a review's id for a published pool.
    """
    prepared = prepare(tables, catalogue, vocabulary or general())
    found = [(rule, rows) for check in CHECKS for rule, rows in check(prepared)]
    none = pd.DataFrame(columns=list(AUDIT.names), dtype=object)
    findings = pd.concat([none, *(finding_rows(*each) for each in found if len(each[1]))], ignore_index=True)
    findings = findings.assign(order=findings["severity"].map(SEVERITIES))
    order = ["order", "study_id", "rule", "row_ids", "numbers"]
    return findings.sort_values(order, kind="stable")[list(AUDIT.names)].reset_index(drop=True)


def prepare(
    tables: Mapping[str, pd.DataFrame], catalogue: Mapping[str, Any], vocabulary: Vocabulary
) -> Tables:
    """The evidence tables as the rules want them: text plain, scores with their scale and their SD.

    `continuous` and `contrasts` gain the columns of `scales.with_scales` (the range only where the row is in
    the instrument's unit); `continuous` also `n_any` (n, or the number randomised), `sd` (as printed, or from
    the row's own SE, interval or quartiles; NaN where none leads to one) and `one_scale` (the name of its
    domain, if all scales of that measure one thing).
    """
    frames = {name: plain_text(frame) for name, frame in tables.items()}
    for name in ("continuous", "contrasts"):
        rows = with_scales(frames[name], catalogue, WHOLE_NUMBER_COLUMNS)
        own_unit = (rows["unit"] == rows["unit_usual"]) | (rows["unit_usual"] == "") | (rows["unit"] == "")
        frames[name] = rows.assign(low=rows["low"].where(own_unit), high=rows["high"].where(own_unit))
    rows = frames["continuous"]
    frames["continuous"] = rows = rows[rows["centre_type"] != CORRELATION].copy()  # which has no scale
    domains = {code: vocabulary.domain(code) for code in rows["domain"].unique()}
    rows["one_scale"] = rows["domain"].map({code: d.name for code, d in domains.items() if d.one_scale})
    rows["n_any"], _ = with_randomised(rows, frames["arms"])
    rows["sd"] = centre_and_spread(rows.assign(n=rows["n_any"]))["sd"].astype(float)
    return frames


def finding_rows(rule: str, rows: pd.DataFrame) -> pd.DataFrame:
    """Findings of one rule, one a row of `rows` (which has study_id, source_url and row_ids or row_id)."""
    words = RULES[rule]
    found = rows[["study_id", "source_url"]].assign(
        rule=rule,
        severity=rows.get("severity", words.severity),
        row_ids=rows.get("row_ids", rows.get("row_id")),
        numbers=sentences(words.numbers, rows),
        finding=words.finding,
        check=words.check,
    )
    return found[list(AUDIT.names)].astype(object)
