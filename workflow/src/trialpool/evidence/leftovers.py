"""What was not used and why, and which trials are known to exist.

`excluded` holds one line a result (study, arms, instrument, item, time) that met an analysis' condition and
domain and was not used; one line a study whose arms do not fit the comparison or whose purpose is another;
and one line a trial that fits and of which no number in the domain could be read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from trialpool.evidence.questions import CONTROL, EXPERIMENTAL
from trialpool.evidence.words import unique_joined

PLACE = ["instrument", "item", "timepoint", "weeks"]
COLUMNS = [
    *("analysis", "study_id", "arm_experimental", "arm_control", *PLACE),
    *("reason_code", "reason", "source_url", "row_ids"),
]


def excluded_rows(
    specs: Sequence[Mapping[str, Any]],
    studies: pd.DataFrame,
    arms: pd.DataFrame,
    sides: pd.DataFrame,
    rows: pd.DataFrame,
    candidates: pd.DataFrame,
    harmonised: Mapping[str, pd.DataFrame],
) -> pd.DataFrame:
    """Everything that was asked for and not used (columns COLUMNS and `label`).

    `rows` are arm rows (`candidates.arm_rows`), `candidates` all candidates with their reasons.
    """
    unused = candidates[(candidates["reason_code"] != "") & ~candidates["made"].astype(bool)]
    lost = unused.rename(columns={"arm_id_experimental": "experimental", "arm_id_control": "control"})
    lost = lost.drop(columns=["arm_experimental", "arm_control"]).rename(
        columns={"experimental": "arm_experimental", "control": "arm_control"}
    )
    compared = candidates.dropna(subset=["cell"])[["analysis", "table", "cell"]].drop_duplicates()
    found = [lost[COLUMNS], _cells(rows, compared), _studies(specs, studies, arms, sides, harmonised)]
    table = (
        pd.concat([part for part in found if len(part)], ignore_index=True)
        if any(map(len, found))
        else lost[COLUMNS]
    )
    labels = studies.set_index("study_id")[["study_label", "year"]]
    return table.assign(
        label=table["study_id"].map(labels["study_label"]), year=table["study_id"].map(labels["year"])
    )


def _cells(rows: pd.DataFrame, compared: pd.DataFrame) -> pd.DataFrame:
    """Results of arms that gave no comparison: one line each."""
    keys = ["analysis", "table", "cell"]
    known = pd.MultiIndex.from_frame(compared)
    rows = rows[~pd.MultiIndex.from_frame(rows[keys]).isin(known) & ~rows["made"].astype(bool)]
    if rows.empty:
        return pd.DataFrame(columns=COLUMNS)
    rows = rows.sort_values([*keys, "side", "arm"], kind="stable")
    group = rows.groupby(keys, sort=False)
    out = group.first()[["study_id", *PLACE, "source_url"]]
    for name, side in (("arm_experimental", EXPERIMENTAL), ("arm_control", CONTROL)):
        out[name] = rows[rows["side"] == side].groupby(keys, sort=False)["arm_id"].agg("+".join)
    out[["arm_experimental", "arm_control"]] = out[["arm_experimental", "arm_control"]].fillna("")
    out["row_ids"] = group["row_ids"].agg(lambda texts: unique_joined(texts, " "))
    bad = rows[rows["reason_code"] != ""].groupby(keys, sort=False)
    out["reason_code"] = bad["reason_code"].first()
    out["reason"] = bad["reason"].agg(unique_joined)
    one = out["reason_code"].isna()
    out.loc[one, "reason_code"] = "one_side"
    missing = np.where(out["arm_control"] == "", "control", "experimental")
    out.loc[one, "reason"] = [f"nothing reported for the {side} side" for side in missing[one.to_numpy()]]
    return out.reset_index()[COLUMNS]


def _studies(
    specs: Sequence[Mapping[str, Any]],
    studies: pd.DataFrame,
    arms: pd.DataFrame,
    sides: pd.DataFrame,
    harmonised: Mapping[str, pd.DataFrame],
) -> pd.DataFrame:
    """Studies without a number, with other arms, or with another purpose: one line each."""
    have = reported(sides, arms, harmonised, specs)
    study_of_arm = arms["study_id"].to_numpy()
    condition, purpose = studies["condition"].to_numpy(), studies["purpose"].to_numpy()
    rows = []
    for position, spec in enumerate(specs):
        fitting = set(study_of_arm[sides.loc[sides["analysis"] == position, "arm"]])
        asked = np.isin(condition, spec["condition"])
        right = (purpose == spec["purpose"]) if spec["purpose"] else np.ones(len(studies), dtype=bool)
        in_domain = _with_rows(harmonised, spec["domain"])
        for place in np.flatnonzero(asked):
            study, url = studies["study_id"].iloc[place], studies["source_url"].iloc[place]
            if study in fitting:
                if (position, study) in have:
                    continue
                reason = ("no_numbers", "known to exist; no number of its arms in this domain could be read")
            elif study not in in_domain:
                continue
            elif not right[place]:
                reason = ("other_purpose", f"a trial of {purpose[place]}, not of {spec['purpose']}")
            else:
                reason = ("other_comparison", "its arms are not those that the analysis compares")
            rows.append((position, study, "", "", "", "", "", np.nan, *reason, url, ""))
    return pd.DataFrame(rows, columns=COLUMNS)


def _with_rows(harmonised: Mapping[str, pd.DataFrame], domain: str) -> set[str]:
    return set().union(*(set(t.loc[t["domain"] == domain, "study_id"]) for t in harmonised.values()))


def reported(
    sides: pd.DataFrame,
    arms: pd.DataFrame,
    harmonised: Mapping[str, pd.DataFrame],
    specs: Sequence[Mapping[str, Any]],
) -> set[tuple[int, str]]:
    """Pairs (analysis, study) of which some arm that fits has a result in the analysis' domain."""
    domains = np.array([spec["domain"] for spec in specs], dtype=object)
    keys = [
        table.loc[table["timepoint"] != "baseline", ["study_id", name, "domain"]].set_axis(
            ["study_id", "arm", "domain"], axis=1
        )
        for table, names in (
            (harmonised["arms"], ("arm",)),
            (harmonised["events"], ("arm",)),
            (harmonised["contrasts"], ("arm_1", "arm_2")),
        )
        for name in names
    ]
    index = pd.MultiIndex.from_frame(pd.concat(keys).drop_duplicates())
    who = arms[["study_id", "arm"]].take(sides["arm"].to_numpy())
    asked = who.assign(domain=domains[sides["analysis"].to_numpy(dtype=int)])
    has = pd.MultiIndex.from_frame(asked).isin(index)
    return {*zip(sides["analysis"].to_numpy()[has], who["study_id"].to_numpy()[has], strict=True)}


def known_trials(
    specs: Sequence[Mapping[str, Any]],
    studies: pd.DataFrame,
    arms: pd.DataFrame,
    sides: pd.DataFrame,
    harmonised: Mapping[str, pd.DataFrame],
) -> pd.DataFrame:
    """Trials of an analysis' condition and purpose whose arms it compares, with or without numbers."""
    who = arms[["study_id", "category"]].take(sides["arm"].to_numpy()).reset_index(drop=True)
    table = pd.concat([sides.reset_index(drop=True), who], axis=1)
    out = []
    for name, side in (("category_experimental", EXPERIMENTAL), ("category_control", CONTROL)):
        part = table[table["side"] == side].groupby(["analysis", "study_id"])["category"]
        out.append(part.agg(lambda texts: unique_joined(texts, "+")).rename(name))
    known = pd.concat(out, axis=1).reset_index()
    study = studies.set_index("study_id").loc[known["study_id"]].reset_index()
    for name in ("year", "n_randomised", "source_url"):
        known[name] = study[name]
    known["label"] = study["study_label"]
    have = reported(sides, arms, harmonised, specs)
    known["has_numbers"] = [key in have for key in zip(known["analysis"], known["study_id"], strict=True)]
    return known
