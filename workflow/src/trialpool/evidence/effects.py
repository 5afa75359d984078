"""Effects and variances of paired arms and of published contrasts, on the scale of the analysis.

In: comparisons and contrasts on their analysis' scale (see `scales`). Out: the same with `effect`,
`variance`, or the reason why there is none. Which measure comes of what: see config/README.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pandas as pd

from trialpool import stats
from trialpool.evidence.derivation import (
    Case,
    Reason,
    Route,
    add_steps,
    fill,
    joined,
    number_text,
    refuse,
)
from trialpool.evidence.scales import DIFFERENCES
from trialpool.measures import (
    CORRELATIONS,
    MEASURES,
    OF_EVENTS,
    OF_RATES,
    OF_SPREADS,
    RATES,
    RATIOS,
    SIDES,
    Of,
)
from trialpool.stats.effect_sizes import HALF, crossover_smd

ODDS_RATIO = "odds_ratio"
T_STATISTIC = "t_statistic"  # a difference over its standard error
SAME_MEASURE = {
    "MD": DIFFERENCES,
    "SMD": ("smd", T_STATISTIC, *DIFFERENCES),
    "ROM": ("ratio_of_means",),
    "RR": ("risk_ratio",),
    "OR": (ODDS_RATIO,),
    "RD": ("risk_difference",),
    "HR": ("hazard_ratio",),
    "IRR": ("rate_ratio",),
    "IRD": ("rate_difference",),
    "GIV": ("generic",),
    "CVR": (),
    "VR": (),
}
COUNTS_ALONE = {  # what methods other than inverse variance are called where they do not take a result
    "mh": "Mantel–Haenszel's method",
    "peto": "Peto's method",
    "glmm": "a mixed model of events",
    "penalised": "penalised regression",
}
CORRECTED = "corrected"
OVER_TIME = "events over person-years, of which one person may have several"
PRINTED_LEVEL = 0.95  # of the published intervals that are shown as they are
FROM_DIFFERENCE = "SD from the SE of the difference"
OR_AS_SMD = "log odds ratio as SMD (×√3/π)"
MEAN_EFFECTS: Mapping[str, Callable[..., stats.Effects]] = {
    "MD": stats.mean_difference,
    "SMD": stats.standardized_mean_difference,
    "ROM": stats.ratio_of_means,
    "CVR": stats.log_cv_ratio,
    "VR": lambda m1, s1, n1, m2, s2, n2: stats.log_variability_ratio(s1, n1, s2, n2),
}
EVENT_EFFECTS: Mapping[str, Callable[..., stats.Effects]] = {
    "RR": stats.risk_ratio,
    "OR": stats.odds_ratio,
    "RD": stats.risk_difference,
    "IRR": stats.rate_ratio,
    "IRD": stats.rate_difference,
}


def continuous_effects(pairs: pd.DataFrame, settings: pd.DataFrame) -> pd.DataFrame:
    """Add `effect`, `variance`, `reason_code`, `reason` to comparisons of means (already on scale).

    `settings` are those of every analysis (see `match.AnalysisContext`).
    """
    spec = settings.take(pairs["analysis_index"].to_numpy())
    measure, smd_variance = spec["measure"].to_numpy(), spec["smd_variance"].to_numpy()
    pairs = pairs.assign(effect=np.nan, variance=np.nan, reason_code="", reason="")
    values = [pairs[f"{name}_{side}"].to_numpy(float) for side in SIDES for name in ("mean", "sd", "n")]
    m1, s1, n1, m2, s2, n2 = values
    small = (n1 + n2 < 5) | ~((n1 > 1) & (n2 > 1))
    rom, paired = measure == "ROM", pairs["design_r"].notna().to_numpy()
    spreads, bare = np.isin(measure, OF_SPREADS), (s1 <= 0) | (s2 <= 0)
    cases = (
        (~((s1 > 0) | (s2 > 0)), Reason.NO_SPREAD, "both arms print a spread of 0"),
        ((measure == "SMD") & small, Reason.TOO_FEW, "too few people to standardise by their SD"),
        (rom & ~(m1 * m2 > 0), Reason.NO_RATIO, "a ratio needs both means other than 0 and of one sign"),
        (rom & paired, Reason.CROSSOVER, "no ratio of means for the same people in both arms"),
        (spreads & paired, Reason.CROSSOVER, "no ratio of SDs for the same people in both arms"),
        (spreads & (bare | ~((n1 > 1) & (n2 > 1))), Reason.NO_SPREAD, "a ratio of SDs needs both above 0"),
        (
            (measure == "CVR") & ~((m1 > 0) & (m2 > 0)),
            Reason.NO_RATIO,
            "a coefficient of variation needs a mean above 0",
        ),
    )
    refuse(pairs, cases)
    usable = (pairs["reason_code"] == "").to_numpy()
    kinds = np.where(rom & spec["rom_corrected"].to_numpy(bool), CORRECTED, smd_variance)
    for name, kind in {*zip(measure[usable], kinds[usable], strict=True)}:
        rows = usable & (measure == name) & (kinds == kind)
        options = {"variance": kind} if name == "SMD" else {"corrected": True} if kind == CORRECTED else {}
        _put(pairs, rows, MEAN_EFFECTS[name](*(value[rows] for value in values), **options))
    for name in ("MD", "SMD"):
        rows = usable & paired & (measure == name)
        if rows.any():
            r = pairs.loc[rows, "design_r"].to_numpy(float)
            _put(pairs, rows, _of_the_same_people(name, [value[rows] for value in values], r))
    pairs["variance"] *= pairs["design_effect"]
    return pairs


def _of_the_same_people(measure: str, values: list[np.ndarray], r: np.ndarray) -> stats.Effects:
    """The same people in both arms: the difference's own variance, by the assumed correlation."""
    m1, s1, n1, m2, s2, n2 = values
    people = np.minimum(n1, n2)
    if measure == "MD":
        return stats.paired_effects(m1 - m2, stats.change_sd(s1, s2, r), people)
    return crossover_smd(m1 - m2, s1, s2, people, r)


def _put(table: pd.DataFrame, rows: np.ndarray, result: stats.Effects) -> None:
    fill(table, rows, effect=np.asarray(result.effect), variance=np.asarray(result.variance))


def event_effects(pairs: pd.DataFrame, settings: pd.DataFrame) -> pd.DataFrame:
    """Add `effect`, `variance`, `reason_code`, `reason` to comparisons of events; says where ½ was added.

    Trials without any event in both arms (or with nothing else) tell nothing about a ratio and are left out
    (Cochrane Handbook 10.4.4.1). Events over person-years are occurrences, of which rates are made, and
    nothing else; of events among people no rate and no hazard is.
    """
    spec = settings.take(pairs["analysis_index"].to_numpy())
    wanted, zero = spec["measure"].to_numpy(), spec["zero_cells"].to_numpy(object)
    measure, method = np.where(wanted == "SMD", "OR", wanted), spec["method"].to_numpy()
    pairs = pairs.assign(effect=np.nan, variance=np.nan, reason_code="", reason="")
    zero = np.where((zero == 0) | (zero == "none"), np.where(method == "iv", 0, HALF), zero)
    refuse(pairs, _not_countable(pairs, measure, zero, method))
    usable = (pairs["reason_code"] == "").to_numpy()
    of_rates = np.isin(measure, OF_RATES)
    for name, add in {*zip(measure[usable], zero[usable], strict=True)}:
        rows = usable & (measure == name) & (zero == add)
        each = ("events", "person_years" if name in OF_RATES else "n")
        counts = [pairs.loc[rows, f"{kind}_{side}"].to_numpy(float) for side in SIDES for kind in each]
        _put(pairs, rows, EVENT_EFFECTS[name](*counts, zero_cells=add))
    pairs["variance"] *= pairs["design_effect"]
    filled = usable & _empty(pairs, of_rates) & (zero != 0)
    words = [_added(*each) for each in zip(zero[filled], of_rates[filled], method[filled], strict=True)]
    add_steps(pairs, "derivation", filled, words)
    sign = np.where(pairs["better"].to_numpy() == spec["better"].to_numpy(), 1.0, -1.0)
    or_to_smd(pairs, usable & (wanted == "SMD"), sign)
    return pairs


def _empty(pairs: pd.DataFrame, of_rates: np.ndarray) -> np.ndarray:
    """Whether an arm has no event or, of people, nothing else."""
    e1, n1, e2, n2 = (pairs[f"{name}_{side}"].to_numpy(float) for side in SIDES for name in ("events", "n"))
    return np.asarray((e1 == 0) | (e2 == 0) | (~of_rates & ((e1 == n1) | (e2 == n2))))


def _added(zero_cells: float | str, of_rates: bool, method: str) -> str:
    """What was done to a table with an empty cell; it is pooled as it is by methods of counts."""
    number = number_text(HALF if isinstance(zero_cells, str) else zero_cells)
    what = "the arm's share of both arms" if zero_cells == "treatment_arm" else number
    where = "the events of both arms" if of_rates else "each cell"
    own = "" if method == "iv" or (method, zero_cells) == ("mh", "revman") else ", for its own interval alone"
    return f"{what} added to {where}{own}"


def _not_countable(
    pairs: pd.DataFrame, measure: np.ndarray, zero: np.ndarray, method: np.ndarray
) -> Iterator[Case]:
    """Why a comparison of events gives no effect, the first reason first."""
    e1, n1, e2, n2 = (pairs[f"{name}_{side}"].to_numpy(float) for side in SIDES for name in ("events", "n"))
    times = np.array([pairs[f"person_years_{side}"].to_numpy(float) for side in SIDES])
    of_rates, ratio = np.isin(measure, OF_RATES), np.isin(measure, RATIOS)
    of_people, timed = np.isin(measure, OF_EVENTS), ~np.isnan(times).any(0)
    none = "no event in either arm: nothing to tell about a ratio"
    names = [f"events of two arms: no {MEASURES[code].name} comes of counts" for code in measure]
    yield ~(of_people | of_rates), Reason.OTHER_MEASURE, np.array(names, dtype=object)
    yield of_rates & ~timed, Reason.NO_NUMBERS, "time at risk not reported: no rate comes of it"
    yield of_people & ~np.isnan(times).all(0), Reason.OTHER_MEASURE, OVER_TIME
    yield ratio & (e1 + e2 == 0), Reason.NO_EVENTS, none
    everybody = "everybody had the event in both arms"
    yield ratio & of_people & (e1 + e2 == n1 + n2), Reason.ALL_EVENTS, everybody
    yield (n1 < 1) | (n2 < 1) | (of_rates & ~(times > 0).all(0)), Reason.NO_PEOPLE, "an arm without people"
    yield (
        _empty(pairs, of_rates) & (zero == 0),
        Reason.ZERO_CELLS,
        "an empty cell, and zero_cells adds nothing",
    )
    clustered = (method != "iv") & (pairs["design_effect"].to_numpy(float) != 1)
    words = [
        f"clusters widen the variance, which {COUNTS_ALONE.get(name, name)} does not take" for name in method
    ]
    yield clustered, Reason.CLUSTER, np.array(words, dtype=object)


def events_of_one_group(groups: pd.DataFrame, settings: pd.DataFrame) -> pd.DataFrame:
    """Add `effect`, `variance`, `reason_code`, `reason` to the events of one group each.

    Proportions are of people, rates of person-years. Where nobody, or everybody, had the event, `zero_cells`
    is added as the scale needs it; the arcsine and the square root need nothing.
    """
    spec = settings.take(groups["analysis_index"].to_numpy())
    measure, method = spec["measure"].to_numpy(), spec["method"].to_numpy()
    groups = groups.assign(effect=np.nan, variance=np.nan, reason_code="", reason="")
    events, n, years = (groups[f"{name}_experimental"] for name in ("events", "n", "person_years"))
    of_rates, counted = np.isin(measure, RATES), method != "iv"
    zero = np.array([float(stats.effect_sizes.rule_of(each)[1]) for each in spec["zero_cells"]])
    zero = np.where((zero == 0) & counted, HALF, zero)
    empty = ((events == 0) | (~of_rates & (events == n))).to_numpy() & ~np.isin(measure, ("PAS", "IRS"))
    clustered = counted & (groups["design_effect"].to_numpy(float) != 1)
    cases = (
        (of_rates & years.isna(), Reason.NO_NUMBERS, "time at risk not reported: no rate comes of it"),
        (~of_rates & years.notna(), Reason.OTHER_MEASURE, OVER_TIME),
        ((n < 1) | (of_rates & ~(years > 0)), Reason.NO_PEOPLE, "a group without people"),
        (
            empty & (zero == 0),
            Reason.ZERO_CELLS,
            "nobody, or everybody, had the event; zero_cells adds nothing",
        ),
        (
            clustered,
            Reason.CLUSTER,
            "clusters widen the variance, which a mixed model of events does not take",
        ),
    )
    refuse(groups, cases)
    usable = (groups["reason_code"] == "").to_numpy()
    for code, add in {*zip(measure[usable], zero[usable], strict=True)}:
        rows = usable & (measure == code) & (zero == add)
        make, size = (stats.rate, years) if code in RATES else (stats.proportion, n)
        _put(groups, rows, make(events[rows], size[rows], scale=code, zero_cells=add))
    groups["variance"] *= groups["design_effect"]
    filled = usable & empty
    own = np.where(counted, ", for its own interval alone", "")
    words = [f"{number_text(add)} added to each cell{more}" for add, more in zip(zero, own, strict=True)]
    add_steps(groups, "derivation", filled, np.array(words, dtype=object)[filled])
    return groups


def means_of_one_group(groups: pd.DataFrame, settings: pd.DataFrame) -> pd.DataFrame:
    """Add `effect`, `variance` and, beside the reasons that are there, others to values of one group each.

    Means, changes (by the SD of the change, or by `sd_before`), or correlations, on their analysis' scale.
    """
    measure = settings["measure"].to_numpy()[groups["analysis_index"].to_numpy()]
    groups = groups.assign(effect=np.nan, variance=np.nan)
    mean, sd, n = (groups[f"{name}_experimental"].to_numpy(float) for name in ("mean", "sd", "n"))
    before, after = (groups[name].to_numpy(float) for name in ("sd_before", "sd_after"))
    after, correlated = np.where(np.isnan(after), before, after), np.isin(measure, CORRELATIONS)
    raw, r = measure == "SMCR", (before**2 + after**2 - sd**2) / (2 * before * after)
    cases = (
        (~correlated & ~(sd > 0), Reason.NO_SPREAD, "a spread of 0"),
        (~correlated & (n < 3), Reason.TOO_FEW, "fewer than three people"),
        (correlated & (n < 4), Reason.TOO_FEW, "fewer than four people"),
        (correlated & (abs(mean) >= 1), Reason.IMPOSSIBLE, "a correlation of one"),
        ((measure == "MNLN") & ~(mean > 0), Reason.NO_RATIO, "a logarithm needs a mean above 0"),
        (raw & ~(before > 0), Reason.NO_SPREAD, "no SD before, by which the change is standardised"),
        (
            raw & ~((r > -1) & (r < 1)),
            Reason.BAD_SPREAD,
            "the SDs before, after and of the change do not fit",
        ),
    )
    refuse(groups, cases)
    usable = (groups["reason_code"] == "").to_numpy()
    for code in dict.fromkeys(measure[usable]):
        rows = usable & (measure == code)
        numbers = (column[rows] for column in (mean, sd, n, before, r))
        _put(groups, rows, _of_values(code, *numbers))
    groups["variance"] *= groups["design_effect"]
    groups["mean_experimental"] = np.where(correlated, np.nan, mean)  # the effect says it
    return groups


def _of_values(
    code: str, mean: np.ndarray, sd: np.ndarray, n: np.ndarray, before: np.ndarray, r: np.ndarray
) -> stats.Effects:
    """One group's means, changes or correlations (as `mean`) by a measure."""
    if code in CORRELATIONS:
        return stats.correlation(mean, n, scale=code)
    if code == "MC":
        return stats.paired_effects(mean, sd, n)
    if code == "SMCR":
        return stats.standardized_mean_change(mean, 0.0 * mean, before, n, r)
    if code == "SMCC":  # the SD of the change is that of two points in time with this SD and r = ½
        return stats.standardized_mean_change(mean, 0.0 * mean, sd, n, 0.5, sd2=sd)
    return stats.single_mean(mean, sd, n, scale=code)


def or_to_smd(table: pd.DataFrame, rows: np.ndarray, sign: np.ndarray) -> None:
    """Turn log odds ratios in `effect`, `variance` into SMDs in place in some rows, with their direction."""
    result = stats.log_odds_ratio_to_smd(table.loc[rows, "effect"], table.loc[rows, "variance"])
    _put(table, rows, result)
    fill(table, rows, effect=table["effect"] * sign, route=int(Route.CONVERTED), imputed=True)
    add_steps(table, "derivation", rows, np.where(sign[rows] < 0, f"{OR_AS_SMD}, sign reversed", OR_AS_SMD))


def contrast_effects(rows: pd.DataFrame, settings: pd.DataFrame) -> pd.DataFrame:
    """Add `effect`, `variance`, `reason_code`, `reason` to oriented contrasts with their `slope`.

    `estimate` is experimental minus (or over) control; `n_experimental`, `n_control` may be NaN.
    """
    spec = settings.take(rows["analysis_index"].to_numpy())
    measure, printed = spec["measure"].to_numpy(), rows["measure"].to_numpy()
    same = np.array([p in SAME_MEASURE[m] for m, p in zip(measure, printed, strict=True)], dtype=bool)
    n1, n2 = rows["n_experimental"].to_numpy(float), rows["n_control"].to_numpy(float)
    from_difference = (measure == "SMD") & np.isin(printed, [T_STATISTIC, *DIFFERENCES])
    converts = np.array([ODDS_RATIO in (convert or ()) for convert in spec["convert"]], dtype=bool)
    from_odds = (printed == ODDS_RATIO) & (measure == "SMD") & converts
    adjusted = (rows["adjusted"] == "yes").to_numpy()
    numbers = (n1 >= 2) & (n2 >= 2) & (n1 + n2 >= 5)
    own_sd = from_difference & numbers & ~adjusted
    borrow = from_difference & ~own_sd & spec["borrow_sd"].to_numpy(dtype=bool)
    borrow &= rows["sd_borrowed"].notna().to_numpy() & (printed != T_STATISTIC)
    bare = from_difference & ~borrow
    other = np.array([_other(name, code) for name, code in zip(printed, measure, strict=True)], dtype=object)
    method = spec["method"].to_numpy()
    counted = [f"no counts of events, which {COUNTS_ALONE.get(name, name)} needs" for name in method]
    cases = (
        (~(same | from_odds), Reason.OTHER_MEASURE, other),
        (method != "iv", Reason.OTHER_MEASURE, np.array(counted, dtype=object)),
        (bare & adjusted, Reason.ADJUSTED, "an adjusted difference gives no SD to standardise by"),
        (bare & ~numbers, Reason.NO_N, "numbers of people unknown, so no SD to standardise by"),
    )
    rows = rows.assign(effect=np.nan, variance=np.nan, reason_code="", reason="")
    refuse(rows, cases)
    usable = (rows["reason_code"] == "").to_numpy()
    slope = rows["slope"].to_numpy(float)
    plain, sign = usable & ~from_difference, np.sign(slope)
    scale_free = np.isin(measure, [*RATIOS, *OF_EVENTS, *OF_RATES]) | from_odds
    factor = np.where(scale_free, 1.0, np.where(measure == "SMD", sign, slope))
    fill(rows, plain, effect=rows["estimate"] * factor, variance=(rows["se"] * factor) ** 2)
    bounds = np.sort(rows[["printed_low", "printed_high"]].to_numpy(float) * factor[:, None], axis=1)
    bounds[np.isin(measure, RATIOS)] = np.exp(bounds[np.isin(measure, RATIOS)])
    bounds[~plain | from_odds | (spec["level"].to_numpy(float) != PRINTED_LEVEL)] = np.nan
    rows[["printed_low", "printed_high"]] = bounds
    or_to_smd(rows, usable & from_odds, sign)
    _by_own_sd(rows, usable & own_sd, n1, n2, sign)
    _by_borrowed_sd(rows, usable & borrow, sign)
    return rows


def _other(printed: str, measure: str) -> str:
    """Why a result published as another measure is not used; ratios that look alike are told apart."""
    of_times = MEASURES[measure].of in (Of.TIMES, Of.ANYTHING)
    more = f", which is never taken for a {MEASURES[measure].name}" if of_times else ""
    return f"published as {printed.replace('_', ' ')}{more}"


def _by_borrowed_sd(table: pd.DataFrame, rows: np.ndarray, sign: np.ndarray) -> None:
    """Printed differences over an SD pooled over other trials, which is taken as known."""
    part = table[rows]
    effect = part["estimate"] * sign[rows] / part["sd_borrowed"]
    variance = (part["se"] / part["sd_borrowed"]) ** 2
    fill(table, rows, effect=effect, variance=variance, route=int(Route.BORROWED), imputed=True)
    add_steps(table, "derivation", rows, joined("over the SD pooled over", part["borrowed_from"]))


def _by_own_sd(
    table: pd.DataFrame, rows: np.ndarray, n1: np.ndarray, n2: np.ndarray, sign: np.ndarray
) -> None:
    """Hedges' g of printed differences, by the SD that their SE implies."""
    part, ones, twos = table[rows], n1[rows], n2[rows]
    sd = stats.sd_from_difference_se(part["se"], ones, twos)
    difference, zero = part["estimate"].to_numpy(float) * sign[rows], np.zeros(len(part))
    _put(table, rows, stats.standardized_mean_difference(difference, sd, ones, zero, sd, twos))
    assumed = part["assumed_n"].to_numpy(dtype=bool)
    table.loc[rows, "imputed"] = assumed
    words = np.where(assumed, f"{FROM_DIFFERENCE}, n = randomised", FROM_DIFFERENCE)
    add_steps(table, "derivation", rows, words)
