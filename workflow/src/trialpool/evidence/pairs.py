"""Candidate effects: every comparison of arms and every published contrast that an analysis could use.

In: an `AnalysisContext`. Out: one table of candidates (columns CANDIDATES) of all analyses, each with its
effect and derivation or with the reason why it has none, and the results that gave no comparison. Which
candidate is used is the business of `select`; the rules by which nobody is counted twice stand in
config/README.md ("How effects come about"), as do those of the modules beside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain

import numpy as np
import pandas as pd

from trialpool.evidence.change_scores import assume_sds
from trialpool.evidence.derivation import (
    Reason,
    Route,
    add_steps,
    joined,
    put,
    refuse,
    setting,
    steps,
    unique_joined,
    unique_steps,
    where_text,
)
from trialpool.evidence.effects import (
    continuous_effects,
    contrast_effects,
    event_effects,
    events_of_one_group,
    means_of_one_group,
)
from trialpool.evidence.match import (
    CONTROL,
    EXPERIMENTAL,
    AnalysisContext,
    event_specs,
    match_results,
    omits_arms,
    rank_conversions_last,
    refuse_mismatches,
)
from trialpool.evidence.scales import DIFFERENCES, on_scale, scaling, with_scales
from trialpool.evidence.summaries import CORRELATION
from trialpool.evidence.unit_of_analysis import DESIGN, design_table, taken_as_analysed, with_common_control
from trialpool.measures import CHANGES, CORRELATIONS, GROUP_MEANS, OF_EVENTS, OF_GROUPS, OF_TIMES, SIDES
from trialpool.stats import combine_arms

OF_RESULT = ["study_id", "domain", "instrument", "item", "unit", "better", "weeks", "timepoint", "kind"]
RANKS = ["outcome_rank", "item_rank", "time_rank", "time_order"]
NUMBERS = ("n", "mean", "sd", "events", "person_years")
DOSE = ("sessions", "programme_weeks", "sessions_per_week")
OF_EXPERIMENTAL = ("cointervention", *DOSE, "mean_dose")
CANDIDATES = [
    *("analysis_index", "study_id", "result_id", "choice_id", "comparison", "reconstructed", "omits_arms"),
    *("basis", "route", "imputed", "reading", *RANKS, "low", "high", *OF_RESULT[1:5], "weeks", "timepoint"),
    *("kind", "effect", "variance", "printed_low", "printed_high", "worked_out"),
    *(f"{name}_{side}" for side in SIDES for name in ("arm_id", "arms", "label", "category", *NUMBERS)),
    *(f"{name}_experimental" for name in OF_EXPERIMENTAL),
    *("derivation", "cautions", "source_url", "locator", "row_ids", "reason_code", "reason"),
]
ATTRIBUTES = ["arm_id", "label", "category", *OF_EXPERIMENTAL]
CARRIED = [
    *(
        *NUMBERS,
        "kind",
        "sd_before",
        "sd_after",
        "worked_out",
        "reconstructed",
        "imputed",
        "route",
        "reading",
        "source_url",
        "locator",
    ),
    *("row_ids", "derivation", "cautions", "usable", "reason_code", "reason", "study_id", "period"),
]
TEXTS = {"row_ids": " ", "locator": "; ", "source_url": "; ", "arm_id": "+", "label": " + "}
SIDE = ["analysis_index", "result_id"]
OMITS_ARMS = "leaves out an arm of the trial that would fit"
MADE = "log ratio = "  # a derivation's first step where a ratio itself is not printed
# The kinds of value that a measure of one group is of, and why others are not used.
KIND_OF = {**dict.fromkeys(GROUP_MEANS, "final"), **dict.fromkeys(CHANGES, "change")}
KIND_OF |= dict.fromkeys(CORRELATIONS, CORRELATION)
OTHER_KINDS = {"final": "values at that time", "change": "changes from baseline", CORRELATION: "correlations"}
OF_ALONE = ["kind", "sd_before", "sd_after"]  # columns that only one group needs
ALONE = "people of a crossover trial, for as long as they had this treatment"
NO_PAIRS = "crossover trial: events of the same people in both arms need paired counts"
OUTCOME = ["instrument", "item", "timepoint", "weeks"]
UNPAIRED = [
    *("analysis_index", "study_id", "arm_experimental", "arm_control", *OUTCOME),
    *("reason_code", "reason", "source_url", "row_ids"),
]
AGAIN = "the same result of this arm, reported in a form that is trusted more, is used"
POOLED = "reported both alone and pooled with another arm; counted once"


def compute_effects(
    context: AnalysisContext, *, only_candidates: bool = False
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Candidate effects (columns CANDIDATES) before any choice, and the results of arms without a comparison.

    A candidate has an effect, or a `reason_code` that says why not. `choice_id` numbers, over all tables,
    what is used together or not at all. With `only_candidates` the other table stays empty.
    """
    parts, unpaired, start = [], [pd.DataFrame(columns=UNPAIRED)], 0
    tables = [name for name in ("arms", "events", "contrasts") if len(context.summaries[name])]
    for name in tables or ["arms"]:  # without any result, for the types of the columns
        if name == "contrasts":
            part = published_effects(context)
            choice = part["row"]
        else:
            rows = eligible_arm_results(context, name)
            part = arm_effects(context, rows, context.summaries[name])
            choice = part["result_id"]
            if not only_candidates:
                unpaired.append(unpaired_results(rows, context.summaries[name], part))
        part = part.assign(choice_id=choice.to_numpy(dtype=np.int64) + start)
        start = int(part["choice_id"].max()) + 1 if len(part) else start
        parts.append(part.reindex(columns=CANDIDATES))
    candidates = pd.concat(parts, ignore_index=True)
    add_steps(candidates, "cautions", candidates["omits_arms"].fillna(False).astype(bool), OMITS_ARMS)
    _refuse_questioned(candidates, context)
    return candidates, pd.concat(unpaired[1:] or unpaired, ignore_index=True)


def _refuse_questioned(candidates: pd.DataFrame, context: AnalysisContext) -> None:
    """Results of which a rule in `audit_exclude` has a finding of high severity."""
    by_row: dict[str, dict[str, str]] = {}
    for finding in context.findings:
        for row in str(finding["row_ids"]).split() if finding["severity"] == "high" else ():
            by_row.setdefault(row, {})[finding["rule"]] = finding["finding"]
    rules = [set(spec.get("audit_exclude") or ()) for spec in context.specs]
    words = []
    for at, row_ids in zip(candidates["analysis_index"], candidates["row_ids"], strict=True):
        found = chain.from_iterable(by_row.get(row, {}).items() for row in row_ids.split())
        words.append("; ".join(dict.fromkeys(text for rule, text in found if rule in rules[at])))
    met = np.array([bool(each) for each in words], dtype=bool)
    refuse(candidates, [(met, Reason.QUESTIONED, [f"the audit questions it: {each}" for each in words])])


def eligible_arm_results(context: AnalysisContext, name: str) -> pd.DataFrame:
    """Results of `arms` or `events` that fit an analysis' comparison and domain, `reason_code` if not used.

    Columns: those of `match_results`, `arm` (row of `arms`), `side`, `result_id` (a number for every study,
    outcome, time and kind to which several arms contribute), and what `compare_arms` needs.
    """
    summaries, arms = context.summaries[name], context.arms
    specs = event_specs(context.specs, context.vocabulary) if name == "events" else context.specs
    matches = match_results(context, summaries, specs)
    matches["arm"] = summaries["at"].to_numpy()[matches["row"].to_numpy()]
    rows = matches.merge(context.sides, on=["analysis_index", "arm"])
    source = summaries.take(rows["row"].to_numpy())
    rows["result_id"] = source["result_id"].to_numpy()
    attributes = _arm_attributes(arms).take(rows["arm"].to_numpy())
    beside = (source[[each for each in CARRIED if each in source]], attributes[ATTRIBUTES])
    rows = pd.concat([rows, *(table.set_axis(rows.index) for table in beside)], axis=1)
    rows["covered"] = arms["stands_for"].to_numpy()[rows["arm"].to_numpy()]
    refuse_mismatches(rows)
    _refuse_designs(rows, context)
    if name == "arms":
        _refuse_kinds(rows, context.settings)
        assume_sds(rows, context.settings, source)
    _refuse_duplicates(rows, context.parts)
    return rank_conversions_last(rows, context.settings) if name == "events" else rows


def _arm_attributes(arms: pd.DataFrame) -> pd.DataFrame:
    """What a comparison says of its arms (ATTRIBUTES); `category` is a tuple, as arms may be combined."""
    table = arms.rename(columns={"arm": "arm_id", "weeks": "programme_weeks"})
    return table.assign(category=[(category,) for category in arms["category"]])


def _refuse_designs(rows: pd.DataFrame, context: AnalysisContext) -> None:
    """Crossover and cluster trials: refused, or with what the config assumes of them."""
    keys = ["analysis_index", "study_id", "period"]
    designs = design_table(context.specs, context.studies)
    design = rows[keys].merge(designs, on=keys, how="left").set_index(rows.index)[list(DESIGN)]
    rows["design_r"], rows["design_effect"] = design["design_r"], design["design_effect"].fillna(1.0)
    rows["design_words"] = design["design_words"].fillna("").astype(object)
    refused = design["design_code"].fillna("") != ""
    alone = np.isin(setting(context.settings, "measure", rows), OF_GROUPS)
    if alone.any():  # one group of a crossover trial is a group of people as any other
        alone &= (design["design_code"] == Reason.CROSSOVER) & (rows["period"] != "second")
        rows.loc[alone, "design_words"], refused = ALONE, refused & ~alone
        rows["design_r"] = rows["design_r"].mask(alone)
    cases = (
        (refused, design["design_code"], design["design_reason"]),
        (design["design_r"].notna() & ("events" in rows), Reason.CROSSOVER, NO_PAIRS),
    )
    refuse(rows, cases)


def _refuse_kinds(rows: pd.DataFrame, settings: pd.DataFrame) -> None:
    """Of one group, values of another kind than the measure is of; of two sides, correlations."""
    kind, measure = rows["kind"], pd.Series(setting(settings, "measure", rows), rows.index, dtype=object)
    wanted = measure.map(KIND_OF)
    if wanted.isna().all() and not (kind == CORRELATION).any():
        return
    other = wanted.notna() & (kind != wanted)
    words = "the analysis is of " + wanted.map(OTHER_KINDS).astype(object) + ", not of "
    correlations = (kind == CORRELATION) & wanted.isna()
    none = "a correlation, which gives no difference"
    cases = (
        (other, Reason.OTHER_KIND, words + kind.map(OTHER_KINDS).astype(object)),
        (correlations, Reason.OTHER_MEASURE, none),
    )
    refuse(rows, cases)


def _refuse_duplicates(rows: pd.DataFrame, parts: pd.DataFrame) -> None:
    """A second row of the same arm in a result, and pooled arms beside their parts, are not counted."""
    good = rows[rows["reason_code"] == ""].sort_values("route", kind="stable")
    again = good.index[good.duplicated([*SIDE, "arm"])]
    refuse(rows, [(rows.index.isin(again), Reason.SAME_RESULT, AGAIN)])
    stays = without_double_counting(rows[rows["reason_code"] == ""], parts)
    refuse(rows, [(rows.index.isin(stays.index[~stays]), Reason.POOLED_ARM, POOLED)])


def without_double_counting(rows: pd.DataFrame, parts: pd.DataFrame) -> pd.Series:
    """Whether each result (`analysis_index`, `result_id`, `arm`) stays beside pooled arms and their parts."""
    stays = pd.Series(True, index=rows.index)
    if not rows["arm"].isin(parts["pooled"]).any():
        return stays
    present = rows[[*SIDE, "arm"]].assign(at=rows.index)
    pooled = present.merge(parts, left_on="arm", right_on="pooled")
    both = pooled.merge(
        present, left_on=[*SIDE, "part"], right_on=[*SIDE, "arm"], suffixes=("_pooled", "_part"), how="left"
    )
    reported = both.groupby("at_pooled")["at_part"].count()
    complete = both["at_pooled"].map(reported) == both["parts"]
    stays[both.loc[complete, "at_pooled"].unique()] = False
    stays[both.loc[~complete, "at_part"].dropna().unique()] = False
    return stays


def compare_arms(rows: pd.DataFrame, settings: pd.DataFrame) -> pd.DataFrame:
    """One row a comparison: columns of both sides with the suffixes _experimental and _control.

    `rows` are usable ones of `eligible_arm_results`; `settings` have the rule `multi_arm` of every analysis.
    """
    rows = rows.sort_values([*SIDE, "side", "arm"], kind="stable")
    rule = setting(settings, "multi_arm", rows)
    order = rows.groupby([*SIDE, "side"], sort=False).cumcount().to_numpy()
    apart = np.isin(rule, ["split", "covariance"]) & (rows["side"] == EXPERIMENTAL).to_numpy()
    rows = rows.assign(comparison=np.where(apart, order, 0))[(rule != "first") | (order == 0)]
    experimental = _one_arm(rows[rows["side"] == EXPERIMENTAL])
    control = _one_arm(rows[rows["side"] == CONTROL]).drop(columns="comparison")
    both = experimental.merge(control, on=SIDE, suffixes=("_experimental", "_control"))
    comparisons = both.groupby(SIDE)["comparison"].transform("size").to_numpy()
    shared = (setting(settings, "multi_arm", both) == "split") & (comparisons > 1)
    return _split_control(both, shared, comparisons)


def _one_arm(rows: pd.DataFrame) -> pd.DataFrame:
    """Combine the rows of one side of a comparison; a single row stays as it is."""
    size = rows.groupby([*SIDE, "comparison"], sort=False)["row"].transform("size").to_numpy()
    single = rows[size == 1].assign(arms=1)
    several = [_combined(rows[size == count], int(count)) for count in np.unique(size[size > 1])]
    return pd.concat([single, *several], ignore_index=True) if several else single.reset_index(drop=True)


def _combined(rows: pd.DataFrame, count: int) -> pd.DataFrame:
    table = rows.iloc[::count].copy().assign(arms=count)

    def blocks(name: str) -> np.ndarray:
        return np.asarray(rows[name]).reshape(-1, count)

    if "events" in rows:
        for name in ("n", "events", "person_years"):
            table[name] = blocks(name).sum(1)
        table["worked_out"] = blocks("worked_out").any(1)
    else:
        freedom = blocks("n") - 1
        for name in [name for name in OF_ALONE[1:] if name in rows]:
            table[name] = np.sqrt((freedom * blocks(name) ** 2).sum(1) / freedom.sum(1))
        table["mean"], table["sd"], table["n"] = combine_arms(blocks("mean"), blocks("sd"), blocks("n"))
    table["covered"] = blocks("covered").sum(1)
    table["category"] = [tuple(dict.fromkeys(chain(*parts))) for parts in blocks("category")]
    words = [f"{count} arms combined ({' + '.join(texts)})" for texts in blocks("arm_id")]
    table["derivation"] = steps([unique_steps(cells) for cells in blocks("derivation")], words)
    table["mean_dose"] = blocks("mean_dose").any(1)
    for name in DOSE:
        table["mean_dose"] |= np.ptp(blocks(name), axis=1) > 0
        table[name] = (blocks(name) * blocks("n")).sum(1) / blocks("n").sum(1)
    return table.assign(**_together(blocks, TEXTS))


def _together(blocks: Callable[[str], np.ndarray], texts: Iterable[str]) -> dict[str, np.ndarray | list[str]]:
    """What results have together, those of a row of `blocks`: any assumption, the least trusted route."""
    return {
        **{name: blocks(name).any(1) for name in ("imputed", "reconstructed")},
        **{name: [unique_joined(each, TEXTS[name]) for each in blocks(name)] for name in texts},
        "route": blocks("route").max(1),
        "reading": np.where((blocks("reading") == "double").all(1), "double", "single"),
        "cautions": steps([unique_steps(cells) for cells in blocks("cautions")]),
    }


def _split_control(both: pd.DataFrame, shared: np.ndarray, comparisons: np.ndarray) -> pd.DataFrame:
    """Give each comparison its share of a shared control, in whole people (the first get the remainder)."""
    if not shared.any():
        return both
    order, count = both["comparison"].to_numpy()[shared], comparisons[shared]
    for name in ("n_control", "events_control"):
        if name in both:
            whole = both[name].to_numpy(dtype=float, copy=True)
            whole[shared] = whole[shared] // count + (order < whole[shared] % count)
            both[name] = whole
    if "person_years_control" in both:
        both.loc[shared, "person_years_control"] /= count
    add_steps(
        both, "derivation_control", shared, [f"control arm split between {k} comparisons" for k in count]
    )
    return both


def arm_effects(context: AnalysisContext, rows: pd.DataFrame, summaries: pd.DataFrame) -> pd.DataFrame:
    """Comparisons of usable arm results as candidate effects (`reason_code` "" where an effect came out)."""
    settings, usable = context.settings, rows[rows["reason_code"] == ""]
    alone = np.isin(setting(settings, "measure", usable), OF_GROUPS)
    if alone.any():
        pairs = arm_effects(context, usable[~alone], summaries)
        return pd.concat([pairs, _of_one_group(context, usable[alone], summaries)], ignore_index=True)
    pairs = compare_arms(usable.drop(columns=OF_ALONE, errors="ignore"), settings)
    first = summaries.take(pairs["row_experimental"].to_numpy())
    pairs = pairs.assign(**{name: first[name].to_numpy() for name in OF_RESULT})
    for name in (*RANKS, "design_r", "design_effect", "design_words", "source_url"):
        pairs[name] = pairs[f"{name}_experimental"]

    def sides(name: str) -> np.ndarray:
        return np.column_stack([pairs[f"{name}_{side}"] for side in SIDES])

    pairs = pairs.assign(**_together(sides, ("row_ids", "locator")))
    pairs["derivation"] = steps([_two_sided(*each) for each in sides("derivation")], pairs["design_words"])
    pairs["imputed"] |= pairs["design_r"].notna() | (pairs["design_effect"] != 1)
    covered = pairs.groupby(SIDE)["covered_experimental"].transform("sum")
    first_only = setting(settings, "multi_arm", pairs) == "first"
    omits = omits_arms(pairs.assign(covered_experimental=covered), context.totals)
    pairs["omits_arms"] = omits & ~first_only
    if "events_experimental" in pairs:
        pairs["worked_out"] = sides("worked_out").any(1)
        return with_common_control(event_effects(pairs.assign(basis="events"), settings), settings)
    pairs = on_scale(pairs.assign(basis=pairs["kind"]), settings, context.catalogue)
    refused = pairs["reason_code"] != ""
    return pd.concat(
        [with_common_control(continuous_effects(pairs[~refused], settings), settings), pairs[refused]]
    )


def _of_one_group(context: AnalysisContext, rows: pd.DataFrame, summaries: pd.DataFrame) -> pd.DataFrame:
    """Candidates of one group: the arms of a trial that are of it, combined, or the first of them."""
    settings = context.settings
    rows = rows.sort_values([*SIDE, "arm"], kind="stable")
    order = rows.groupby(SIDE, sort=False).cumcount().to_numpy()
    first = setting(settings, "multi_arm", rows) == "first"
    group = _one_arm(rows[~first | (order == 0)].assign(comparison=0))
    own = summaries.take(group["row"].to_numpy())
    group = group.assign(**{name: own[name].to_numpy() for name in OF_RESULT})
    group["imputed"] |= group["design_effect"] != 1
    group["derivation"] = steps(group["derivation"], group["design_words"])
    of_arm = (*ATTRIBUTES, *NUMBERS, "arms", "covered")
    group = group.rename(columns={name: f"{name}_experimental" for name in of_arm if name in group})
    group = group.assign(arm_id_control="", label_control="", covered_control=0)
    group["category_control"] = np.fromiter([()] * len(group), dtype=object, count=len(group))
    omits = omits_arms(group, context.totals)
    group["omits_arms"] = omits & (setting(settings, "multi_arm", group) != "first")
    if "events_experimental" in group:
        return events_of_one_group(group.assign(basis="events"), settings)
    group = on_scale(group.assign(basis=group["kind"]), settings, context.catalogue)
    return means_of_one_group(group, settings)


def _two_sided(experimental: tuple[str, ...], control: tuple[str, ...]) -> tuple[str, ...]:
    """One derivation if both sides have the same, else both, the first step of each with its side."""
    if experimental == control:
        return experimental
    return f"experimental: {experimental[0]}", *experimental[1:], f"control: {control[0]}", *control[1:]


def unpaired_results(rows: pd.DataFrame, summaries: pd.DataFrame, compared: pd.DataFrame) -> pd.DataFrame:
    """Those of the eligible results of arms that gave no candidate, one line each (columns UNPAIRED)."""
    paired = pd.MultiIndex.from_frame(rows[SIDE]).isin(pd.MultiIndex.from_frame(compared[SIDE]))
    rows = rows[~paired & ~rows["reconstructed"].to_numpy(dtype=bool)]
    if rows.empty:
        return pd.DataFrame(columns=UNPAIRED)
    rows = rows.sort_values([*SIDE, "side", "arm"], kind="stable")
    source = summaries.take(rows["row"].to_numpy())
    rows = rows.assign(**{name: source[name].to_numpy() for name in OUTCOME})
    out = rows.groupby(SIDE, sort=False)[["study_id", *OUTCOME, "source_url"]].first()
    refused = rows[rows["reason_code"] != ""]
    for name, part, column, separator in (
        ("arm_experimental", rows[rows["side"] == EXPERIMENTAL], "arm_id", "+"),
        ("arm_control", rows[rows["side"] == CONTROL], "arm_id", "+"),
        ("row_ids", rows, "row_ids", " "),
        ("reason", refused, "reason", "; "),
    ):
        texts = part.groupby(SIDE, sort=False)[column].agg(list).reindex(out.index)
        out[name] = [unique_joined(each, separator) if each == each else "" for each in texts]
    out["reason_code"] = refused.groupby(SIDE)["reason_code"].first()
    missing = np.where(out["arm_control"] == "", "control", "experimental")
    one_side = [f"nothing reported for the {side} side" for side in missing]
    out["reason"] = out["reason"].where(out["reason_code"].notna(), one_side)
    out["reason_code"] = out["reason_code"].fillna(Reason.ONE_SIDE.value)
    return out.reset_index()[UNPAIRED]


def published_effects(context: AnalysisContext) -> pd.DataFrame:
    """Contrasts between two arms that an analysis compares, experimental minus (or over) control.

    A contrast printed the other way round changes its sign (a logarithm of a ratio as well), which its
    derivation says. Usable ones have their effect; the others keep the reason why not.
    """
    rows = _oriented_contrasts(context)
    refuse_mismatches(rows)
    _take_p_at_its_bound(rows, context.settings)
    design = rows["study_id"].map(context.studies.set_index("study_id")["design"])
    rows["cautions"] = steps(rows["cautions"], taken_as_analysed(design, rows["period"]))
    rows["omits_arms"] = omits_arms(rows, context.totals)
    rows = rows.assign(kind="contrast", reconstructed=False, comparison=0, effect=np.nan, variance=np.nan)
    usable = (rows["reason_code"] == "").to_numpy()
    scaled = _scaled_contrasts(rows[usable], context)
    refused = (scaled["reason_code"] != "").to_numpy()
    effects = contrast_effects(scaled[~refused], context.settings)
    return pd.concat([effects, scaled[refused], rows[~usable]], ignore_index=True)


def _take_p_at_its_bound(rows: pd.DataFrame, settings: pd.DataFrame) -> None:
    """Where the analysis asks for it (`p_bounds`), take a p-value printed as an inequality at its bound."""
    taken = setting(settings, "p_bounds", rows).astype(bool) & rows["se_bound"].notna()
    taken &= rows["reason_code"] == Reason.NO_SPREAD
    rows.loc[taken, "se"] = rows.loc[taken, "se_bound"]
    rows.loc[taken, ["reason_code", "reason"]] = ""
    rows.loc[taken, "route"], rows.loc[taken, "imputed"] = int(Route.FROM_P), True
    add_steps(rows, "derivation", taken, "SE from the printed bound of p")


def _oriented_contrasts(context: AnalysisContext) -> pd.DataFrame:
    """Contrasts of an experimental and a control arm, turned round where printed the other way."""
    contrasts, arms = context.summaries["contrasts"], context.arms
    matches = match_results(context, contrasts, context.specs)
    source = contrasts.take(matches["row"].to_numpy()).reset_index(drop=True)
    rows = pd.concat([matches.reset_index(drop=True), source], axis=1)
    for number in ("1", "2"):
        keys = rows[["analysis_index"]].assign(arm=rows[f"at_{number}"])
        rows[f"side_{number}"] = keys.merge(context.sides, on=["analysis_index", "arm"], how="left")["side"]
    forward = (rows["side_1"] == EXPERIMENTAL) & (rows["side_2"] == CONTROL)
    backward = (rows["side_1"] == CONTROL) & (rows["side_2"] == EXPERIMENTAL)
    rows, backward = rows[forward | backward].copy(), backward[forward | backward]
    sign = np.where(backward, -1.0, 1.0)
    rows["estimate"] = rows["estimate"] * sign
    bounds = rows[["printed_low", "printed_high"]].to_numpy(float) * sign[:, None]
    rows[["printed_low", "printed_high"]] = np.sort(bounds, axis=1)
    attributes, weight = _arm_attributes(arms), arms["stands_for"].to_numpy()
    for one, two, side in (("1", "2", "experimental"), ("2", "1", "control")):
        rows[f"n_{side}"] = np.where(backward, rows[f"n_{two}"], rows[f"n_{one}"])
        at = np.where(backward, rows[f"at_{two}"], rows[f"at_{one}"]).astype(int)
        rows[f"covered_{side}"] = weight[at]
        for name in ATTRIBUTES:
            rows[f"{name}_{side}"] = attributes[name].to_numpy()[at]
    adjusted = where_text(rows["adjusted"] == "yes", "adjusted")
    made = np.array([bool(own) and own[0].startswith(MADE) for own in rows["derivation"]], dtype=bool)
    how = np.where(made, "made of what is printed", "as printed").astype(object)
    printed = joined(adjusted, rows["measure"].str.replace("_", " "), how)
    turned = where_text(backward, "printed control minus experimental, turned round")
    rows["derivation"] = steps(printed, rows["derivation"], turned)
    return rows


def _scaled_contrasts(rows: pd.DataFrame, context: AnalysisContext) -> pd.DataFrame:
    """Contrasts with the `slope` that brings them on their analysis' scale; measures of events need none."""
    rows = with_scales(rows, context.catalogue)
    scale = scaling(rows, context.settings)
    of_events = np.isin(setting(context.settings, "measure", rows), [*OF_EVENTS, *OF_TIMES])
    rows["slope"] = np.where(of_events, 1.0, scale["slope"])
    for name in ("derivation", "cautions"):
        put(rows, name, ~of_events, steps(rows.loc[~of_events, name], scale.loc[~of_events, name]))
    differences = ~of_events & rows["measure"].isin(DIFFERENCES).to_numpy()
    refuse(rows, [(differences & (scale["reason_code"] != ""), scale["reason_code"], scale["reason"])])
    return rows
