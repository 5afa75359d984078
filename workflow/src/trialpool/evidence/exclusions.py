"""What was not used and why, and which trials are known to exist.

In: an `AnalysisContext` and its candidate effects after the choice. Out: `EXCLUDED`, one line a result
(study, arms, instrument, item, time) that met an analysis' condition and domain and was not used, one line a
study whose arms do not fit the comparison or whose purpose is another, and one line a trial that fits and of
which no number in the domain could be read; and `KNOWN`, the trials that fit.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from trialpool.evidence.derivation import SIDES, Reason
from trialpool.evidence.match import CONTROL, EXPERIMENTAL, AnalysisContext, studies_of

OUTCOME = ["instrument", "item", "timepoint", "weeks"]
NO_NUMBERS = "known to exist; no number of its arms in this domain could be read"
OTHER_ARMS = "its arms are not those that the analysis compares"
EMPTY = dict.fromkeys(("arm_experimental", "arm_control", "instrument", "item", "timepoint", "row_ids"), "")
COLUMNS = [
    *("analysis_index", "study_id", "arm_experimental", "arm_control", *OUTCOME),
    *("reason_code", "reason", "source_url", "row_ids"),
]


def excluded_results(
    context: AnalysisContext, candidates: pd.DataFrame, unpaired: pd.DataFrame
) -> pd.DataFrame:
    """Everything that was asked for and not used (columns COLUMNS, `label` and `year`).

    `candidates` are all candidates with their reasons, `unpaired` the results of `unpaired_results`.
    Reconstructed rows (see `change_scores`) are not listed: what they are made of is.
    """
    unused = candidates[(candidates["reason_code"] != "") & ~candidates["reconstructed"].astype(bool)]
    names = {f"arm_id_{side}": f"arm_{side}" for side in SIDES}
    parts = [unused.rename(columns=names)[COLUMNS], unpaired[COLUMNS], _excluded_studies(context)]
    table = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    labels = context.studies.set_index("study_id")[["study_label", "year"]].reindex(table["study_id"])
    return table.assign(label=labels["study_label"].to_numpy(), year=labels["year"].to_numpy())


def unpaired_results(rows: pd.DataFrame, summaries: pd.DataFrame, compared: pd.DataFrame) -> pd.DataFrame:
    """Results of arms that gave no comparison, one line each (columns COLUMNS).

    `rows` are eligible results of arms in `summaries`, `compared` the candidates made of them.
    """
    keys = ["analysis_index", "result_id"]
    known = pd.MultiIndex.from_frame(compared[keys].drop_duplicates())
    paired = pd.MultiIndex.from_frame(rows[keys]).isin(known)
    rows = rows[~paired & ~rows["reconstructed"].to_numpy(dtype=bool)]
    if rows.empty:
        return pd.DataFrame(columns=COLUMNS)
    rows = rows.sort_values([*keys, "side", "arm"], kind="stable")
    source = summaries.take(rows["row"].to_numpy())
    rows = rows.assign(**{name: source[name].to_numpy() for name in OUTCOME})
    out = rows.groupby(keys, sort=False)[["study_id", *OUTCOME, "source_url"]].first()
    for name, side in (("arm_experimental", EXPERIMENTAL), ("arm_control", CONTROL)):
        out[name] = _joined_texts(rows[rows["side"] == side], keys, "arm_id", "+")
        out[name] = out[name].fillna("")
    out["row_ids"] = _joined_texts(rows, keys, "row_ids", " ")
    bad = rows[rows["reason_code"] != ""]
    out["reason_code"] = bad.groupby(keys, sort=False)["reason_code"].first()
    out["reason"] = _joined_texts(bad, keys, "reason", "; ")
    one = out["reason_code"].isna()
    missing = np.where(out["arm_control"] == "", "control", "experimental")[one.to_numpy()]
    out.loc[one, "reason_code"] = Reason.ONE_SIDE.value
    out.loc[one, "reason"] = [f"nothing reported for the {side} side" for side in missing]
    return out.reset_index()[COLUMNS]


def _joined_texts(rows: pd.DataFrame, keys: list[str], name: str, separator: str) -> pd.Series:
    """Different texts of each group joined; only groups of several rows are looked at one by one."""
    unique = rows.drop_duplicates([*keys, name])
    group = unique.groupby(keys, sort=False)[name]
    several = group.transform("size").to_numpy() > 1
    alone = unique[~several].set_index(keys)[name]
    if not several.any():
        return alone
    return pd.concat([alone, unique[several].groupby(keys, sort=False)[name].agg(separator.join)])


def _excluded_studies(context: AnalysisContext) -> pd.DataFrame:
    """Studies without a number, with other arms, or with another purpose: one line each."""
    studies, sides = context.studies, context.sides
    purpose = studies["purpose"].to_numpy()
    row_of = pd.Series(np.arange(len(studies)), index=studies["study_id"])
    matching = row_of[context.arms["study_id"].take(sides["arm"].to_numpy(dtype=int))]
    fits = _by_analysis(sides["analysis_index"], matching)
    known = reported(context)
    has = _by_analysis(known["analysis_index"], row_of[known["study_id"]])
    domains = {spec["domain"]: _with_results(context, spec["domain"]) for spec in context.specs}
    parts = []
    eligible_of = studies_of(context.specs, studies)
    for index, (spec, eligible) in enumerate(zip(context.specs, eligible_of, strict=True)):
        fitting = np.isin(eligible, fits.get(index, ()))
        right = (purpose[eligible] == spec["purpose"]) | (not spec["purpose"])
        other = ~fitting & domains[spec["domain"]][eligible]
        silent = fitting & ~np.isin(eligible, has.get(index, ()))
        for mask, code, words in (
            (silent, Reason.NO_NUMBERS, NO_NUMBERS),
            (other & ~right, Reason.OTHER_PURPOSE, f"not a trial of {spec['purpose']}"),
            (other & right, Reason.OTHER_COMPARISON, OTHER_ARMS),
        ):
            lines = pd.DataFrame({"row": eligible[mask], "analysis_index": index})
            parts.append(lines.assign(reason_code=code.value, reason=words))
    table = pd.concat(parts, ignore_index=True)
    who = studies[["study_id", "source_url"]].take(table["row"].to_numpy(dtype=int)).reset_index(drop=True)
    return pd.concat([who, table], axis=1).assign(**EMPTY, weeks=np.nan)[COLUMNS]


def _by_analysis(indices: pd.Series, studies: pd.Series) -> dict[int, np.ndarray]:
    """The studies (rows of the table) beside the index of each analysis."""
    rows = studies.to_numpy(dtype=int)
    groups = pd.Series(rows).groupby(indices.to_numpy(dtype=int)).indices
    return {int(index): rows[of] for index, of in groups.items()}


def _with_results(context: AnalysisContext, domain: str) -> np.ndarray:
    tables = context.summaries.values()
    having = [table.loc[table["domain"] == domain, "study_id"] for table in tables]
    return np.asarray(context.studies["study_id"].isin(pd.concat(having)))


def reported(context: AnalysisContext) -> pd.DataFrame:
    """Pairs (`analysis_index`, `study_id`) of which some fitting arm has a result in the analysis' domain."""
    names = ["study_id", "arm", "domain"]
    sources = (("arms", "arm"), ("events", "arm"), ("contrasts", "arm_1"), ("contrasts", "arm_2"))
    keys = []
    for summary, arm in sources:
        table = context.summaries[summary]
        later = table.loc[table["timepoint"] != "baseline", ["study_id", arm, "domain"]]
        keys.append(later.set_axis(names, axis=1))
    index = pd.MultiIndex.from_frame(pd.concat(keys).drop_duplicates())
    sides = context.sides
    domains = np.array([spec["domain"] for spec in context.specs], dtype=object)
    fitting = context.arms[["study_id", "arm"]].take(sides["arm"].to_numpy())
    fitting = fitting.assign(domain=domains[sides["analysis_index"].to_numpy(dtype=int)])
    has = pd.MultiIndex.from_frame(fitting).isin(index)
    pairs = fitting[["study_id"]].assign(analysis_index=sides["analysis_index"].to_numpy())[has]
    return pairs.drop_duplicates(ignore_index=True)


def known_trials(context: AnalysisContext) -> pd.DataFrame:
    """Trials of an analysis' condition and purpose whose arms it compares, with or without numbers."""
    arms = context.arms[["study_id", "category"]].take(context.sides["arm"].to_numpy())
    table = pd.concat([context.sides.reset_index(drop=True), arms.reset_index(drop=True)], axis=1)
    keys = ["analysis_index", "study_id"]
    columns = {
        name: table[table["side"] == side].groupby(keys, sort=False)["category"].agg(_different)
        for name, side in (("category_experimental", EXPERIMENTAL), ("category_control", CONTROL))
    }
    known = pd.DataFrame(columns).rename_axis(keys).reset_index()
    study = context.studies.set_index("study_id").loc[known["study_id"]].reset_index()
    for name in ("year", "n_randomised", "source_url"):
        known[name] = study[name]
    known["label"] = study["study_label"]
    having = pd.MultiIndex.from_frame(reported(context)[keys])
    known["has_numbers"] = pd.MultiIndex.from_frame(known[keys]).isin(having)
    return known


def _different(categories: pd.Series) -> tuple[str, ...]:
    return tuple(dict.fromkeys(categories))
