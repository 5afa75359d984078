"""Counts: people beyond those randomised, whole-number arithmetic of means."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from trialpool.contracts import INTERVALS
from trialpool.evidence.audit_frame import HIGH, LOW, MEDIUM, Tables, chosen, decimals, findings, what
from trialpool.evidence.audit_integers import debit, grim, grim_can_tell, grimmer


def people_beyond_randomised(tables: Tables) -> pd.DataFrame:
    """Rules n_exceeds_randomised and arms_exceed_trial: more people analysed than there were."""
    arms = tables["arms"]
    randomised = _randomised(arms)
    parts = []
    for name, columns in (
        ("continuous", (("arm", "n"),)),
        ("events", (("arm", "n"),)),
        ("contrasts", (("arm_1", "n_1"), ("arm_2", "n_2"))),
    ):
        for arm, n in columns:
            rows = tables[name].rename(columns={"outcome": "instrument"})
            rows = rows.assign(item=rows.get("item", ""), who=rows[arm], people=rows[n])
            limit = (
                rows[["study_id", arm]].rename(columns={arm: "arm"}).join(randomised, on=["study_id", "arm"])
            )
            rows = rows.assign(limit=limit["n_randomised"])
            parts.append(rows[rows["people"] > rows["limit"]])
    rows = pd.concat(parts)
    found = findings(
        "n_exceeds_randomised",
        HIGH,
        rows,
        numbers=[
            f"{row.instrument} {row.item}".strip()
            + f", arm {row.who}: n = {row.people:.0f} of {row.limit:.0f}"
            for row in rows.itertuples()
        ],
        finding="more people are analysed than were randomised to this arm",
        check="whether n counts people, limbs or visits, and which table n was read from",
    )
    return pd.concat([found, _arms_against_trial(tables)])


def _randomised(arms: pd.DataFrame) -> pd.Series:
    """Number randomised of every arm; of a pooled arm the sum of its arms where it has none itself."""
    own = arms.set_index(["study_id", "arm"])["n_randomised"]
    pooled = arms[(arms["pooled_of"] != "") & arms["n_randomised"].isna()]
    sums = {
        (row.study_id, row.arm): sum(own.get((row.study_id, part), np.nan) for part in row.pooled_of.split())
        for row in pooled.itertuples()
    }
    return own.fillna(pd.Series(sums, dtype=float)) if sums else own


def _arms_against_trial(tables: Tables) -> pd.DataFrame:
    arms = tables["arms"]
    single = arms[arms["pooled_of"] == ""]
    total = single.groupby("study_id")["n_randomised"].sum(min_count=1)
    known = single.groupby("study_id")["n_randomised"].apply(lambda n: n.notna().all())
    studies = tables["studies"]
    studies = studies[studies["design"] != "crossover"]  # there every person is in every arm
    studies = studies.assign(
        total=studies["study_id"].map(total).astype(float), complete=studies["study_id"].map(known)
    )
    more = studies["total"] > studies["n_randomised"]
    less = studies["complete"].eq(True) & (studies["total"] < studies["n_randomised"])
    rows = studies[more | less]
    return findings(
        "arms_disagree_with_trial",
        np.where(more[more | less], MEDIUM, LOW),
        rows,
        numbers=[f"arms together {row.total:.0f}, trial {row.n_randomised:.0f}" for row in rows.itertuples()],
        finding="the arms' numbers do not add up to the number randomised",
        check="an arm that is missing or counted twice; people excluded after randomisation",
    )


def whole_numbers(tables: Tables) -> pd.DataFrame:
    """Rules grim, grimmer and debit, where the catalogue declares `integer_items` or `binary`.

    Means of baseline and final values and of changes; least-squares means, means with a confidence interval
    (which mostly come from a model) and rows whose n is not printed cannot be tested. Trailing zeros are lost
    on reading, so the test errs on the side of silence.
    """
    rows = tables["continuous"]
    rows = rows[(rows["centre_type"] == "mean") & ~rows["spread_type"].isin(list(INTERVALS))]
    rows = rows[(rows["n"] >= 2) & (rows["unit"] != "percent")]
    return pd.concat([_sums_of_items(rows[rows["integer_items"] >= 1]), _proportions(rows[rows["binary"]])])


def _sums_of_items(rows: pd.DataFrame) -> pd.DataFrame:
    verdicts = list(map(_verdict, rows.itertuples()))
    parts = []
    for rule, words in (
        ("grim", "no set of whole item scores has this mean"),
        ("grimmer", "whole item scores can have this mean, but not with this SD"),
    ):
        odd = chosen(rows, [verdict == rule for verdict in verdicts])
        parts.append(
            findings(
                rule,
                MEDIUM,
                odd,
                numbers=[
                    f"{what(r)}: mean {r.centre:g}, {r.spread_type} {r.spread_low:g}, n = {r.n:.0f},"
                    f" steps of 1/{r.integer_items:.0f}"
                    for r in odd.itertuples()
                ],
                finding=words,
                check="missing items filled in, another n than printed, adjusted means, or a misprint",
            )
        )
    return pd.concat(parts)


def _verdict(row: object) -> str:
    """What whole-number arithmetic says of one row: "grim", "grimmer" or ""."""
    mean, n = float(row.centre), int(row.n)  # type: ignore[attr-defined]
    items, places = int(row.integer_items), decimals(mean)  # type: ignore[attr-defined]
    if grim_can_tell(n, items=items, places=places) and not grim(mean, n, items=items, places=places):
        return "grim"
    if row.spread_type != "sd" or not row.spread_low > 0:  # type: ignore[attr-defined]
        return ""
    sd = float(row.spread_low)  # type: ignore[attr-defined]
    fits = grimmer(mean, sd, n, items=items, places=places, sd_places=decimals(sd))
    return "" if fits else "grimmer"


def _proportions(rows: pd.DataFrame) -> pd.DataFrame:
    def impossible(rows: pd.DataFrame) -> Iterator[bool]:
        for row in rows.itertuples():
            places = {"places": decimals(row.centre), "sd_places": decimals(row.spread_low)}
            yield not debit(row.centre, row.spread_low, int(row.n), **places)

    rows = rows[(rows["spread_type"] == "sd") & rows["centre"].between(0, 1)]
    rows = chosen(rows, impossible(rows))
    return findings(
        "debit",
        MEDIUM,
        rows,
        numbers=[f"{what(r)}: {r.centre:g}, SD {r.spread_low:g}, n = {r.n:.0f}" for r in rows.itertuples()],
        finding="no set of zeros and ones has this proportion and SD",
        check="whether the SD belongs to the proportion",
    )
