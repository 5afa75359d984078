"""What the rows of the evidence must say of each other: keys, joins, spreads, counts.

A rule looks at whole columns (a boolean a row), never at one row after another. Rules of thumb about the
*numbers* (implausible spreads, estimates outside their interval) are no faults of form: the audit marks them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialpool.contracts import CONTRAST_MEASURES, INTERVALS, OUTCOMES, RATIO_CONTRASTS, TABLES
from trialpool.errors import Fault, nearest
from trialpool.measures import RATIOS

Tables = Mapping[str, pd.DataFrame]
Row = Mapping[str, Any]
SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule about the rows of a table.

    `holds(frame, tables)` gives a boolean a row; the fault is put on `column` with the value found there.
    The rule is silent for a row that has a fault already in one of `uses`, and altogether while a table in
    `needs` could not be read. `problem` may name columns in braces, whose values it then shows; `remedy`
    is text or made from the row and the tables.
    """

    column: str
    uses: tuple[str, ...]
    holds: Callable[[pd.DataFrame, Tables], pd.Series]
    problem: str
    remedy: str | Callable[[Row, Tables], str]
    needs: tuple[str, ...] = ()


def pairs(frame: pd.DataFrame, *columns: str) -> pd.Series:
    """Several text columns as one key a row; missing cells count as empty.

    >>> frame = pd.DataFrame({"a": ["x", None], "b": ["y", "z"]}, dtype="string")
    >>> [key.split(SEPARATOR) for key in pairs(frame, "a", "b")]
    [['x', 'y'], ['', 'z']]
    """
    key = frame[columns[0]].fillna("")
    for column in columns[1:]:
        key = key + SEPARATOR + frame[column].fillna("")
    return key


def key_rule(name: str) -> Rule:
    """No two rows of the table have the same key; the second one is at fault.

    >>> key_rule("arms").uses
    ('study_id', 'arm')
    """
    key = TABLES[name].key

    def holds(frame: pd.DataFrame, tables: Tables) -> pd.Series:
        return ~frame.duplicated(list(key), keep="first")

    def remedy(row: Row, tables: Tables) -> str:
        same = tables[name]
        for column in key:
            same = same[same[column].isna() if pd.isna(row[column]) else same[column] == row[column]]
        first = same["row_id"].iloc[0].replace(":", " row ")
        return f"remove one, or tell them apart; the first stands in {first}"

    return Rule(key[0], key, holds, f"in a second row with the same {', '.join(key)}", remedy)


def study_rule() -> Rule:
    """The row's study stands in studies.csv.

    >>> study_rule().needs
    ('studies',)
    """

    def holds(frame: pd.DataFrame, tables: Tables) -> pd.Series:
        return frame["study_id"].isin(tables["studies"]["study_id"].dropna())

    def remedy(row: Row, tables: Tables) -> str:
        near = nearest(str(row["study_id"]), tables["studies"]["study_id"].dropna())
        return f"write '{near}', or add the trial to studies.csv" if near else "add the trial to studies.csv"

    return Rule("study_id", ("study_id",), holds, "not a study of studies.csv", remedy, ("studies",))


def arm_rule(column: str) -> Rule:
    """The row's study and arm stand together in arms.csv.

    >>> arm_rule("arm_1").uses
    ('study_id', 'arm_1')
    """

    def holds(frame: pd.DataFrame, tables: Tables) -> pd.Series:
        arms = tables["arms"]
        here = pairs(frame, "study_id", column).isin(set(pairs(arms, "study_id", "arm")))
        known = frame["study_id"].isin(tables["studies"]["study_id"])  # else the study's own rule speaks
        return here | (~known & ~frame["study_id"].isin(arms["study_id"]))

    def remedy(row: Row, tables: Tables) -> str:
        arms = tables["arms"]
        known = sorted(arms["arm"][arms["study_id"] == row["study_id"]].dropna())
        near = nearest(str(row[column]), known)
        return f"write '{near}', or add the arm to arms.csv" if near else _arms_remedy(known)

    uses = ("study_id", column)
    return Rule(column, uses, holds, "not an arm of this study in arms.csv", remedy, ("arms", "studies"))


def _arms_remedy(known: list[str]) -> str:
    return (
        f"use one of its arms ({', '.join(known)}), or add the arm to arms.csv" if known else "add it there"
    )


def has_arm(frame: pd.DataFrame, tables: Tables) -> pd.Series:
    """Whether each study has an arm.

    >>> arms = {"arms": pd.DataFrame({"study_id": ["Lu2020"]})}
    >>> has_arm(pd.DataFrame({"study_id": ["Lu2020", "Lu2024"]}), arms).tolist()
    [True, False]
    """
    return frame["study_id"].isin(tables["arms"]["study_id"].dropna())


def pooled_of(frame: pd.DataFrame, tables: Tables) -> pd.Series:
    """Pooled arms name other arms of their study, each once, none itself pooled.

    >>> arms = {"study_id": ["X"] * 3, "arm": ["a", "b", "ab"], "pooled_of": [None, None, "a c"]}
    >>> pooled_of(pd.DataFrame(arms), {}).tolist()
    [True, True, False]
    """
    fine = pd.Series(True, index=frame.index)
    pooled = frame[frame["pooled_of"].notna()]
    single = set(pairs(frame[frame["pooled_of"].isna()], "study_id", "arm"))
    for index, row in pooled.iterrows():
        parts = str(row["pooled_of"]).split()
        known = all(f"{row['study_id']}{SEPARATOR}{part}" in single for part in parts)
        fine[index] = known and len(set(parts)) == len(parts)
    return fine


def adds_to(frame: pd.DataFrame, tables: Tables) -> pd.Series:
    """Arms that add to another name a different arm of their study.

    >>> arms = {"study_id": ["X"] * 3, "arm": ["a", "b", "c"], "adds_to": [None, "a", "c"]}
    >>> adds_to(pd.DataFrame(arms), {}).tolist()
    [True, True, False]
    """
    named = pairs(frame, "study_id", "adds_to").isin(set(pairs(frame, "study_id", "arm")))
    return frame["adds_to"].isna() | (named & (frame["adds_to"] != frame["arm"]).fillna(True))


def of_a_crossover(frame: pd.DataFrame, tables: Tables) -> pd.Series:
    """Only rows of crossover trials name a period.

    >>> studies = pd.DataFrame({"study_id": ["A", "B"], "design": ["crossover", "parallel"]})
    >>> rows = pd.DataFrame({"study_id": ["A", "B"], "period": ["first", "first"]})
    >>> of_a_crossover(rows, {"studies": studies}).tolist()
    [True, False]
    """
    studies = tables["studies"]
    others = studies.loc[studies["design"] != "crossover", "study_id"]
    return frame["period"].isna() | ~frame["study_id"].isin(others)


def _filled(column: str, types: tuple[str, ...]) -> Callable[[pd.DataFrame, Tables], pd.Series]:
    return lambda frame, tables: ~frame["spread_type"].isin(types) | frame[column].notna()


def _empty(column: str, types: tuple[str, ...]) -> Callable[[pd.DataFrame, Tables], pd.Series]:
    return lambda frame, tables: ~frame["spread_type"].isin(types) | frame[column].isna()


def ordered(low: str, high: str) -> Callable[[pd.DataFrame, Tables], pd.Series]:
    """The lower bound is not above the upper one, where both are given.

    >>> ordered("a", "b")(pd.DataFrame({"a": [1, 3], "b": [2, 2]}), {}).tolist()
    [True, False]
    """
    return lambda frame, tables: ~(frame[low] > frame[high])


def spread_rules(intervals: tuple[str, ...], single: tuple[str, ...]) -> tuple[Rule, ...]:
    """spread_low and spread_high hold what spread_type says: both bounds, one value, or nothing.

    >>> {rule.column for rule in spread_rules(("ci95",), ("se",))} == {"spread_low", "spread_high"}
    True
    """
    return (*_low_rules(intervals, single), *_high_rules(intervals, single))


def _low_rules(intervals: tuple[str, ...], single: tuple[str, ...]) -> tuple[Rule, ...]:
    low, uses = "spread_low", ("spread_type", "spread_low")
    empty = "the cell is empty although spread_type names a spread"
    fill = "fill in the value, or write 'none' as spread_type"
    check = "check it against the source"
    swap = "swap the two bounds, or correct a sign"

    def not_negative(frame: pd.DataFrame, tables: Tables) -> pd.Series:
        return ~frame["spread_type"].isin(single) | ~(frame[low] < 0)

    def in_order(frame: pd.DataFrame, tables: Tables) -> pd.Series:
        return ~frame["spread_type"].isin(intervals) | ordered(low, "spread_high")(frame, tables)

    return (
        Rule(low, uses, _filled(low, (*single, *intervals)), empty, fill),
        Rule(low, uses, _empty(low, ("none",)), "beside the spread_type none", "empty it, or name the type"),
        Rule(low, uses, not_negative, f"negative, which no {' or '.join(single)} can be", check),
        Rule(low, (*uses, "spread_high"), in_order, "above spread_high ({spread_high:.10g})", swap),
    )


def _high_rules(intervals: tuple[str, ...], single: tuple[str, ...]) -> tuple[Rule, ...]:
    high, uses = "spread_high", ("spread_type", "spread_high")
    empty = f"the cell is empty although spread_type is an interval ({', '.join(intervals)})"
    beside = f"beside a spread_type that has no upper bound ({', '.join(single)}, none)"
    remedy = "empty the cell, or correct spread_type"
    return (
        Rule(high, uses, _filled(high, intervals), empty, "fill in the upper bound; an interval has both"),
        Rule(high, uses, _empty(high, (*single, "none")), beside, remedy),
    )


def outcome_known(frame: pd.DataFrame, tables: Tables) -> pd.Series:
    """New outcome codes are welcome, misspelt ones are not (a different digit makes another outcome).

    >>> frame = pd.DataFrame({"domain": ["responder"] * 2, "outcome": ["pain_70", "pain_fre"]})
    >>> outcome_known(frame, {}).tolist()
    [True, False]
    """
    codes = frame[["domain", "outcome"]].dropna().drop_duplicates()
    misspelt = {
        (domain, outcome)
        for domain, outcome in codes.itertuples(index=False)
        if misspelling(outcome, OUTCOMES.get(domain, ()))
    }
    found = zip(frame["domain"], frame["outcome"], strict=True)
    return pd.Series([code not in misspelt for code in found], index=frame.index, dtype=bool)


def misspelling(word: str, known: tuple[str, ...]) -> str:
    """The known word that `word` is most probably a slip of ("" if it is known, or a word of its own).

    >>> misspelling("improvd", ("improved", "cured")), misspelling("pain_70", ("pain_30", "pain_50"))
    ('improved', '')
    """
    letters = "".join(sign for sign in word if not sign.isdigit())
    if word in known or letters in {"".join(s for s in entry if not s.isdigit()) for entry in known}:
        return ""
    return nearest(word, known, 0.85)


def measure_known(frame: pd.DataFrame, tables: Tables) -> pd.Series:
    """New measures of contrasts are welcome, misspelt ones are not.

    >>> measure_known(pd.DataFrame({"measure": ["odds_ratio", "ods_ratio"]}), {}).tolist()
    [True, False]
    """
    slips = {word for word in frame["measure"].dropna().unique() if misspelling(word, CONTRAST_MEASURES)}
    return ~frame["measure"].isin(slips)


def _positive(column: str, measures: tuple[str, ...]) -> Callable[[pd.DataFrame, Tables], pd.Series]:
    def holds(frame: pd.DataFrame, tables: Tables) -> pd.Series:
        bounds = column.startswith("spread")
        interval = frame["spread_type"].isin(list(INTERVALS)) if bounds else True
        return ~(frame["measure"].isin(measures) & interval & (frame[column] <= 0))

    return holds


def ratio_rules(columns: tuple[str, ...], measures: tuple[str, ...], *uses: str) -> tuple[Rule, ...]:
    """Ratios and their bounds are above 0, that is, not entered as logarithms.

    >>> [rule.column for rule in ratio_rules(("ci_low", "ci_high"), ("RR",))]
    ['ci_low', 'ci_high']
    """
    remedy = "check it against the source; ratios are entered on their natural scale, not as logarithms"
    return tuple(
        Rule(
            column,
            ("measure", column, *uses),
            _positive(column, measures),
            "not above 0, as a ratio must be",
            remedy,
        )
        for column in columns
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
        *ratio_rules(("estimate", "spread_low", "spread_high"), RATIO_CONTRASTS, "spread_type"),
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
        *ratio_rules(("estimate", "ci_low", "ci_high"), RATIOS),
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
