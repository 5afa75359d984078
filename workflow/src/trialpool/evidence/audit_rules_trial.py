"""Whole trials: baselines too different or too alike, numbers that appear in two trials, doubts on record."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import bdtrc, fdtrc

from trialpool.evidence.audit_frame import (
    HIGH,
    LOW,
    MEDIUM,
    Tables,
    decimals,
    findings,
    grouped,
)
from trialpool.evidence.derivation import SHOW_ONLY
from trialpool.evidence.unit_of_analysis import FIRST_PERIOD

BASELINE_P = 0.01
ACROSS_P = 0.01  # for all trials together
TELLING_DIGITS = 4  # significant digits of the numbers of a row, for it to say anything when repeated
REPEATED_ROWS = 2
LARGEST_GROUP = 50  # of trials that share one row: more than that is a common value, not a copy


def baseline_imbalance(tables: Tables) -> pd.DataFrame:
    """Rules baseline_imbalance (one trial) and baselines_too_different / baselines_too_alike (all trials).

    A one-way analysis of variance from means, SDs and n tests every baseline score. Within a trial the
    smallest p, times the number of scores, is compared with 0.01. Over all trials the p-value of each trial's
    first score is used, one a trial because scores of a trial are correlated: as many below 0.05 (or above
    0.95) as chance would hardly give (binomial, p < 0.01) is a finding.
    """
    scores = _baseline_tests(tables["continuous"])
    number = scores.groupby("study_id")["p"].transform("size")
    smallest = scores.loc[scores.groupby("study_id")["p"].idxmin()] if len(scores) else scores
    adjusted = (smallest["p"] * number.reindex(smallest.index)).clip(upper=1.0)
    rows = smallest.assign(number=number, adjusted=adjusted)[adjusted < BASELINE_P]
    single = findings(
        "baseline_imbalance",
        MEDIUM,
        rows,
        numbers=[
            f"{row.instrument} {row.item}".strip()
            + f" at baseline: {row.values_text}, p = {row.p:.2g} (smallest of {row.number:.0f})"
            for row in rows.itertuples()
        ],
        finding="the arms differed at baseline beyond chance",
        check="allocation, labels of the spreads, and whether changes or adjusted values should be preferred",
    )
    return pd.concat([single, _across_trials(scores)])


def _baseline_tests(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows[(rows["timepoint"] == "baseline") & (rows["sd"] > 0) & (rows["n_any"] >= 2)]
    keys = ["study_id", "domain", "instrument", "item", "unit"]
    weighted = rows.assign(
        total=rows["n_any"] * rows["centre"],
        square=rows["n_any"] * rows["centre"] ** 2,
        within=(rows["n_any"] - 1) * rows["sd"] ** 2,
        value_text=[f"{c:g} (SD {s:.3g})" for c, s in zip(rows["centre"], rows["sd"], strict=True)],
    )
    groups = weighted.groupby(keys, sort=False)
    table = groups[["n_any", "total", "square", "within"]].sum()
    table["arms"] = groups.size()
    table["row_ids"] = groups["row_id"].agg(" ".join)
    table["values_text"] = groups["value_text"].agg(" v ".join)
    table["source_url"] = groups["source_url"].first()
    table = table[(table["arms"] > 1) & (table["n_any"] > table["arms"]) & (table["within"] > 0)]
    between = table["square"] - table["total"] ** 2 / table["n_any"]
    df1, df2 = table["arms"] - 1, table["n_any"] - table["arms"]
    f = np.maximum(between, 0.0) / df1 / (table["within"] / df2)
    return table.assign(p=fdtrc(df1, df2, f)).reset_index()


def _across_trials(scores: pd.DataFrame) -> pd.DataFrame:
    first = scores.groupby("study_id", sort=False).head(1)
    trials = len(first)
    parts = []
    for rule, extreme, words in (
        (
            "baselines_too_different",
            first["p"] < 0.05,
            "more trials with different baselines than chance gives",
        ),
        (
            "baselines_too_alike",
            first["p"] > 0.95,
            "more trials with almost equal baselines than chance gives",
        ),
    ):
        count = int(extreme.sum())
        if trials and count and bdtrc(count - 1, trials, 0.05) < ACROSS_P:
            names = ", ".join(first.loc[extreme, "study_id"])
            row = pd.DataFrame(
                {
                    "study_id": [""],
                    "row_ids": [" ".join(first.loc[extreme, "row_ids"])],
                    "source_url": [""],
                }
            )
            parts.append(
                findings(
                    rule,
                    LOW,
                    row,
                    numbers=[f"{count} of {trials} trials beyond 5%, expected {trials * 0.05:.1f}: {names}"],
                    finding=words,
                    check="the trials named, one by one",
                )
            )
    return pd.concat(parts) if parts else findings("", LOW, first.head(0), numbers=[], finding="", check="")


def repeated_numbers(tables: Tables) -> pd.DataFrame:
    """Rule identical_numbers: the same telling numbers, two rows of them or more, in different trials."""
    rows = pd.concat([_score_marks(tables["continuous"]), _event_marks(tables["events"])])
    rows = rows.drop_duplicates(["study_id", "mark"])
    trials = rows.groupby("mark")["study_id"].transform("size")
    rows = rows[(trials > 1) & (trials <= LARGEST_GROUP)]
    pairs = rows.merge(rows, on="mark", suffixes=("", "_2"))
    pairs = pairs[pairs["study_id"] < pairs["study_id_2"]]
    groups = pairs.groupby(["study_id", "study_id_2"], sort=True)
    table = groups.agg(
        count=("mark", "size"),
        marks=("mark", lambda marks: "; ".join(list(marks)[:3])),
        ids=("row_id", " ".join),
        ids_2=("row_id_2", " ".join),
        source_url=("source_url", "first"),
    ).reset_index()
    table = table[table["count"] >= REPEATED_ROWS]
    return findings(
        "identical_numbers",
        HIGH,
        table.assign(row_ids=table["ids"] + " " + table["ids_2"]),
        numbers=[
            f"{row.count_} rows the same as in {row.study_id_2}, such as {row.marks}"
            for row in table.rename(columns={"count": "count_"}).itertuples()
        ],
        finding="two trials print the same numbers",
        check="whether one is a second report of the other, or copied",
    )


def _score_marks(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows[rows["spread_low"].notna() & rows["centre"].notna()]
    bounds = [
        f"{low:g}" if high != high else f"{low:g} {high:g}"
        for low, high in zip(rows["spread_low"], rows["spread_high"], strict=True)
    ]
    mark = [
        f"{r.instrument} {r.centre:g} [{spread}]" for r, spread in zip(rows.itertuples(), bounds, strict=True)
    ]
    digits = rows["centre"].map(significant) + rows["spread_low"].map(significant)
    return rows.assign(mark=mark)[digits >= TELLING_DIGITS][["study_id", "row_id", "source_url", "mark"]]


def _event_marks(rows: pd.DataFrame) -> pd.DataFrame:
    """All arms of one outcome and time as one mark: single counts repeat by chance, whole tables hardly."""
    rows = rows[rows["events"] > 0].sort_values(["study_id", "arm"])
    cells = [f"{e:.0f}/{n:.0f}" for e, n in zip(rows["events"], rows["n"], strict=True)]
    groups = rows.assign(cells=cells).groupby(
        ["study_id", "domain", "outcome", "weeks", "timepoint"], dropna=False
    )
    table = groups.agg(
        cells=("cells", lambda cells: ", ".join(sorted(cells))),
        arms=("arm", "size"),
        row_id=("row_id", " ".join),
        source_url=("source_url", "first"),
    ).reset_index()
    table["mark"] = table["outcome"] + " " + table["cells"]
    return table[table["arms"] > 1][["study_id", "row_id", "source_url", "mark"]]


def significant(value: float) -> int:
    """Significant digits of a number as it was typed.

    >>> significant(43.27), significant(0.05), significant(20.0)
    (4, 1, 2)
    """
    text = f"{abs(value):.{decimals(value)}f}".replace(".", "").lstrip("0")
    return len(text)


DOUBTED = (HIGH, "whoever read the report doubts it as a whole", "what the note says, before it is pooled")
ODD = (LOW, "whoever read this number holds it back", "the reason given, in the source")
SAME_PEOPLE = (
    LOW,
    "crossover trial: its arms are the same people, not two groups",
    "whether paired differences, or the first period alone, are reported",
)


def doubts_on_record(tables: Tables) -> pd.DataFrame:
    """Rules doubted_report, doubted_row, paired_arms: what the columns of the tables say themselves."""
    studies = tables["studies"]
    names = ("continuous", "contrasts", "events")
    columns = ["study_id", "row_id", "source_url", "period", "use", "use_reason"]
    rows = pd.concat([tables[name][columns] for name in names])
    crossover = rows["study_id"].isin(studies.loc[studies["design"] == "crossover", "study_id"])
    crossed = rows[crossover & (rows["period"] != FIRST_PERIOD)]
    doubted = studies[studies["report_status"] != ""]
    odd = rows[rows["use"] == SHOW_ONLY]
    return pd.concat(
        [
            _on_record("doubted_report", DOUBTED, doubted, doubted["setting_note"]),
            _on_record("doubted_row", ODD, odd, odd["use_reason"]),
            _on_record("paired_arms", SAME_PEOPLE, grouped(crossed, ["study_id"])),
        ]
    )


def _on_record(
    rule: str, words: tuple[str, str, str], rows: pd.DataFrame, numbers: Sequence[str] | None = None
) -> pd.DataFrame:
    severity, finding, check = words
    if numbers is None:
        numbers = [f"{count} row{'s' if count > 1 else ''}" for count in rows["rows"]]
    return findings(rule, severity, rows, numbers=numbers, finding=finding, check=check)
