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

from trialpool.evidence.questions import CONTROL, EXPERIMENTAL, asked_studies

PLACE = ["instrument", "item", "timepoint", "weeks"]
ARM_DOMAIN = ["study_id", "arm", "domain"]
NO_NUMBERS = "known to exist; no number of its arms in this domain could be read"
OTHER_ARMS = "its arms are not those that the analysis compares"
EMPTY = dict.fromkeys(("arm_experimental", "arm_control", "instrument", "item", "timepoint", "row_ids"), "")
COLUMNS = [
    *("analysis", "study_id", "arm_experimental", "arm_control", *PLACE),
    *("reason_code", "reason", "source_url", "row_ids"),
]


def excluded_rows(
    specs: Sequence[Mapping[str, Any]],
    studies: pd.DataFrame,
    arms: pd.DataFrame,
    sides: pd.DataFrame,
    candidates: pd.DataFrame,
    without: pd.DataFrame,
    harmonised: Mapping[str, pd.DataFrame],
) -> pd.DataFrame:
    """Everything that was asked for and not used (columns COLUMNS, `label` and `year`).

    `candidates` are all candidates with their reasons, `without` the results of `cells_without_comparison`.
    Made rows (see `changes`) are not listed: what they are made of is.
    """
    unused = candidates[(candidates["reason_code"] != "") & ~candidates["made"].astype(bool)]
    names = {f"arm_id_{side}": f"arm_{side}" for side in ("experimental", "control")}
    found = [
        unused.rename(columns=names)[COLUMNS],
        without[COLUMNS],
        _studies(specs, studies, sides, arms, harmonised),
    ]
    table = pd.concat([part for part in found if len(part)] or found[:1], ignore_index=True)
    labels = studies.set_index("study_id")[["study_label", "year"]].reindex(table["study_id"])
    return table.assign(label=labels["study_label"].to_numpy(), year=labels["year"].to_numpy())


def cells_without_comparison(
    rows: pd.DataFrame, summaries: pd.DataFrame, compared: pd.DataFrame
) -> pd.DataFrame:
    """Results of arms that gave no comparison, one line each (columns COLUMNS).

    `rows` are arm rows (`candidates.arm_rows`) of `summaries`, `compared` the candidates made of them.
    """
    keys = ["analysis", "cell"]
    known = pd.MultiIndex.from_frame(compared[keys].drop_duplicates())
    rows = rows[~pd.MultiIndex.from_frame(rows[keys]).isin(known) & ~rows["made"].to_numpy(dtype=bool)]
    if rows.empty:
        return pd.DataFrame(columns=COLUMNS)
    rows = rows.sort_values([*keys, "side", "arm"], kind="stable")
    source = summaries.take(rows["row"].to_numpy())
    rows = rows.assign(**{name: source[name].to_numpy() for name in PLACE})
    group = rows.groupby(keys, sort=False)
    out = group[["study_id", *PLACE, "source_url"]].first()
    out["weeks"] = group["weeks"].first()
    for name, side in (("arm_experimental", EXPERIMENTAL), ("arm_control", CONTROL)):
        out[name] = _texts(rows[rows["side"] == side], keys, "arm_id", "+")
        out[name] = out[name].fillna("")
    out["row_ids"] = _texts(rows, keys, "row_ids", " ")
    bad = rows[rows["reason_code"] != ""]
    out["reason_code"] = bad.groupby(keys, sort=False)["reason_code"].first()
    out["reason"] = _texts(bad, keys, "reason", "; ")
    one = out["reason_code"].isna()
    missing = np.where(out["arm_control"] == "", "control", "experimental")[one.to_numpy()]
    out.loc[one, "reason_code"] = "one_side"
    out.loc[one, "reason"] = [f"nothing reported for the {side} side" for side in missing]
    return out.reset_index()[COLUMNS]


def _texts(rows: pd.DataFrame, keys: list[str], name: str, separator: str) -> pd.Series:
    """Different texts of each group joined; only groups of several rows are looked at one by one."""
    unique = rows.drop_duplicates([*keys, name])
    group = unique.groupby(keys, sort=False)[name]
    several = group.transform("size").to_numpy() > 1
    alone = unique[~several].set_index(keys)[name]
    if not several.any():
        return alone
    many = unique[several].groupby(keys, sort=False)[name].agg(separator.join)
    return pd.concat([alone, many])


def _different(categories: pd.Series) -> tuple[str, ...]:
    return tuple(dict.fromkeys(categories))


def _studies(
    specs: Sequence[Mapping[str, Any]],
    studies: pd.DataFrame,
    sides: pd.DataFrame,
    arms: pd.DataFrame,
    harmonised: Mapping[str, pd.DataFrame],
) -> pd.DataFrame:
    """Studies without a number, with other arms, or with another purpose: one line each."""
    purpose = studies["purpose"].to_numpy()
    place_of = pd.Series(np.arange(len(studies)), index=studies["study_id"])
    study_of_arm = place_of[arms["study_id"]].to_numpy()
    fits = _by_analysis(sides["analysis"], study_of_arm[sides["arm"].to_numpy(dtype=int)])
    known = reported(sides, arms, harmonised, specs)
    has = _by_analysis(known["analysis"], place_of[known["study_id"]])
    domains = {spec["domain"] for spec in specs}
    in_domain = {domain: _with_rows(harmonised, domain, studies) for domain in domains}
    found: list[tuple[np.ndarray, int, str, str]] = []
    for position, (spec, asked) in enumerate(zip(specs, asked_studies(specs, studies), strict=True)):
        fitting = np.isin(asked, fits.get(position, ()))
        right = (purpose[asked] == spec["purpose"]) if spec["purpose"] else np.ones(len(asked), dtype=bool)
        other = ~fitting & in_domain[spec["domain"]][asked]
        silent = fitting & ~np.isin(asked, has.get(position, ()))
        found.append((asked[silent], position, "no_numbers", NO_NUMBERS))
        wrong = f"not a trial of {spec['purpose']}"
        found.append((asked[other & ~right], position, "other_purpose", wrong))
        found.append((asked[other & right], position, "other_comparison", OTHER_ARMS))
    sizes = [len(places) for places, *_ in found]
    lines = studies[["study_id", "source_url"]].iloc[np.concatenate([places for places, *_ in found])]
    columns = {
        name: np.repeat(np.array([entry[place] for entry in found], dtype=kind), sizes)
        for name, place, kind in (("analysis", 1, int), ("reason_code", 2, object), ("reason", 3, object))
    }
    return lines.assign(**columns, **EMPTY, weeks=np.nan)[COLUMNS]


def _by_analysis(positions: pd.Series, studies: Any) -> dict[int, np.ndarray]:
    """The studies (rows of the table) named beside each analysis' position."""
    places = np.asarray(studies, dtype=int)
    found = pd.Series(places).groupby(positions.to_numpy(dtype=int)).indices
    return {position: places[rows] for position, rows in found.items()}


def _with_rows(harmonised: Mapping[str, pd.DataFrame], domain: str, studies: pd.DataFrame) -> np.ndarray:
    have = [table.loc[table["domain"] == domain, "study_id"] for table in harmonised.values()]
    return studies["study_id"].isin(pd.concat(have)).to_numpy()


def reported(
    sides: pd.DataFrame,
    arms: pd.DataFrame,
    harmonised: Mapping[str, pd.DataFrame],
    specs: Sequence[Mapping[str, Any]],
) -> pd.DataFrame:
    """Pairs (`analysis`, `study_id`) of which some arm that fits has a result in the analysis' domain."""
    domains = np.array([spec["domain"] for spec in specs], dtype=object)
    sources = [(harmonised["arms"], "arm"), (harmonised["events"], "arm")]
    sources += [(harmonised["contrasts"], name) for name in ("arm_1", "arm_2")]
    keys = [
        table.loc[table["timepoint"] != "baseline", ["study_id", name, "domain"]].set_axis(ARM_DOMAIN, axis=1)
        for table, name in sources
    ]
    index = pd.MultiIndex.from_frame(pd.concat(keys).drop_duplicates())
    asked = arms[["study_id", "arm"]].take(sides["arm"].to_numpy())
    asked = asked.assign(domain=domains[sides["analysis"].to_numpy(dtype=int)])
    has = pd.MultiIndex.from_frame(asked).isin(index)
    pairs = asked[["study_id"]].assign(analysis=sides["analysis"].to_numpy())[has]
    return pairs.drop_duplicates(ignore_index=True)


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
    keys = ["analysis", "study_id"]
    columns = {
        name: table[table["side"] == side].groupby(keys, sort=False)["category"].agg(_different)
        for name, side in (("category_experimental", EXPERIMENTAL), ("category_control", CONTROL))
    }
    known = pd.DataFrame(columns).rename_axis(keys).reset_index()
    study = studies.set_index("study_id").loc[known["study_id"]].reset_index()
    for name in ("year", "n_randomised", "source_url"):
        known[name] = study[name]
    known["label"] = study["study_label"]
    have = pd.MultiIndex.from_frame(reported(sides, arms, harmonised, specs)[["analysis", "study_id"]])
    known["has_numbers"] = pd.MultiIndex.from_frame(known[["analysis", "study_id"]]).isin(have)
    return known
