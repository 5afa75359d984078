"""The rules of every table, and the check of its instruments against the catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from trialpool.contracts import CONTRAST_MEASURES, INTERVALS, OUTCOMES, RATIOS
from trialpool.errors import Fault, nearest
from trialpool.evidence.checks import (
    Rule,
    Tables,
    adds_to,
    arm_rule,
    has_arm,
    key_rule,
    measure_known,
    misspelling,
    of_a_crossover,
    ordered,
    outcome_known,
    pooled_of,
    ratio_rules,
    spread_rules,
    study_rule,
)

BASELINE = (
    Rule(
        "weeks",
        ("weeks", "timepoint"),
        lambda frame, tables: ~((frame["timepoint"] == "baseline").fillna(False) & (frame["weeks"] > 0)),
        "not the time of a baseline",
        "write 0, or correct the timepoint",
    ),
    Rule(
        "timepoint",
        ("weeks", "timepoint"),
        lambda frame, tables: ~((frame["timepoint"] != "baseline").fillna(False) & (frame["weeks"] == 0)),
        "beside week 0, which is the baseline",
        "write baseline, or correct the weeks",
    ),
    Rule(
        "measure",
        ("measure", "timepoint"),
        lambda frame, tables: (
            ~((frame["timepoint"] == "baseline") & (frame["measure"] == "change")).fillna(False)
        ),
        "not possible at baseline",
        "write final, or correct the timepoint",
    ),
)

PERIOD = Rule(
    "period",
    ("study_id", "period"),
    of_a_crossover,
    "beside a trial that is no crossover",
    "empty it, or correct the design in studies.csv",
    ("studies",),
)
USE = (
    Rule(
        "use_reason",
        ("use", "use_reason"),
        lambda frame, tables: frame["use"].isna() | frame["use_reason"].notna(),
        "the cell is empty although the row is not to be pooled",
        "say why: readers see the reason in place of the number",
    ),
    Rule(
        "use",
        ("use", "use_reason"),
        lambda frame, tables: frame["use"].notna() | frame["use_reason"].isna(),
        "the cell is empty beside a reason",
        "write show_only, or empty use_reason",
    ),
)

RULES: dict[str, tuple[Rule, ...]] = {
    "studies": (
        key_rule("studies"),
        Rule(
            "study_id",
            ("study_id",),
            has_arm,
            "a study without any arm in arms.csv",
            "add its arms there",
            ("arms",),
        ),
    ),
    "arms": (
        key_rule("arms"),
        study_rule(),
        Rule(
            "adds_to",
            ("study_id", "arm", "adds_to"),
            adds_to,
            "not another arm of this study",
            "name the arm whose whole treatment this arm also got",
        ),
        Rule(
            "pooled_of",
            ("study_id", "arm", "pooled_of"),
            pooled_of,
            "not a list of different single arms of this study",
            "name arms of the same study, each once, none of them pooled itself",
        ),
    ),
    "continuous": (
        key_rule("continuous"),
        study_rule(),
        arm_rule("arm"),
        *spread_rules((*INTERVALS, "iqr", "range"), ("sd", "se")),
        *BASELINE,
        PERIOD,
        *USE,
    ),
    "contrasts": (
        key_rule("contrasts"),
        study_rule(),
        arm_rule("arm_1"),
        arm_rule("arm_2"),
        Rule(
            "arm_2",
            ("arm_1", "arm_2"),
            lambda frame, tables: ~(frame["arm_1"] == frame["arm_2"]).fillna(False),
            "the same arm as arm_1",
            "name the arm it was compared with",
        ),
        Rule(
            "measure",
            ("measure",),
            measure_known,
            "probably misspelt",
            lambda row, tables: f"write '{misspelling(str(row['measure']), CONTRAST_MEASURES)}'",
        ),
        Rule(
            "estimate",
            ("estimate", "spread_type"),
            lambda frame, tables: frame["estimate"].notna() | frame["spread_type"].isin(list(INTERVALS)),
            "the cell is empty although no interval is given",
            "fill in the estimate, or the interval it is the midpoint of",
        ),
        *spread_rules(tuple(INTERVALS), ("se",)),
        *ratio_rules(("estimate", "spread_low", "spread_high"), RATIOS, "spread_type"),
        PERIOD,
        *USE,
    ),
    "events": (
        key_rule("events"),
        study_rule(),
        arm_rule("arm"),
        Rule(
            "outcome",
            ("domain", "outcome"),
            outcome_known,
            "probably misspelt",
            lambda row, tables: (
                f"write '{misspelling(str(row['outcome']), OUTCOMES.get(row['domain'], ()))}'"
            ),
        ),
        Rule(
            "events",
            ("events", "n"),
            lambda frame, tables: ~(frame["events"] > frame["n"]),
            "more than n ({n:.10g})",
            "check both against the source; events counts people, not occurrences",
        ),
        PERIOD,
        *USE,
    ),
    "risk_of_bias": (key_rule("risk_of_bias"), study_rule()),
    "published_pools": (
        key_rule("published_pools"),
        Rule(
            "ci_low",
            ("ci_low", "ci_high"),
            ordered("ci_low", "ci_high"),
            "above ci_high ({ci_high:.10g})",
            "swap the two bounds, or correct a sign",
        ),
        *ratio_rules(("estimate", "ci_low", "ci_high"), ("RR", "OR")),
    ),
}


def unknown_instruments(tables: Tables, catalogue: Mapping[str, Any]) -> list[Fault]:
    """Instruments in the evidence that the catalogue does not explain: one fault each, at its first row.

    `catalogue` is config/instruments.yaml as loaded; "CODE:item" entries count as CODE.

    >>> frame = pd.DataFrame({"instrument": ["VAS10O"], "row_id": ["continuous.csv:7"]})
    >>> print(unknown_instruments({"continuous": frame}, {"instruments": {"VAS100": {}}})[0])
    continuous.csv, row 7, column instrument: 'VAS10O' is not in the instrument catalogue (rows: 1). To mend:
    write 'VAS100', or add it to instruments.yaml.
    """
    known = {str(code).split(":")[0] for code in catalogue["instruments"]}
    return [fault for name in ("continuous", "contrasts") for fault in _unknown(tables.get(name), known)]


def _unknown(frame: pd.DataFrame | None, known: set[str]) -> Iterator[Fault]:
    if frame is None:
        return
    odd = frame[~frame["instrument"].isin(known)]
    for code, rows in odd.groupby("instrument", sort=False):
        file, row = rows["row_id"].iloc[0].rsplit(":", 1)
        near = nearest(str(code), sorted(known), 0.8)
        remedy = f"write '{near}', or add it to instruments.yaml" if near else "add it to instruments.yaml"
        problem = f"not in the instrument catalogue (rows: {len(rows)})"
        yield Fault(file, int(row), "instrument", str(code), problem, remedy)
