"""From the evidence tables to summaries on which every analysis can draw, whatever it asks.

In: tables as `evidence.read` hands them over. Out: `arms` (mean, SD and n of every arm, outcome and time),
`contrasts` (estimate and standard error of a difference between two arms, ratios as logarithms) and `events`
(events among n people): one row for every row read, usable or with the reason why not, each with its route
(see `derivation.Route`; the rules stand in config/README.md). Nothing is rescaled, aligned or chosen here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from scipy.special import ndtri

from trialpool.contracts import (
    ANY_LEVEL,
    ARM_SUMMARIES,
    CONTRAST_SUMMARIES,
    EVENT_SUMMARIES,
    INTERVALS,
    LOG,
    RATIO_CONTRASTS,
)
from trialpool.evidence.change_scores import with_change_scores
from trialpool.evidence.derivation import (
    SHOW_ONLY,
    Reason,
    Route,
    add_steps,
    fill,
    joined,
    no_text,
    plain_text,
    refuse,
    steps,
    where_text,
    with_randomised,
)
from trialpool.evidence.unit_of_analysis import FIRST_PERIOD
from trialpool.records import Steps
from trialpool.stats import mean_sd_from_quartiles, sd_from_ci, sd_from_se, se_from_ci, se_from_p
from trialpool.vocabulary import Vocabulary, general

COUNTED = {
    "": "events as printed",
    "percentage": "events worked out from the printed percentage",
    "complement": "events = people less those printed without the event",
}  # by the column `count_from`
CORRELATION = "correlation"  # what stands in place of a mean
FEWEST_FOR_QUANTILES = 5
QUANTILES = (("iqr", ("q1", "q3"), "quartiles"), ("range", ("minimum", "maximum"), "range"))
NO_MEDIAN = "skewness cannot be judged without the median"
RESULT = ["study_id", "instrument", "item", "unit", "weeks", "timepoint", "period"]
KIND = {"mean_difference": "final", "change_difference": "change"}
NORMAL = (*RATIO_CONTRASTS, "smd", "risk_difference", "rate_difference", "generic")
OF_TIME = ("hazard_ratio", "rate_ratio")  # what a log-rank test is of
LOG_RANK = "log_rank"
FROM_EXCESS = "log ratio = (O − E)/V"  # Yusuf et al. 1985; Parmar, Torri & Stewart 1998
FROM_EVENTS = "SE from the events of both arms, √(1/events + 1/events)"  # Parmar 1998; Tierney et al. 2007
FROM_ALL_EVENTS = "SE from all events and the people in each arm, 1/√V with V = {}"
SHARED_V = "all events·n·n/(n + n)²"  # of an allocation of n to n people; the same
FROM_P_AND_EVENTS = "log ratio = z/√V from p = {} and V = {}"  # the same
EACH_V = "events·events/all events"
ASYMMETRY = 0.1  # of the half-width: beyond what rounding of the three numbers usually makes
EXACT_P = r"^=? ?(0?\.\d+)$"
P_BELOW = r"^[<≤] ?(0?\.\d+)$"
PRINTED = "ci95"  # the interval that a trial's row shows as it was published
LARGE_P = 0.5
FROM_T_TEST = "SE rests on a p-value taken as that of a t-test"
FROM_Z_TEST = "SE rests on a p-value taken as that of a normal test"
IMPRECISE = "the p-value is large, so rounding of it and of the difference weighs heavily"


def harmonise(
    tables: Mapping[str, pd.DataFrame], vocabulary: Vocabulary | None = None
) -> dict[str, pd.DataFrame]:
    """Arm summaries, contrasts and events of the evidence tables, by these names."""
    studies = plain_text(tables["studies"]).set_index("study_id", drop=False)
    doubts = studies["setting_note"].where(studies["report_status"] != "", "")
    summaries = {
        "arms": (_arm_summaries(tables), ARM_SUMMARIES),
        "contrasts": (_contrast_summaries(tables, studies), CONTRAST_SUMMARIES),
        "events": (_event_summaries(tables, vocabulary or general()), EVENT_SUMMARIES),
    }
    harmonised = {}
    for name, (table, contract) in summaries.items():
        table["reading"] = table["reading"].where(table["reading"] != "", "single")
        # every clause of a note, and of a doubt about the report of the study, is a caution of its own
        notes = zip(table["note"], table["study_id"].map(doubts).fillna(""), strict=True)
        clauses = [Steps.parse(note) + Steps.parse(doubt) for note, doubt in notes]
        table["cautions"] = steps(table["cautions"], clauses)
        harmonised[name] = table.assign(usable=table["reason_code"] == "")[list(contract.names)]
    return harmonised


def _arm_summaries(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Rows of continuous.csv, then reconstructed rows; baselines included, for the audit.

    `sd_before` and `sd_after` are the SDs from which the SD of a change can be made; such rows have the route
    CORRELATION and no `sd` yet, because the correlation may be a setting of the analysis.
    """
    rows = plain_text(tables["continuous"])
    rows["n"], assumed = with_randomised(rows, tables["arms"])
    table = rows.rename(columns={"measure": "kind", "row_id": "row_ids"})
    table = table.join(centre_and_spread(rows)).assign(imputed=assumed)
    _correlations(table)
    table["derivation"] = steps(table["derivation"], where_text(assumed, "n = randomised"))
    refuse(table, [(table["use"] == SHOW_ONLY, Reason.HELD_BACK, table["use_reason"])], override=True)
    return with_change_scores(table)


def _correlations(table: pd.DataFrame) -> None:
    """Correlations of two things in an arm, in place of its mean; their spread follows from n."""
    rows = table["centre_type"] == CORRELATION
    if rows.any():
        silent = {"reason_code": "", "reason": "", "cautions": ""}
        fill(
            table, rows, kind=CORRELATION, mean=table["centre"], derivation="correlation as printed", **silent
        )
        refuse(table, [(rows & table["n"].isna(), Reason.NO_N, "number of people not reported")])


def _event_summaries(tables: Mapping[str, pd.DataFrame], vocabulary: Vocabulary) -> pd.DataFrame:
    """One row a row of events.csv; the outcome's code stands in `instrument`."""
    rows = plain_text(tables["events"])
    rows["n"], assumed = with_randomised(rows, tables["arms"])
    usual = rows["domain"].isin(vocabulary.events("higher")).map({True: "higher", False: "lower"})
    table = rows.rename(columns={"outcome": "instrument", "row_id": "row_ids"}).assign(
        **{"item": "", "unit": "events", "kind": "events", "route": int(Route.PRINTED)},
        better=rows["better"].where(rows["better"] != "", usual),
        reconstructed=False,
        worked_out=rows["count_from"] != "",
        imputed=assumed,
        derivation=steps(rows["count_from"].map(COUNTED), where_text(assumed, "n = randomised")),
        cautions="",
    )
    cases = (
        (rows["use"] == SHOW_ONLY, Reason.HELD_BACK, rows["use_reason"]),
        (
            (rows["events"] > rows["n"]) & rows["person_years"].isna(),
            Reason.IMPOSSIBLE,
            "more events than people",
        ),
        (rows["events"].isna(), Reason.NO_NUMBERS, "number of events not reported"),
        (rows["n"].isna(), Reason.NO_N, "number of people not reported"),
    )
    refuse(table, cases)
    return table


def centre_and_spread(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean and SD of every row of continuous.csv, with the route taken.

    `rows` has the codebook's columns with text as plain strings and `n` filled. Returns, on the same index,
    `mean`, `sd`, `route`, `derivation`, `cautions`, `reason_code`, `reason` (codes "" where usable). Medians
    are refused where Shi's 2023 statistic says that the data are too skewed, and for fewer than 5 people;
    quartiles or a range beside a mean give the SD alone.

    >>> row = {"centre_type": "mean", "centre": 2.0, "spread_type": "se", "spread_low": 0.5,
    ...        "spread_high": np.nan, "n": 16.0}
    >>> out = centre_and_spread(pd.DataFrame([row]))
    >>> float(out["sd"].iloc[0]), out["derivation"].iloc[0]
    (2.0, 'SD from SE, n = 16')
    """
    out = pd.DataFrame({"mean": np.nan, "sd": np.nan, "route": int(Route.PRINTED)}, index=rows.index)
    for name in ("derivation", "cautions", "reason_code", "reason"):
        out[name] = no_text(len(rows))
    is_mean, of_model = rows["centre_type"].isin(["mean", "lsmean"]), rows["centre_type"] == "lsmean"
    spread, low, high, n = (rows[name] for name in ("spread_type", "spread_low", "spread_high", "n"))
    fill(out, is_mean, mean=rows["centre"])
    printed = is_mean & (spread == "sd")
    words = np.where(of_model, "least-squares mean and SD as printed", "mean and SD as printed")
    fill(out, printed, sd=low, derivation=words[printed])
    from_se = is_mean & (spread == "se") & n.notna()
    fill(out, from_se, sd=sd_from_se(low[from_se], n[from_se]), route=int(Route.ALGEBRA))
    words = np.where(of_model, "SD from SE of the least-squares mean, n = ", "SD from SE, n = ") + _whole(n)
    fill(out, from_se, derivation=words[from_se])
    names = _interval_names(rows)
    interval = is_mean & (names != "") & (n >= 2) & (high >= low)
    for code in spread[interval].unique():
        some = interval & (spread == code)
        fill(out, some, sd=sd_from_ci(low[some], high[some], n[some], level=INTERVALS[code]))
    words = "SD from " + names + " with t, n = " + _whole(n)
    cautions = _interval_cautions(rows["centre"], low, high, names)
    fill(out, interval, route=int(Route.ALGEBRA), derivation=words, cautions=cautions[interval])
    quantiles = spread.isin(["iqr", "range"])
    _from_quantiles(rows, out, quantiles & (n >= FEWEST_FOR_QUANTILES), is_mean)
    _without_spread(rows, out, is_mean, quantiles)
    return out


def _whole(numbers: pd.Series) -> pd.Series:
    return numbers.map("{:.0f}".format).astype(object)


def _from_quantiles(rows: pd.DataFrame, out: pd.DataFrame, mask: pd.Series, is_mean: pd.Series) -> None:
    """Mean and SD from a median with its bounds; beside a mean the bounds give the SD alone."""
    centre = rows["centre"].where(~is_mean, (rows["spread_low"] + rows["spread_high"]) / 2)
    ordered = (rows["spread_low"] <= centre) & (centre <= rows["spread_high"])
    mask = mask & ordered & (rows["spread_high"] > rows["spread_low"])
    for kind, names, words in QUANTILES:
        chosen = mask & (rows["spread_type"] == kind)
        if not chosen.any():
            continue
        part, beside_mean = rows[chosen], is_mean[chosen].to_numpy()
        bounds = dict(zip(names, (part["spread_low"], part["spread_high"]), strict=True))
        result = mean_sd_from_quartiles(centre[chosen], part["n"], **bounds)
        skewed = np.asarray(result.skewed)
        mean = np.where(beside_mean, part["centre"], result.mean)
        made = np.where(
            beside_mean, "mean as printed, SD (Wan) from", "mean (Luo) and SD (Wan) from median and"
        )
        refused = f"median and {words} too skewed for a mean and SD (Shi statistic {{:.3f}}, limit {{:.3f}})"
        reasons = map(refused.format, result.skewness, result.critical)
        fill(
            out,
            chosen,
            mean=np.where(skewed, np.nan, mean),
            sd=np.where(skewed, np.nan, result.sd),
            route=int(Route.QUANTILES),
            derivation=joined(made, f"{words}, n =", _whole(part["n"])),
            cautions=where_text(beside_mean, NO_MEDIAN),
            reason_code=where_text(skewed, Reason.SKEWED.value),
            reason=where_text(skewed, pd.Series(list(reasons), dtype=object)),
        )


def _without_spread(rows: pd.DataFrame, out: pd.DataFrame, is_mean: pd.Series, quantiles: pd.Series) -> None:
    """Say why a row has no mean, SD and n, the first reason that applies."""
    no_n = rows["n"].isna()
    no_sd = ~(out["sd"] > 0) | no_n
    few = ~no_n & quantiles & (rows["n"] < FEWEST_FOR_QUANTILES)
    bounds = rows["spread_low"].notna() & rows["spread_high"].notna()
    bare = rows["spread_type"].isin(["none", ""]) & is_mean
    cases = (
        (out["sd"] == 0, Reason.NO_SPREAD, "the printed spread is 0, which gives no weight"),
        (bare, Reason.NO_SPREAD, "mean without a spread"),
        (~is_mean & ~quantiles, Reason.NO_SPREAD, "median without quartiles or range"),
        (no_n, Reason.NO_N, "number of people not reported"),
        (few, Reason.TOO_FEW, "fewer than 5 people: nothing to be told from quantiles"),
        (quantiles & bounds, Reason.BAD_SPREAD, "median or mean outside its bounds, or bounds equal"),
        (no_sd, Reason.NO_SPREAD, "spread incomplete"),
    )
    refuse(out, [(no_sd & mask, code, words) for mask, code, words in cases])


def _contrast_summaries(tables: Mapping[str, pd.DataFrame], studies: pd.DataFrame) -> pd.DataFrame:
    """One row a row of contrasts.csv, ratios as logarithms.

    `df` is NaN where normal quantiles were used; `n_1` and `n_2` are the people analysed, else randomised.
    """
    rows = plain_text(tables["contrasts"])
    rows["n_1"], first = with_randomised(rows, tables["arms"], "n_1", "arm_1")
    rows["n_2"], second = with_randomised(rows, tables["arms"], "n_2", "arm_2")
    table = rows.rename(columns={"row_id": "row_ids"}).assign(
        **{"se": np.nan, "imputed": False, "reason_code": "", "reason": ""},
        df=_freedom(rows, studies),
        route=np.where(rows["adjusted"] == "yes", int(Route.ADJUSTED), int(Route.CONTRAST)),
        assumed_n=first | second,
        derivation=steps(no_text(len(rows))),
    )
    _from_means(table, plain_text(tables["continuous"]))
    _to_logs(table)
    _from_times(table)
    for name in ("low", "high"):
        table[f"printed_{name}"] = table[f"spread_{name}"].where(table["spread_type"] == PRINTED)
    table["se_bound"] = _se_at_bound(table)
    _standard_errors(table)
    _without_se(table)
    return table


def _se_at_bound(table: pd.DataFrame) -> pd.Series:
    """The SE of a difference at the bound of a p printed as an inequality: conservative (Handbook 6.3.2)."""
    value = _tested_p(table, P_BELOW)
    known = value.notna() & (table["estimate"].abs() > 0)
    by_t = table["df"].notna() & ~table["measure"].isin(NORMAL)
    out = pd.Series(np.nan, index=table.index)
    for rows, df in ((known & by_t, table["df"][known & by_t]), (known & ~by_t, None)):
        out[rows] = se_from_p(table.loc[rows, "estimate"], value[rows], df=df)
    return out


def _freedom(rows: pd.DataFrame, studies: pd.DataFrame) -> pd.Series:
    """Degrees of freedom: n1 + n2 - 2, in a crossover trial (the same people twice) n - 1; NaN if unknown.

    In its first period a crossover trial is one of two groups.
    """
    crossover = rows["study_id"].isin(studies.loc[studies["design"] == "crossover", "study_id"])
    crossover &= rows["period"] != FIRST_PERIOD
    total = rows["n_1"] + rows["n_2"] - 2
    freedom = total.where(~crossover, np.minimum(rows["n_1"], rows["n_2"]) - 1)
    return freedom.where(freedom > 0)


def _from_means(table: pd.DataFrame, continuous: pd.DataFrame) -> None:
    """The difference of two printed means, where a paper prints their p-value but not their difference."""
    missing = table["estimate"].isna() & (table["spread_type"] == "none") & table["measure"].isin(list(KIND))
    if not missing.any():
        return
    part = table.loc[missing, [*RESULT, "arm_1", "arm_2", "measure"]]
    part = part.assign(measure=part["measure"].map(KIND))
    means = continuous[continuous["centre_type"].isin(["mean", "lsmean"])]
    means = means.drop_duplicates([*RESULT, "measure", "arm"])
    first, second = (
        part.merge(
            means, how="left", left_on=[*RESULT, "measure", arm], right_on=[*RESULT, "measure", "arm"]
        ).set_index(part.index)[["centre", "row_id"]]
        for arm in ("arm_1", "arm_2")
    )
    difference = (first["centre"] - second["centre"]).dropna()
    rows = difference.index
    table.loc[rows, "estimate"] = difference
    add_steps(table, "derivation", table.index.isin(rows), "difference of the arms' printed means")
    ids = (table.loc[rows, "row_ids"], first.loc[rows, "row_id"], second.loc[rows, "row_id"])
    table.loc[rows, "row_ids"] = joined(*ids)


def _to_logs(table: pd.DataFrame) -> None:
    """Ratios and their limits as logarithms; a missing estimate as the midpoint of its interval."""
    printed = table["measure"].str.startswith(LOG)  # as logarithms
    table["measure"] = table["measure"].str.removeprefix(LOG)
    add_steps(table, "derivation", printed, "logarithm as printed")
    log = table["measure"].isin(RATIO_CONTRASTS) & ~printed
    for name in ("estimate", "spread_low", "spread_high"):
        if name == "spread_low":
            log = log & (table["spread_type"] != "se")  # a printed SE of a ratio is that of its logarithm
        positive, impossible = log & (table[name] > 0), log & (table[name] <= 0)
        table.loc[positive, name] = np.log(table.loc[positive, name])
        refuse(table, [(impossible, Reason.IMPOSSIBLE, "a ratio of 0 or below")])
    low, high = table["spread_low"], table["spread_high"]
    interval = table["spread_type"].isin([*INTERVALS, ANY_LEVEL]) & (high >= low)
    missing = table["estimate"].isna() & interval
    table.loc[missing, "estimate"] = (low + high) / 2
    names = _interval_names(table)
    add_steps(table, "derivation", missing, "estimate = midpoint of its " + names[missing])
    odd = _interval_cautions(table["estimate"], low, high, names)
    table["cautions"] = steps(where_text(interval & ~missing & table["estimate"].notna(), odd))


def _interval_names(rows: pd.DataFrame) -> pd.Series:
    """What the interval of each row is called, "" where the spread is none."""
    names = {code: f"{100 * level:g}% CI" for code, level in INTERVALS.items()}
    named = rows["spread_type"].map(names).fillna("").astype(object)
    own = rows["spread_type"] == ANY_LEVEL
    return named.mask(own, [f"{100 * level:g}% CI" for level in rows["level"]] if own.any() else "")


def _interval_cautions(estimate: pd.Series, low: pd.Series, high: pd.Series, name: pd.Series) -> np.ndarray:
    """What is odd about an interval: not around its estimate, or not symmetric beyond rounding."""
    half = (high - low) / 2
    off = (estimate - (low + high) / 2).abs()
    outside = off > half
    asymmetric = where_text(off > ASYMMETRY * half, name + " not symmetric about its estimate")
    return np.where(outside, "estimate outside its " + name, asymmetric).astype(object)


def _standard_errors(table: pd.DataFrame) -> None:
    """Fill `se` of a contrasts table in place, with `derivation`, `cautions`, `route`; `df` NaN if unused."""
    by_t = table["df"].notna() & ~table["measure"].isin(NORMAL)
    table["df"] = table["df"].where(by_t)
    known = table["estimate"].notna() & (table["reason_code"] == "")
    printed = known & (table["spread_type"] == "se")
    table.loc[printed, "se"] = table["spread_low"]
    table.loc[known & (table["measure"] == "t_statistic"), "se"] = 1.0  # the statistic is a difference in SEs
    add_steps(table, "derivation", printed & ~table["made"], "SE as printed")
    interval = known & (table["spread_high"] > table["spread_low"])
    p = _tested_p(table, EXACT_P)
    by_p = known & p.notna() & (table["spread_type"] == "none") & (table["estimate"] != 0)
    quantiles = _quantile_words(table)
    for by, df in ((by_t, table["df"]), (~by_t, None)):
        for code, level in [*_levels(table), ("none", None)]:
            rows = by & (interval if level else by_p) & (table["spread_type"] == code)
            rows &= (table["level"] == level) | (code != ANY_LEVEL)
            part, own = table[rows], None if df is None else df[rows]
            if level:
                se = se_from_ci(part["spread_low"], part["spread_high"], df=own, level=level)
                words = joined(f"SE from {100 * level:g}% CI", quantiles[rows])
            else:
                se = se_from_p(part["estimate"], p[rows], df=own)
                words = joined("SE from p =", part["p_value"].str.lstrip("= "), quantiles[rows])
            fill(table, rows, se=se)
            add_steps(table, "derivation", rows, words)
    fill(table, by_p, route=int(Route.FROM_P))
    add_steps(table, "cautions", by_p & table["measure"].isin(NORMAL), FROM_Z_TEST)
    add_steps(table, "cautions", by_p & ~table["measure"].isin(NORMAL), FROM_T_TEST)
    add_steps(table, "cautions", by_p & (p > LARGE_P), IMPRECISE)


def _levels(table: pd.DataFrame) -> Iterator[tuple[str, float]]:
    """The spread types that are intervals, with each level that one has."""
    yield from INTERVALS.items()
    own = table.loc[table["spread_type"] == ANY_LEVEL, "level"].dropna().unique() if "level" in table else ()
    yield from ((ANY_LEVEL, float(level)) for level in own)


def _from_times(table: pd.DataFrame) -> None:
    """Log ratios of the log-rank test's O − E and V, and of its p-value with the events of both arms.

    A ratio without any spread gets that of the events (an assumption, as is V of the second), of each arm, or
    of both together, divided as the people were: Parmar, Torri & Stewart 1998; Tierney et al. 2007, BioMed
    Central Trials 8: 16.
    """
    ratio, bare = table["measure"].isin(RATIO_CONTRASTS), table["spread_type"] == "none"
    excess = ratio & table["o_minus_e"].notna() & (table["variance"] > 0)
    spread = np.sqrt(table["variance"].where(excess))
    fill(table, excess, estimate=table["o_minus_e"] / table["variance"], spread_low=1 / spread)
    one, two, every = (table[f"events_{which}"] for which in ("1", "2", "total"))
    one, two = one.fillna(every - two), two.fillna(every - one)
    each, people = one * two / (one + two), table["n_1"] + table["n_2"]
    both = each.fillna(every * table["n_1"] * table["n_2"] / people**2)
    how = np.where(each.notna(), EACH_V, SHARED_V)
    known = ratio & bare & table["measure"].isin(OF_TIME) & (both > 0) & ~excess
    p = _tested_p(table, EXACT_P)
    tested = known & p.notna() & table["estimate"].isna() & (table["fewer_events"] != "")
    z = np.where(table["fewer_events"] == "arm_1", 1, -1) * ndtri(p.where(tested, 0.5) / 2)
    fill(table, tested, estimate=z / np.sqrt(both), spread_low=1 / np.sqrt(both))
    counted = known & table["estimate"].notna() & (table["p_value"] == "") & ~tested
    fill(table, counted, spread_low=1 / np.sqrt(both))
    add_steps(table, "derivation", excess, FROM_EXCESS)
    words = [FROM_P_AND_EVENTS.format(*values) for values in zip(p[tested], how[tested], strict=True)]
    add_steps(table, "derivation", tested, words)
    add_steps(table, "derivation", counted & each.notna(), FROM_EVENTS)
    add_steps(table, "derivation", counted & each.isna(), FROM_ALL_EVENTS.format(SHARED_V))
    fill(table, tested | counted, route=int(Route.FROM_P), imputed=True)
    table["made"] = excess | tested | counted
    table.loc[table["made"], "spread_type"] = "se"


def _tested_p(table: pd.DataFrame, form: str) -> pd.Series:
    """The p-value where it is printed in a form, strictly between 0 and 1, and of a t or normal test.

    The log-rank test of a ratio of hazards or rates is one: its statistic is the log ratio over its SE.
    """
    value = pd.to_numeric(table["p_value"].str.extract(form, expand=False), errors="coerce")
    of_time = (table["p_test"] == LOG_RANK) & table["measure"].isin(OF_TIME)
    return value.where((value > 0) & (value < 1) & ((table["p_test"] == "") | of_time))


def _quantile_words(table: pd.DataFrame) -> pd.Series:
    texts = [
        f"with t, df {df:.0f}{' (n = randomised)' if assumed else ''}" if df > 0 else "with normal quantiles"
        for df, assumed in zip(table["df"], table["assumed_n"], strict=True)
    ]
    return pd.Series(texts, index=table.index, dtype=object)


def _without_se(table: pd.DataFrame) -> None:
    """Say why a contrast cannot be used, the most telling reason first."""
    no_se = ~(table["se"] > 0)
    none = no_se & table["spread_type"].isin(["none", ""])
    p, unspecified = table["p_value"], table["measure"] == "effect_unspecified"
    cases = (
        (table["use"] == SHOW_ONLY, Reason.HELD_BACK, table["use_reason"]),
        (unspecified, Reason.UNSPECIFIED, "the paper does not say what the number is"),
        (table["estimate"].isna(), Reason.NO_NUMBERS, "no estimate and no interval"),
        (none & p.str.contains("<"), Reason.NO_SPREAD, "no interval, p only as an inequality"),
        (none & (p != ""), Reason.NO_SPREAD, "no interval, and its p-value gives no standard error"),
        (none, Reason.NO_SPREAD, "estimate without interval, standard error or exact p"),
        (no_se, Reason.NO_SPREAD, "interval or standard error without a width"),
    )
    refuse(table, cases)
